//! Contexts: where each lives, and the login mappings that lead to it.

use zebu_model::ContextId;
use zebu_model::quota::Quota;

use crate::error::Result;
use crate::store::Place;
use crate::tx::{ConfigTx, ConfigWriteTx};
use crate::value::{Row, args};

/// A context to register.
#[derive(Clone, Debug)]
pub struct NewContext {
    /// Its id, chosen by the operator.
    pub id: ContextId,
    /// Its name, unique in the deployment.
    pub name: String,
    /// The cluster that serves it.
    pub server: i64,
    /// The master it is put on.
    pub database: i64,
    /// The file store it is put on.
    pub filestore: i64,
    /// How much it may store.
    pub quota: Quota,
    /// Its login mappings.
    pub mappings: Vec<String>,
}

const PLACE: &str = "SELECT c.cid, c.enabled, d.url, f.url, c.quota FROM contexts c \
     JOIN db_servers d ON d.id = c.database_id JOIN filestores f ON f.id = c.filestore";

fn place(mut row: Row) -> Result<Place> {
    Ok(Place {
        context: row.context()?,
        enabled: row.flag()?,
        database: row.text()?,
        filestore: row.text()?,
        quota: Quota::from_stored(row.int()?),
    })
}

/// Where a context lives.
pub async fn by_id(tx: &mut ConfigTx, id: ContextId) -> Result<Option<Place>> {
    let rows = tx.query("contexts", format!("{PLACE} WHERE c.cid = ?"), args![id]).await?;
    rows.into_iter().next().map(place).transpose()
}

/// Where the context of a login mapping lives.
pub async fn by_mapping(tx: &mut ConfigTx, mapping: &str) -> Result<Option<Place>> {
    let sql = format!("{PLACE} JOIN login_mappings m ON m.cid = c.cid WHERE m.mapping = ?");
    let rows = tx.query("contexts", sql, args![mapping]).await?;
    rows.into_iter().next().map(place).transpose()
}

/// All contexts, by id.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Place>> {
    let rows = tx.query("contexts", format!("{PLACE} ORDER BY c.cid"), args![]).await?;
    rows.into_iter().map(place).collect()
}

/// Registers a context with its mappings.
pub async fn insert(tx: &mut ConfigWriteTx, new: &NewContext) -> Result<()> {
    tx.execute(
        "contexts",
        "INSERT INTO contexts (cid, name, enabled, server, database_id, filestore, quota) \
         VALUES (?, ?, 1, ?, ?, ?, ?)",
        args![new.id, &new.name, new.server, new.database, new.filestore, new.quota.to_stored()],
    )
    .await?;
    for mapping in &new.mappings {
        let sql = "INSERT INTO login_mappings (mapping, cid) VALUES (?, ?)";
        tx.execute("login_mappings", sql, args![mapping, new.id]).await?;
    }
    Ok(())
}

/// Enables or disables a context. Returns whether there is one.
pub async fn set_enabled(tx: &mut ConfigWriteTx, id: ContextId, enabled: bool) -> Result<bool> {
    let sql = "UPDATE contexts SET enabled = ? WHERE cid = ?";
    Ok(tx.execute("contexts", sql, args![enabled, id]).await? > 0)
}

/// Sets a context's quota. Returns whether there is one.
pub async fn set_quota(tx: &mut ConfigWriteTx, id: ContextId, quota: Quota) -> Result<bool> {
    let sql = "UPDATE contexts SET quota = ? WHERE cid = ?";
    Ok(tx.execute("contexts", sql, args![quota.to_stored(), id]).await? > 0)
}
