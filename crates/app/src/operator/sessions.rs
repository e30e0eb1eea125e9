//! `closesessions`: signs users out. What was answered holds on every node at once: a session that is not in its shard any more
//! lets nobody in.

use zebu_model::{ContextId, Scope, UserId};
use zebu_store::configdb::contexts as registry;
use zebu_store::shard::sessions;
use zebu_store::{Place, Plan};

use super::error::Result;
use super::place;
use crate::app::App;
use crate::settle::until_settled;

/// Ends the sessions of a context's users, or of one of them. Returns how many there were.
pub async fn close(app: &App, context: ContextId, only: Option<UserId>) -> Result<u64> {
    let place = place(app, context).await?;
    close_in(app, &place, only).await
}

/// Ends all sessions there are. Returns how many.
pub async fn close_all(app: &App) -> Result<u64> {
    let places = {
        let mut tx = app.store.config().await?;
        registry::all(&mut tx).await?
    };
    let mut closed = 0u64;
    for place in &places {
        closed = closed.saturating_add(close_in(app, place, None).await?);
    }
    Ok(closed)
}

async fn close_in(app: &App, place: &Place, only: Option<UserId>) -> Result<u64> {
    let users = match only {
        Some(user) => vec![user],
        None => {
            let mut tx = app.read(place).await?;
            sessions::users(&mut tx).await?
        }
    };
    let mut closed = 0u64;
    for user in users {
        closed = closed.saturating_add(until_settled!(end(app, place, user).await)?);
    }
    Ok(closed)
}

async fn end(app: &App, place: &Place, user: UserId) -> Result<u64> {
    // Those of a disabled context are ended too.
    let place = Place { enabled: true, ..place.clone() };
    let mut tx = app.write(&place, Plan::changing([Scope::Sessions(user)])).await?;
    let closed = sessions::delete_all(&mut tx, user).await?;
    tx.commit().await?;
    Ok(closed)
}
