//! Failed sign-ins, counted for the whole deployment: by network, by account, by both, by known device.

use zebu_model::{ContextId, UserId};

use crate::config_tx::{ConfigTx, ConfigWriteTx};
use crate::error::{Error, Result};
use crate::statement::marks;
use crate::value::{Row, Value, args};

/// What failures are counted for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counter {
    /// The SHA-256 of what it is.
    pub what: [u8; 32],
    /// A number that the caller knows the meaning of.
    pub kind: i64,
    /// The account; zeros if there is none such.
    pub account: (ContextId, UserId),
    /// The network; "" where it does not count.
    pub network: String,
}

/// Failures as they are counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failures {
    /// What for.
    pub counter: Counter,
    /// How many.
    pub failures: u32,
    /// When the last one was, ms since the epoch.
    pub last: i64,
}

const FAILURES: &str = "SELECT what, kind, cid, uid, network, failures, last FROM login_failures";

fn failures(mut row: Row) -> Result<Failures> {
    Ok(Failures {
        counter: Counter {
            what: row.hash()?,
            kind: row.int()?,
            account: (row.context()?, row.user()?),
            network: row.text()?,
        },
        failures: row.uint()?,
        last: row.int()?,
    })
}

/// What is counted for these.
pub async fn find(tx: &mut ConfigTx, whats: &[[u8; 32]]) -> Result<Vec<Failures>> {
    let sql = format!("{FAILURES} WHERE what IN ({})", marks(whats.len()));
    let values = whats.iter().map(|what| Value::from(*what)).collect();
    tx.query("login_failures", sql, values).await?.into_iter().map(failures).collect()
}

/// All that is counted, the last failure first, `limit` at most.
pub async fn all(tx: &mut ConfigTx, limit: u32) -> Result<Vec<Failures>> {
    let sql = format!("{FAILURES} ORDER BY last DESC, what LIMIT ?");
    tx.query("login_failures", sql, args![limit]).await?.into_iter().map(failures).collect()
}

/// Counts one more failure. What was counted is forgotten first if the last one was before `forget_before`.
pub async fn count(tx: &mut ConfigWriteTx, counter: &Counter, now_ms: i64, forget_before: i64) -> Result<()> {
    let sql = "UPDATE login_failures SET failures = CASE WHEN last < ? THEN 1 ELSE failures + 1 END, last = ? WHERE what = ?";
    if tx.execute("login_failures", sql, args![forget_before, now_ms, counter.what]).await? > 0 {
        return Ok(());
    }
    let (context, user) = counter.account;
    let sql = "INSERT INTO login_failures (what, kind, cid, uid, network, failures, last) VALUES (?, ?, ?, ?, ?, 1, ?)";
    let values = args![counter.what, counter.kind, context, user, &counter.network, now_ms];
    tx.execute("login_failures", sql, values).await.map(drop).map_err(Error::of_first_comer)
}

/// Forgets what is counted for one.
pub async fn forget(tx: &mut ConfigWriteTx, what: [u8; 32]) -> Result<()> {
    tx.execute("login_failures", "DELETE FROM login_failures WHERE what = ?", args![what]).await.map(drop)
}

/// Forgets what is counted for an account, a user's or any of a context; for a network; or all. Returns how many counters went.
pub async fn reset(
    tx: &mut ConfigWriteTx,
    context: Option<ContextId>,
    user: Option<UserId>,
    network: Option<&str>,
) -> Result<u64> {
    let mut sql = "DELETE FROM login_failures WHERE 1 = 1".to_owned();
    let mut values = Vec::new();
    if let Some(context) = context {
        sql.push_str(" AND cid = ?");
        values.push(Value::from(context));
    }
    if let Some(user) = user {
        sql.push_str(" AND uid = ?");
        values.push(Value::from(user));
    }
    if let Some(network) = network {
        sql.push_str(" AND network = ?");
        values.push(Value::from(network));
    }
    tx.execute("login_failures", sql, values).await
}

/// Forgets whatever was counted last before `before`, and beyond `kept_max` what was longest ago. Returns how many went.
pub async fn trim(tx: &mut ConfigWriteTx, before: i64, kept_max: u32) -> Result<u64> {
    let old =
        tx.execute("login_failures", "DELETE FROM login_failures WHERE last < ?", args![before]).await?;
    let sql = "SELECT last FROM login_failures ORDER BY last DESC LIMIT 1 OFFSET ?";
    let rows = tx.query("login_failures", sql, args![kept_max]).await?;
    let Some(mut row) = rows.into_iter().next() else { return Ok(old) };
    let sql = "DELETE FROM login_failures WHERE last <= ?";
    let more = tx.execute("login_failures", sql, args![row.int()?]).await?;
    Ok(old.saturating_add(more))
}

/// Whether there is anything to trim: so that a rest costs no commit.
pub async fn any_before(tx: &mut ConfigTx, before: i64, kept_max: u32) -> Result<bool> {
    let old =
        tx.query("login_failures", "SELECT 1 FROM login_failures WHERE last < ? LIMIT 1", args![before]);
    if !old.await?.is_empty() {
        return Ok(true);
    }
    let sql = "SELECT 1 FROM login_failures LIMIT 1 OFFSET ?";
    Ok(!tx.query("login_failures", sql, args![kept_max]).await?.is_empty())
}
