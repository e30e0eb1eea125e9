//! The database servers that hold contexts, and the schemas on them.

use std::collections::BTreeMap;

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::sequence::next_id;
use crate::error::Result;
use crate::value::{Row, args};

/// A database server as registered. The password is sealed: see [`crate::Store::seal_password`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseServer {
    /// Its id.
    pub id: i64,
    /// Its name, unique in the deployment; the schemas on it are called after it.
    pub name: String,
    /// Where it is, without credentials: `mysql://host:port` (`?socket=/path` for a local one), or `sqlite:/directory`.
    pub url: String,
    /// The user to sign in as; empty for SQLite.
    pub login: String,
    /// The password, sealed; empty for none.
    pub password: String,
    /// 0 for a master, else the id of the master it replicates.
    pub master: i64,
    /// 0 to 100: its share of new contexts.
    pub weight: i64,
    /// How many contexts it takes; negative: no limit, 0: none.
    pub contexts_max: i64,
    /// Whether `pool_max` is a limit, or only what is kept.
    pub pool_hard_limit: bool,
    /// Connections of one node to it.
    pub pool_max: i64,
    /// Connections kept open though nobody needs them.
    pub pool_initial: i64,
}

impl DatabaseServer {
    /// A master at `url` that signs nobody in, takes any number of contexts and lends a node 16 connections: where a server is
    /// registered from a program that cares for none of these.
    #[must_use]
    pub fn master(name: &str, url: &str) -> DatabaseServer {
        DatabaseServer {
            id: 0,
            name: name.to_owned(),
            url: url.to_owned(),
            login: String::new(),
            password: String::new(),
            master: 0,
            weight: 100,
            contexts_max: -1,
            pool_hard_limit: true,
            pool_max: 16,
            pool_initial: 0,
        }
    }
}

const SERVER: &str = "SELECT id, name, url, login, password, master, weight, contexts_max, pool_hard_limit, pool_max, \
     pool_initial FROM db_servers";

fn server(mut row: Row) -> Result<DatabaseServer> {
    Ok(DatabaseServer {
        id: row.int()?,
        name: row.text()?,
        url: row.text()?,
        login: row.text()?,
        password: row.text()?,
        master: row.int()?,
        weight: row.int()?,
        contexts_max: row.int()?,
        pool_hard_limit: row.flag()?,
        pool_max: row.int()?,
        pool_initial: row.int()?,
    })
}

/// All servers, by id.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<DatabaseServer>> {
    let rows = tx.query("db_servers", format!("{SERVER} ORDER BY id"), args![]).await?;
    rows.into_iter().map(server).collect()
}

/// One server.
pub async fn by_id(tx: &mut ConfigTx, id: i64) -> Result<Option<DatabaseServer>> {
    let rows = tx.query("db_servers", format!("{SERVER} WHERE id = ?"), args![id]).await?;
    rows.into_iter().next().map(server).transpose()
}

/// One server by its name.
pub async fn by_name(tx: &mut ConfigTx, name: &str) -> Result<Option<DatabaseServer>> {
    let rows = tx.query("db_servers", format!("{SERVER} WHERE name = ?"), args![name]).await?;
    rows.into_iter().next().map(server).transpose()
}

/// What is known of promotions, by the registered master.
pub(crate) async fn promotions(tx: &mut ConfigTx) -> Result<BTreeMap<i64, String>> {
    let rows = tx.query("db_promotions", "SELECT database_id, promotion FROM db_promotions", args![]).await?;
    rows.into_iter().map(|mut row| Ok((row.int()?, row.text()?))).collect()
}

/// Writes what is known of promotions of a registered master, if configdb still says `before` of it. Whoever was before us
/// is right: `false`, or [`crate::Error::Duplicate`].
pub(crate) async fn set_promotion(
    tx: &mut ConfigWriteTx,
    id: i64,
    before: Option<&str>,
    now: &str,
) -> Result<bool> {
    let Some(before) = before else {
        let sql = "INSERT INTO db_promotions (database_id, promotion) VALUES (?, ?)";
        return Ok(tx.execute("db_promotions", sql, args![id, now]).await? == 1);
    };
    let sql = "UPDATE db_promotions SET promotion = ? WHERE database_id = ? AND promotion = ?";
    Ok(tx.execute("db_promotions", sql, args![now, id, before]).await? == 1)
}

/// Registers a server; its `id` is ignored, the new one is returned.
pub async fn insert(tx: &mut ConfigWriteTx, new: &DatabaseServer) -> Result<i64> {
    let id = next_id(tx).await?;
    tx.execute(
        "db_servers",
        "INSERT INTO db_servers (id, name, url, login, password, master, weight, contexts_max, pool_hard_limit, \
         pool_max, pool_initial) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            id,
            &new.name,
            &new.url,
            &new.login,
            &new.password,
            new.master,
            new.weight,
            new.contexts_max,
            new.pool_hard_limit,
            new.pool_max,
            new.pool_initial
        ],
    )
    .await?;
    Ok(id)
}

