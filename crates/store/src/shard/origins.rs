//! From where users signed in before: networks and devices. Decides how patient the guard of passwords is, and nothing about who
//! may do what, so no scope is touched.

use zebu_model::UserId;

use crate::error::Result;
use crate::statement::marks;
use crate::tx::{Tx, WriteTx};
use crate::value::{Value, args};

/// Which of these a user signed in from before, and when last, ms since the epoch.
pub async fn known(tx: &mut Tx, user: UserId, hashes: &[[u8; 32]]) -> Result<Vec<([u8; 32], i64)>> {
    tx.need_everything().await?;
    let sql = format!(
        "SELECT hash, seen FROM known_origins WHERE cid = ? AND uid = ? AND hash IN ({})",
        marks(hashes.len())
    );
    let mut values = args![tx.context, user];
    values.extend(hashes.iter().map(|hash| Value::from(*hash)));
    let rows = tx.query("known_origins", sql, values).await?;
    rows.into_iter().map(|mut row| Ok((row.hash()?, row.int()?))).collect()
}

/// Remembers one, and forgets those seen longest ago beyond `kept_max`.
pub async fn remember(
    tx: &mut WriteTx,
    user: UserId,
    hash: [u8; 32],
    now_ms: i64,
    kept_max: u32,
) -> Result<()> {
    let sql = "UPDATE known_origins SET seen = ? WHERE cid = ? AND uid = ? AND hash = ?";
    if tx.execute("known_origins", sql, args![now_ms, tx.context, user, hash]).await? > 0 {
        return Ok(());
    }
    let sql = "INSERT INTO known_origins (cid, uid, hash, seen) VALUES (?, ?, ?, ?)";
    tx.execute("known_origins", sql, args![tx.context, user, hash, now_ms]).await?;
    let sql = "SELECT hash FROM known_origins WHERE cid = ? AND uid = ? ORDER BY seen DESC, hash LIMIT 1000 OFFSET ?";
    let values = args![tx.context, user, kept_max];
    for mut row in tx.query("known_origins", sql, values).await? {
        let values = args![tx.context, user, row.hash()?];
        let sql = "DELETE FROM known_origins WHERE cid = ? AND uid = ? AND hash = ?";
        tx.execute("known_origins", sql, values).await?;
    }
    Ok(())
}
