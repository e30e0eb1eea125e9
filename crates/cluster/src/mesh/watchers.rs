//! Those who are no members and want to hear what this node tells: web tiers, of what it serves. Each has a connection by which it
//! only hears.
//!
//! What is told is two bytes of length, big-endian, and then as many bytes, at most [`TOLD_BYTES_MAX`]: once at the beginning, at each
//! change, and at each heartbeat, so that silence means that the node is gone.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::{BufMut, Bytes};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::network::Stream;
use super::settings::Limits;

/// Who may watch one node at once.
pub(super) const WATCHERS_MAX: usize = 256;
/// Bytes that are told, at most.
pub(super) const TOLD_BYTES_MAX: usize = 16 * 1024;

/// Whoever watches, and what they are told.
#[derive(Debug, Default)]
pub(super) struct Watchers {
    told: watch::Sender<Bytes>,
    tasks: Mutex<JoinSet<()>>,
}

impl Watchers {
    /// Tells all who watch. What is too long is told nobody.
    pub(super) fn tell(&self, told: Bytes) {
        if told.len() > TOLD_BYTES_MAX {
            let bytes = told.len();
            tracing::error!(bytes, "mesh: what is told to web tiers is longer than {TOLD_BYTES_MAX} bytes");
            return;
        }
        self.told.send_if_modified(|before| {
            let changed = *before != told;
            *before = told;
            changed
        });
    }

    /// Lets somebody watch; `false`: there are as many as there may be.
    pub(super) fn admit(&self, stream: Stream, limits: &Limits) -> bool {
        let mut tasks = self.tasks();
        // Those that have ended.
        while tasks.try_join_next().is_some() {}
        if tasks.len() >= WATCHERS_MAX {
            return false;
        }
        tasks.spawn(serve(stream, self.told.subscribe(), limits.heartbeat, limits.dead));
        true
    }

    /// Ends them all, and waits for it.
    pub(super) async fn stop(&self) {
        let mut tasks = std::mem::take(&mut *self.tasks());
        tasks.shutdown().await;
    }

    /// Ends them all.
    pub(super) fn abort(&self) {
        self.tasks().abort_all();
    }

    fn tasks(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.tasks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells one of them, until it goes, or takes nothing for `patience`.
async fn serve(mut stream: Stream, mut told: watch::Receiver<Bytes>, every: Duration, patience: Duration) {
    let mut ticks = interval(every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut word = [0];
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            Ok(()) = told.changed() => {}
            // Its end; and there is nothing that it could say.
            _ = stream.read(&mut word) => return,
        }
        let bytes = told.borrow_and_update().clone();
        if !matches!(timeout(patience, send(&mut stream, &bytes)).await, Ok(Ok(()))) {
            return;
        }
    }
}

async fn send(stream: &mut Stream, told: &[u8]) -> io::Result<()> {
    let mut bytes = Vec::with_capacity(told.len().saturating_add(2));
    // It is shorter than the limit.
    bytes.put_u16(u16::try_from(told.len()).unwrap_or(0));
    bytes.put_slice(told);
    stream.write_all(&bytes).await?;
    stream.flush().await
}
