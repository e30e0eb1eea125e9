//! The users of a context: `createuser`, `changeuser`, `deleteuser`, `listuser` and the commands beside.

mod act_as;
mod change;
mod create;
mod delete;
mod import;
mod list;
mod prepare;

use serde::{Deserialize, Serialize};
use zebu_model::UserId;
use zebu_store::Tx;
use zebu_store::shard::accounts::{self, Account};

use super::error::{Denied, Result};
use super::{AccessSpec, Fields, Named, Secret};

pub use act_as::act_as;
pub use change::{AccessFilter, UserChange, change, change_access};
pub use create::create;
pub(super) use create::insert;
pub use delete::{Estate, delete};
pub use import::import;
pub use list::{UserRow, access_of, exists, list};
pub(super) use prepare::Prepared;

/// A user to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewUser {
    /// The login name, unique in the context.
    pub login: String,
    /// The name others see, unique in the context.
    pub display_name: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// Primary address.
    pub email: String,
    /// The password, in clear; only its hash is kept.
    #[serde(default)]
    pub password: Secret,
    /// Instead of the password: its Argon2id hash in PHC form, at least as strong as those made here.
    #[serde(default)]
    pub password_hash: Option<String>,
    /// Locale, `en_US` form. Default: the setting `locale`.
    #[serde(default)]
    pub language: Option<String>,
    /// Time zone. Default: the setting `timezone`.
    #[serde(default)]
    pub timezone: Option<String>,
    /// Whether the user may sign in. Default true.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Module access. Default: what the context's administrator has.
    #[serde(default)]
    pub access: AccessSpec,
    /// Groups to be in, beside the standard group.
    #[serde(default)]
    pub groups: Vec<Named<zebu_model::GroupId>>,
    /// Contact fields, aliases, mail servers: those of [`zebu_model::person::FIELDS`].
    #[serde(default)]
    pub fields: Fields,
    /// Attributes, `namespace/name`.
    #[serde(default)]
    pub attributes: Fields,
}

fn yes() -> bool {
    true
}

impl NewUser {
    /// A user of whom only what is required is said. The first and last name are those of the display name.
    #[must_use]
    pub fn of(login: &str, display_name: &str, email: &str, password: &str) -> NewUser {
        let (given_name, surname) = display_name.split_once(' ').unwrap_or((display_name, display_name));
        NewUser {
            login: login.to_owned(),
            display_name: display_name.to_owned(),
            given_name: given_name.to_owned(),
            surname: surname.to_owned(),
            email: email.to_owned(),
            password: Secret::from(password),
            password_hash: None,
            language: None,
            timezone: None,
            enabled: true,
            access: AccessSpec::default(),
            groups: Vec::new(),
            fields: Fields::new(),
            attributes: Fields::new(),
        }
    }
}

pub(super) async fn find(tx: &mut Tx, which: &Named<UserId>) -> Result<Account> {
    let found = match which {
        Named::Id(id) => accounts::by_id(tx, *id).await?,
        Named::Name(login) => accounts::by_login(tx, login).await?,
    };
    Ok(found.ok_or_else(|| Denied::UserUnknown { user: which.to_string() })?)
}
