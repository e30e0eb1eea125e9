//! `changeuser` and `changeaccessglobal`. What these answered holds on every node: a password that was changed has ended the
//! user's sessions, access that was taken away is refused to requests under way.

use serde::{Deserialize, Serialize};
use zebu_model::access::{Access, combination};
use zebu_model::{ContextId, Scope, UserId, account};
use zebu_store::shard::{accounts, sessions};
use zebu_store::{Place, Plan};

use super::super::contexts::check_attributes;
use super::super::error::{Denied, Result, field};
use super::super::{AccessSpec, Fields, Named, Secret, place};
use super::find;
use super::prepare::{check_fields, check_hash};
use crate::app::App;
use crate::settle::until_settled;

/// What is to change of a user; what is not said stays. The login name stays always.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UserChange {
    /// Another name for others to see.
    pub display_name: Option<String>,
    /// Another first name.
    pub given_name: Option<String>,
    /// Another last name.
    pub surname: Option<String>,
    /// Another primary address.
    pub email: Option<String>,
    /// Another password. Ends the user's sessions.
    pub password: Option<Secret>,
    /// Instead of the password: its hash, see [`super::NewUser::password_hash`].
    pub password_hash: Option<String>,
    /// Another locale.
    pub language: Option<String>,
    /// Another time zone.
    pub timezone: Option<String>,
    /// Whether the user may sign in.
    pub enabled: Option<bool>,
    /// Other module access. Single flags change what the user has.
    pub access: AccessSpec,
    /// Contact fields to set; an empty text takes one away.
    pub fields: Fields,
    /// Attributes to set.
    pub attributes: Fields,
    /// Attributes to remove.
    pub remove_attributes: Vec<String>,
}

impl UserChange {
    fn check(&self) -> std::result::Result<(), Denied> {
        let given = |name: &str, value: &Option<String>, check: fn(&str) -> std::result::Result<(), _>| {
            value.as_ref().map_or(Ok(()), |value| field(name, check(value)))
        };
        given("displayname", &self.display_name, account::name)?;
        given("givenname", &self.given_name, account::name)?;
        given("surname", &self.surname, account::name)?;
        given("email", &self.email, account::email)?;
        given("language", &self.language, account::locale)?;
        given("timezone", &self.timezone, account::timezone)?;
        match (&self.password, &self.password_hash) {
            (Some(_), Some(_)) => {
                let reason = "the password is given too".to_owned();
                return Err(Denied::FieldInvalid { field: "password_hash".to_owned(), reason });
            }
            (Some(password), None) => field("password", account::password(&password.0))?,
            (None, Some(hash)) => check_hash(hash)?,
            (None, None) => {}
        }
        self.access.resolve(Access::NONE)?;
        check_fields(&self.fields)?;
        check_attributes(&self.attributes)
    }
}

/// Changes a user. Returns the id.
pub async fn change(
    app: &App,
    context: ContextId,
    which: &Named<UserId>,
    change: &UserChange,
) -> Result<UserId> {
    change.check()?;
    let place = place(app, context).await?;
    let id = {
        let mut tx = app.read(&place).await?;
        find(&mut tx, which).await?.id
    };
    if id == UserId::ADMIN && change.enabled == Some(false) {
        return Err(Denied::AdminStays { what: "disabled" }.into());
    }
    let hash = match (&change.password, &change.password_hash) {
        (Some(password), _) => Some(app.passwords.hash(&password.0).await?),
        (None, given) => given.clone(),
    };
    until_settled!(attempt(app, &place, id, change, hash.as_deref()).await)?;
    Ok(id)
}

async fn attempt(
    app: &App,
    place: &Place,
    id: UserId,
    change: &UserChange,
    hash: Option<&str>,
) -> Result<()> {
    let mut plan = Plan::changing([Scope::Principals, Scope::Tree]);
    plan.changes.extend(hash.map(|_| Scope::Sessions(id)));
    let mut tx = app.write(place, plan).await?;
    let mut user = find(&mut tx, &Named::Id(id)).await?;
    if let Some(name) = change.display_name.as_ref().filter(|name| **name != user.display_name) {
        if accounts::by_display_name(&mut tx, name).await?.is_some() {
            return Err(Denied::DisplayNameTaken { display_name: name.clone() }.into());
        }
        user.display_name.clone_from(name);
    }
    for (value, new) in [
        (&mut user.given_name, &change.given_name),
        (&mut user.surname, &change.surname),
        (&mut user.email, &change.email),
        (&mut user.locale, &change.language),
        (&mut user.timezone, &change.timezone),
    ] {
        if let Some(new) = new {
            value.clone_from(new);
        }
    }
    user.enabled = change.enabled.unwrap_or(user.enabled);
    user.access = change.access.resolve(user.access)?.as_held_by(id);
    accounts::update(&mut tx, &user).await?;
    for name in &change.remove_attributes {
        accounts::delete_attribute(&mut tx, id, name).await?;
    }
    for (name, value) in change.fields.iter().chain(&change.attributes) {
        if value.is_empty() {
            accounts::delete_attribute(&mut tx, id, name).await?;
        } else {
            accounts::set_attribute(&mut tx, id, name, value).await?;
        }
    }
    if let Some(hash) = hash {
        accounts::set_password(&mut tx, id, hash).await?;
        sessions::delete_all(&mut tx, id).await?;
    }
    Ok(tx.commit().await?)
}

/// Whose module access to change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessFilter {
    /// Everybody's.
    #[default]
    All,
    /// That of those who have exactly this combination.
    Combination(String),
    /// That of those who have exactly the flags of this number.
    Flags(Access),
}

impl AccessFilter {
    fn access(&self) -> std::result::Result<Option<Access>, Denied> {
        match self {
            AccessFilter::All => Ok(None),
            AccessFilter::Flags(access) => Ok(Some(*access)),
            AccessFilter::Combination(name) => {
                let access = combination(name);
                access.map(Some).ok_or_else(|| Denied::CombinationUnknown { name: name.clone() })
            }
        }
    }
}

/// Changes the module access of all users whom a filter fits, in one transaction. Returns how many changed.
pub async fn change_access(
    app: &App,
    context: ContextId,
    filter: &AccessFilter,
    access: &AccessSpec,
) -> Result<usize> {
    let only = filter.access()?;
    access.resolve(Access::NONE)?;
    let place = place(app, context).await?;
    until_settled!(everywhere(app, &place, only, access).await)
}

async fn everywhere(app: &App, place: &Place, only: Option<Access>, access: &AccessSpec) -> Result<usize> {
    let mut tx = app.write(place, Plan::changing([Scope::Principals, Scope::Tree])).await?;
    let mut changed = 0;
    for mut user in accounts::all(&mut tx).await? {
        let new = access.resolve(user.access)?.as_held_by(user.id);
        if new == user.access || only.is_some_and(|only| only.as_held_by(user.id) != user.access) {
            continue;
        }
        user.access = new;
        accounts::update(&mut tx, &user).await?;
        changed += 1;
    }
    tx.commit().await?;
    Ok(changed)
}
