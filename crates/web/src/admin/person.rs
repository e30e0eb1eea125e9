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
    pub(super) preferences: Preferences,
}

/// What is said of the web client's settings: attributes of a user in a namespace of their own.
#[derive(Default)]
pub(super) struct Preferences {
    pub(super) set: Fields,
    pub(super) remove: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct GuiPreferences {
    addguipreferences: Vec<String>,
    removeguipreferences: Vec<String>,
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
    let preferences = preferences(options.take_part(&["addguipreferences", "removeguipreferences"])?)?;
    Ok(Said { own: options.read()?, access, fields, attributes, remove_attributes: remove, preferences })
}

fn preferences(said: GuiPreferences) -> Result<Preferences, Refused> {
    let attribute = |key: &str| -> Result<String, Refused> {
        let limit = person::ATTRIBUTE_NAME_CHARS_MAX.saturating_sub(person::GUI_PREFERENCES.len());
        match key.trim() {
            "" => Err(Refused::invalid("A preference of the GUI has a key and a value: key=value.")),
            key if key.chars().count() > limit => Err(Refused::invalid(format!(
                "The key of a preference of the GUI is longer than {limit} characters: {key}."
            ))),
            key => Ok(format!("{}{key}", person::GUI_PREFERENCES)),
        }
    };
    let mut found = Preferences::default();
    for pair in &said.addguipreferences {
        let (key, value) = pair.split_once('=').ok_or_else(|| {
            Refused::invalid(format!("The option addguipreferences takes key=value, not \"{pair}\"."))
        })?;
        found.set.insert(attribute(key)?, value.to_owned());
    }
    for key in &said.removeguipreferences {
        found.remove.push(attribute(key)?);
    }
    Ok(found)
}

impl<T> Said<T> {
    /// The attributes of a user: those that are called so, and the preferences.
    pub(super) fn user_attributes(&self) -> Fields {
        let all = self.attributes.iter().chain(&self.preferences.set);
        all.map(|(name, value)| (name.clone(), value.clone())).collect()
    }
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
