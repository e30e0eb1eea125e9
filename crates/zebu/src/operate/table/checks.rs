//! Counters compared with what they count.

use crate::operate::tool::{NO_LETTER, Opt, Realm, Shows, Tool, left, right};

/// Whose counter.
const WHOSE: &[Opt] = &[
    Opt::id("contextid", 'c', "That of this context, by its number").one_of("whose"),
    Opt::text("contextname", 'N', "That of this context, by its name").one_of("whose"),
    Opt::id("filestore", 'f', "That of all contexts on this file store").one_of("whose"),
    Opt::flag("all", 'a', "That of all contexts").one_of("whose"),
];

pub(super) static USAGE: Tool = Tool {
    name: "recalculatefilestoreusage",
    about: "Counts anew what contexts store, by which their quota is held",
    more: "Lists the contexts whose counter was wrong, in bytes; it is right afterwards. Users may go on writing meanwhile. Exit code \
           0 if all was right, 1 if something was wrong.",
    object: "file store usage",
    verb: "recalculated",
    realm: Realm::Master,
    options: &[WHOSE],
    takes: &[],
    shows: Shows::Table(&[
        right("context", "cid"),
        right("counted", "counted"),
        right("used", "used"),
        right("difference", "difference"),
    ]),
    example: "recalculatefilestoreusage -A oxadminmaster -P secret -c 1",
};

pub(super) static COUNTS: Tool = Tool {
    name: "checkcountsconsistency",
    about: "Checks how many contexts are counted on databases, schemas and file stores",
    more: "Lists the counts that are wrong: by them new contexts are placed. With --fix they are right afterwards, but for what is \
           not registered. Exit code 0 if all was right, 1 if something was wrong.",
    object: "counts",
    verb: "checked",
    realm: Realm::Master,
    options: &[&[Opt::flag("fix", NO_LETTER, "Mend what is wrong")]],
    takes: &[],
    shows: Shows::Table(&[
        left("what", "what"),
        right("id", "id"),
        left("name", "name"),
        right("counted", "counted"),
        right("there", "there"),
        left("state", "state"),
    ]),
    example: "checkcountsconsistency -A oxadminmaster -P secret --fix",
};
