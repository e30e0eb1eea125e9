//! Letting others work: statements that are carried out where they are asked wait for nothing, and whoever asks one after
//! another would keep its thread for ever. After a turn it goes to the end of the queue.
//!
//! A turn is about two milliseconds, by the work done in it and not by the clock, which costs a tenth of a short statement to
//! look at. It is not shorter, because another thread is woken that may take over: that costs what some twenty short
//! statements cost, and shall be a small part.

use std::cell::Cell;
use std::time::Duration;

/// Work of a turn, µs.
const TURN: u32 = 2_000;
/// What a short statement takes, about, µs.
const A_STATEMENT: u32 = 1;
/// What SQLite works between two looks at its budget, about, µs.
const A_LOOK: u32 = 30;

thread_local! {
    /// Work done on this thread since it was last let go, µs.
    static WORKED: Cell<u32> = const { Cell::new(0) };
}

/// Whether it is somebody else's.
pub(super) fn is_over() -> bool {
    WORKED.get() >= TURN
}

/// Lets others work if it is their turn.
pub(super) async fn wait() {
    if is_over() {
        WORKED.set(0);
        tokio::task::yield_now().await;
    }
}

/// Counts a statement, and how often SQLite looked at its budget meanwhile.
pub(super) fn worked(looks: u32) {
    count(looks.saturating_mul(A_LOOK).saturating_add(A_STATEMENT));
}

/// Counts what was timed.
pub(super) fn took(time: Duration) {
    count(u32::try_from(time.as_micros()).unwrap_or(u32::MAX));
}

fn count(us: u32) {
    WORKED.set(WORKED.get().saturating_add(us));
}
