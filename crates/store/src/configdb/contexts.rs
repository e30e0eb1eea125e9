//! Contexts: where each lives, how far it is, and the login mappings that lead to it.

use std::collections::BTreeMap;

use zebu_model::ContextId;
use zebu_model::quota::Quota;

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::sequence::next_id;
use crate::engine::Locking;
use crate::error::Result;
use crate::place::{Filestores, Place};
use crate::statement::marks;
use crate::value::{Row, Value, args};

/// Ids in one statement: far below the placeholders an engine takes.
const IDS_A_STATEMENT: usize = 500;

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
    /// Who makes it: a random name, new each time.
    pub maker: String,
    /// When, ms since the epoch.
    pub made: i64,
}

/// A context as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registered {
    /// Its id.
    pub id: ContextId,
    /// Its name.
    pub name: String,
    /// Whether its users may sign in, as far as the operator is concerned.
    pub enabled: bool,
    /// Why not: the id of a reason, 0 for none.
    pub reason: i64,
    /// How far it is.
    pub state: State,
    /// The cluster that serves it.
    pub server: i64,
    /// The master it is on.
    pub database: i64,
    /// The schema there.
    pub schema: String,
    /// The file store it is on.
    pub filestore: i64,
    /// How much it may store.
    pub quota: Quota,
    /// Who makes or made it.
    pub maker: String,
    /// When, ms since the epoch.
    pub made: i64,
}

const REGISTERED: &str = "SELECT cid, name, enabled, reason, state, server, database_id, db_schema, filestore, quota, \
     maker, made FROM contexts";

fn registered(mut row: Row) -> Result<Registered> {
    let (id, name) = (row.context()?, row.text()?);
    let (enabled, reason, state) = (row.flag()?, row.int()?, row.int()?);
    Ok(Registered {
        id,
        name,
        enabled,
        reason,
        state: row.known("state of a context", State::from_stored(state))?,
        server: row.int()?,
        database: row.int()?,
        schema: row.text()?,
        filestore: row.int()?,
        quota: Quota::from_stored(row.int()?),
        maker: row.text()?,
        made: row.int()?,
    })
}

/// All contexts, however far they are, by id.
pub async fn registered_all(tx: &mut ConfigTx) -> Result<Vec<Registered>> {
    let rows = tx.query("contexts", format!("{REGISTERED} ORDER BY cid"), args![]).await?;
    rows.into_iter().map(registered).collect()
}

/// One context, however far it is.
pub async fn registered_by_id(tx: &mut ConfigTx, id: ContextId) -> Result<Option<Registered>> {
    let rows = tx.query("contexts", format!("{REGISTERED} WHERE cid = ?"), args![id]).await?;
    rows.into_iter().next().map(registered).transpose()
}

/// One context by its name, however far it is.
pub async fn registered_by_name(tx: &mut ConfigTx, name: &str) -> Result<Option<Registered>> {
    let rows = tx.query("contexts", format!("{REGISTERED} WHERE name = ?"), args![name]).await?;
    rows.into_iter().next().map(registered).transpose()
}

const PLACE: &str = "SELECT c.cid, c.enabled, COALESCE(s.name, ''), c.state, c.born, c.database_id, c.db_schema, c.moves, c.filestore, f.url, \
     COALESCE(o.id, 0), COALESCE(o.url, ''), c.quota FROM contexts c JOIN filestores f ON f.id = c.filestore \
     LEFT JOIN filestores o ON o.id = c.filestore_from LEFT JOIN servers s ON s.id = c.server";

fn place(mut row: Row) -> Result<Place> {
    let context = row.context()?;
    let enabled = row.flag()?;
    let server = row.text()?;
    let state = row.int()?;
    let state = row.known("state of a context", State::from_stored(state))?;
    Ok(Place {
        context,
        server,
        enabled: enabled && state == State::Ready,
        born: row.int()?,
        database: row.int()?,
        schema: row.text()?,
        moves: row.int()?,
        filestore_id: row.int()?,
        filestore: row.text()?,
        filestore_from: Some((row.int()?, row.text()?)).filter(|(id, _)| *id != 0),
        quota: Quota::from_stored(row.int()?),
        resolved: std::time::Instant::now(),
        known: crate::Known::default(),
    })
}

/// How a context is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted<'a> {
    Id(ContextId),
    Mapping(&'a str),
}

/// Where a context lives.
pub async fn by_id(tx: &mut ConfigTx, id: ContextId) -> Result<Option<Place>> {
    find(tx, Wanted::Id(id)).await
}

/// Where a context lives, however it is asked for.
pub(crate) async fn find(tx: &mut ConfigTx, wanted: Wanted<'_>) -> Result<Option<Place>> {
    look(tx, wanted, "").await
}

