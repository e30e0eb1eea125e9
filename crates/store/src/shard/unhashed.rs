//! Users whose password waits to be hashed: until then it stands encrypted where its hash will be. What signs in and what
//! does not is the same before and after, so no scope is touched: who remembers the encrypted one lets the same people in.

use zebu_model::{ContextId, UserId};

use crate::error::Result;
use crate::statement::marks;
use crate::tx::{Tx, WriteTx};
use crate::value::{Value, args};

/// A password that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Whose it is.
    pub user: UserId,
    /// The login name it was encrypted for.
    pub login: String,
    /// The password, encrypted.
    pub sealed: String,
}

/// Enters a new user.
pub async fn insert(tx: &mut WriteTx, user: UserId) -> Result<()> {
    let sql = "INSERT INTO unhashed (cid, uid, claimed) VALUES (?, ?, 0)";
    tx.execute("unhashed", sql, args![tx.context, user]).await.map(drop)
}

/// Whether there is one that nobody has begun with since `before`.
pub async fn any(tx: &mut Tx, before: i64) -> Result<bool> {
    let sql = "SELECT 1 FROM unhashed WHERE cid = ? AND claimed < ? LIMIT 1";
    Ok(tx.query_one("unhashed", sql, args![tx.context, before]).await?.is_some())
}

/// The contexts at home in the whole schema that have one that nobody has begun with since `before`: one statement, however many
/// contexts there are.
pub async fn waiting_in_schema(tx: &mut Tx, before: i64) -> Result<Vec<ContextId>> {
    tx.need_everything().await?;
    let sql = "SELECT DISTINCT q.cid FROM unhashed q JOIN homes h ON h.cid = q.cid AND h.state = 0 \
               WHERE q.claimed < ? ORDER BY q.cid";
    let rows = tx.query("unhashed", sql, args![before]).await?;
    rows.into_iter().map(|mut row| row.context()).collect()
}

/// Begins with up to `count` that nobody has begun with since `before`.
pub async fn claim(tx: &mut WriteTx, count: u32, before: i64, now_ms: i64) -> Result<Vec<Waiting>> {
    let sql = "SELECT q.uid, u.login, u.password_hash FROM unhashed q JOIN users u ON u.cid = q.cid AND u.id = q.uid \
               WHERE q.cid = ? AND q.claimed < ? ORDER BY q.uid LIMIT ?";
    let values = args![tx.context, before, count];
    let rows = tx.query("unhashed", sql, values).await?;
    let mut found = Vec::with_capacity(rows.len());
    for mut row in rows {
        found.push(Waiting { user: row.user()?, login: row.text()?, sealed: row.text()? });
    }
    let sql = format!("UPDATE unhashed SET claimed = ? WHERE cid = ? AND uid IN ({})", marks(found.len()));
    let mut values = args![now_ms, tx.context];
    values.extend(found.iter().map(|waiting| Value::from(waiting.user)));
    tx.execute("unhashed", sql, values).await?;
    Ok(found)
}

/// Puts the hash where the password stood, unless another password has come meanwhile; either way it waits no longer.
pub async fn settle(tx: &mut WriteTx, waiting: &Waiting, password_hash: &str) -> Result<()> {
    let sql = "UPDATE users SET password_hash = ? WHERE cid = ? AND id = ? AND password_hash = ?";
    tx.execute("users", sql, args![password_hash, tx.context, waiting.user, &waiting.sealed]).await?;
    remove(tx, waiting.user).await
}

/// Nothing waits for this user any more.
pub async fn remove(tx: &mut WriteTx, user: UserId) -> Result<()> {
    let sql = "DELETE FROM unhashed WHERE cid = ? AND uid = ?";
    tx.execute("unhashed", sql, args![tx.context, user]).await.map(drop)
}

/// How many wait.
pub async fn count(tx: &mut Tx) -> Result<u64> {
    let row =
        tx.query_one("unhashed", "SELECT COUNT(*) FROM unhashed WHERE cid = ?", args![tx.context]).await?;
    row.map_or(Ok(0), |mut row| row.uint())
}
