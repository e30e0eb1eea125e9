//! Claims: sessions about to begin, where their number in all is limited. Whoever counts, counts them too, and holds the count
//! meanwhile; so two who begin at once on two nodes cannot both have the last place.

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::configdb::sequence;
use crate::error::Result;
use crate::value::args;

/// Holds the count until the transaction ends, forgets the claims that ended before `now_ms`, and returns how many there are.
pub async fn hold(tx: &mut ConfigWriteTx, now_ms: i64) -> Result<u64> {
    sequence::hold_sessions(tx).await?;
    tx.execute("session_claims", "DELETE FROM session_claims WHERE ends < ?", args![now_ms]).await?;
    count(tx).await
}

async fn count(tx: &mut ConfigTx) -> Result<u64> {
    let rows = tx.query("session_claims", "SELECT COUNT(*) FROM session_claims", args![]).await?;
    rows.into_iter().next().map_or(Ok(0), |mut row| row.uint())
}

/// Enters a claim: 32 hexadecimal digits. `ends`: ms since the epoch.
pub async fn insert(tx: &mut ConfigWriteTx, claim: &str, ends: i64) -> Result<()> {
    let sql = "INSERT INTO session_claims (claim, ends) VALUES (?, ?)";
    tx.execute("session_claims", sql, args![claim, ends]).await.map(drop)
}

/// Takes a claim back: its session is stored, or will not be.
pub async fn delete(tx: &mut ConfigWriteTx, claim: &str) -> Result<()> {
    tx.execute("session_claims", "DELETE FROM session_claims WHERE claim = ?", args![claim]).await.map(drop)
}
