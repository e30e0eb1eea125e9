//! What a node does by itself: sweeping the file stores, and the like; and the consistency check.

mod check;
mod sweep;
mod tombstones;

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

pub use check::{Consistency, all_contexts, check};
pub use sweep::sweep;
pub use tombstones::forget as forget_tombstones;

use crate::app::App;
use crate::databases;
use crate::gauge;
use crate::sessions;
use crate::unhashed;

/// From the start of a node to its first look for old tombstones: not while it has others to catch up with.
const FORGET_FIRST: Duration = Duration::from_secs(3_600);
/// From one such look to the next. It reads the tables of tombstones from end to end.
const FORGET_EVERY: Duration = Duration::from_secs(86_400);
/// From one look at all schemas for something to sweep to the next, ms; what a deletion has given up is swept at once.
const SWEEP_MS: u64 = 30_000;

/// Starts the background work of a node. It ends with the process, or when `app` is dropped elsewhere and aborted.
pub fn start(app: &Arc<App>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = vec![
        tokio::spawn(sweeping(Arc::clone(app))),
        tokio::spawn(forgetting(Arc::clone(app))),
        tokio::spawn(gauge::gauging(Arc::clone(app))),
        tokio::spawn(databases::migrating(Arc::clone(app))),
        tokio::spawn(unhashed::hashing(Arc::clone(app))),
    ];
    tasks.extend(crate::jobs::start(app));
    tasks
}

/// Every node does, once a day: all but the first find nothing.
async fn forgetting(app: Arc<App>) {
    let mut round = tokio::time::interval_at(Instant::now() + FORGET_FIRST, FORGET_EVERY);
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        if let Err(error) = forget_tombstones(&app).await {
            tracing::warn!("old tombstones were not forgotten: {}", error.cause_chain());
        }
    }
}

async fn sweeping(app: Arc<App>) {
    let mut round = tokio::time::interval(Duration::from_millis(SWEEP_MS));
    round.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let swept = tokio::select! {
            contexts = app.to_sweep.some() => sweep::sweep_deleted(&app, contexts).await,
            _ = round.tick() => {
                if let Err(error) = sessions::trim(&app).await {
                    tracing::warn!("failed sign-ins were not forgotten: {}", error.cause_chain());
                }
                sweep(&app).await
            }
        };
        if let Err(error) = swept {
            tracing::warn!("sweeping the file store failed: {}", error.cause_chain());
        }
    }
}
