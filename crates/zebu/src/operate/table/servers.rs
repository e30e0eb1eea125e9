//! Servers: clusters of nodes.

use crate::operate::options::{IF_ABSENT, SEARCH};
use crate::operate::tool::{Opt, Realm, Shows, Tool, left, right};

pub(super) static REGISTER: Tool = Tool {
    name: "registerserver",
    about: "Makes a cluster known",
    more: "A server is a whole cluster: the nodes that serve the same contexts. All of them carry this name as their \
           setting `server`.",
    object: "server",
    verb: "registered",
    realm: Realm::Master,
    options: &[&[Opt::text("name", 'n', "The cluster's name, unique in the deployment").needed()], IF_ABSENT],
    takes: &[],
    shows: Shows::Words,
    example: "registerserver -A oxadminmaster -P secret -n oxserver",
};

pub(super) static LIST: Tool = Tool {
    name: "listserver",
    about: "Lists the clusters",
    more: "",
    object: "servers",
    verb: "listed",
    realm: Realm::Master,
    options: &[SEARCH],
    takes: &[],
    shows: Shows::Table(&[right("id", "Id"), left("name", "Name")]),
    example: "listserver -A oxadminmaster -P secret",
};

pub(super) static UNREGISTER: Tool = Tool {
    name: "unregisterserver",
    about: "Takes a cluster out of the deployment",
    more: "Refused as long as contexts belong to it.",
    object: "server",
    verb: "unregistered",
    realm: Realm::Master,
    options: &[&[
        Opt::id("id", 'i', "The cluster's number").one_of("server"),
        Opt::text("name", 'n', "The cluster's name").one_of("server"),
    ]],
    takes: &[],
    shows: Shows::Words,
    example: "unregisterserver -A oxadminmaster -P secret -i 2",
};
