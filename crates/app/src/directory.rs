//! The users and groups of the caller's context.

use std::collections::BTreeMap;

use zebu_model::principal::{Group, User};
use zebu_model::{GroupId, Scope, UserId, Version, person};
use zebu_store::shard::{accounts, principals};

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// All users, by id; only the caller for somebody without the global address book.
pub async fn users(app: &App, caller: &Caller) -> Result<(Vec<User>, Version)> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Principals]).await?;
            let found = if caller.who.access.sees_everybody() {
                principals::users(&mut tx).await?
            } else {
                principals::users_by_id(&mut tx, &[caller.who.user]).await?
            };
            Ok((found, tx.version(Scope::Principals).await?))
        }
        .await
    )
}

/// The users of these ids, by id; unknown ids are left out. Somebody without the global address book learns of others no
/// more than what folders and files say of them: the id and the shown name.
pub async fn users_by_id(app: &App, caller: &Caller, ids: &[UserId]) -> Result<(Vec<User>, Version)> {
    let found = until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Principals]).await?;
            let found = principals::users_by_id(&mut tx, ids).await?;
            Result::Ok((found, tx.version(Scope::Principals).await?))
        }
        .await
    );
    let (mut found, version) = found?;
    if !caller.who.access.sees_everybody() {
        for other in found.iter_mut().filter(|user| user.id != caller.who.user) {
            *other = other.name_only();
        }
    }
    Ok((found, version))
}

/// What an operator preset of the caller's web client, by key.
pub async fn gui_preferences(app: &App, caller: &Caller) -> Result<BTreeMap<String, String>> {
    let user = caller.who.user;
    let found = until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Principals]).await?;
            Result::Ok(accounts::attributes(&mut tx, &[user]).await?)
        }
        .await
    );
    let attributes = found?.remove(&user).unwrap_or_default();
    let preference = |(name, value): (String, String)| {
        Some((name.strip_prefix(person::GUI_PREFERENCES)?.to_owned(), value))
    };
    Ok(attributes.into_iter().filter_map(preference).collect())
}

/// The groups a user is in; everybody is not listed.
pub async fn groups_of(app: &App, caller: &Caller, user: UserId) -> Result<Vec<GroupId>> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Principals]).await?;
            Ok(principals::groups_of(&mut tx, user).await?)
        }
        .await
    )
}

/// All groups with their members, by id.
pub async fn groups(app: &App, caller: &Caller) -> Result<(Vec<Group>, Version)> {
    until_settled!(
        async {
            let mut tx = app.read_of(&caller.place, &[Scope::Principals]).await?;
            Ok((principals::groups(&mut tx).await?, tx.version(Scope::Principals).await?))
        }
        .await
    )
}
