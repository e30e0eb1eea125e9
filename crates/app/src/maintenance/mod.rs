//! What a node does by itself: sweeping the file stores, and the like; and the consistency check.

mod check;
mod sweep;

use std::sync::Arc;
use std::time::Duration;

pub use check::{Consistency, all_contexts, check};
pub use sweep::sweep;

use crate::app::App;
use crate::databases;
use crate::gauge;
use crate::sessions;
use crate::unhashed;

/// How long the sweeper rests, ms, if nobody wakes it.
const SWEEP_MS: u64 = 30_000;

/// Starts the background work of a node. It ends with the process, or when `app` is dropped elsewhere and aborted.
pub fn start(app: &Arc<App>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = vec![
        tokio::spawn(sweeping(Arc::clone(app))),
        tokio::spawn(gauge::gauging(Arc::clone(app))),
        tokio::spawn(databases::migrating(Arc::clone(app))),
        tokio::spawn(unhashed::hashing(Arc::clone(app))),
    ];
    tasks.extend(crate::jobs::start(app));
    tasks
}

async fn sweeping(app: Arc<App>) {
    loop {
        let rest = tokio::time::sleep(Duration::from_millis(SWEEP_MS));
        tokio::select! {
            () = app.sweep.notified() => {}
            () = rest => {}
        }
        if let Err(error) = sweep(&app).await {
            tracing::warn!("sweeping the file store failed: {}", error.cause_chain());
        }
        if let Err(error) = sessions::trim(&app).await {
            tracing::warn!("failed sign-ins were not forgotten: {}", error.cause_chain());
        }
    }
}
