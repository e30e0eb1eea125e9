//! Bytes a context has in its file store. Spread over slots, so that uploads to different folders do not wait for
//! one counter row.

use zebu_model::FolderId;

use crate::engine::Locking;
use crate::error::{Error, Result};
use crate::tx::{Tx, WriteTx};
use crate::value::args;

/// Slots a context. Uploads wait for each other with a chance of one in so many.
const SLOTS: u32 = 16;

/// All bytes in use.
pub async fn used(tx: &mut Tx) -> Result<u64> {
    tx.need_everything().await?;
    let sql = "SELECT CAST(COALESCE(SUM(used), 0) AS SIGNED) FROM filestore_usage WHERE cid = ?";
    let row = tx.query_one("filestore_usage", sql, args![tx.context]).await?;
    // One slot may go below zero when content moves between folders; the sum does not, and a defect that made it
    // so must not turn into a huge number.
    row.map_or(Ok(0), |mut row| Ok(u64::try_from(row.int()?).unwrap_or(0)))
}

/// All bytes in use, which nobody else changes before this transaction ends: for who decides by them.
pub async fn hold(tx: &mut WriteTx) -> Result<u64> {
    let sql = match tx.locking() {
        Locking::Whole => "SELECT used FROM filestore_usage WHERE cid = ? ORDER BY slot",
        Locking::Rows => "SELECT used FROM filestore_usage WHERE cid = ? ORDER BY slot FOR UPDATE",
    };
    let values = args![tx.context];
    let mut sum = 0i64;
    for mut row in tx.query("filestore_usage", sql, values).await? {
        sum = sum.saturating_add(row.int()?);
    }
    Ok(u64::try_from(sum).unwrap_or(0))
}

/// Makes a new context's slots. They are all there from the beginning: one made later could not be held before.
pub async fn insert_slots(tx: &mut WriteTx) -> Result<()> {
    for slot in 0..SLOTS {
        let sql = "INSERT INTO filestore_usage (cid, slot, used) VALUES (?, ?, 0)";
        let values = args![tx.context, slot];
        tx.execute("filestore_usage", sql, values).await?;
    }
    Ok(())
}

/// Counts `bytes` more (or fewer, if negative) for content in `folder`.
pub async fn add(tx: &mut WriteTx, folder: FolderId, bytes: i64) -> Result<()> {
    if bytes == 0 {
        return Ok(());
    }
    let slot = folder.0 % SLOTS;
    let sql = "UPDATE filestore_usage SET used = used + ? WHERE cid = ? AND slot = ?";
    let values = args![bytes, tx.context, slot];
    match tx.execute("filestore_usage", sql, values).await? {
        0 => Err(Error::Corrupt { table: "filestore_usage", detail: format!("slot {slot} is missing") }),
        _ => Ok(()),
    }
}

/// What the metadata says: how many versions with content there are, and their bytes.
pub async fn recount(tx: &mut Tx) -> Result<(u64, u64)> {
    tx.need_everything().await?;
    let sql = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS SIGNED) FROM file_versions WHERE cid = ?";
    let row = tx.query_one("file_versions", sql, args![tx.context]).await?;
    row.map_or(Ok((0, 0)), |mut row| Ok((row.uint()?, row.uint()?)))
}
