//! Groups as the operator makes and changes them. Who sees what depends on memberships: they change the tree too.

use zebu_model::rights::Entity;
use zebu_model::{GroupId, Scope, UserId};

use super::folder_writes::bury_permissions;
use super::folders::principal;
use crate::error::Result;
use crate::tx::{Tx, WriteTx};
use crate::value::args;

/// The group of a name.
pub async fn by_name(tx: &mut Tx, name: &str) -> Result<Option<GroupId>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = "SELECT id FROM user_groups WHERE cid = ? AND name = ?";
    let row = tx.query_one("user_groups", sql, args![tx.context, name]).await?;
    row.map(|mut row| row.group()).transpose()
}

/// Whether there is a group.
pub async fn exists(tx: &mut Tx, id: GroupId) -> Result<bool> {
    tx.need(&[Scope::Principals]).await?;
    let sql = "SELECT 1 FROM user_groups WHERE cid = ? AND id = ?";
    Ok(tx.query_one("user_groups", sql, args![tx.context, id]).await?.is_some())
}

/// The members of a group, by id.
pub async fn members(tx: &mut Tx, id: GroupId) -> Result<Vec<UserId>> {
    tx.need(&[Scope::Principals]).await?;
    let sql = "SELECT uid FROM group_members WHERE cid = ? AND gid = ? ORDER BY uid";
    let rows = tx.query("group_members", sql, args![tx.context, id]).await?;
    rows.into_iter().map(|mut row| row.user()).collect()
}

/// Puts users into a group in which none of them is.
pub async fn insert_members(tx: &mut WriteTx, id: GroupId, users: &[UserId]) -> Result<()> {
    let stamp = tx.touch(Scope::Principals)?;
    tx.touch(Scope::Tree)?;
    for part in users.chunks(200) {
        let rows = vec!["(?, ?, ?)"; part.len()].join(", ");
        let sql = format!("INSERT INTO group_members (cid, gid, uid) VALUES {rows}");
        let values = part.iter().flat_map(|user| args![tx.context, id, *user]).collect();
        tx.execute("group_members", sql, values).await?;
    }
    let sql = "UPDATE user_groups SET modified = ? WHERE cid = ? AND id = ?";
    tx.execute("user_groups", sql, args![stamp, tx.context, id]).await.map(drop)
}

/// Gives a group other names.
pub async fn rename(tx: &mut WriteTx, id: GroupId, name: &str, display_name: &str) -> Result<()> {
    let stamp = tx.touch(Scope::Principals)?;
    let sql = "UPDATE user_groups SET name = ?, display_name = ?, modified = ? WHERE cid = ? AND id = ?";
    tx.execute("user_groups", sql, args![name, display_name, stamp, tx.context, id]).await.map(drop)
}

/// Deletes a group with its memberships and its permissions in folders.
pub async fn delete(tx: &mut WriteTx, id: GroupId) -> Result<()> {
    let stamp = tx.touch(Scope::Principals)?;
    mark_folders(tx, id).await?;
    bury_permissions(tx, "p.principal = ?", args![principal(Entity::Group(id))]).await?;
    let sql = "DELETE FROM folder_permissions WHERE cid = ? AND principal = ?";
    tx.execute("folder_permissions", sql, args![tx.context, principal(Entity::Group(id))]).await?;
    let sql = "REPLACE INTO member_tombstones (cid, uid, gid, version) \
               SELECT cid, uid, gid, ? FROM group_members WHERE cid = ? AND gid = ?";
    tx.execute("member_tombstones", sql, args![stamp, tx.context, id]).await?;
    let sql = "DELETE FROM group_members WHERE cid = ? AND gid = ?";
    tx.execute("group_members", sql, args![tx.context, id]).await?;
    let sql = "DELETE FROM user_groups WHERE cid = ? AND id = ?";
    tx.execute("user_groups", sql, args![tx.context, id]).await.map(drop)
}

/// Says of all folders that a group has permissions in that they changed: to those who came to the group or left it they
/// appear or vanish, and clients that synchronise have to look at them again.
pub async fn mark_folders(tx: &mut WriteTx, id: GroupId) -> Result<()> {
    let stamp = tx.touch(Scope::Tree)?;
    let sql = "UPDATE folders SET modified = ? WHERE cid = ? AND id IN \
               (SELECT folder FROM folder_permissions WHERE cid = ? AND principal = ?)";
    let values = args![stamp, tx.context, tx.context, principal(Entity::Group(id))];
    tx.execute("folders", sql, values).await.map(drop)
}
