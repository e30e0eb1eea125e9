//! How many contexts there are on each schema and file store, beside what is counted there: for who checks the counts.
//!
//! Whoever puts a context somewhere, or takes it away, counts in the transaction that does so. A reading transaction therefore
//! finds both of one mind, and so does a writing one that holds the counts first.

use std::collections::BTreeMap;

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::sequence::hold_placement;
use crate::engine::Locking;
use crate::error::Result;
use crate::value::args;

/// How many contexts there are in each schema, by the master they say it is on and its name.
pub async fn in_schemas(tx: &mut ConfigTx) -> Result<BTreeMap<(i64, String), i64>> {
    let sql = "SELECT database_id, db_schema, COUNT(*) FROM contexts GROUP BY database_id, db_schema";
    let rows = tx.query("contexts", sql, args![]).await?;
    rows.into_iter().map(|mut row| Ok(((row.int()?, row.text()?), row.int()?))).collect()
}

/// How many contexts there are on each file store, by its id; one whose contents move is on both.
pub async fn in_filestores(tx: &mut ConfigTx) -> Result<BTreeMap<i64, i64>> {
    let sql = "SELECT id, COUNT(*) FROM (SELECT filestore AS id FROM contexts \
               UNION ALL SELECT filestore_from FROM contexts WHERE filestore_from <> 0) c GROUP BY id";
    let rows = tx.query("contexts", sql, args![]).await?;
    rows.into_iter().map(|mut row| Ok((row.int()?, row.int()?))).collect()
}

/// Holds all counts until the transaction ends: nobody comes anywhere, and nobody leaves, meanwhile.
pub async fn hold(tx: &mut ConfigWriteTx) -> Result<()> {
    hold_placement(tx).await?;
    if tx.locking() == Locking::Rows {
        let sql = "SELECT contexts FROM db_schemas ORDER BY name FOR UPDATE";
        tx.query("db_schemas", sql, args![]).await?;
        let sql = "SELECT contexts FROM filestores ORDER BY id FOR UPDATE";
        tx.query("filestores", sql, args![]).await?;
    }
    Ok(())
}

/// Sets what is counted in a schema.
pub async fn set_in_schema(tx: &mut ConfigWriteTx, name: &str, contexts: i64) -> Result<()> {
    let sql = "UPDATE db_schemas SET contexts = ? WHERE name = ?";
    tx.execute("db_schemas", sql, args![contexts, name]).await.map(drop)
}

/// Sets what is counted on a file store.
pub async fn set_in_filestore(tx: &mut ConfigWriteTx, id: i64, contexts: i64) -> Result<()> {
    let sql = "UPDATE filestores SET contexts = ? WHERE id = ?";
    tx.execute("filestores", sql, args![contexts, id]).await.map(drop)
}
