//! Why contexts are disabled, in the operator's words.

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::sequence::next_id;
use crate::error::Result;
use crate::value::{Row, args};

/// A reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Its id.
    pub id: i64,
    /// The operator's words.
    pub text: String,
}

fn reason(mut row: Row) -> Result<Reason> {
    Ok(Reason { id: row.int()?, text: row.text()? })
}

/// All reasons, by id.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Reason>> {
    let rows = tx.query("reasons", "SELECT id, text FROM reasons ORDER BY id", args![]).await?;
    rows.into_iter().map(reason).collect()
}

/// One reason.
pub async fn by_id(tx: &mut ConfigTx, id: i64) -> Result<Option<Reason>> {
    let rows = tx.query("reasons", "SELECT id, text FROM reasons WHERE id = ?", args![id]).await?;
    rows.into_iter().next().map(reason).transpose()
}

/// Keeps a reason.
pub async fn insert(tx: &mut ConfigWriteTx, text: &str) -> Result<i64> {
    let id = next_id(tx).await?;
    tx.execute("reasons", "INSERT INTO reasons (id, text) VALUES (?, ?)", args![id, text]).await?;
    Ok(id)
}

/// How many contexts are disabled for a reason.
pub async fn contexts(tx: &mut ConfigTx, id: i64) -> Result<u64> {
    let rows = tx.query("contexts", "SELECT COUNT(*) FROM contexts WHERE reason = ?", args![id]).await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.uint())
}

/// Forgets a reason. Returns whether there was one.
pub async fn delete(tx: &mut ConfigWriteTx, id: i64) -> Result<bool> {
    Ok(tx.execute("reasons", "DELETE FROM reasons WHERE id = ?", args![id]).await? > 0)
}