/// Changes what a server is.
pub async fn update(tx: &mut ConfigWriteTx, server: &DatabaseServer) -> Result<()> {
    tx.execute(
        "db_servers",
        "UPDATE db_servers SET name = ?, url = ?, login = ?, password = ?, master = ?, weight = ?, contexts_max = ?, \
         pool_hard_limit = ?, pool_max = ?, pool_initial = ? WHERE id = ?",
        args![
            &server.name,
            &server.url,
            &server.login,
            &server.password,
            server.master,
            server.weight,
            server.contexts_max,
            server.pool_hard_limit,
            server.pool_max,
            server.pool_initial,
            server.id
        ],
    )
    .await
    .map(drop)
}

/// Forgets a server with its replicas and the schemas it had.
pub async fn delete(tx: &mut ConfigWriteTx, id: i64) -> Result<()> {
    tx.execute("db_schemas", "DELETE FROM db_schemas WHERE database_id = ?", args![id]).await?;
    tx.execute("db_promotions", "DELETE FROM db_promotions WHERE database_id = ?", args![id]).await?;
    tx.execute("db_servers", "DELETE FROM db_servers WHERE id = ? OR master = ?", args![id, id])
        .await
        .map(drop)
}

/// How many contexts each master has, by its id; those without a schema are left out.
pub async fn contexts(tx: &mut ConfigTx) -> Result<BTreeMap<i64, i64>> {
    let sql =
        "SELECT database_id, CAST(COALESCE(SUM(contexts), 0) AS SIGNED) FROM db_schemas GROUP BY database_id";
    let rows = tx.query("db_schemas", sql, args![]).await?;
    rows.into_iter().map(|mut row| Ok((row.int()?, row.int()?))).collect()
}

/// A schema on a master.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Schema {
    /// Its name, unique in the deployment.
    pub name: String,
    /// The master it is on.
    pub database: i64,
    /// How many contexts are in it.
    pub contexts: i64,
    /// Whether its tables have been made.
    pub ready: bool,
}

fn schema(mut row: Row) -> Result<Schema> {
    Ok(Schema { name: row.text()?, database: row.int()?, contexts: row.int()?, ready: row.flag()? })
}

/// All schemas, by name.
pub async fn schemas(tx: &mut ConfigTx) -> Result<Vec<Schema>> {
    let sql = "SELECT name, database_id, contexts, ready FROM db_schemas ORDER BY name";
    tx.query("db_schemas", sql, args![]).await?.into_iter().map(schema).collect()
}

/// The schemas where contexts live, by name: by their entries, not by the count of them, which somebody may have to mend.
pub async fn schemas_in_use(tx: &mut ConfigTx) -> Result<Vec<Schema>> {
    let sql = "SELECT name, database_id, contexts, ready FROM db_schemas s WHERE ready = 1 \
               AND EXISTS (SELECT 1 FROM contexts c WHERE c.db_schema = s.name) ORDER BY name";
    tx.query("db_schemas", sql, args![]).await?.into_iter().map(schema).collect()
}

/// The schema of a master with the fewest contexts, if it has fewer than `contexts_max`. One whose tables are being made
/// counts too: who needs it makes them as well, and one of both is enough.
pub async fn schema_with_room(tx: &mut ConfigTx, database: i64, contexts_max: i64) -> Result<Option<Schema>> {
    let sql = "SELECT name, database_id, contexts, ready FROM db_schemas WHERE database_id = ? AND contexts < ? \
               ORDER BY contexts, name LIMIT 1";
    let rows = tx.query("db_schemas", sql, args![database, contexts_max]).await?;
    rows.into_iter().next().map(schema).transpose()
}

/// Names a new schema on a master after it and an id of the one sequence; its tables are not made yet.
pub async fn insert_schema(tx: &mut ConfigWriteTx, on: &DatabaseServer) -> Result<String> {
    let name = format!("{}_{}", on.name, next_id(tx).await?);
    let sql = "INSERT INTO db_schemas (name, database_id, contexts, ready) VALUES (?, ?, 0, 0)";
    tx.execute("db_schemas", sql, args![&name, on.id]).await?;
    Ok(name)
}

/// The tables of a schema have been made.
pub async fn set_schema_ready(tx: &mut ConfigWriteTx, name: &str) -> Result<()> {
    let sql = "UPDATE db_schemas SET ready = 1 WHERE name = ?";
    tx.execute("db_schemas", sql, args![name]).await.map(drop)
}

/// Counts contexts that came to a schema, or left it if negative.
pub async fn count_contexts(tx: &mut ConfigWriteTx, schema: &str, more: i64) -> Result<()> {
    let sql = "UPDATE db_schemas SET contexts = contexts + ? WHERE name = ?";
    tx.execute("db_schemas", sql, args![more, schema]).await.map(drop)
}
