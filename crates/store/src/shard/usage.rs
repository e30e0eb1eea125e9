//! Bytes a context has in its file store. Spread over slots, so that uploads to different folders do not wait for
//! one counter row.

use std::collections::BTreeMap;

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
    Ok(u64::try_from(sum(&hold_slots(tx).await?)).unwrap_or(0))
}

/// Slots and what each counts, held until this transaction ends.
async fn hold_slots(tx: &mut WriteTx) -> Result<Vec<(i64, i64)>> {
    let sql = match tx.locking() {
        Locking::Whole => "SELECT slot, used FROM filestore_usage WHERE cid = ? ORDER BY slot",
        Locking::Rows => "SELECT slot, used FROM filestore_usage WHERE cid = ? ORDER BY slot FOR UPDATE",
    };
    let values = args![tx.context];
    let rows = tx.query("filestore_usage", sql, values).await?;
    rows.into_iter().map(|mut row| Ok((row.int()?, row.int()?))).collect()
}

fn sum(slots: &[(i64, i64)]) -> i64 {
    slots.iter().fold(0, |sum, (_, used)| sum.saturating_add(*used))
}

/// What the slots count together, and the bytes that there are, in one snapshot. The first may be anything if something went
/// wrong.
pub async fn compare(tx: &mut Tx) -> Result<(i64, u64)> {
    tx.need_everything().await?;
    let sql = "SELECT slot, used FROM filestore_usage WHERE cid = ?";
    let rows = tx.query("filestore_usage", sql, args![tx.context]).await?;
    let slots: Vec<(i64, i64)> =
        rows.into_iter().map(|mut row| Ok((row.int()?, row.int()?))).collect::<Result<_>>()?;
    Ok((sum(&slots), recount(tx).await?.1))
}

/// Makes the slots count the bytes that there are. Returns what they counted, and what they count now.
///
/// Holds them first: whoever has counted but not committed is waited for, and whoever has not counted yet does so behind this,
/// so nothing is counted twice or lost.
pub async fn mend(tx: &mut WriteTx) -> Result<(i64, u64)> {
    let slots = hold_slots(tx).await?;
    let sql = "SELECT COALESCE(f.folder, 0) % ?, CAST(COALESCE(SUM(v.size), 0) AS SIGNED) FROM file_versions v \
               LEFT JOIN files f ON f.cid = v.cid AND f.id = v.file WHERE v.cid = ? GROUP BY 1";
    let values = args![SLOTS, tx.context];
    let mut there = BTreeMap::new();
    for mut row in tx.query("file_versions", sql, values).await? {
        there.insert(row.int()?, row.int()?);
    }
    for slot in 0..i64::from(SLOTS) {
        let used = there.get(&slot).copied().unwrap_or(0);
        let sql = if slots.iter().any(|(known, _)| *known == slot) {
            "UPDATE filestore_usage SET used = ? WHERE cid = ? AND slot = ?"
        } else {
            "INSERT INTO filestore_usage (used, cid, slot) VALUES (?, ?, ?)"
        };
        let values = args![used, tx.context, slot];
        tx.execute("filestore_usage", sql, values).await?;
    }
    let all = there.values().fold(0i64, |sum, used| sum.saturating_add(*used));
    Ok((sum(&slots), u64::try_from(all).unwrap_or(0)))
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
