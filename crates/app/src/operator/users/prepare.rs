//! What can be done for a new user before any transaction: every field checked, the password hashed.

use zebu_model::{account, person};

use super::super::contexts::check_attributes;
use super::super::error::{Denied, Result, field};
use super::super::{Fields, Settings};
use super::NewUser;
use crate::app::App;
use crate::passwords;

/// A user whose fields are all possible, and the hash.
pub(in crate::operator) struct Prepared {
    pub(super) new: NewUser,
    pub(super) locale: String,
    pub(super) timezone: String,
    pub(super) hash: String,
}

impl Prepared {
    /// Checks a user and hashes the password.
    pub(in crate::operator) async fn of(app: &App, new: &NewUser) -> Result<Prepared> {
        check(new)?;
        let hash = match &new.password_hash {
            Some(given) => given.clone(),
            None => app.passwords.hash(&new.password.0).await?,
        };
        Ok(Prepared::with(app, new, hash))
    }

    /// A user whose fields were checked, and what stands where the hash does.
    pub(super) fn with(app: &App, new: &NewUser, hash: String) -> Prepared {
        let Settings { locale, timezone, .. } = &app.config.operator;
        Prepared {
            new: new.clone(),
            locale: new.language.clone().unwrap_or_else(|| locale.clone()),
            timezone: new.timezone.clone().unwrap_or_else(|| timezone.clone()),
            hash,
        }
    }
}

/// Checks every field of a user; the first that is not possible is named.
pub(super) fn check(new: &NewUser) -> std::result::Result<(), Denied> {
    field("username", account::login(&new.login))?;
    field("displayname", account::name(&new.display_name))?;
    field("givenname", account::name(&new.given_name))?;
    field("surname", account::name(&new.surname))?;
    field("email", account::email(&new.email))?;
    match &new.password_hash {
        None => field("password", account::password(&new.password.0))?,
        Some(hash) if new.password.0.is_empty() => check_hash(hash)?,
        Some(_) => {
            let reason = "the password is given too".to_owned();
            return Err(Denied::FieldInvalid { field: "password_hash".to_owned(), reason });
        }
    }
    if let Some(language) = &new.language {
        field("language", account::locale(language))?;
    }
    if let Some(timezone) = &new.timezone {
        field("timezone", account::timezone(timezone))?;
    }
    check_fields(&new.fields)?;
    check_attributes(&new.attributes)
}

/// A hash from elsewhere is taken if it is as strong as ours: weaker ones are kept nowhere.
pub(super) fn check_hash(hash: &str) -> std::result::Result<(), Denied> {
    passwords::as_strong_as_ours(hash)
        .map_err(|reason| Denied::FieldInvalid { field: "password_hash".to_owned(), reason })
}

pub(super) fn check_fields(fields: &Fields) -> std::result::Result<(), Denied> {
    for (name, value) in fields {
        let limit_chars = person::field_chars_max(name);
        let limit_chars = limit_chars.ok_or_else(|| Denied::FieldUnknown { field: name.clone() })?;
        if value.chars().count() > limit_chars {
            return Err(Denied::FieldTooLong { field: name.clone(), limit_chars });
        }
    }
    Ok(())
}
