//! What the web tiers say of themselves: the cluster page's view of the balancing.

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::error::Result;
use crate::value::args;

/// A web tier's report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// When it reported, ms since the epoch.
    pub seen: i64,
    /// Its status as JSON; the balancer's own shape.
    pub status: String,
}

/// Takes a report; the earlier one of the same web tier is replaced.
pub async fn report(tx: &mut ConfigWriteTx, report: &Report) -> Result<()> {
    tx.execute("web_tiers", "DELETE FROM web_tiers WHERE name = ?", args![&report.name]).await?;
    let sql = "INSERT INTO web_tiers (name, seen, status) VALUES (?, ?, ?)";
    tx.execute("web_tiers", sql, args![&report.name, report.seen, &report.status]).await.map(drop)
}

/// Forgets a web tier that stopped.
pub async fn remove(tx: &mut ConfigWriteTx, name: &str) -> Result<()> {
    tx.execute("web_tiers", "DELETE FROM web_tiers WHERE name = ?", args![name]).await.map(drop)
}

/// All reports, by name.
pub async fn all(tx: &mut ConfigTx) -> Result<Vec<Report>> {
    let rows =
        tx.query("web_tiers", "SELECT name, seen, status FROM web_tiers ORDER BY name", args![]).await?;
    rows.into_iter()
        .map(|mut row| Ok(Report { name: row.text()?, seen: row.int()?, status: row.text()? }))
        .collect()
}
