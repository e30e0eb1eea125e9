//! `listloginfailures`, `resetloginfailures`: what the guard of passwords has counted. See [`crate::sessions`].

use serde::Serialize;
use zebu_model::{ContextId, UserId};
use zebu_store::configdb::login_failures;

use super::error::Result;
use crate::app::App;
use crate::sessions::{Kind, trim, wait_ms};
use crate::settle::until_settled;

/// Rows listed at most: those that failed last.
const LISTED_MAX: u32 = 10_000;

/// Failures that are counted for something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LoginFailures {
    /// `network`, `account`, `both` or `device`.
    pub kind: &'static str,
    /// The account's context; 0 for none.
    pub context: ContextId,
    /// The account's user; 0 if there is none such.
    pub user: UserId,
    /// The network; "" where it does not count.
    pub network: String,
    /// How many.
    pub failures: u32,
    /// When the last one was, ms since the epoch.
    pub last: i64,
    /// How long the next attempt has to wait, seconds.
    pub wait_seconds: i64,
}

/// What is counted and not forgotten yet, the last failure first.
pub async fn list(app: &App) -> Result<Vec<LoginFailures>> {
    trim(app).await?;
    let now = app.now_ms();
    let mut tx = app.store.config().await?;
    let all = login_failures::all(&mut tx, LISTED_MAX).await?;
    let shown = all.into_iter().filter_map(|one| {
        let kind = Kind::of(one.counter.kind)?;
        Some(LoginFailures {
            kind: kind.name(),
            context: one.counter.account.0,
            user: one.counter.account.1,
            network: one.counter.network,
            failures: one.failures,
            last: one.last,
            wait_seconds: wait_ms(app, kind, one.failures, one.last, now).saturating_add(999) / 1_000,
        })
    });
    Ok(shown.collect())
}

/// Forgets what is counted for the users of a context or one of them, for a network, or, with none of these, all. Holds on every
/// node when it returns. Returns how many counters went.
pub async fn reset(
    app: &App,
    context: Option<ContextId>,
    user: Option<UserId>,
    network: Option<&str>,
) -> Result<u64> {
    until_settled!(attempt(app, context, user, network).await)
}

async fn attempt(
    app: &App,
    context: Option<ContextId>,
    user: Option<UserId>,
    network: Option<&str>,
) -> Result<u64> {
    let mut tx = app.store.config_write().await?;
    let gone = login_failures::reset(&mut tx, context, user, network).await?;
    tx.commit().await?;
    Ok(gone)
}
