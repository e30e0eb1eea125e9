//! What contexts are put on: clusters, databases and file stores, with ids from one sequence.

use crate::error::{Error, Result};
use crate::tx::{ConfigTx, ConfigWriteTx};
use crate::value::args;

/// The next id of the deployment's one sequence.
async fn next_id(tx: &mut ConfigWriteTx) -> Result<i64> {
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

/// Registers a master database by name, or finds it.
pub async fn ensure_database(tx: &mut ConfigWriteTx, name: &str, url: &str) -> Result<i64> {
    if let Some(id) = id_by(tx, "db_servers", "name", name).await? {
        return Ok(id);
    }
    let id = next_id(tx).await?;
    tx.execute(
        "db_servers",
        "INSERT INTO db_servers (id, name, url, master, weight, contexts_max) VALUES (?, ?, ?, 0, 100, 1000)",
        args![id, name, url],
    )
    .await?;
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
        "INSERT INTO filestores (id, url, size, contexts_max) VALUES (?, ?, ?, 5000)",
        args![id, url, size],
    )
    .await?;
    Ok(id)
}

/// The URLs of all databases.
pub async fn database_urls(tx: &mut ConfigTx) -> Result<Vec<String>> {
    let rows = tx.query("db_servers", "SELECT url FROM db_servers ORDER BY id", args![]).await?;
    rows.into_iter().map(|mut row| row.text()).collect()
}
