//! The registry of the coherence protocol (`docs/COHERENCE.md`): a row a member, with the attempt by which it was renewed
//! last. All that is here is called in transactions that [`hold`] the registry first.

use crate::config_tx::ConfigWriteTx;
use crate::configdb::sequence;
use crate::error::Result;
use crate::value::args;

/// A member as it registers itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Registration<'a> {
    /// The node's name. Two may have one for a while: a life that has ended and is not removed yet, and the next.
    pub name: &'a str,
    /// Where it runs, if it can prove by that the end of its predecessors there; else "".
    pub host: &'a str,
}

/// Lets one transaction at a time read or change the registry, until it ends: of two who register, one finds the other.
pub async fn hold(tx: &mut ConfigWriteTx) -> Result<()> {
    sequence::hold_members(tx).await
}

/// Makes a member's row, or renews the one it has, and removes the lives that it proves to be over: under its name, at its host.
pub async fn register(tx: &mut ConfigWriteTx, life: &str, attempt: i64, of: Registration<'_>) -> Result<()> {
    let Registration { name, host } = of;
    if !host.is_empty() {
        let sql = "DELETE FROM members WHERE name = ? AND host = ? AND life <> ?";
        tx.execute("members", sql, args![name, host, life]).await?;
    }
    if renew(tx, life, attempt).await? {
        return Ok(());
    }
    let sql = "INSERT INTO members (life, name, host, attempt) VALUES (?, ?, ?, ?)";
    tx.execute("members", sql, args![life, name, host, attempt]).await.map(drop)
}

/// Writes an attempt into a member's row unless that has a later one. Whether there is a row.
pub async fn renew(tx: &mut ConfigWriteTx, life: &str, attempt: i64) -> Result<bool> {
    let sql = "UPDATE members SET attempt = ? WHERE life = ? AND attempt < ?";
    if tx.execute("members", sql, args![attempt, life, attempt]).await? > 0 {
        return Ok(true);
    }
    let rows = tx.query("members", "SELECT 1 FROM members WHERE life = ?", args![life]).await?;
    Ok(!rows.is_empty())
}

/// Removes a member if its attempt is not later than this.
pub async fn remove(tx: &mut ConfigWriteTx, life: &str, attempt: i64) -> Result<()> {
    let sql = "DELETE FROM members WHERE life = ? AND attempt <= ?";
    tx.execute("members", sql, args![life, attempt]).await.map(drop)
}

/// A row of the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its name in this life, 32 hexadecimal digits.
    pub life: String,
    /// The node's name.
    pub name: String,
    /// The attempt by which it was registered or renewed last.
    pub attempt: i64,
}

/// All members, by life.
pub async fn all(tx: &mut ConfigWriteTx) -> Result<Vec<Member>> {
    let rows = tx.query("members", "SELECT life, name, attempt FROM members ORDER BY life", args![]).await?;
    rows.into_iter()
        .map(|mut row| Ok(Member { life: row.text()?, name: row.text()?, attempt: row.int()? }))
        .collect()
}
