//! `logout`: the session is gone on every node before this is answered.

use super::resume::end;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;
use crate::settle::until_settled;

/// Ends the caller's session.
pub async fn logout(app: &App, caller: &Caller) -> Result<()> {
    let Some(session) = &caller.session else { return Ok(()) };
    until_settled!(end(app, &caller.place, caller.who.user, session.token_hash).await)?;
    tracing::info!(
        "Session ended. ID: {}, Context: {}, User: {}",
        session.handle,
        caller.place.context,
        caller.who.user
    );
    Ok(())
}
