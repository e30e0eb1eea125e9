//! App passwords: what programs sign in with that cannot ask for a second factor. Random, so a plain hash suffices.
//!
//! They let somebody in as a session does, so they are of the scope of their user's sessions; when one was last used is of none.

use zebu_model::{Scope, UserId};

use crate::error::Result;
use crate::tx::{Tx, WriteTx};
use crate::value::{Row, args};

/// An app password as stored, without what lets anybody in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AppPassword {
    /// Random, unique among the user's.
    pub id: i64,
    /// What its user calls it.
    pub name: String,
    /// What it is good for; a number that the caller knows the meaning of.
    pub scope: i64,
    /// When it was made, ms since the epoch.
    pub created: i64,
    /// When it was last used, to a minute, ms since the epoch; 0: never.
    pub used: i64,
}

const APP_PASSWORD: &str = "SELECT id, name, scope, created, used FROM app_passwords";

fn app_password(mut row: Row) -> Result<AppPassword> {
    Ok(AppPassword {
        id: row.int()?,
        name: row.text()?,
        scope: row.int()?,
        created: row.int()?,
        used: row.int()?,
    })
}

/// The app password of a user that has this SHA-256, in a form that can be remembered: when it was last used is as old as that.
pub async fn recall(tx: &mut Tx, user: UserId, hash: [u8; 32]) -> Result<Option<AppPassword>> {
    tx.need(&[Scope::Sessions(user)]).await?;
    let sql = format!("{APP_PASSWORD} WHERE cid = ? AND uid = ? AND hash = ?");
    let row = tx.query_one("app_passwords", sql, args![tx.context, user, hash]).await?;
    row.map(app_password).transpose()
}

/// All app passwords of a user, the newest first.
pub async fn of_user(tx: &mut Tx, user: UserId) -> Result<Vec<AppPassword>> {
    tx.need_everything().await?;
    let sql = format!("{APP_PASSWORD} WHERE cid = ? AND uid = ? ORDER BY created DESC, id");
    let rows = tx.query("app_passwords", sql, args![tx.context, user]).await?;
    rows.into_iter().map(app_password).collect()
}

/// Stores a new one with its SHA-256.
pub async fn insert(tx: &mut WriteTx, user: UserId, new: &AppPassword, hash: [u8; 32]) -> Result<()> {
    tx.touch(Scope::Sessions(user))?;
    let sql = "INSERT INTO app_passwords (cid, uid, id, name, hash, scope, created, used) \
               VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
    let values = args![tx.context, user, new.id, &new.name, hash, new.scope, new.created, new.used];
    tx.execute("app_passwords", sql, values).await.map(drop)
}

/// Takes one away. Returns whether there was one.
pub async fn delete(tx: &mut WriteTx, user: UserId, id: i64) -> Result<bool> {
    tx.touch(Scope::Sessions(user))?;
    let sql = "DELETE FROM app_passwords WHERE cid = ? AND uid = ? AND id = ?";
    Ok(tx.execute("app_passwords", sql, args![tx.context, user, id]).await? > 0)
}

/// Writes when one was used. Who may do what does not depend on it, so no scope is touched.
pub async fn set_used(tx: &mut WriteTx, user: UserId, id: i64, now_ms: i64) -> Result<()> {
    let sql = "UPDATE app_passwords SET used = ? WHERE cid = ? AND uid = ? AND id = ?";
    tx.execute("app_passwords", sql, args![now_ms, tx.context, user, id]).await.map(drop)
}
