//! File stores: directories that all nodes share.

use crate::operate::options::{IF_ABSENT, SEARCH};
use crate::operate::tool::{NO_LETTER, Opt, Realm, Shows, Tool, left, right};

const SIZES: &[Opt] = &[
    Opt::number("storesize", 's', "What all contexts may store in it together, MB; default 1000"),
    Opt::number("maxcontexts", 'x', "How many contexts it takes, 0 for none; default 5000"),
];
const WHICH: &[Opt] = &[Opt::id("id", 'i', "The file store's number").needed()];

pub(super) static REGISTER: Tool = Tool {
    name: "registerfilestore",
    about: "Makes a file store known",
    more: "It is a directory that every node reaches under the same path. New contexts are put on it as long as it has room: \
           of its size, some 200 MB are set aside for each.",
    object: "filestore",
    verb: "registered",
    realm: Realm::Master,
    options: &[&[Opt::text("storepath", 't', "Where it is: file:///directory").needed()], SIZES, IF_ABSENT],
    takes: &[],
    shows: Shows::Words,
    example: "registerfilestore -A oxadminmaster -P secret -t file:///var/opt/filestore -s 1000000",
};

pub(super) static LIST: Tool = Tool {
    name: "listfilestore",
    about: "Lists the file stores",
    more: "Sizes are in MB.",
    object: "filestores",
    verb: "listed",
    realm: Realm::Master,
    options: &[
        SEARCH,
        &[Opt::flag("omit-usage", NO_LETTER, "Do not count what contexts use: that asks each of them")],
    ],
    takes: &[],
    shows: Shows::Table(&[
        right("id", "id"),
        left("uri", "path"),
        right("size", "size"),
        right("reserved", "reserved"),
        right("used", "used"),
        right("maxcontexts", "maxctx"),
        right("currentcontexts", "curctx"),
    ]),
    example: "listfilestore -A oxadminmaster -P secret",
};

pub(super) static CHANGE: Tool = Tool {
    name: "changefilestore",
    about: "Changes what is known of a file store",
    more: "",
    object: "filestore",
    verb: "changed",
    realm: Realm::Master,
    options: &[
        WHICH,
        &[Opt::text("storepath", 't', "Where it is now; its contents have been moved there by you")],
        SIZES,
    ],
    takes: &[],
    shows: Shows::Words,
    example: "changefilestore -A oxadminmaster -P secret -i 3 -s 2000000",
};

pub(super) static UNREGISTER: Tool = Tool {
    name: "unregisterfilestore",
    about: "Takes a file store out of the deployment",
    more: "Refused as long as contexts are on it. Nothing in the directory is touched.",
    object: "filestore",
    verb: "unregistered",
    realm: Realm::Master,
    options: &[WHICH],
    takes: &[],
    shows: Shows::Words,
    example: "unregisterfilestore -A oxadminmaster -P secret -i 3",
};
