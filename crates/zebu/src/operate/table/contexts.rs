//! Contexts: tenants.

use crate::operate::options::{CONTEXT, IF_ABSENT, IMPORT, SEARCH};
use crate::operate::takes::Takes;
use crate::operate::tool::{Column, NO_LETTER, Opt, Realm, Shows, Tool, left, right};

const COLUMNS: &[Column] = &[
    right("id", "cid"),
    right("filestore_id", "fid"),
    left("filestore_name", "fname"),
    left("enabled", "enabled"),
    right("max_quota", "qmax"),
    right("used_quota", "qused"),
    left("name", "name"),
    left("lmappings", "lmappings"),
];

/// A command of the master's about one context.
const fn about_one(
    name: &'static str,
    about: &'static str,
    verb: &'static str,
    example: &'static str,
) -> Tool {
    Tool {
        name,
        about,
        more: "",
        object: "context",
        verb,
        realm: Realm::Master,
        options: &[CONTEXT],
        takes: &[],
        shows: Shows::Words,
        example,
    }
}

pub(super) static CREATE: Tool = Tool {
    more: "With it come its administrator, whose name and password the commands about users want, and two groups. It is put \
           on the file store and the database that have room, unless you say where. A login without @ leads to the context \
           with the mapping defaultcontext; the context's number and name are mappings too.",
    options: &[
        &[
            Opt::id("contextid", 'c', "Its number, from 1; chosen by you").needed(),
            Opt::text("contextname", 'N', "Its name, unique in the deployment; default its number"),
            Opt::number("quota", 'q', "How much it may store, MB; -1 without limit").needed(),
            Opt::list("addmapping", 'L', "Login mappings that lead to it, with commas between them"),
            Opt::id("destination-store-id", 'F', "The file store to put it on; default one with room"),
            Opt::id("destination-database-id", 'D', "The database to put it on; default one with room"),
        ],
        super::users::PERSON,
        &[Opt::text("lang", 'l', "The language: de_DE, en_US …")],
        super::users::ADD_PREFERENCES,
        IMPORT,
        IF_ABSENT,
    ],
    takes: &[Takes::Access, Takes::Person, Takes::Attributes],
    ..about_one(
        "createcontext",
        "Creates a context with its administrator",
        "created",
        "createcontext -A oxadminmaster -P secret -c 1 -u oxadmin -d \"Context Admin\" -g Admin -s User -p secret \
         -L defaultcontext -e oxadmin@example.com -q 1024 --access-combination-name=all",
    )
};

pub(super) static LIST: Tool = Tool {
    object: "contexts",
    more: "Sizes are in MB.",
    options: &[
        SEARCH,
        &[Opt::flag("omit-usage", NO_LETTER, "Do not count what each uses: that asks each of them")],
    ],
    shows: Shows::Table(COLUMNS),
    ..about_one(
        "listcontext",
        "Lists the contexts",
        "listed",
        "listcontext -A oxadminmaster -P secret -s \"*\"",
    )
};

pub(super) static CHANGE: Tool = Tool {
    more: "Less quota than is in use is possible: users can then only delete. Module access is changed for all users.",
    options: &[
        CONTEXT,
        &[
            Opt::number("quota", 'q', "How much it may store, MB; -1 without limit"),
            Opt::list("addmapping", 'L', "Login mappings to add, with commas between them"),
            Opt::list("removemapping", 'R', "Login mappings to remove"),
            Opt::text("newname", NO_LETTER, "Another name. The old one leads to it until you remove it"),
        ],
        super::users::ADD_PREFERENCES,
        super::users::REMOVE_PREFERENCES,
    ],
    takes: &[Takes::Access, Takes::Attributes],
    ..about_one(
        "changecontext",
        "Changes a context",
        "changed",
        "changecontext -A oxadminmaster -P secret -c 1 -q 2048 -L example.com",
    )
};

pub(super) static EXISTS: Tool = Tool {
    more: "Exit code 0 if it does, 1 if not.",
    ..about_one(
        "existscontext",
        "Says whether a context exists",
        "looked up",
        "existscontext -A oxadminmaster -P secret -c 1",
    )
};

