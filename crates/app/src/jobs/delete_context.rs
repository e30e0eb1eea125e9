//! Deleting a context: nothing of it stays, and its id can be used again.
//!
//! From the moment the job is entered nobody can sign in or go on; then, each step such that it can be done again:
//!
//! - `close`: its home takes no more writes; those under way are waited for. What is reserved by then, under which uploads may
//!   still write, is entered in configdb: the ledger goes with the rows;
//! - `rows`: its rows go, its home last;
//! - `settle`: until no node believes any more that the context lives there;
//! - `contents`: everything in its file store goes, its directory too. After the wait, so that what uploads under way
//!   left goes too;
//! - `forget`: configdb forgets it: mappings, the context, its place in the counts; in one transaction with the job's step.

use serde::{Deserialize, Serialize};
use zebu_model::ContextId;
use zebu_store::Place;
use zebu_store::configdb::jobs::{self, Job, Progress};
use zebu_store::configdb::{contexts, databases, filestores, left_keys};
use zebu_store::home::{Home, State};
use zebu_store::shard::stored;

use super::hold::{Hold, Outcome, Stop};
use super::{of_json, rows, to_json};
use crate::app::App;
use crate::operator::{self, Denied};

/// What the rows of these jobs say.
pub(super) const KIND: &str = "deletecontext";

/// How long a node may believe that a context lives where it has lived, ms, and more.
const SETTLE_MS: i64 = 8_000;

/// What such a job remembers.
#[derive(Debug, Serialize, Deserialize)]
struct Delete {
    /// Which context of its id.
    born: i64,
    /// When it was closed, ms since the epoch.
    closed: i64,
}

/// `deletecontext`: ends everybody's sessions in a context, on every node before this returns, and enters the job that deletes
/// it; answers its id. A job that moves the context is called off. Asking again answers the same job.
pub async fn order(app: &App, context: ContextId) -> operator::Result<i64> {
    let mut tx = app.store.config_write().await?;
    let place = contexts::by_id(&mut tx, context).await?;
    let place = place.ok_or_else(|| Denied::ContextUnknown { context: context.to_string() })?;
    for open in jobs::open(&mut tx).await?.into_iter().filter(|job| job.context == context) {
        if open.kind == KIND {
            return Ok(open.id);
        }
        jobs::ask_to_cancel(&mut tx, open.id).await?;
    }
    contexts::set_state(&mut tx, context, contexts::State::BeingDeleted).await?;
    let arguments = to_json(&Delete { born: place.born, closed: 0 })?;
    let id = jobs::insert(&mut tx, KIND, context, &arguments, app.now_ms()).await?;
    tx.commit().await?;
    app.jobs.notify_waiters();
    Ok(id)
}

pub(super) async fn run(hold: &Hold<'_>, job: &Job) -> Outcome<String> {
    let mut what: Delete = of_json(job)?;
    let done = Ok(format!("context {} deleted", job.context));
    let place = {
        let mut tx = hold.app.store.config().await?;
        contexts::by_id(&mut tx, job.context).await?.filter(|place| place.born == what.born)
    };
    let Some(place) = place else { return done };
    if what.closed == 0 {
        at(hold, "close", &what).await?;
        close(hold, &place).await?;
        what.closed = hold.app.now_ms();
        hand_over(hold, &place, &what).await?;
    }
    rows::clear(hold, &place).await?;
    at(hold, "settle", &what).await?;
    let due = what.closed.saturating_add(SETTLE_MS);
    if hold.app.now_ms() < due {
        return Err(Stop::Until(due, "until every node knows that it is gone".to_owned()));
    }
    at(hold, "contents", &what).await?;
    for shelf in hold.app.storage.filestores(&place).await? {
        shelf.store.remove_context(place.context.0).await?;
    }
    forget(hold, &place, &what).await?;
    done
}

async fn at(hold: &Hold<'_>, step: &str, what: &Delete) -> Outcome<()> {
    let arguments = to_json(what)?;
    hold.advance(&Progress { step, done: 0, all: 0, arguments: &arguments, message: "" }).await
}

/// Waits for the writes under way, and lets none begin. One that was never founded has no home, and gets none.
async fn close(hold: &Hold<'_>, place: &Place) -> Outcome<()> {
    if hold.stamp(place).await?.is_some() {
        let (mut tx, home) = hold.home(place).await?;
        tx.set(Home { state: State::Leaving, ..home }).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// Hands what the ledger has reserved over to configdb, with the step to `rows`. Nothing is reserved any more after that.
async fn hand_over(hold: &Hold<'_>, place: &Place, what: &Delete) -> Outcome<()> {
    let reserved = {
        let mut tx = hold.app.store.read_at(place).await?;
        stored::reservations(&mut tx).await?
    };
    let mut tx = hold.app.store.config_write().await?;
    left_keys::enter(&mut tx, &reserved, hold.app.now_ms()).await?;
    let arguments = to_json(what)?;
    let at = Progress { step: "rows", done: 0, all: 0, arguments: &arguments, message: "" };
    hold.advance_in(&mut tx, &at).await?;
    Ok(tx.commit().await?)
}

async fn forget(hold: &Hold<'_>, place: &Place, what: &Delete) -> Outcome<()> {
    let mut tx = hold.app.store.config_write().await?;
    contexts::remove(&mut tx, place).await?;
    databases::count_contexts(&mut tx, &place.schema, -1).await?;
    filestores::count_contexts(&mut tx, place.filestore_id, -1).await?;
    if let Some((id, _)) = &place.filestore_from {
        filestores::count_contexts(&mut tx, *id, -1).await?;
    }
    let arguments = to_json(what)?;
    let at = Progress { step: "forget", done: 0, all: 0, arguments: &arguments, message: "" };
    hold.advance_in(&mut tx, &at).await?;
    Ok(tx.commit().await?)
}
