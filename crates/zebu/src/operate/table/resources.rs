//! Resources: rooms and things that can be booked.

use crate::operate::options::{CONTEXT_ID, IF_ABSENT, SEARCH};
use crate::operate::tool::{Opt, Realm, Shows, Tool, left, right};

const WHICH: &[Opt] = &[
    Opt::id("resourceid", 'i', "The resource's number").one_of("resource"),
    Opt::text("name", 'n', "The resource's name; with a number, its new name").one_of("resource"),
];
const MORE: &[Opt] = &[
    Opt::text("description", 'D', "A description"),
    Opt::true_false("available", 'a', "Whether it can be booked; default true"),
];

/// A command of a context's administrator about resources.
const fn about_resources(
    name: &'static str,
    about: &'static str,
    verb: &'static str,
    example: &'static str,
) -> Tool {
    Tool {
        name,
        about,
        more: "",
        object: "resource",
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
            Opt::text("email", 'e', "Its mail address, unique in the context").needed(),
        ],
        MORE,
        IF_ABSENT,
    ],
    ..about_resources(
        "createresource",
        "Creates a resource: a room or a thing that can be booked",
        "created",
        "createresource -c 1 -A oxadmin -P secret -n beamer -d \"The beamer\" -e beamer@example.com",
    )
};

pub(super) static LIST: Tool = Tool {
    object: "resources",
    options: &[CONTEXT_ID, SEARCH],
    shows: Shows::Table(&[
        right("id", "Id"),
        left("name", "Name"),
        left("displayname", "Displayname"),
        left("email", "Email"),
    ]),
    ..about_resources(
        "listresource",
        "Lists the resources of a context",
        "listed",
        "listresource -c 1 -A oxadmin -P secret",
    )
};

pub(super) static CHANGE: Tool = Tool {
    options: &[
        CONTEXT_ID,
        WHICH,
        &[
            Opt::text("displayname", 'd', "Another name for people to see"),
            Opt::text("email", 'e', "Another mail address"),
        ],
        MORE,
    ],
    ..about_resources(
        "changeresource",
        "Changes a resource",
        "changed",
        "changeresource -c 1 -A oxadmin -P secret -i 6 -a false",
    )
};

pub(super) static DELETE: Tool = about_resources(
    "deleteresource",
    "Deletes a resource",
    "deleted",
    "deleteresource -c 1 -A oxadmin -P secret -i 6",
);