pub(super) static DISABLE: Tool = Tool {
    options: &[CONTEXT, REASON],
    ..about_one(
        "disablecontext",
        "Keeps the users of a context out, those signed in too",
        "disabled",
        "disablecontext -A oxadminmaster -P secret -c 1 -r 9",
    )
};

const REASON: &[Opt] = &[Opt::id("reason", 'r', "Why: the number of a reason (listreason)")];

pub(super) static ENABLE: Tool = about_one(
    "enablecontext",
    "Lets the users of a context in again",
    "enabled",
    "enablecontext -A oxadminmaster -P secret -c 1",
);

pub(super) static DISABLE_ALL: Tool = Tool {
    object: "contexts",
    options: &[REASON],
    ..about_one(
        "disableallcontexts",
        "Keeps the users of all contexts out",
        "disabled",
        "disableallcontexts -A oxadminmaster -P secret -r 9",
    )
};

pub(super) static ENABLE_ALL: Tool = Tool {
    object: "contexts",
    options: &[],
    ..about_one(
        "enableallcontexts",
        "Lets the users of all contexts in again",
        "enabled",
        "enableallcontexts -A oxadminmaster -P secret",
    )
};

pub(super) static LIST_BY_DATABASE: Tool = Tool {
    object: "contexts",
    options: &[&[
        Opt::id("id", 'i', "The database's number").one_of("database"),
        Opt::text("name", 'n', "The database's name").one_of("database"),
    ]],
    shows: Shows::Table(COLUMNS),
    ..about_one(
        "listcontextsbydatabase",
        "Lists the contexts that live on a database",
        "listed",
        "listcontextsbydatabase -A oxadminmaster -P secret -i 4",
    )
};

pub(super) static LIST_BY_FILESTORE: Tool = Tool {
    object: "contexts",
    options: &[&[Opt::id("id", 'i', "The file store's number").needed()]],
    shows: Shows::Table(COLUMNS),
    ..about_one(
        "listcontextsbyfilestore",
        "Lists the contexts whose files are on a file store",
        "listed",
        "listcontextsbyfilestore -A oxadminmaster -P secret -i 3",
    )
};

pub(super) static SCHEMA_NAME: Tool = about_one(
    "getschemaname",
    "Prints the schema that a context lives in",
    "looked up",
    "getschemaname -A oxadminmaster -P secret -c 1",
);

pub(super) static ADMIN_ID: Tool = about_one(
    "getadminid",
    "Prints the number of a context's administrator",
    "looked up",
    "getadminid -A oxadminmaster -P secret -c 1",
);

pub(super) static COMBINATION: Tool = Tool {
    more: "That of its administrator, which new users inherit; null if no combination is exactly that.",
    ..about_one(
        "getaccesscombinationnameforcontext",
        "Prints the name of a context's module access",
        "looked up",
        "getaccesscombinationnameforcontext -A oxadminmaster -P secret -c 1",
    )
};

pub(super) static MODULE_ACCESS: Tool = about_one(
    "getmoduleaccessforcontext",
    "Prints each flag of a context's module access, on or off",
    "looked up",
    "getmoduleaccessforcontext -A oxadminmaster -P secret -c 1",
);

pub(super) static CLOSE_SESSIONS: Tool = Tool {
    object: "sessions",
    more: "Whoever is signed out has to sign in again; nothing else is lost.",
    options: &[&[
        Opt::id("context", 'c', "Those of this context").one_of("whose"),
        Opt::id("user", 'u', "In the context, only those of this user"),
        Opt::flag("global", 'g', "Those of all contexts").one_of("whose"),
    ]],
    ..about_one("closesessions", "Signs users out", "closed", "closesessions -A oxadminmaster -P secret -c 1")
};

pub(super) static CONTEXT_RESTORED: Tool = Tool {
    more: "To be said after a database was restored, before nodes start: clients then load everything anew.",
    options: &[&[
        Opt::id("context", 'c', "This context was restored").one_of("which"),
        Opt::flag("global", 'g', "All contexts were").one_of("which"),
    ]],
    ..about_one(
        "contextrestored",
        "Begins synchronisation anew after a restore",
        "begun anew",
        "contextrestored -A oxadminmaster -P secret -c 1",
    )
};
