//! What a node does by itself: sweeping the file stores, and the like; and the consistency check.

mod check;
mod sweep;
mod tombstones;

use std::collections::HashSet;
use std::mem;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::{Instant, MissedTickBehavior};
use zebu_model::ContextId;

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

/// Which contexts have something to sweep, and wakes who sweeps.
#[derive(Debug, Default)]
pub(crate) struct ToSweep {
    contexts: Mutex<HashSet<ContextId>>,
    wake: Notify,
}

impl ToSweep {
    /// Something was deleted there.
    pub(crate) fn add(&self, context: ContextId) {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).insert(context);
        self.wake.notify_one();
    }

    fn take(&self) -> HashSet<ContextId> {
        mem::take(&mut *self.contexts.lock().unwrap_or_else(PoisonError::into_inner))
    }
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
            () = app.sweep.wake.notified() => sweep::sweep_deleted(&app, app.sweep.take()).await,
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
