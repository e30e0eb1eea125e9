//! What the commands say of a person: a new user, or a new context's administrator.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use zebu_app::operator::users::NewUser;
use zebu_app::operator::{AccessSpec, Fields, Secret};
use zebu_model::person;

use super::options::Options;
use super::refused::Refused;

/// The part of a command's options that says who somebody is, taken apart by [`take`].
pub(super) struct Said<T> {
    /// The command's own.
    pub(super) own: T,
    pub(super) access: AccessSpec,
    pub(super) fields: Fields,
    pub(super) attributes: Fields,
    pub(super) remove_attributes: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Attributes {
    attributes: BTreeMap<String, String>,
    #[serde(rename = "remove-attributes")]
    remove: Vec<String>,
}

/// Takes the options apart: module access, contact fields, attributes, and what is left.
pub(super) fn take<T: DeserializeOwned>(mut options: Options) -> Result<Said<T>, Refused> {
    let access = options.take_access()?;
    let fields = options.take_fields(person::FIELDS.iter().map(|(name, _)| *name))?;
    let Attributes { attributes, remove } = options.take_part(&["attributes", "remove-attributes"])?;
    Ok(Said { own: options.read()?, access, fields, attributes, remove_attributes: remove })
}

/// What has to be said of somebody new, and what may be.
#[derive(Deserialize)]
pub(super) struct Person {
    username: String,
    displayname: String,
    givenname: String,
    surname: String,
    #[serde(default)]
    password: Secret,
    #[serde(rename = "password-hash")]
    password_hash: Option<String>,
    email: String,
    #[serde(alias = "lang")]
    language: Option<String>,
    timezone: Option<String>,
}

/// The options of [`Person`], as [`Options::take_part`] wants them.
pub(super) const PERSON: &[&str] = &[
    "username",
    "displayname",
    "givenname",
    "surname",
    "password",
    "password-hash",
    "email",
    "language",
    "lang",
    "timezone",
];

impl Person {
    /// As the application has it.
    pub(super) fn user(self, access: AccessSpec, fields: Fields, attributes: Fields) -> NewUser {
        NewUser {
            login: self.username,
            display_name: self.displayname,
            given_name: self.givenname,
            surname: self.surname,
            email: self.email,
            password: self.password,
            password_hash: self.password_hash,
            language: self.language,
            timezone: self.timezone,
            enabled: true,
            access,
            groups: Vec::new(),
            fields,
            attributes,
        }
    }
}
