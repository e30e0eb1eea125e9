//! Groups: users under one name.

use crate::operate::options::{CONTEXT_ID, IF_ABSENT, SEARCH};
use crate::operate::tool::{Opt, Realm, Shows, Tool, left, right};

const WHICH: &[Opt] = &[
    Opt::id("groupid", 'i', "The group's number").one_of("group"),
    Opt::text("name", 'n', "The group's name; with a number, its new name").one_of("group"),
];

/// A command of a context's administrator about groups.
const fn about_groups(
    name: &'static str,
    about: &'static str,
    verb: &'static str,
    example: &'static str,
) -> Tool {
    Tool {
        name,
        about,
        more: "",
        object: "group",
        verb,
        realm: Realm::Context,
        options: &[CONTEXT_ID, WHICH],
        takes: &[],
        shows: Shows::Words,
        example,
    }
}

pub(super) static CREATE: Tool = Tool {
    options: &[
        CONTEXT_ID,
        &[
            Opt::text("name", 'n', "Its short name, unique in the context").needed(),
            Opt::text("displayname", 'd', "The name that people see").needed(),
            Opt::ids("addmembers", 'a', "Users to put into it"),
        ],
        IF_ABSENT,
    ],
    ..about_groups(
        "creategroup",
        "Creates a group",
        "created",
        "creategroup -c 1 -A oxadmin -P secret -n team -d \"The team\" -a 3,4",
    )
};

pub(super) static LIST: Tool = Tool {
    object: "groups",
    options: &[CONTEXT_ID, SEARCH],
    shows: Shows::Table(&[
        right("id", "Id"),
        left("name", "Name"),
        left("displayname", "Displayname"),
        left("members", "Members"),
    ]),
    ..about_groups(
        "listgroup",
        "Lists the groups of a context",
        "listed",
        "listgroup -c 1 -A oxadmin -P secret",
    )
};

pub(super) static CHANGE: Tool = Tool {
    options: &[
        CONTEXT_ID,
        WHICH,
        &[
            Opt::text("displayname", 'd', "Another name for people to see"),
            Opt::ids("addmembers", 'a', "Users to put into it"),
            Opt::ids("removemembers", 'r', "Users to take out of it"),
        ],
    ],
    ..about_groups(
        "changegroup",
        "Changes a group",
        "changed",
        "changegroup -c 1 -A oxadmin -P secret -i 5 -a 7 -r 4",
    )
};

pub(super) static DELETE: Tool = Tool {
    more: "With it goes what it was allowed in folders.",
    ..about_groups("deletegroup", "Deletes a group", "deleted", "deletegroup -c 1 -A oxadmin -P secret -i 5")
};
