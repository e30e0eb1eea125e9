//! Keys that were reserved in a context when it was deleted: its ledger is gone, and an upload may still end. Whoever deletes the
//! context enters them here; the node that wrote, or the sweeper once that node is gone, removes the content and then the key.

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::error::Result;
use crate::shard::stored::Reservation;
use crate::statement::marks;
use crate::value::{Value, args};

/// Rows in one statement: far below the placeholders an engine takes.
const ROWS_A_STATEMENT: usize = 200;

/// Enters keys; those that are there already stay as they are.
pub async fn enter(tx: &mut ConfigWriteTx, left: &[Reservation], now_ms: i64) -> Result<()> {
    let keys: Vec<String> = left.iter().map(|one| one.key.clone()).collect();
    forget(tx, &keys).await?;
    for part in left.chunks(ROWS_A_STATEMENT) {
        let rows = vec!["(?, ?, ?, ?)"; part.len()].join(", ");
        let sql = format!("INSERT INTO left_keys (store_key, filestore, writer, since) VALUES {rows}");
        let mut values = Vec::with_capacity(part.len() * 4);
        for one in part {
            values.extend(args![&one.key, one.filestore, &one.writer, now_ms]);
        }
        tx.execute("left_keys", sql, values).await?;
    }
    Ok(())
}

/// All of them.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Reservation>> {
    let sql = "SELECT store_key, filestore, writer FROM left_keys";
    let rows = tx.query("left_keys", sql, args![]).await?;
    let left = |mut row: crate::value::Row| {
        Ok(Reservation { key: row.text()?, filestore: row.int()?, writer: row.text()? })
    };
    rows.into_iter().map(left).collect()
}

/// Forgets keys whose contents are gone.
pub async fn forget(tx: &mut ConfigWriteTx, keys: &[String]) -> Result<()> {
    for part in keys.chunks(ROWS_A_STATEMENT) {
        let sql = format!("DELETE FROM left_keys WHERE store_key IN ({})", marks(part.len()));
        tx.execute("left_keys", sql, part.iter().map(Value::from).collect()).await?;
    }
    Ok(())
}
