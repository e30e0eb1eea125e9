//! Users. Their commands are for the administrator of their context.

use crate::operate::options::{CONTEXT_ID, IF_ABSENT, IF_EXISTS, IMPORT, SEARCH};
use crate::operate::takes::Takes;
use crate::operate::tool::{NO_LETTER, Opt, Realm, Shows, Tool, left, right};

/// What is said of a new user, or of a new context's administrator.
pub(super) const PERSON: &[Opt] = &[
    Opt::text("username", 'u', "The login name, unique in the context").needed(),
    Opt::text("displayname", 'd', "The name that others see, unique in the context").needed(),
    Opt::text("givenname", 'g', "The first name").needed(),
    Opt::text("surname", 's', "The last name").needed(),
    Opt::secret("password", 'p', "The password; without it the variable NEW_USER_PASSWORD").one_of("password"),
    Opt::text(
        "password-hash",
        NO_LETTER,
        "Instead of the password its hash, Argon2id as generatempasswd prints it: a thousand of them are made in the time \
         of thirty passwords",
    )
    .one_of("password")
    .extended(),
    Opt::text("email", 'e', "The mail address").needed(),
    Opt::text("timezone", 't', "The time zone: Europe/Berlin …"),
];
/// Settings of the web client that an operator presets.
pub(super) const ADD_PREFERENCES: &[Opt] = &[Opt::list(
    "addguipreferences",
    NO_LETTER,
    "Settings of the web client, key=value with commas between them (\\, is a comma in a value): told to it at /ajax/config/gui",
)
.extended()];
pub(super) const REMOVE_PREFERENCES: &[Opt] =
    &[Opt::list("removeguipreferences", NO_LETTER, "Keys of such settings that are to go").extended()];

const LANGUAGE: &[Opt] = &[Opt::text("language", 'l', "The language: de_DE, en_US …")];

/// Which user.
pub(super) const WHICH: &[Opt] = &[
    Opt::id("userid", 'i', "The user's number").one_of("user"),
    Opt::text("username", 'u', "The user's login name").one_of("user"),
];

/// A command of a context's administrator about users.
const fn about_users(
    name: &'static str,
    about: &'static str,
    verb: &'static str,
    example: &'static str,
) -> Tool {
    Tool {
        name,
        about,
        more: "",
        object: "user",
        verb,
        realm: Realm::Context,
        options: &[CONTEXT_ID, WHICH],
        takes: &[],
        shows: Shows::Words,
        example,
    }
}

pub(super) static CREATE: Tool = Tool {
    more: "Module access is what the context's administrator has, unless you say otherwise.",
    options: &[CONTEXT_ID, PERSON, LANGUAGE, ADD_PREFERENCES, IMPORT, IF_ABSENT],
    takes: &[Takes::Access, Takes::Person, Takes::Attributes],
    ..about_users(
        "createuser",
        "Creates a user",
        "created",
        "createuser -c 1 -A oxadmin -P secret -u testuser -d \"Test User\" -g Test -s User -p secret \
         -e testuser@example.com",
    )
};

pub(super) static LIST: Tool = Tool {
    object: "users",
    options: &[CONTEXT_ID, SEARCH, &[Opt::flag("ignorecase", 'i', "Capital letters or not")]],
    shows: Shows::Table(&[
        right("id", "Id"),
        left("username", "Name"),
        left("displayname", "Displayname"),
        left("email", "Email"),
    ]),
    ..about_users("listuser", "Lists the users of a context", "listed", "listuser -c 1 -A oxadmin -P secret")
};

pub(super) static CHANGE: Tool = Tool {
    more: "What is not said stays. A new password signs the user out everywhere. The login name stays always.",
    options: &[
        CONTEXT_ID,
        WHICH,
        &[
            Opt::text("displayname", 'd', "Another name for others to see"),
            Opt::text("givenname", 'g', "Another first name"),
            Opt::text("surname", 's', "Another last name"),
            Opt::secret("password", 'p', "Another password"),
            Opt::text("email", 'e', "Another mail address"),
            Opt::text("language", 'l', "Another language"),
            Opt::text("timezone", 't', "Another time zone"),
            Opt::true_false("mailenabled", NO_LETTER, "Whether the user may sign in"),
        ],
        ADD_PREFERENCES,
        REMOVE_PREFERENCES,
    ],
    takes: &[Takes::Access, Takes::Person, Takes::Attributes],
    ..about_users(
        "changeuser",
        "Changes a user",
        "changed",
        "changeuser -c 1 -A oxadmin -P secret -i 3 -e new@example.com",
    )
};

pub(super) static DELETE: Tool = Tool {
    more: "The user is signed out everywhere before this returns, and nobody can sign in as them any more. What others may have a \
           use for is handed over: public folders, the files they made, the folder for files they were born with if something is in \
           it, and private folders that somebody else sees; other private folders go. With --no-reassign everything goes that they \
           made; only a public folder that holds something of others stays, and becomes the administrator's. Versions that they \
           made of other people's files always stay. It waits up to a minute for the end; what takes longer goes on as a job. The \
           context's administrator can not be deleted, and a number is never used again.",
    options: &[
        CONTEXT_ID,
        WHICH,
        &[
            Opt::id(
                "reassign",
                'r',
                "The number of the user who gets what is handed over; default the context's administrator",
            ),
            Opt::flag("no-reassign", NO_LETTER, "Hand nothing over: delete what the user made"),
        ],
        IF_EXISTS,
    ],
    ..about_users(
        "deleteuser",
        "Deletes a user, and hands over what others may have a use for",
        "deleted",
        "deleteuser -c 1 -A oxadmin -P secret -u testuser",
    )
};

pub(super) static EXISTS: Tool = Tool {
    more: "Exit code 0 if it does, 1 if not.",
    ..about_users(
        "existsuser",
        "Says whether a user exists",
        "looked up",
        "existsuser -c 1 -A oxadmin -P secret -u testuser",
    )
};

pub(super) static CHANGE_ACCESS: Tool = Tool {
    object: "module access",
    more: "What is said changes; everything else of each user's access stays.",
    options: &[
        CONTEXT_ID,
        &[Opt::text(
            "filter",
            'f',
            "Only that of users who have exactly this combination; default all users",
        )],
    ],
    takes: &[Takes::Access],
    ..about_users(
        "changeaccessglobal",
        "Changes the module access of many users",
        "changed",
        "changeaccessglobal -c 1 -A oxadmin -P secret -f webmail_plus --access-infostore on",
    )
};
