//! What contexts are put on: clusters and file stores, with ids from one sequence.

use crate::error::{Error, Result};
use crate::tx::{ConfigTx, ConfigWriteTx};
use crate::value::args;

/// The next id of the deployment's one sequence.
pub(crate) async fn next_id(tx: &mut ConfigWriteTx) -> Result<i64> {
    let raised = tx.execute(
        "config_sequence",
        "UPDATE config_sequence SET next = next + 1 WHERE name = 'id'",
        args![],
    );
    if raised.await? == 0 {
        // 1 and 2 are left to the operator's oldest habit: the first server is 2, as in the original's guide.
        tx.execute("config_sequence", "INSERT INTO config_sequence (name, next) VALUES ('id', 2)", args![])
            .await
            .map_err(Error::of_first_comer)?;
    }
    let rows =
        tx.query("config_sequence", "SELECT next FROM config_sequence WHERE name = 'id'", args![]).await?;
    rows.into_iter().next().map_or(Ok(2), |mut row| row.int())
}

async fn id_by(tx: &mut ConfigTx, table: &'static str, column: &str, value: &str) -> Result<Option<i64>> {
    let rows = tx.query(table, format!("SELECT id FROM {table} WHERE {column} = ?"), args![value]).await?;
    rows.into_iter().next().map(|mut row| row.int()).transpose()
}

/// Registers a cluster by name, or finds it.
pub async fn ensure_server(tx: &mut ConfigWriteTx, name: &str) -> Result<i64> {
    if let Some(id) = id_by(tx, "servers", "name", name).await? {
        return Ok(id);
    }
    let id = next_id(tx).await?;
    tx.execute("servers", "INSERT INTO servers (id, name) VALUES (?, ?)", args![id, name]).await?;
    Ok(id)
}

/// Registers a file store by URL, or finds it. `size`: bytes.
pub async fn ensure_filestore(tx: &mut ConfigWriteTx, url: &str, size: u64) -> Result<i64> {
    if let Some(id) = id_by(tx, "filestores", "url", url).await? {
        return Ok(id);
    }
    let id = next_id(tx).await?;
    tx.execute(
        "filestores",
        "INSERT INTO filestores (id, url, size, contexts_max, contexts, reserved) VALUES (?, ?, ?, 5000, 0, 0)",
        args![id, url, size],
    )
    .await?;
    Ok(id)
}
