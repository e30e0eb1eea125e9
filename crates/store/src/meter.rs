//! Counts the statements and the database time of one request, for its log line and the benchmarks.
//!
//! For observation only: nothing may decide by it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

tokio::task_local! {
    static METER: Arc<Meter>;
}

/// What one request cost.
#[derive(Debug, Default)]
pub struct Meter {
    statements: AtomicU64,
    commits: AtomicU64,
    database_us: AtomicU64,
}

impl Meter {
    /// Statements sent, `BEGIN` and `COMMIT` aside.
    pub fn statements(&self) -> u64 {
        self.statements.load(Ordering::Relaxed)
    }

    /// Write transactions committed.
    pub fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Time spent waiting for databases.
    pub fn database_us(&self) -> u64 {
        self.database_us.load(Ordering::Relaxed)
    }
}

/// Runs `work` so that its statements count on `meter`.
pub async fn measured<F: Future>(meter: Arc<Meter>, work: F) -> F::Output {
    METER.scope(meter, work).await
}

pub(crate) fn statement(took: Duration) {
    // Work outside a request (a background task) has no meter: nothing to count on.
    let _ = METER.try_with(|meter| {
        meter.statements.fetch_add(1, Ordering::Relaxed);
        meter.database_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    });
}

pub(crate) fn commit(took: Duration) {
    let _ = METER.try_with(|meter| {
        meter.commits.fetch_add(1, Ordering::Relaxed);
        meter.database_us.fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Ordering::Relaxed);
    });
}