/// The same once nobody is changing any of what says it: waits for that.
pub(crate) async fn find_locked(tx: &mut ConfigWriteTx, wanted: Wanted<'_>) -> Result<Option<Place>> {
    let lock = if tx.locking() == Locking::Rows { " LOCK IN SHARE MODE" } else { "" };
    look(tx, wanted, lock).await
}

async fn look(tx: &mut ConfigTx, wanted: Wanted<'_>, lock: &str) -> Result<Option<Place>> {
    let (condition, value) = match wanted {
        Wanted::Id(id) => ("WHERE c.cid = ?", args![id]),
        Wanted::Mapping(mapping) => {
            ("JOIN login_mappings m ON m.cid = c.cid WHERE m.mapping = ?", args![mapping])
        }
    };
    let rows = tx.query("contexts", format!("{PLACE} {condition}{lock}"), value).await?;
    rows.into_iter().next().map(place).transpose()
}

/// Where a context lives that is ready, enabled or not.
pub async fn ready(tx: &mut ConfigTx, id: ContextId) -> Result<Option<Place>> {
    let rows = tx.query("contexts", format!("{PLACE} WHERE c.cid = ? AND c.state = 0"), args![id]).await?;
    rows.into_iter().next().map(place).transpose()
}

/// Those of these contexts that are ready, enabled or not.
pub async fn some(tx: &mut ConfigTx, ids: &[ContextId]) -> Result<Vec<Place>> {
    let mut found = Vec::with_capacity(ids.len());
    for part in ids.chunks(IDS_A_STATEMENT) {
        let sql = format!("{PLACE} WHERE c.cid IN ({}) AND c.state = 0", marks(part.len()));
        let values = part.iter().map(|id| Value::from(*id)).collect();
        for row in tx.query("contexts", sql, values).await? {
            found.push(place(row)?);
        }
    }
    Ok(found)
}

/// All contexts that are ready, by id.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Place>> {
    let sql = format!("{PLACE} WHERE c.state = 0 ORDER BY c.cid");
    let rows = tx.query("contexts", sql, args![]).await?;
    rows.into_iter().map(place).collect()
}

/// All login mappings, by context.
pub async fn mappings(tx: &mut ConfigTx) -> Result<BTreeMap<ContextId, Vec<String>>> {
    let sql = "SELECT cid, mapping FROM login_mappings ORDER BY cid, mapping";
    let mut found: BTreeMap<ContextId, Vec<String>> = BTreeMap::new();
    for mut row in tx.query("login_mappings", sql, args![]).await? {
        let (context, mapping) = (row.context()?, row.text()?);
        found.entry(context).or_default().push(mapping);
    }
    Ok(found)
}

/// The context that a login mapping leads to.
pub async fn mapping_owner(tx: &mut ConfigTx, mapping: &str) -> Result<Option<ContextId>> {
    let sql = "SELECT cid FROM login_mappings WHERE mapping = ?";
    let rows = tx.query("login_mappings", sql, args![mapping]).await?;
    rows.into_iter().next().map(|mut row| row.context()).transpose()
}

/// Registers a context with its mappings; it is being created until [`finish`].
pub async fn insert(tx: &mut ConfigWriteTx, new: &NewContext) -> Result<()> {
    let born = next_id(tx).await?;
    tx.execute(
        "contexts",
        "INSERT INTO contexts (cid, name, enabled, reason, state, server, database_id, db_schema, moves, filestore, \
         filestore_from, quota, born, maker, made) VALUES (?, ?, 1, 0, ?, ?, ?, ?, 0, ?, 0, ?, ?, ?, ?)",
        args![
            new.id,
            &new.name,
            State::BeingCreated as i64,
            new.server,
            new.database,
            &new.schema,
            new.filestore,
            new.quota.to_stored(),
            born,
            &new.maker,
            new.made
        ],
    )
    .await?;
    for mapping in &new.mappings {
        insert_mapping(tx, new.id, mapping).await?;
    }
    Ok(())
}

/// Lets a mapping lead to a context.
pub async fn insert_mapping(tx: &mut ConfigWriteTx, id: ContextId, mapping: &str) -> Result<()> {
    let sql = "INSERT INTO login_mappings (mapping, cid) VALUES (?, ?)";
    tx.execute("login_mappings", sql, args![mapping, id]).await.map(drop)
}

/// Takes a mapping away from a context. Returns whether it led there.
pub async fn delete_mapping(tx: &mut ConfigWriteTx, id: ContextId, mapping: &str) -> Result<bool> {
    let sql = "DELETE FROM login_mappings WHERE mapping = ? AND cid = ?";
    Ok(tx.execute("login_mappings", sql, args![mapping, id]).await? > 0)
}

