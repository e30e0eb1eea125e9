//! The second factor: a code from an authenticator app beside the password, and recovery codes for when that is lost.
//!
//! The secret is encrypted with the nodes' key for its user alone, as the passwords of databases are. Each code is good once, on
//! whatever node: the statement that uses a step says so. Turning it on, off, or getting new recovery codes takes a fresh code, or the
//! password at the beginning; wrong ones are counted by the guard like wrong passwords.

mod totp;

use zebu_model::{ContextId, Refusal, Scope, UserId};
use zebu_store::shard::second_factors;
use zebu_store::{Place, Plan};

use super::authenticate::{account_of, prove};
use super::guard::{Attempt, Origin};
use super::{base32, digest};
use crate::app::App;
use crate::caller::{Caller, Client};
use crate::error::{Error, Result};
use crate::random;
use crate::settle::until_settled;

/// Recovery codes a user gets.
const RECOVERY_CODES: usize = 10;
/// Bytes of randomness in one, and letters it has by that.
const RECOVERY_BYTES: usize = 10;
const RECOVERY_LETTERS: usize = 16;

/// How it stands with a user's second factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Since when it is asked for, ms since the epoch; 0: it is not.
    pub since: i64,
    /// Recovery codes that are left.
    pub recovery_codes: u32,
}

/// A second factor that was begun: what an authenticator app wants to know.
#[derive(Clone, PartialEq, Eq)]
pub struct Begun {
    /// The shared secret, base32.
    pub secret: String,
    /// The same as an address, for a QR code.
    pub uri: String,
}

/// What the secret of a user is encrypted for: it does not open for another user or context.
fn purpose(context: ContextId, user: UserId) -> String {
    format!("second factor of user {user} of context {context}")
}

/// How it stands with the caller's.
pub async fn state(app: &App, caller: &Caller) -> Result<State> {
    let user = caller.who.user;
    let mut tx = app.read(&caller.place).await?;
    let since = second_factors::find(&mut tx, user).await?.map_or(0, |found| found.confirmed);
    let recovery_codes = if since == 0 { 0 } else { second_factors::count_recovery(&mut tx, user).await? };
    Ok(State { since, recovery_codes })
}

/// Begins a second factor for the caller, who proves it by the password. It is not asked for before [`confirm`].
pub async fn begin(app: &App, caller: &Caller, password: &str, client: &Client) -> Result<Begun> {
    if !app.store.can_seal() {
        return Err(Refusal::SecondFactorImpossible {}.into());
    }
    prove(app, caller, password, origin(client)).await?;
    let mut secret = [0u8; totp::SECRET_BYTES];
    getrandom::fill(&mut secret).map_err(|e| Error::Internal(format!("no randomness: {e}")))?;
    let secret = base32::encode(&secret);
    let sealed = app.store.seal_password(&purpose(caller.place.context, caller.who.user), &secret)?;
    until_settled!(store_begun(app, caller, &sealed).await)?;
    let uri = totp::uri(&secret, &format!("{}@{}", caller.login, caller.place.context));
    Ok(Begun { secret, uri })
}

async fn store_begun(app: &App, caller: &Caller, sealed: &str) -> Result<()> {
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Principals])).await?;
    if second_factors::find(&mut tx, caller.who.user).await?.is_some_and(|found| found.confirmed != 0) {
        return Err(Refusal::SecondFactorThere {}.into());
    }
    second_factors::begin(&mut tx, caller.who.user, sealed).await?;
    Ok(tx.commit().await?)
}

/// Turns the second factor on that was begun, by a first code from it. Returns the recovery codes: nobody can ever read them again.
/// From then on the password alone opens nothing, on any node.
pub async fn confirm(app: &App, caller: &Caller, code: &str, client: &Client) -> Result<Vec<String>> {
    let attempt = begin_attempt(app, caller, client).await?;
    if !is_right(app, &caller.place, caller.who.user, code, Stage::Begun).await? {
        attempt.failed(app).await;
        return Err(Refusal::SecondFactorWrong {}.into());
    }
    let (codes, hashes) = new_recovery_codes()?;
    until_settled!(store_confirmed(app, caller, &hashes).await)?;
    log(caller, "turned on");
    Ok(codes)
}

async fn store_confirmed(app: &App, caller: &Caller, hashes: &[[u8; 32]]) -> Result<()> {
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Principals])).await?;
    match second_factors::find(&mut tx, caller.who.user).await? {
        None => return Err(Refusal::SecondFactorMissing {}.into()),
        Some(found) if found.confirmed != 0 => return Err(Refusal::SecondFactorThere {}.into()),
        Some(_) => {}
    }
    second_factors::confirm(&mut tx, caller.who.user, app.now_ms()).await?;
    second_factors::set_recovery(&mut tx, caller.who.user, hashes).await?;
    Ok(tx.commit().await?)
}

