//! The deployment's one sequence of ids, and the locks that let one transaction at a time decide something.

use crate::config_tx::ConfigWriteTx;
use crate::engine::Locking;
use crate::error::{Error, Result};
use crate::value::args;

/// The first id. 1 is left to nobody: the first server is 2, as in the original's guide.
const FIRST: i64 = 2;

/// The next id of the deployment's one sequence. Gaps are left by nobody: a transaction that fails gives its id back.
pub(crate) async fn next_id(tx: &mut ConfigWriteTx) -> Result<i64> {
    raise(tx, "id", FIRST).await?;
    let rows =
        tx.query("config_sequence", "SELECT next FROM config_sequence WHERE name = 'id'", args![]).await?;
    rows.into_iter().next().map_or(Ok(FIRST), |mut row| row.int())
}

/// Lets one transaction at a time decide where a context is put, until it ends: what it counted stays so.
pub async fn hold_placement(tx: &mut ConfigWriteTx) -> Result<()> {
    raise(tx, "placement", 0).await
}

/// Lets one transaction at a time decide whether there is room for a session, until it ends.
pub(crate) async fn hold_sessions(tx: &mut ConfigWriteTx) -> Result<()> {
    raise(tx, "sessions", 0).await
}

/// Lets one transaction at a time read or change the registry, until it ends.
pub(crate) async fn hold_members(tx: &mut ConfigWriteTx) -> Result<()> {
    raise(tx, "members", 0).await
}

/// Held by whoever changes where contexts live, from before it tells others of that until it ends.
pub(crate) async fn hold_places(tx: &mut ConfigWriteTx) -> Result<()> {
    raise(tx, "places", 0).await
}

/// Waits until nobody changes where contexts live. On SQLite the first statement waits for whoever writes.
pub(crate) async fn await_places(tx: &mut ConfigWriteTx) -> Result<()> {
    let sql = match tx.locking() {
        Locking::Whole => "SELECT next FROM config_sequence WHERE name = 'places'",
        Locking::Rows => "SELECT next FROM config_sequence WHERE name = 'places' LOCK IN SHARE MODE",
    };
    tx.query("config_sequence", sql, args![]).await.map(drop)
}

async fn raise(tx: &mut ConfigWriteTx, name: &str, first: i64) -> Result<()> {
    let sql = "UPDATE config_sequence SET next = next + 1 WHERE name = ?";
    if tx.execute("config_sequence", sql, args![name]).await? > 0 {
        return Ok(());
    }
    let sql = "INSERT INTO config_sequence (name, next) VALUES (?, ?)";
    tx.execute("config_sequence", sql, args![name, first]).await.map(drop).map_err(Error::of_first_comer)
}
