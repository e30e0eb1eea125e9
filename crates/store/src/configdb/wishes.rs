//! What operators wish of nodes, and how far each is with it. A wish is of one life of a node: it ends with it.

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::error::Result;
use crate::value::args;

/// A wish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// `drain`, `stop` or `restart`; "" takes back what was wished before.
    pub what: String,
    /// How long what the node has may take to end by itself, ms.
    pub limit_ms: i64,
    /// Who wishes it: `user@host`.
    pub by: String,
}

/// What a node says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// `starting`, `serving`, `draining`, `drained` or `ending`.
    pub stage: String,
    /// Requests that are being answered, streams and uploads among them not counted.
    pub requests: i64,
    /// Streams of events.
    pub streams: i64,
    /// Requests whose body still arrives.
    pub uploads: i64,
    /// Why it does not serve as it should; "" for nothing.
    pub trouble: String,
}

/// A life of a node, with what is wished of it and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Life {
    /// The node.
    pub name: String,
    /// `groupware` or `admin`.
    pub role: String,
    /// Its route.
    pub route: String,
    /// This life.
    pub incarnation: String,
    /// When it began, ms since the epoch.
    pub started: i64,
    /// When it was last heard of, ms since the epoch.
    pub seen: i64,
    /// The cluster whose mesh it takes part in; "" for none.
    pub cluster: String,
    /// The program's version.
    pub program: String,
    /// What is wished of it; none if nothing is.
    pub wish: Option<Wish>,
    /// What it said last.
    pub standing: Standing,
}

/// The longest text that is kept of a trouble, in characters.
const TROUBLE_MAX: usize = 255;
/// The longest name of who wishes something, in characters.
const BY_MAX: usize = 128;

/// Wishes something of one life of a node. `false`: it is over.
pub async fn wish(tx: &mut ConfigWriteTx, name: &str, incarnation: &str, wish: &Wish) -> Result<bool> {
    let by: String = wish.by.chars().take(BY_MAX).collect();
    let sql = "UPDATE nodes SET wish = ?, wish_ms = ?, wish_by = ? WHERE name = ? AND incarnation = ?";
    let args = args![&wish.what, wish.limit_ms, &by, name, incarnation];
    // A statement that changes nothing may count no row, as where the same is wished again.
    let changed = tx.execute("nodes", sql, args).await? > 0;
    Ok(changed || all(tx).await?.iter().any(|life| life.name == name && life.incarnation == incarnation))
}

/// Says how this life of a node stands.
pub async fn say(tx: &mut ConfigWriteTx, name: &str, incarnation: &str, standing: &Standing) -> Result<()> {
    let trouble: String = standing.trouble.chars().take(TROUBLE_MAX).collect();
    let sql = "UPDATE nodes SET stage = ?, requests = ?, streams = ?, uploads = ?, trouble = ? \
               WHERE name = ? AND incarnation = ?";
    let Standing { stage, requests, streams, uploads, .. } = standing;
    let args = args![stage, *requests, *streams, *uploads, &trouble, name, incarnation];
    tx.execute("nodes", sql, args).await.map(drop)
}

/// All nodes and admin daemons, by name.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Life>> {
    let sql = "SELECT name, role, route, incarnation, started, seen, cluster, program, wish, wish_ms, wish_by, \
               stage, requests, streams, uploads, trouble FROM nodes ORDER BY name";
    let rows = tx.query("nodes", sql, args![]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Life {
                name: row.text()?,
                role: row.text()?,
                route: row.text()?,
                incarnation: row.text()?,
                started: row.int()?,
                seen: row.int()?,
                cluster: row.text()?,
                program: row.text()?,
                wish: {
                    let (what, limit_ms, by) = (row.text()?, row.int()?, row.text()?);
                    Some(Wish { what, limit_ms, by }).filter(|wish| !wish.what.is_empty())
                },
                standing: Standing {
                    stage: row.text()?,
                    requests: row.int()?,
                    streams: row.int()?,
                    uploads: row.int()?,
                    trouble: row.text()?,
                },
            })
        })
        .collect()
}