/// Turns the caller's second factor off, by a fresh code or a recovery code.
pub async fn disable(app: &App, caller: &Caller, code: &str, client: &Client) -> Result<()> {
    fresh(app, caller, code, client).await?;
    until_settled!(delete(app, &caller.place, caller.who.user).await)?;
    log(caller, "turned off");
    Ok(())
}

/// Gives the caller new recovery codes in the place of all others, by a fresh code or a recovery code.
pub async fn renew_recovery(app: &App, caller: &Caller, code: &str, client: &Client) -> Result<Vec<String>> {
    fresh(app, caller, code, client).await?;
    let (codes, hashes) = new_recovery_codes()?;
    until_settled!(store_recovery(app, caller, &hashes).await)?;
    log(caller, "given new recovery codes");
    Ok(codes)
}

async fn store_recovery(app: &App, caller: &Caller, hashes: &[[u8; 32]]) -> Result<()> {
    let mut tx = app.write(&caller.place, Plan::changing([Scope::Principals])).await?;
    second_factors::set_recovery(&mut tx, caller.who.user, hashes).await?;
    Ok(tx.commit().await?)
}

/// Takes a user's second factor away, on every node before it returns. Returns whether there was one.
pub(crate) async fn delete(app: &App, place: &Place, user: UserId) -> Result<bool> {
    let mut tx = app.write(place, Plan::changing([Scope::Principals])).await?;
    let was_there = second_factors::delete(&mut tx, user).await?;
    tx.commit().await?;
    Ok(was_there)
}

/// Which second factor a code is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// One that is being turned on.
    Begun,
    /// One that is asked for.
    Confirmed,
}

/// Whether a code is right and was not used before. It is used now.
pub(super) async fn is_right(
    app: &App,
    place: &Place,
    user: UserId,
    code: &str,
    stage: Stage,
) -> Result<bool> {
    // As people copy it.
    let code: String = code.chars().filter(|c| !c.is_whitespace() && *c != '-').take(64).collect();
    until_settled!(use_up(app, place, user, &code, stage).await)
}

async fn use_up(app: &App, place: &Place, user: UserId, code: &str, stage: Stage) -> Result<bool> {
    let mut tx = app.write(place, Plan::default()).await?;
    let Some(factor) = second_factors::find(&mut tx, user).await? else {
        return Err(Refusal::SecondFactorMissing {}.into());
    };
    if (factor.confirmed != 0) != (stage == Stage::Confirmed) {
        let refusal = if factor.confirmed == 0 {
            Refusal::SecondFactorMissing {}
        } else {
            Refusal::SecondFactorThere {}
        };
        return Err(refusal.into());
    }
    let used = if stage == Stage::Confirmed && code.len() == RECOVERY_LETTERS {
        second_factors::use_recovery(&mut tx, user, digest(&code.to_ascii_uppercase())).await?
    } else {
        let secret = app.store.open_password(&purpose(place.context, user), &factor.sealed)?;
        let secret = base32::decode(&secret);
        let secret =
            secret.ok_or_else(|| Error::Internal("a second factor's secret is no base32".to_owned()))?;
        match totp::step_of(&secret, code, app.now_ms()) {
            Some(step) => second_factors::use_step(&mut tx, user, step).await?,
            None => false,
        }
    };
    if used {
        tx.commit().await?;
    }
    Ok(used)
}

/// Refuses unless a code of the caller's second factor is right.
async fn fresh(app: &App, caller: &Caller, code: &str, client: &Client) -> Result<()> {
    let attempt = begin_attempt(app, caller, client).await?;
    if is_right(app, &caller.place, caller.who.user, code, Stage::Confirmed).await? {
        return Ok(());
    }
    attempt.failed(app).await;
    Err(Refusal::SecondFactorWrong {}.into())
}

async fn begin_attempt(app: &App, caller: &Caller, client: &Client) -> Result<Attempt> {
    Attempt::begin(app, &account_of(caller), origin(client)).await
}

fn origin(client: &Client) -> Origin<'_> {
    Origin { address: client.address.parse().ok(), devices: &client.devices }
}

/// Codes as people write them down, and what is kept of them.
fn new_recovery_codes() -> Result<(Vec<String>, Vec<[u8; 32]>)> {
    let mut codes = Vec::with_capacity(RECOVERY_CODES);
    let mut hashes = Vec::with_capacity(RECOVERY_CODES);
    for _ in 0..RECOVERY_CODES {
        let random: Vec<u8> = random::bytes()?.into_iter().take(RECOVERY_BYTES).collect();
        let code = base32::encode(&random);
        hashes.push(digest(&code));
        codes.push(base32::in_groups(&code.to_ascii_lowercase()));
    }
    Ok((codes, hashes))
}

fn log(caller: &Caller, what: &str) {
    tracing::info!(
        "Second factor {what}. Context: {}, User: {}, by session: {}",
        caller.place.context,
        caller.who.user,
        caller.session_handle().unwrap_or_default()
    );
}
