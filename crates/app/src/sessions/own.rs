//! A user's own sessions: which there are, and ending them. What was ended is over on every node before this returns.

use zebu_model::{Refusal, Scope};
use zebu_store::Plan;
use zebu_store::shard::sessions;

use crate::app::App;
use crate::caller::{Caller, CallerSession};
use crate::error::Result;
use crate::settle::until_settled;

/// One of the caller's sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnSession {
    /// Its public name, 32 hexadecimal digits. Lets nobody in.
    pub handle: String,
    /// The kind of client.
    pub client: String,
    /// The client's address at sign-in.
    pub address: String,
    /// The client's `User-Agent` at sign-in.
    pub user_agent: String,
    /// Whether its user asked to stay signed in.
    pub stays: bool,
    /// When it began, ms since the epoch.
    pub created: i64,
    /// When it was last used, to a minute, ms since the epoch.
    pub used: i64,
    /// The node that served it last.
    pub node: String,
    /// Whether it is the caller's own.
    pub is_this: bool,
}

/// The caller's living sessions, the one used last first.
pub async fn own(app: &App, caller: &Caller) -> Result<Vec<OwnSession>> {
    let this = session_of(caller)?.token_hash;
    let (life, now) = (app.config.sessions.lifetimes(), app.now_ms());
    let mut tx = app.read(&caller.place).await?;
    let all = sessions::of_user(&mut tx, caller.who.user).await?;
    let living = all.into_iter().filter(|s| !life.expired(s.stays, s.used, now));
    Ok(living
        .map(|s| OwnSession {
            is_this: s.token_hash == this,
            handle: s.handle,
            client: s.client,
            address: s.address,
            user_agent: s.user_agent,
            stays: s.stays,
            created: s.created,
            used: s.used,
            node: s.node,
        })
        .collect())
}

/// Ends those of the caller's sessions that have these handles. Others are nobody's business here: they are left out. Returns how
/// many ended.
pub async fn end_own(app: &App, caller: &Caller, handles: &[String]) -> Result<u64> {
    session_of(caller)?;
    let ended = until_settled!(end_these(app, caller, handles).await)?;
    log(caller, ended);
    Ok(ended)
}

async fn end_these(app: &App, caller: &Caller, handles: &[String]) -> Result<u64> {
    let user = caller.who.user;
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Sessions(user)])).await?;
    let mut ended = 0u64;
    for session in sessions::of_user(&mut tx, user).await? {
        if handles.contains(&session.handle) {
            sessions::delete(&mut tx, user, session.token_hash).await?;
            ended = ended.saturating_add(1);
        }
    }
    tx.commit().await?;
    Ok(ended)
}

/// Ends all of the caller's sessions but this one. Returns how many ended.
pub async fn end_others(app: &App, caller: &Caller) -> Result<u64> {
    let this = session_of(caller)?.token_hash;
    let ended = until_settled!(end_but(app, caller, this).await)?;
    log(caller, ended);
    Ok(ended)
}

async fn end_but(app: &App, caller: &Caller, this: [u8; 32]) -> Result<u64> {
    let user = caller.who.user;
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Sessions(user)])).await?;
    let ended = sessions::delete_others(&mut tx, user, this).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Whoever has no session has no business with the others.
fn session_of(caller: &Caller) -> Result<&CallerSession> {
    caller.session.as_ref().ok_or_else(|| Refusal::SessionMissing {}.into())
}

fn log(caller: &Caller, ended: u64) {
    tracing::info!(
        "Sessions ended by their user: {}. By: {}, Context: {}, User: {}",
        ended,
        caller.session_handle().unwrap_or_default(),
        caller.place.context,
        caller.who.user
    );
}
