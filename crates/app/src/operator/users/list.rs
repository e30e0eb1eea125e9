//! `listuser`, `existsuser`, `getmoduleaccess`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zebu_model::access::Access;
use zebu_model::{ContextId, GroupId, UserId};
use zebu_store::shard::{accounts, principals};

use super::super::error::{Denied, Error, Result};
use super::super::{Fields, Named, fits, place};
use super::find;
use crate::app::App;

/// A user in a listing. No credential is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UserRow {
    /// Its id.
    pub id: UserId,
    /// The login name.
    pub login: String,
    /// The name others see.
    pub display_name: String,
    /// First name.
    pub given_name: String,
    /// Last name.
    pub surname: String,
    /// Primary address.
    pub email: String,
    /// Locale, `en_US` form.
    pub language: String,
    /// Time zone.
    pub timezone: String,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Module access.
    pub access: Access,
    /// The groups the user is in; everybody is not listed.
    pub groups: Vec<GroupId>,
    /// Contact fields and attributes, by name; an attribute's has a slash.
    pub fields: Fields,
}

/// The users whose login name, display name or id a pattern fits, by id. `ignore_case`: letters fit in either case.
pub async fn list(app: &App, context: ContextId, pattern: &str, ignore_case: bool) -> Result<Vec<UserRow>> {
    let place = place(app, context).await?;
    let mut tx = app.read(&place).await?;
    let fold = |text: &str| if ignore_case { text.to_lowercase() } else { text.to_owned() };
    let pattern = fold(pattern);
    let mut users = accounts::all(&mut tx).await?;
    users.retain(|u| fits(&pattern, &[&fold(&u.login), &fold(&u.display_name), &u.id.to_string()]));
    let ids: Vec<UserId> = users.iter().map(|u| u.id).collect();
    let mut fields = accounts::attributes(&mut tx, &ids).await?;
    let mut groups: BTreeMap<UserId, Vec<GroupId>> = BTreeMap::new();
    for group in principals::groups(&mut tx).await?.into_iter().filter(|g| g.id != GroupId::EVERYBODY) {
        for member in group.members {
            groups.entry(member).or_default().push(group.id);
        }
    }
    let rows = users.into_iter().map(|u| UserRow {
        groups: groups.remove(&u.id).unwrap_or_default(),
        fields: fields.remove(&u.id).unwrap_or_default(),
        id: u.id,
        login: u.login,
        display_name: u.display_name,
        given_name: u.given_name,
        surname: u.surname,
        email: u.email,
        language: u.locale,
        timezone: u.timezone,
        enabled: u.enabled,
        access: u.access,
    });
    Ok(rows.collect())
}

/// Whether there is such a user.
pub async fn exists(app: &App, context: ContextId, which: &Named<UserId>) -> Result<bool> {
    let mut tx = app.read(&place(app, context).await?).await?;
    match find(&mut tx, which).await {
        Ok(_) => Ok(true),
        Err(Error::Denied(Denied::UserUnknown { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The module access of a user.
pub async fn access_of(app: &App, context: ContextId, which: &Named<UserId>) -> Result<Access> {
    let mut tx = app.read(&place(app, context).await?).await?;
    Ok(find(&mut tx, which).await?.access)
}
