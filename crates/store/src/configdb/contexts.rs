//! Contexts: where each lives, and the login mappings that lead to it.

use zebu_model::ContextId;
use zebu_model::quota::Quota;

use crate::configdb::resources::next_id;
use crate::error::Result;
use crate::place::Place;
use crate::tx::{ConfigTx, ConfigWriteTx};
use crate::value::{Row, args};

/// How far a context is. A number is what is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All of it is there.
    Ready = 0,
    /// It is being made; whoever was at it may have died.
    BeingCreated = 1,
    /// It is being removed.
    BeingDeleted = 2,
}

impl State {
    fn from_stored(number: i64) -> Option<State> {
        [State::Ready, State::BeingCreated, State::BeingDeleted].into_iter().find(|s| *s as i64 == number)
    }
}

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
    /// The schema there.
    pub schema: String,
    /// The file store it is put on.
    pub filestore: i64,
    /// How much it may store.
    pub quota: Quota,
    /// Its login mappings.
    pub mappings: Vec<String>,
}

const PLACE: &str = "SELECT c.cid, c.enabled, c.state, c.born, c.database_id, c.db_schema, c.moves, c.filestore, f.url, \
     COALESCE(o.url, ''), c.quota FROM contexts c JOIN filestores f ON f.id = c.filestore \
     LEFT JOIN filestores o ON o.id = c.filestore_from";

fn place(mut row: Row) -> Result<Place> {
    let context = row.context()?;
    let enabled = row.flag()?;
    let state = row.int()?;
    let state = row.known("state of a context", State::from_stored(state))?;
    Ok(Place {
        context,
        enabled: enabled && state == State::Ready,
        born: row.int()?,
        database: row.int()?,
        schema: row.text()?,
        moves: row.int()?,
        filestore_id: row.int()?,
        filestore: row.text()?,
        filestore_from: Some(row.text()?).filter(|url| !url.is_empty()),
        quota: Quota::from_stored(row.int()?),
        resolved: std::time::Instant::now(),
        known: crate::Known::default(),
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

/// All contexts that are ready, by id.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Place>> {
    let sql = format!("{PLACE} WHERE c.state = 0 ORDER BY c.cid");
    let rows = tx.query("contexts", sql, args![]).await?;
    rows.into_iter().map(place).collect()
}

/// Registers a context with its mappings; it is being created until [`set_state`] says otherwise.
pub async fn insert(tx: &mut ConfigWriteTx, new: &NewContext) -> Result<()> {
    let born = next_id(tx).await?;
    tx.execute(
        "contexts",
        "INSERT INTO contexts (cid, name, enabled, reason, state, server, database_id, db_schema, moves, filestore, \
         filestore_from, quota, born) VALUES (?, ?, 1, 0, ?, ?, ?, ?, 0, ?, 0, ?, ?)",
        args![
            new.id,
            &new.name,
            State::BeingCreated as i64,
            new.server,
            new.database,
            &new.schema,
            new.filestore,
            new.quota.to_stored(),
            born
        ],
    )
    .await?;
    for mapping in &new.mappings {
        let sql = "INSERT INTO login_mappings (mapping, cid) VALUES (?, ?)";
        tx.execute("login_mappings", sql, args![mapping, new.id]).await?;
    }
    Ok(())
}

/// Says how far a context is. Returns whether there is one.
pub async fn set_state(tx: &mut ConfigWriteTx, id: ContextId, state: State) -> Result<bool> {
    let sql = "UPDATE contexts SET state = ? WHERE cid = ?";
    Ok(tx.execute("contexts", sql, args![state as i64, id]).await? > 0)
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
