//! The admin daemon itself.

use crate::operate::tool::{Realm, Shows, Tool};

pub(super) static ALLPLUGINSLOADED: Tool = Tool {
    name: "allpluginsloaded",
    about: "Says by its exit code whether the admin daemon is ready: 0 yes, 1 not yet, 105 not there",
    more: "Prints nothing. Scripts wait with it after the daemon was started.",
    object: "daemon",
    verb: "asked",
    realm: Realm::Anybody,
    options: &[],
    takes: &[],
    shows: Shows::Nothing,
    example: "allpluginsloaded && echo ready",
};
