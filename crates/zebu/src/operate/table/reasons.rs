//! Reasons: why contexts are disabled.

use crate::operate::options::SEARCH;
use crate::operate::tool::{Opt, Realm, Shows, Tool, left, right};

pub(super) static CREATE: Tool = Tool {
    name: "createreason",
    about: "Keeps a reason for which contexts are disabled",
    more: "",
    object: "reason",
    verb: "created",
    realm: Realm::Master,
    options: &[&[Opt::text("reason", 'r', "The reason, in words").needed()]],
    takes: &[],
    shows: Shows::Words,
    example: "createreason -A oxadminmaster -P secret -r \"unpaid\"",
};

pub(super) static LIST: Tool = Tool {
    name: "listreason",
    about: "Lists the reasons for which contexts are disabled",
    more: "",
    object: "reasons",
    verb: "listed",
    realm: Realm::Master,
    options: &[SEARCH],
    takes: &[],
    shows: Shows::Table(&[right("id", "Id"), left("text", "Text")]),
    example: "listreason -A oxadminmaster -P secret",
};

pub(super) static DELETE: Tool = Tool {
    name: "deletereason",
    about: "Forgets a reason",
    more: "Refused as long as contexts are disabled for it.",
    object: "reason",
    verb: "deleted",
    realm: Realm::Master,
    options: &[&[Opt::id("reasonid", 'i', "The reason's number").needed()]],
    takes: &[],
    shows: Shows::Words,
    example: "deletereason -A oxadminmaster -P secret -i 9",
};
