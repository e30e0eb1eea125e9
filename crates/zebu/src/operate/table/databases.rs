//! Database servers: masters, which hold contexts, and their replicas.

use crate::operate::options::{IF_ABSENT, SEARCH};
use crate::operate::tool::{NO_LETTER, Opt, Realm, Shows, Tool, left, right};

const SERVER: &[Opt] = &[
    Opt::text("hostname", 'H', "Its host, host:port, or the path of its socket; default localhost"),
    Opt::text("dbuser", 'u', "The user to sign in as; default openexchange"),
    Opt::text("dbdriver", 'd', "Taken for the original's sake; means nothing here").extended(),
    Opt::id("masterid", 'M', "Of a replica: the number of its master"),
    Opt::number("dbweight", 'w', "0 to 100: its share of new contexts; default 100"),
    Opt::number("maxunit", 'x', "How many contexts it takes, 0 for none, -1 without limit; default 1000"),
    Opt::true_false("poolhardlimit", 'l', "Whether poolmax is a limit, or only what is kept; default true"),
    Opt::number("poolinitial", 'o', "Connections that each node keeps open; default 0"),
    Opt::number("poolmax", 'a', "Connections of each node; default 100"),
    Opt::flag("unchecked", NO_LETTER, "Do not connect to it first: it is not there yet"),
];
const WHICH: &[Opt] = &[
    Opt::id("id", 'i', "The database's number").one_of("database"),
    Opt::text("name", 'n', "The database's name; with a number, its new name").one_of("database"),
];

pub(super) static REGISTER: Tool = Tool {
    name: "registerdatabase",
    about: "Makes a database server known: a master, or a replica of one",
    more: "Contexts live on masters and are read from their replicas too. The server is connected to first, so that a wrong \
           password shows now. Its password is kept encrypted, and listed nowhere.",
    object: "database",
    verb: "registered",
    realm: Realm::Master,
    options: &[
        &[
            Opt::text("name", 'n', "What it is called; schemas on it are called after it").needed(),
            Opt::secret("dbpasswd", 'p', "The user's password").needed(),
            Opt::true_false("master", 'm', "Whether it takes writes").needed(),
        ],
        SERVER,
        IF_ABSENT,
    ],
    takes: &[],
    shows: Shows::Words,
    example: "registerdatabase -A oxadminmaster -P secret --name oxdatabase --hostname 10.20.30.217 --dbuser openexchange \
              --dbpasswd secret --master true",
};

pub(super) static LIST: Tool = Tool {
    name: "listdatabase",
    about: "Lists the database servers",
    more: "The last columns say how the admin daemon sees each server now, as the nodes do: its role (master, replica, out), how \
           many milliseconds it is behind its master, and why it is out, with the remedy. The column of passwords is in the \
           comma-separated values, and always empty.",
    object: "databases",
    verb: "listed",
    realm: Realm::Master,
    options: &[SEARCH],
    takes: &[],
    shows: Shows::Table(&[
        right("id", "id"),
        left("display_name", "name"),
        left("url", "hostname"),
        left("master", "master"),
        right("masterid", "mid"),
        right("clusterweight", "weight"),
        right("maxUnits", "maxctx"),
        right("currentunits", "curctx"),
        left("poolHardLimit", "hlimit"),
        right("poolMax", "max"),
        // The original's spelling, which scripts look for.
        right("poolInitial", "inital"),
        left("role", "role"),
        right("lag_ms", "lag"),
        left("trouble", "trouble"),
    ]),
    example: "listdatabase -A oxadminmaster -P secret",
};

pub(super) static CHANGE: Tool = Tool {
    name: "changedatabase",
    about: "Changes what is known of a database server",
    more: "",
    object: "database",
    verb: "changed",
    realm: Realm::Master,
    options: &[
        WHICH,
        &[
            Opt::secret("dbpasswd", 'p', "The user's new password"),
            Opt::true_false("master", 'm', "Whether it takes writes"),
        ],
        SERVER,
    ],
    takes: &[],
    shows: Shows::Words,
    example: "changedatabase -A oxadminmaster -P secret -i 4 -x 2000",
};

pub(super) static UNREGISTER: Tool = Tool {
    name: "unregisterdatabase",
    about: "Takes a database server out of the deployment",
    more: "Refused as long as contexts live on it. A master takes its replicas with it. Nothing on the server is touched.",
    object: "database",
    verb: "unregistered",
    realm: Realm::Master,
    options: &[&[
        Opt::id("id", 'i', "The database's number").one_of("database"),
        Opt::text("name", 'n', "The database's name").one_of("database"),
    ]],
    takes: &[],
    shows: Shows::Words,
    example: "unregisterdatabase -A oxadminmaster -P secret -i 6",
};
