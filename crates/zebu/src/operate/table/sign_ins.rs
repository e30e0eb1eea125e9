//! How users sign in: what failed of it.

use super::users::WHICH;
use crate::operate::options::CONTEXT_ID;
use crate::operate::tool::{Opt, Realm, Shows, Tool, left, right};

pub(super) static LIST_FAILURES: Tool = Tool {
    name: "listloginfailures",
    about: "Lists failed sign-ins, as they are counted",
    more: "Counted are networks, accounts (0 if there is none such), both together, and devices from which an account was signed in to \
           before. wait: seconds that the next attempt of a stranger has to wait.",
    object: "failed sign-ins",
    verb: "listed",
    realm: Realm::Master,
    options: &[],
    takes: &[],
    shows: Shows::Table(&[
        left("kind", "Counted for"),
        right("context", "Context"),
        right("user", "User"),
        left("network", "Network"),
        right("failures", "Failures"),
        left("last_failure", "Last"),
        right("wait", "Wait"),
    ]),
    example: "listloginfailures -A oxadminmaster -P secret",
};

pub(super) static RESET_FAILURES: Tool = Tool {
    name: "resetloginfailures",
    about: "Forgets failed sign-ins, so that nobody has to wait for them",
    more: "Holds on every node at once.",
    object: "failed sign-ins",
    verb: "forgotten",
    realm: Realm::Master,
    options: &[&[
        Opt::id("context", 'c', "Those to the accounts of this context").one_of("which"),
        Opt::id("user", 'u', "In the context, only those to this user's"),
        Opt::text("network", 'n', "Those from this network, as it is listed").one_of("which"),
        Opt::flag("global", 'g', "All").one_of("which"),
    ]],
    takes: &[],
    shows: Shows::Words,
    example: "resetloginfailures -A oxadminmaster -P secret -c 1 -u 3",
};

pub(super) static RESET_SECOND_FACTOR: Tool = Tool {
    name: "resetsecondfactor",
    about: "Takes a user's second factor away",
    more: "For who lost the device and the recovery codes. Holds on every node at once; from then on the password suffices, for WebDAV \
           too. App passwords and sessions stay: closesessions and changeuser end those.",
    object: "second factor",
    verb: "reset",
    realm: Realm::Context,
    options: &[CONTEXT_ID, WHICH],
    takes: &[],
    shows: Shows::Words,
    example: "resetsecondfactor -c 1 -A oxadmin -P secret -u testuser",
};
