//! Users and groups.

use std::collections::BTreeMap;

use zebu_model::access::Access;
use zebu_model::principal::{Group, User};
use zebu_model::rights::{Entity, Membership};
use zebu_model::{GroupId, Scope, UserId, Version};

use super::tombstones::all_known;
use crate::error::Result;
use crate::statement::marks;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, Value, args};

/// What signing in needs to know of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// Argon2id in PHC form.
    pub password_hash: String,
    /// Whether the user may sign in.
    pub enabled: bool,
    /// Whether a second factor is asked for.
    pub has_second_factor: bool,
    /// `en_US` form.
    pub locale: String,
    /// The user with groups and module access.
    pub who: Membership,
}

const USER: &str = "SELECT id, login, display_name, given_name, surname, email, timezone, locale, access, modified FROM users";

fn user(mut row: Row) -> Result<User> {
    Ok(User {
        id: row.user()?,
        login: row.text()?,
        display_name: row.text()?,
        given_name: row.text()?,
        surname: row.text()?,
        email: row.text()?,
        timezone: row.text()?,
        locale: row.text()?,
        access: Access::from_stored(row.int()?),
        modified: row.version()?,
    })
}

/// The credential of a login name, groups and module access included, in one statement.
pub async fn credential(tx: &mut Tx, login: &str) -> Result<Option<Credential>> {
    tx.need(&[Scope::Principals]).await?;
    let rows = tx
        .query(
            "users",
            "SELECT u.password_hash, u.enabled, COALESCE(f.confirmed, 0), u.locale, u.id, u.access, m.gid FROM users u \
             LEFT JOIN second_factors f ON f.cid = u.cid AND f.uid = u.id LEFT JOIN group_members m ON m.cid = u.cid AND m.uid = u.id WHERE u.cid = ? AND u.login = ?",
            args![tx.context, login],
        )
        .await?;
    let mut found: Option<Credential> = None;
    for mut row in rows {
        let (password_hash, enabled) = (row.text()?, row.flag()?);
        let (has_second_factor, locale) = (row.flag()?, row.text()?);
        let who = found.as_ref().map(|credential| credential.who.clone());
        let who = membership(who, &mut row)?;
        found = Some(Credential { password_hash, enabled, has_second_factor, locale, who });
    }
    Ok(found)
}

/// Adds a row `user, access, group or NULL` to what earlier rows said of the user.
pub(super) fn membership(known: Option<Membership>, row: &mut Row) -> Result<Membership> {
    let (user, access, group) = (row.user()?, Access::from_stored(row.int()?), row.opt_int()?);
    let mut who = known.unwrap_or(Membership { user, groups: Vec::new(), access });
    who.groups.extend(group.and_then(|group| u32::try_from(group).ok()).map(GroupId));
    Ok(who)
}

/// An enabled user with groups and module access, in one statement. `None`: there is no such user (any more).
pub async fn member(tx: &mut Tx, id: UserId) -> Result<Option<Membership>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = "SELECT u.id, u.access, m.gid FROM users u \
               LEFT JOIN group_members m ON m.cid = u.cid AND m.uid = u.id \
               WHERE u.cid = ? AND u.id = ? AND u.enabled = 1 ORDER BY m.gid";
    let mut found = None;
    for mut row in tx.query("users", sql, args![tx.context, id]).await? {
        found = Some(membership(found, &mut row)?);
    }
    Ok(found)
}

/// All users, by id.
pub async fn users(tx: &mut Tx) -> Result<Vec<User>> {
    tx.need(&[Scope::Principals]).await?;
    let rows = tx.query("users", format!("{USER} WHERE cid = ? ORDER BY id"), args![tx.context]).await?;
    rows.into_iter().map(user).collect()
}

/// The users of these ids, by id; unknown ones are left out.
pub async fn users_by_id(tx: &mut Tx, ids: &[UserId]) -> Result<Vec<User>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = format!("{USER} WHERE cid = ? AND id IN ({}) ORDER BY id", marks(ids.len()));
    let mut values = args![tx.context];
    values.extend(ids.iter().map(|id| Value::from(*id)));
    tx.query("users", sql, values).await?.into_iter().map(user).collect()
}

/// The groups a user is in; everybody is not listed.
pub async fn groups_of(tx: &mut Tx, id: UserId) -> Result<Vec<GroupId>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = "SELECT gid FROM group_members WHERE cid = ? AND uid = ? ORDER BY gid";
    let rows = tx.query("group_members", sql, args![tx.context, id]).await?;
    rows.into_iter().map(|mut row| row.group()).collect()
}

