//! `creategroup`, `changegroup`, `deletegroup`, `listgroup`. Who comes to a group or leaves it sees other folders: those are
//! told as changed to clients that synchronise.

use serde::{Deserialize, Serialize};
use zebu_model::{ContextId, GroupId, Scope, UserId, account};
use zebu_store::shard::sequences::{self, Sequence};
use zebu_store::shard::{accounts, groups as statements, principals};
use zebu_store::{Place, Plan, Tx, WriteTx};

use super::error::{Denied, Result, field};
use super::{Made, Named, fits, place};
use crate::app::App;
use crate::settle::until_settled;

/// A group to create.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Short name, unique in the context.
    pub name: String,
    /// The name people see.
    pub display_name: String,
    /// Its members.
    #[serde(default)]
    pub members: Vec<Named<UserId>>,
}

/// What is to change of a group; what is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GroupChange {
    /// Another short name.
    pub name: Option<String>,
    /// Another name for people to see.
    pub display_name: Option<String>,
    /// Users to add; members are no error.
    pub add_members: Vec<Named<UserId>>,
    /// Users to remove; others are no error.
    pub remove_members: Vec<Named<UserId>>,
}

/// A group in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupRow {
    /// Its id.
    pub id: GroupId,
    /// Short name.
    pub name: String,
    /// The name people see.
    pub display_name: String,
    /// Its members; of group 0 all users.
    pub members: Vec<UserId>,
}

fn check(name: &str, display_name: &str) -> std::result::Result<(), Denied> {
    field("name", account::name(name))?;
    field("displayname", account::name(display_name))
}

/// Creates a group. `if_absent`: one of this name is no error.
pub async fn create(app: &App, context: ContextId, new: &NewGroup, if_absent: bool) -> Result<Made<GroupId>> {
    check(&new.name, &new.display_name)?;
    let place = place(app, context).await?;
    until_settled!(attempt(app, &place, new, if_absent).await)
}

async fn attempt(app: &App, place: &Place, new: &NewGroup, if_absent: bool) -> Result<Made<GroupId>> {
    let mut tx = write(app, place).await?;
    if let Some(id) = statements::by_name(&mut tx, &new.name).await? {
        return match if_absent {
            true => Ok(Made::before(id)),
            false => Err(Denied::GroupTaken { name: new.name.clone() }.into()),
        };
    }
    let id = GroupId(sequences::take(&mut tx, Sequence::Principals, 1).await?);
    principals::insert_group(&mut tx, id, &new.name, &new.display_name).await?;
    add(&mut tx, id, &new.members).await?;
    tx.commit().await?;
    Ok(Made::now(id))
}

async fn write(app: &App, place: &Place) -> Result<WriteTx> {
    Ok(app.write(place, Plan::changing([Scope::Principals, Scope::Tree])).await?)
}

/// Adds users who are not in the group. Returns whether there was one.
async fn add(tx: &mut WriteTx, id: GroupId, users: &[Named<UserId>]) -> Result<bool> {
    let mut members = statements::members(tx, id).await?;
    let before = members.len();
    for user in users {
        let user = member(tx, user).await?;
        if !members.contains(&user) {
            principals::insert_member(tx, id, user).await?;
            members.push(user);
        }
    }
    Ok(members.len() > before)
}

async fn member(tx: &mut Tx, which: &Named<UserId>) -> Result<UserId> {
    let found = match which {
        Named::Id(id) => accounts::by_id(tx, *id).await?,
        Named::Name(login) => accounts::by_login(tx, login).await?,
    };
    Ok(found.map(|u| u.id).ok_or_else(|| Denied::UserUnknown { user: which.to_string() })?)
}

pub(super) async fn find(tx: &mut Tx, which: &Named<GroupId>) -> Result<GroupId> {
    let found = match which {
        Named::Name(name) => statements::by_name(tx, name).await?,
        Named::Id(id) => statements::exists(tx, *id).await?.then_some(*id),
    };
    Ok(found.ok_or_else(|| Denied::GroupUnknown { group: which.to_string() })?)
}

/// Changes a group and its members. Returns its id.
pub async fn change(
    app: &App,
    context: ContextId,
    which: &Named<GroupId>,
    change: &GroupChange,
) -> Result<GroupId> {
    let place = place(app, context).await?;
    until_settled!(alter(app, &place, which, change).await)
}

async fn alter(app: &App, place: &Place, which: &Named<GroupId>, change: &GroupChange) -> Result<GroupId> {
    let mut tx = write(app, place).await?;
    let id = find(&mut tx, which).await?;
    if change.name.is_some() || change.display_name.is_some() {
        rename(&mut tx, id, change).await?;
    }
    if change.add_members.is_empty() && change.remove_members.is_empty() {
        tx.commit().await?;
        return Ok(id);
    }
    if id == GroupId::EVERYBODY {
        return Err(Denied::GroupOfAll {}.into());
    }
    let mut moved = add(&mut tx, id, &change.add_members).await?;
    for user in &change.remove_members {
        let user = member(&mut tx, user).await?;
        moved |= principals::delete_member(&mut tx, id, user).await?;
    }
    if moved {
        statements::mark_folders(&mut tx, id).await?;
    }
    tx.commit().await?;
    Ok(id)
}

async fn rename(tx: &mut WriteTx, id: GroupId, change: &GroupChange) -> Result<()> {
    if id == GroupId::EVERYBODY || id == GroupId::STANDARD {
        return Err(Denied::GroupFixed { group: id.to_string() }.into());
    }
    let known = principals::groups(tx).await?.into_iter().find(|g| g.id == id);
    let known = known.ok_or_else(|| Denied::GroupUnknown { group: id.to_string() })?;
    let name = change.name.clone().unwrap_or(known.name);
    let display_name = change.display_name.clone().unwrap_or(known.display_name);
    check(&name, &display_name)?;
    if statements::by_name(tx, &name).await?.is_some_and(|other| other != id) {
        return Err(Denied::GroupTaken { name }.into());
    }
    Ok(statements::rename(tx, id, &name, &display_name).await?)
}

/// Deletes a group, and with it what it was allowed in folders. Returns its id.
pub async fn delete(app: &App, context: ContextId, which: &Named<GroupId>) -> Result<GroupId> {
    let place = place(app, context).await?;
    until_settled!(remove(app, &place, which).await)
}

async fn remove(app: &App, place: &Place, which: &Named<GroupId>) -> Result<GroupId> {
    let mut tx = write(app, place).await?;
    let id = find(&mut tx, which).await?;
    if id == GroupId::EVERYBODY || id == GroupId::STANDARD {
        return Err(Denied::GroupFixed { group: id.to_string() }.into());
    }
    statements::delete(&mut tx, id).await?;
    tx.commit().await?;
    Ok(id)
}

/// The groups whose name, display name or id a pattern fits, by id.
pub async fn list(app: &App, context: ContextId, pattern: &str) -> Result<Vec<GroupRow>> {
    let mut tx = app.read(&place(app, context).await?).await?;
    let all = principals::groups(&mut tx).await?;
    let fitting = all.into_iter().filter(|g| fits(pattern, &[&g.name, &g.display_name, &g.id.to_string()]));
    let rows = fitting.map(|g| GroupRow {
        id: g.id,
        name: g.name,
        display_name: g.display_name,
        members: g.members,
    });
    Ok(rows.collect())
}
