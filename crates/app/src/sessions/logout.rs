//! `logout`: the session is gone on every node before this is answered.

use zebu_model::Scope;
use zebu_store::Plan;
use zebu_store::shard::sessions;

use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// Ends the caller's session.
pub async fn logout(app: &App, caller: &Caller) -> Result<()> {
    until_settled!(attempt(app, caller).await)
}

async fn attempt(app: &App, caller: &Caller) -> Result<()> {
    let Some(session) = &caller.session else { return Ok(()) };
    let plan = Plan::changing([Scope::Sessions(caller.who.user)]);
    let mut tx = app.write(&caller.place, plan).await?;
    sessions::delete(&mut tx, caller.who.user, session.token_hash).await?;
    tx.commit().await?;
    tracing::info!(
        "Session ended. ID: {}, Context: {}, User: {}",
        session.handle,
        caller.place.context,
        caller.who.user
    );
    Ok(())
}
