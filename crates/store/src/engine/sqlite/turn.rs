//! Letting others work: statements that are carried out where they are asked wait for nothing, and whoever asks one after
//! another would keep its thread for ever. After a turn it goes to the end of the queue.
//!
//! By the time that statements took, not by their number: to let go costs what some twenty short ones cost, since another
//! thread is woken that may take over, and shall be a small part of a turn.

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Work in statements after which a thread is let go.
const TURN: Duration = Duration::from_millis(1);

thread_local! {
    /// Work in statements done on this thread since it was last let go.
    static WORKED: Cell<Duration> = const { Cell::new(Duration::ZERO) };
}

/// Whether it is somebody else's.
pub(super) fn is_over() -> bool {
    WORKED.get() >= TURN
}

/// Lets others work if it is their turn.
pub(super) async fn wait() {
    if is_over() {
        WORKED.set(Duration::ZERO);
        tokio::task::yield_now().await;
    }
}

/// Counts what was done here for something since it began, and answers how long that took.
pub(super) fn worked(begun: Instant) -> Duration {
    let took = begun.elapsed();
    WORKED.set(WORKED.get().saturating_add(took));
    took
}
