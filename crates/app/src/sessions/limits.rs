//! How many sessions there may be, of a user and in all: exact though several nodes sign people in at once.
//!
//! Those of a user are counted in the transaction that adds one, which has the user's scope to itself. Those in all are spread
//! over databases: whoever counts them holds a row of configdb meanwhile, counts the claims of others too, and enters one of
//! its own, which stands for the session until that is stored.

use zebu_model::{Refusal, UserId};
use zebu_store::WriteTx;
use zebu_store::configdb::{databases, session_claims};
use zebu_store::shard::sessions;

use super::config::AtLimit;
use crate::app::App;
use crate::error::Result;
use crate::random;
use crate::settle::{self, until_settled};

/// How long a claim counts, ms, if whoever entered it says no more: longer than storing a session can take.
const CLAIM_MS: i64 = 60_000;
/// How often the count is repeated while claims, each of which may be counted twice, decide.
const COUNTS_MAX: u32 = 12;

/// Makes room for one more session of a user, or refuses. Returns the handles of the sessions that ended for it.
pub(super) async fn make_room(
    app: &App,
    tx: &mut WriteTx,
    user: UserId,
    client: &str,
) -> Result<Vec<String>> {
    let config = &app.config.sessions;
    let mut ended = Vec::new();
    if config.per_client_max > 0 {
        let limit = config.per_client_max;
        while sessions::count_of_client(tx, user, client).await? >= limit {
            end_one(app, tx, user, Some(client), &mut ended, Refusal::SessionsTooManyOfClient { limit })
                .await?;
        }
    }
    if config.per_user_max > 0 {
        let limit = config.per_user_max;
        while sessions::count(tx, user, i64::MIN).await? >= limit {
            end_one(app, tx, user, None, &mut ended, Refusal::SessionsTooMany { limit }).await?;
        }
    }
    Ok(ended)
}

async fn end_one(
    app: &App,
    tx: &mut WriteTx,
    user: UserId,
    client: Option<&str>,
    ended: &mut Vec<String>,
    otherwise: Refusal,
) -> Result<()> {
    let oldest = match app.config.sessions.at_limit {
        AtLimit::Refuse => None,
        AtLimit::EndOldest => sessions::longest_idle(tx, user, client).await?,
    };
    let (token_hash, handle) = oldest.ok_or(otherwise)?;
    sessions::delete(tx, user, token_hash).await?;
    ended.push(handle);
    Ok(())
}

/// A place among all sessions, until [`Claim::settled`]; `None` where their number is not limited.
#[derive(Debug)]
pub(super) struct Claim(Option<String>);

impl Claim {
    /// Takes a place, or refuses.
    pub(super) async fn take(app: &App) -> Result<Claim> {
        let limit = app.config.sessions.in_all_max;
        if limit == 0 {
            return Ok(Claim(None));
        }
        let name = random::token()?;
        let mut counts = 1u32;
        loop {
            match until_settled!(try_take(app, &name, limit).await)? {
                Room::Taken => return Ok(Claim(Some(name))),
                // A session whose claim stands beside it was counted twice: it is soon gone.
                Room::Unsure if counts < COUNTS_MAX => {
                    counts = counts.saturating_add(1);
                    settle::rest(counts).await;
                }
                Room::Unsure | Room::Full => return Err(Refusal::SessionsTooManyInAll { limit }.into()),
            }
        }
    }

    /// Gives the place back: its session is stored, or will not be.
    pub(super) async fn settled(self, app: &App) {
        let Some(name) = self.0 else { return };
        let done = until_settled!(forget(app, &name).await);
        if let Err(error) = done {
            tracing::warn!("a claim of a session stays until it ends: {}", error.cause_chain());
        }
    }
}

async fn forget(app: &App, name: &str) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    session_claims::delete(&mut tx, name).await?;
    Ok(tx.commit().await?)
}

enum Room {
    Taken,
    Unsure,
    Full,
}

async fn try_take(app: &App, name: &str, limit: u64) -> Result<Room> {
    let now = app.now_ms();
    let life = app.config.sessions.lifetimes();
    let mut tx = app.store.config_write().await?;
    let claims = session_claims::hold(&mut tx, now).await?;
    let mut stored = 0u64;
    for schema in databases::schemas_in_use(&mut tx).await? {
        let mut shard = app.store.read_schema(&schema).await?;
        let (short, long) = (now.saturating_sub(life.short_ms), now.saturating_sub(life.long_ms));
        stored = stored.saturating_add(sessions::count_in_schema(&mut shard, short, long).await?);
    }
    if stored >= limit {
        return Ok(Room::Full);
    }
    if stored.saturating_add(claims) >= limit {
        return Ok(Room::Unsure);
    }
    session_claims::insert(&mut tx, name, now.saturating_add(CLAIM_MS)).await?;
    tx.commit().await?;
    Ok(Room::Taken)
}
