//! The registry of nodes: who should be there, and when each was last heard of.

use crate::error::Result;
use crate::tx::{ConfigTx, ConfigWriteTx};
use crate::value::args;

/// A node as it registers itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Unique in the deployment.
    pub name: String,
    /// What stands behind the dot in `JSESSIONID`.
    pub route: String,
    /// Where its HTTP listener is, `host:port`.
    pub address: String,
    /// The program's version.
    pub program: String,
    /// New at every start: tells a node from its earlier lives.
    pub incarnation: String,
    /// When it started, ms since the epoch.
    pub started: i64,
    /// When it was last heard of, ms since the epoch.
    pub seen: i64,
    /// The cluster whose mesh it takes part in; "" for none.
    pub cluster: String,
    /// Where its mesh listens, `host:port`; "" if others find that out by other means.
    pub mesh: String,
}

/// Registers a node; an earlier life under the same name is replaced.
pub async fn register(tx: &mut ConfigWriteTx, m: &Member) -> Result<()> {
    tx.execute("members", "DELETE FROM members WHERE name = ?", args![&m.name]).await?;
    tx.execute(
        "members",
        "INSERT INTO members (name, route, address, program, incarnation, started, seen, cluster, mesh) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        args![
            &m.name,
            &m.route,
            &m.address,
            &m.program,
            &m.incarnation,
            m.started,
            m.seen,
            &m.cluster,
            &m.mesh
        ],
    )
    .await
    .map(drop)
}

/// Renews a membership. `false` means that it is not this life's any more: somebody took the name.
pub async fn renew(tx: &mut ConfigWriteTx, name: &str, incarnation: &str, now_ms: i64) -> Result<bool> {
    let sql = "UPDATE members SET seen = ? WHERE name = ? AND incarnation = ?";
    Ok(tx.execute("members", sql, args![now_ms, name, incarnation]).await? > 0)
}

/// Leaves the registry: a clean stop.
pub async fn remove(tx: &mut ConfigWriteTx, name: &str, incarnation: &str) -> Result<()> {
    let sql = "DELETE FROM members WHERE name = ? AND incarnation = ?";
    tx.execute("members", sql, args![name, incarnation]).await.map(drop)
}

/// All registered nodes, by name.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Member>> {
    let sql = "SELECT name, route, address, program, incarnation, started, seen, cluster, mesh FROM members \
               ORDER BY name";
    let rows = tx.query("members", sql, args![]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Member {
                name: row.text()?,
                route: row.text()?,
                address: row.text()?,
                program: row.text()?,
                incarnation: row.text()?,
                started: row.int()?,
                seen: row.int()?,
                cluster: row.text()?,
                mesh: row.text()?,
            })
        })
        .collect()
}
