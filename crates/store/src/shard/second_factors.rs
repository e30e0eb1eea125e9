//! Second factors: the secret that a user's device and the server share, and the codes for when the device is lost.
//!
//! Whether a user has one decides who may do what, so it is of the scope of the users. Which step was used last is not: it is read
//! in the statement that writes it.

use zebu_model::{Scope, UserId};

use crate::error::Result;
use crate::tx::{Tx, WriteTx};
use crate::value::args;

/// A second factor as stored.
#[derive(Clone, PartialEq, Eq)]
pub struct SecondFactor {
    /// The shared secret, encrypted with the nodes' key.
    pub sealed: String,
    /// Since when it is asked for, ms since the epoch; 0: it was begun and never confirmed.
    pub confirmed: i64,
    /// The last step whose code was used; steps are counted from the epoch.
    pub step: i64,
}

/// The second factor of a user, confirmed or not.
pub async fn find(tx: &mut Tx, user: UserId) -> Result<Option<SecondFactor>> {
    tx.need_everything().await?;
    let sql = "SELECT secret, confirmed, step FROM second_factors WHERE cid = ? AND uid = ?";
    let row = tx.query_one("second_factors", sql, args![tx.context, user]).await?;
    row.map(|mut row| Ok(SecondFactor { sealed: row.text()?, confirmed: row.int()?, step: row.int()? }))
        .transpose()
}

/// Begins one, in the place of one that was begun before.
pub async fn begin(tx: &mut WriteTx, user: UserId, sealed: &str) -> Result<()> {
    tx.touch(Scope::Principals)?;
    let sql = "DELETE FROM second_factors WHERE cid = ? AND uid = ?";
    tx.execute("second_factors", sql, args![tx.context, user]).await?;
    let sql = "INSERT INTO second_factors (cid, uid, secret, confirmed, step) VALUES (?, ?, ?, 0, 0)";
    tx.execute("second_factors", sql, args![tx.context, user, sealed]).await.map(drop)
}

/// From now on it is asked for.
pub async fn confirm(tx: &mut WriteTx, user: UserId, now_ms: i64) -> Result<()> {
    tx.touch(Scope::Principals)?;
    let sql = "UPDATE second_factors SET confirmed = ? WHERE cid = ? AND uid = ?";
    tx.execute("second_factors", sql, args![now_ms, tx.context, user]).await.map(drop)
}

/// Uses the code of a step. False if one of that step or a later one was used before, on whatever node.
pub async fn use_step(tx: &mut WriteTx, user: UserId, step: i64) -> Result<bool> {
    let sql = "UPDATE second_factors SET step = ? WHERE cid = ? AND uid = ? AND step < ?";
    Ok(tx.execute("second_factors", sql, args![step, tx.context, user, step]).await? > 0)
}

/// Takes a second factor away, with its recovery codes. Returns whether there was one.
pub async fn delete(tx: &mut WriteTx, user: UserId) -> Result<bool> {
    tx.touch(Scope::Principals)?;
    let sql = "DELETE FROM recovery_codes WHERE cid = ? AND uid = ?";
    tx.execute("recovery_codes", sql, args![tx.context, user]).await?;
    let sql = "DELETE FROM second_factors WHERE cid = ? AND uid = ?";
    Ok(tx.execute("second_factors", sql, args![tx.context, user]).await? > 0)
}

/// Gives a user these recovery codes, as SHA-256, in the place of all others.
pub async fn set_recovery(tx: &mut WriteTx, user: UserId, hashes: &[[u8; 32]]) -> Result<()> {
    tx.touch(Scope::Principals)?;
    let sql = "DELETE FROM recovery_codes WHERE cid = ? AND uid = ?";
    tx.execute("recovery_codes", sql, args![tx.context, user]).await?;
    for hash in hashes {
        let sql = "INSERT INTO recovery_codes (cid, uid, hash) VALUES (?, ?, ?)";
        tx.execute("recovery_codes", sql, args![tx.context, user, *hash]).await?;
    }
    Ok(())
}

/// Uses a recovery code. False if it is none, or was used before, on whatever node.
pub async fn use_recovery(tx: &mut WriteTx, user: UserId, hash: [u8; 32]) -> Result<bool> {
    let sql = "DELETE FROM recovery_codes WHERE cid = ? AND uid = ? AND hash = ?";
    Ok(tx.execute("recovery_codes", sql, args![tx.context, user, hash]).await? > 0)
}

/// How many recovery codes a user has left.
pub async fn count_recovery(tx: &mut Tx, user: UserId) -> Result<u32> {
    tx.need_everything().await?;
    let sql = "SELECT COUNT(*) FROM recovery_codes WHERE cid = ? AND uid = ?";
    let row = tx.query_one("recovery_codes", sql, args![tx.context, user]).await?;
    row.map_or(Ok(0), |mut row| row.uint())
}
