//! The nodes and admin daemons: who should be there, and when each was last heard of.

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::error::Result;
use crate::value::args;

/// A node as it enters itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Unique in the deployment.
    pub name: String,
    /// `groupware` or `admin`.
    pub role: String,
    /// What stands behind the dot in `JSESSIONID`.
    pub route: String,
    /// Where its HTTP listener is, `host:port`; "" until it has one.
    pub address: String,
    /// The program's version.
    pub program: String,
    /// New at every start.
    pub incarnation: String,
    /// The name under which it is a member of the cluster, or was last; 32 hexadecimal digits.
    pub life: String,
    /// When it started, ms since the epoch.
    pub started: i64,
    /// When it was last heard of, ms since the epoch.
    pub seen: i64,
    /// The cluster whose mesh it takes part in; "" for none.
    pub cluster: String,
    /// Where its mesh listens, `host:port`; "" if others find that out by other means.
    pub mesh: String,
}

/// Enters a node; an earlier life under the same name is replaced.
pub async fn enter(tx: &mut ConfigWriteTx, node: &Node) -> Result<()> {
    tx.execute("nodes", "DELETE FROM nodes WHERE name = ?", args![&node.name]).await?;
    tx.execute(
        "nodes",
        "INSERT INTO nodes (name, role, route, address, program, incarnation, life, started, seen, cluster, mesh, \
         wish, wish_ms, wish_by, stage, requests, streams, uploads, trouble) \
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '', 0, '', 'starting', 0, 0, 0, '')",
        args![
            &node.name,
            &node.role,
            &node.route,
            &node.address,
            &node.program,
            &node.incarnation,
            &node.life,
            node.started,
            node.seen,
            &node.cluster,
            &node.mesh
        ],
    )
    .await
    .map(drop)
}

/// Says where a node's HTTP listener is.
pub async fn set_address(tx: &mut ConfigWriteTx, name: &str, incarnation: &str, address: &str) -> Result<()> {
    let sql = "UPDATE nodes SET address = ? WHERE name = ? AND incarnation = ?";
    tx.execute("nodes", sql, args![address, name, incarnation]).await.map(drop)
}

/// Says that a node is there, and under which name it is a member. `false` means that the entry is not this process's:
/// somebody took the name, or it has not entered itself yet.
pub async fn renew(
    tx: &mut ConfigWriteTx,
    name: &str,
    incarnation: &str,
    life: &str,
    now_ms: i64,
) -> Result<bool> {
    let sql = "UPDATE nodes SET seen = ?, life = ? WHERE name = ? AND incarnation = ?";
    Ok(tx.execute("nodes", sql, args![now_ms, life, name, incarnation]).await? > 0)
}

/// Forgets a node: a clean stop.
pub async fn remove(tx: &mut ConfigWriteTx, name: &str, incarnation: &str) -> Result<()> {
    let sql = "DELETE FROM nodes WHERE name = ? AND incarnation = ?";
    tx.execute("nodes", sql, args![name, incarnation]).await.map(drop)
}

/// All of them, by name.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Node>> {
    let sql = "SELECT name, role, route, address, program, incarnation, life, started, seen, cluster, mesh \
               FROM nodes ORDER BY name";
    let rows = tx.query("nodes", sql, args![]).await?;
    rows.into_iter()
        .map(|mut row| {
            Ok(Node {
                name: row.text()?,
                role: row.text()?,
                route: row.text()?,
                address: row.text()?,
                program: row.text()?,
                incarnation: row.text()?,
                life: row.text()?,
                started: row.int()?,
                seen: row.int()?,
                cluster: row.text()?,
                mesh: row.text()?,
            })
        })
        .collect()
}