/// Takes over a context that somebody else was making. Returns whether that was still so.
pub async fn claim(tx: &mut ConfigWriteTx, half_made: &Registered, maker: &str, now_ms: i64) -> Result<bool> {
    let sql = "UPDATE contexts SET maker = ?, made = ? WHERE cid = ? AND maker = ? AND state = ?";
    let values = args![maker, now_ms, half_made.id, &half_made.maker, State::BeingCreated as i64];
    Ok(tx.execute_unheard("contexts", sql, values).await? > 0)
}

/// A context is made. Returns whether it was still `maker` who was at it.
pub async fn finish(tx: &mut ConfigWriteTx, id: ContextId, maker: &str) -> Result<bool> {
    let sql = "UPDATE contexts SET state = ? WHERE cid = ? AND maker = ? AND state = ?";
    let values = args![State::Ready as i64, id, maker, State::BeingCreated as i64];
    Ok(tx.execute_unheard("contexts", sql, values).await? > 0)
}

/// Forgets a context that was being made, with its mappings. Returns whether it was still `maker` who was at it.
pub async fn give_up(tx: &mut ConfigWriteTx, id: ContextId, maker: &str) -> Result<bool> {
    let sql = "DELETE FROM contexts WHERE cid = ? AND maker = ? AND state = ?";
    let values = args![id, maker, State::BeingCreated as i64];
    if tx.execute_unheard("contexts", sql, values).await? == 0 {
        return Ok(false);
    }
    tx.execute("login_mappings", "DELETE FROM login_mappings WHERE cid = ?", args![id]).await?;
    Ok(true)
}

/// Says how far a context is. Returns whether there is one.
pub async fn set_state(tx: &mut ConfigWriteTx, id: ContextId, state: State) -> Result<bool> {
    let sql = "UPDATE contexts SET state = ? WHERE cid = ?";
    Ok(tx.execute("contexts", sql, args![state as i64, id]).await? > 0)
}

/// Enables or disables a context. `reason`: why it is disabled, 0 for none. Returns whether there is one.
pub async fn set_enabled(tx: &mut ConfigWriteTx, id: ContextId, enabled: bool, reason: i64) -> Result<bool> {
    let sql = "UPDATE contexts SET enabled = ?, reason = ? WHERE cid = ?";
    Ok(tx.execute("contexts", sql, args![enabled, reason, id]).await? > 0)
}

/// Gives a context another name. [`crate::Error::Duplicate`] if it is taken.
pub async fn set_name(tx: &mut ConfigWriteTx, id: ContextId, name: &str) -> Result<()> {
    let sql = "UPDATE contexts SET name = ? WHERE cid = ?";
    tx.execute("contexts", sql, args![name, id]).await.map(drop)
}

/// Sets a context's quota. Returns whether there is one.
pub async fn set_quota(tx: &mut ConfigWriteTx, id: ContextId, quota: Quota) -> Result<bool> {
    let sql = "UPDATE contexts SET quota = ? WHERE cid = ?";
    Ok(tx.execute("contexts", sql, args![quota.to_stored(), id]).await? > 0)
}

/// Names another database as a context's home, if it still is where `from` says. Returns whether it was.
pub async fn set_home(tx: &mut ConfigWriteTx, from: &Place, to: &Place) -> Result<bool> {
    let sql = "UPDATE contexts SET database_id = ?, db_schema = ?, moves = moves + 1 \
               WHERE cid = ? AND born = ? AND database_id = ? AND db_schema = ?";
    let values = args![to.database, &to.schema, from.context, from.born, from.database, &from.schema];
    Ok(tx.execute("contexts", sql, values).await? > 0)
}

/// Names other file stores as those of a context, if they still are what `place` says. Returns whether they were.
pub async fn set_filestores(tx: &mut ConfigWriteTx, place: &Place, to: Filestores) -> Result<bool> {
    let sql = "UPDATE contexts SET filestore = ?, filestore_from = ? \
               WHERE cid = ? AND born = ? AND filestore = ? AND filestore_from = ?";
    let was = place.filestores();
    let values = args![to.home, to.from, place.context, place.born, was.home, was.from];
    Ok(tx.execute("contexts", sql, values).await? > 0)
}

/// How far a context is, if there is one.
pub async fn state(tx: &mut ConfigTx, id: ContextId) -> Result<Option<State>> {
    let rows = tx.query("contexts", "SELECT state FROM contexts WHERE cid = ?", args![id]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(None) };
    let number = row.int()?;
    row.known("state of a context", State::from_stored(number)).map(Some)
}

/// Forgets a context and its mappings.
pub async fn remove(tx: &mut ConfigWriteTx, place: &Place) -> Result<()> {
    let sql = "DELETE FROM contexts WHERE cid = ? AND born = ?";
    if tx.execute("contexts", sql, args![place.context, place.born]).await? > 0 {
        let sql = "DELETE FROM login_mappings WHERE cid = ?";
        tx.execute("login_mappings", sql, args![place.context]).await?;
    }
    Ok(())
}
