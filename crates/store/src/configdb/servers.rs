//! The clusters, which the operator's commands call servers.

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::sequence::next_id;
use crate::error::Result;
use crate::value::{Row, args};

/// A cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// Its id.
    pub id: i64,
    /// Its name, unique in the deployment.
    pub name: String,
}

fn server(mut row: Row) -> Result<Server> {
    Ok(Server { id: row.int()?, name: row.text()? })
}

/// All clusters, by id.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Server>> {
    let rows = tx.query("servers", "SELECT id, name FROM servers ORDER BY id", args![]).await?;
    rows.into_iter().map(server).collect()
}

/// One cluster by its name.
pub async fn by_name(tx: &mut ConfigTx, name: &str) -> Result<Option<Server>> {
    let rows = tx.query("servers", "SELECT id, name FROM servers WHERE name = ?", args![name]).await?;
    rows.into_iter().next().map(server).transpose()
}

/// Registers a cluster. [`crate::Error::Duplicate`] if the name is taken.
pub async fn insert(tx: &mut ConfigWriteTx, name: &str) -> Result<i64> {
    let id = next_id(tx).await?;
    tx.execute("servers", "INSERT INTO servers (id, name) VALUES (?, ?)", args![id, name]).await?;
    Ok(id)
}

/// How many contexts a cluster serves.
pub async fn contexts(tx: &mut ConfigTx, id: i64) -> Result<u64> {
    let rows = tx.query("contexts", "SELECT COUNT(*) FROM contexts WHERE server = ?", args![id]).await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.uint())
}

/// Forgets a cluster.
pub async fn delete(tx: &mut ConfigWriteTx, id: i64) -> Result<()> {
    tx.execute("servers", "DELETE FROM servers WHERE id = ?", args![id]).await.map(drop)
}
