//! Forgets tombstones that are kept for nobody any more.

use zebu_model::Version;
use zebu_store::configdb::databases::{self, Schema};
use zebu_store::shard::tombstones;
use zebu_store::{Place, Plan};

use super::sweep::{Round, places};
use crate::app::App;
use crate::error::Result;
use crate::settle::until_settled;

/// How long tombstones are kept, ms: twelve weeks. A client that was away for longer is told to start over.
const KEPT_MS: i64 = 84 * 86_400_000;

/// Forgets tombstones that are older than twelve weeks. Returns how many. What fails keeps nothing else from it; its error is
/// returned in the end.
pub async fn forget(app: &App) -> Result<u64> {
    let until = Version(app.now_ms().saturating_sub(KEPT_MS));
    let schemas = databases::schemas_in_use(&mut app.store.config().await?).await?;
    let mut round = Round::default();
    for schema in &schemas {
        let old = with_old(app, schema, until).await.unwrap_or_else(|error| {
            round.note(Err(error));
            Vec::new()
        });
        for place in &old {
            round.note(forget_in(app, place, until).await);
        }
    }
    round.end()
}

async fn with_old(app: &App, schema: &Schema, until: Version) -> Result<Vec<Place>> {
    let old = {
        let mut tx = app.store.read_schema(schema).await?;
        tombstones::old_in_schema(&mut tx, until).await?
    };
    places(app, old).await
}

/// A few at a time, so that nobody waits long for a row.
async fn forget_in(app: &App, place: &Place, until: Version) -> Result<u64> {
    // Of a disabled context too: this is no work of its users.
    let place = Place { enabled: false, ..place.clone() };
    let mut forgotten = 0u64;
    loop {
        let some = until_settled!(forget_some(app, &place, until).await)?;
        if some == 0 {
            return Ok(forgotten);
        }
        forgotten = forgotten.saturating_add(some);
    }
}

async fn forget_some(app: &App, place: &Place, until: Version) -> Result<u64> {
    let mut tx = app.write(place, Plan::default()).await?;
    let forgotten = tombstones::forget_some(&mut tx, until).await?;
    tx.commit().await?;
    Ok(forgotten)
}
