//! Passwords that wait to be hashed. A full-strength hash takes a processor for tens of milliseconds, so ten thousand new users
//! would take minutes: an import keeps their passwords encrypted with the nodes' key (the one that protects the passwords of
//! databases), and this work hashes them in the background, a few at a time. Until then the password works as any other, and is
//! as safe as that key: whoever has the shard and the key could read it. Never is anything weaker than the usual hash kept.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use zebu_model::ContextId;
use zebu_store::configdb::databases::Schema;
use zebu_store::configdb::{contexts, databases};
use zebu_store::shard::unhashed::{self, Waiting};
use zebu_store::{Place, Plan};

use crate::app::App;
use crate::error::{Error, Result};
use crate::settle::until_settled;

/// What a sealed text begins with; no hash in PHC form does.
const MARK: &str = "x1:";
/// Bytes of the longest password that is kept this way: encrypted it has to fit where its hash will be.
const BYTES_MAX: usize = 140;
/// Passwords begun with at a time.
const BATCH: u32 = 16;
/// How long whoever began with some is believed to be at them, ms.
const CLAIM_MS: i64 = 60_000;
/// How long this work rests, ms, if nobody wakes it.
const REST_MS: u64 = 30_000;

/// What a password is encrypted for: it does not open for another user or context.
fn purpose(context: ContextId, login: &str) -> String {
    format!("user {login} of context {context}")
}

/// The password as it waits; `None` if it has to be hashed at once: there is no key, or it is too long.
pub(crate) fn seal(app: &App, context: ContextId, login: &str, password: &str) -> Result<Option<String>> {
    if !app.store.can_seal() || password.len() > BYTES_MAX {
        return Ok(None);
    }
    Ok(Some(app.store.seal_password(&purpose(context, login), password)?))
}

/// Whether this stands where a hash will be.
pub(crate) fn is_sealed(stored: &str) -> bool {
    stored.starts_with(MARK)
}

/// Whether a password is the one that waits. Takes as long as comparing with a hash does.
pub(crate) async fn verify(
    app: &App,
    context: ContextId,
    login: &str,
    password: &str,
    sealed: &str,
) -> Result<bool> {
    let clear = app.store.open_password(&purpose(context, login), sealed)?;
    app.passwords.verify(password, None).await?;
    // Digests, so that the time says nothing of how much is alike.
    Ok(Sha256::digest(clear) == Sha256::digest(password))
}

/// Hashes whatever waits, until the process ends.
pub(crate) async fn hashing(app: Arc<App>) {
    loop {
        let rest = tokio::time::sleep(Duration::from_millis(REST_MS));
        tokio::select! {
            () = app.unhashed.notified() => {}
            () = rest => {}
        }
        if let Err(error) = hash_all(&app).await {
            tracing::warn!("passwords that wait were not hashed: {}", error.cause_chain());
        }
    }
}

/// Hashes all passwords that wait and that nobody else has begun with. Returns how many. A context that fails keeps the
/// others from nothing, nor does a schema; the error is returned in the end.
pub async fn hash_all(app: &App) -> Result<u64> {
    if !app.store.can_seal() {
        return Ok(0);
    }
    let schemas = {
        let mut tx = app.store.config().await?;
        databases::schemas_in_use(&mut tx).await?
    };
    let (mut done, mut failed) = (0u64, None);
    for schema in &schemas {
        let places = waiting(app, schema).await.unwrap_or_else(|error| {
            failed = Some(error);
            Vec::new()
        });
        for place in &places {
            loop {
                match hash_some(app, place).await {
                    Ok(0) => break,
                    Ok(count) => done = done.saturating_add(count),
                    Err(error) => {
                        failed = Some(error);
                        break;
                    }
                }
            }
        }
    }
    failed.map_or(Ok(done), Err)
}

/// The contexts of a schema in which passwords wait.
async fn waiting(app: &App, schema: &Schema) -> Result<Vec<Place>> {
    let found = {
        let mut tx = app.store.read_schema(schema).await?;
        unhashed::waiting_in_schema(&mut tx, app.now_ms().saturating_sub(CLAIM_MS)).await?
    };
    if found.is_empty() {
        return Ok(Vec::new());
    }
    Ok(contexts::some(&mut app.store.config().await?, &found).await?)
}

async fn hash_some(app: &App, place: &Place) -> Result<u64> {
    let before = app.now_ms().saturating_sub(CLAIM_MS);
    {
        // Looks before it writes: where nothing waits there is no commit.
        let mut tx = app.read(place).await?;
        if !unhashed::any(&mut tx, before).await? {
            return Ok(0);
        }
    }
    let waiting = until_settled!(claim(app, place, before).await)?;
    let mut hashed: Vec<(Waiting, String)> = Vec::with_capacity(waiting.len());
    for waiting in waiting {
        if !is_sealed(&waiting.sealed) {
            // Changed meanwhile; what stands there stays.
            let stays = waiting.sealed.clone();
            hashed.push((waiting, stays));
            continue;
        }
        let clear = app.store.open_password(&purpose(place.context, &waiting.login), &waiting.sealed)?;
        let hash = app.passwords.hash_in_background(&clear).await?;
        hashed.push((waiting, hash));
    }
    until_settled!(settle(app, place, &hashed).await)?;
    Ok(hashed.len() as u64)
}

async fn claim(app: &App, place: &Place, before: i64) -> Result<Vec<Waiting>> {
    let mut tx = app.write(&for_everybody(place), Plan::default()).await?;
    let claimed = unhashed::claim(&mut tx, BATCH, before, app.now_ms()).await?;
    tx.commit().await?;
    Ok(claimed)
}

async fn settle(app: &App, place: &Place, hashed: &[(Waiting, String)]) -> Result<()> {
    let mut tx = app.write(&for_everybody(place), Plan::default()).await?;
    for (waiting, hash) in hashed {
        unhashed::settle(&mut tx, waiting, hash).await?;
    }
    tx.commit().await.map_err(Error::from)
}

/// The context, enabled or not: this is no work of its users.
fn for_everybody(place: &Place) -> Place {
    Place { enabled: false, ..place.clone() }
}