/// The groups that a user has left since a version. [`Error::Forgotten`](crate::Error::Forgotten) if that is not known any more.
pub async fn groups_left(tx: &mut Tx, id: UserId, since: Version) -> Result<Vec<GroupId>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = "SELECT gid FROM member_tombstones WHERE cid = ? AND uid = ? AND version > ?";
    let rows = tx.query("member_tombstones", sql, args![tx.context, id, since]).await?;
    let found = rows.into_iter().map(|mut row| row.group()).collect::<Result<_>>()?;
    // Everybody is not listed, and nobody leaves it.
    all_known(found, |id| *id == GroupId(0), since)
}

/// All groups with their members, by id. The members of everybody are all users.
pub async fn groups(tx: &mut Tx) -> Result<Vec<Group>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = "SELECT id, name, display_name, modified FROM user_groups WHERE cid = ? ORDER BY id";
    let rows = tx.query("user_groups", sql, args![tx.context]).await?;
    let mut groups = BTreeMap::new();
    for mut row in rows {
        let id = row.group()?;
        let (name, display_name, modified) = (row.text()?, row.text()?, row.version()?);
        groups.insert(id, Group { id, name, display_name, members: Vec::new(), modified });
    }
    let sql = "SELECT gid, uid FROM group_members WHERE cid = ? \
               UNION ALL SELECT 0, id FROM users WHERE cid = ? ORDER BY 1, 2";
    for mut row in tx.query("group_members", sql, args![tx.context, tx.context]).await? {
        let (gid, uid) = (row.group()?, row.user()?);
        if let Some(group) = groups.get_mut(&gid) {
            group.members.push(uid);
        }
    }
    Ok(groups.into_values().collect())
}

/// Which of these entities do not exist.
pub async fn missing(tx: &mut Tx, entities: &[Entity]) -> Result<Vec<Entity>> {
    tx.need(&[Scope::Principals]).await?;
    let ids = |group: bool| -> Vec<Value> {
        entities.iter().filter(|e| e.is_group() == group).map(|e| Value::from(e.id())).collect()
    };
    let (users, groups) = (ids(false), ids(true));
    let sql = format!(
        "SELECT 0, id FROM users WHERE cid = ? AND id IN ({}) \
         UNION ALL SELECT 1, id FROM user_groups WHERE cid = ? AND id IN ({})",
        marks(users.len()),
        marks(groups.len())
    );
    let mut values = args![tx.context];
    values.extend(users);
    values.push(tx.context.into());
    values.extend(groups);
    let mut found = Vec::new();
    for mut row in tx.query("users", sql, values).await? {
        let is_group = row.flag()?;
        found.push(Entity::new(row.uint()?, is_group));
    }
    Ok(entities.iter().copied().filter(|e| !found.contains(e)).collect())
}

/// Creates a group.
pub async fn insert_group(tx: &mut WriteTx, id: GroupId, name: &str, display_name: &str) -> Result<()> {
    let stamp: Version = tx.touch(Scope::Principals)?;
    let sql = "INSERT INTO user_groups (cid, id, name, display_name, modified) VALUES (?, ?, ?, ?, ?)";
    tx.execute("user_groups", sql, args![tx.context, id, name, display_name, stamp]).await.map(drop)
}

/// Puts a user into a group. The folder tree's scope changes too: who sees what depends on it.
pub async fn insert_member(tx: &mut WriteTx, group: GroupId, user: UserId) -> Result<()> {
    let stamp = tx.touch(Scope::Principals)?;
    tx.touch(Scope::Tree)?;
    let sql = "INSERT INTO group_members (cid, gid, uid) VALUES (?, ?, ?)";
    tx.execute("group_members", sql, args![tx.context, group, user]).await?;
    let sql = "UPDATE user_groups SET modified = ? WHERE cid = ? AND id = ?";
    tx.execute("user_groups", sql, args![stamp, tx.context, group]).await.map(drop)
}

/// Takes a user out of a group. Returns whether the user was in it.
pub async fn delete_member(tx: &mut WriteTx, group: GroupId, user: UserId) -> Result<bool> {
    let stamp = tx.touch(Scope::Principals)?;
    tx.touch(Scope::Tree)?;
    let sql = "DELETE FROM group_members WHERE cid = ? AND gid = ? AND uid = ?";
    let found = tx.execute("group_members", sql, args![tx.context, group, user]).await? > 0;
    if found {
        // There may be one of an earlier membership.
        let sql = "REPLACE INTO member_tombstones (cid, uid, gid, version) VALUES (?, ?, ?, ?)";
        tx.execute("member_tombstones", sql, args![tx.context, user, group, stamp]).await?;
    }
    let sql = "UPDATE user_groups SET modified = ? WHERE cid = ? AND id = ?";
    tx.execute("user_groups", sql, args![stamp, tx.context, group]).await?;
    Ok(found)
}
