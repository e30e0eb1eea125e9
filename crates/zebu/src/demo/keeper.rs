//! Keeps one process of a demo alive: one that dies is started anew, at the address it had.

use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};

use crate::demo::child::{Child, Live};
use crate::say;

/// A process that dies sooner than this after its start is likely to do so again.
const SHORT_LIFE: Duration = Duration::from_secs(2);
/// The first pause after a short life; each further one is twice as long.
const PAUSE_FIRST: Duration = Duration::from_millis(100);
const PAUSE_MAX: Duration = Duration::from_secs(5);

/// A signal that goes to all processes at once may end a child before this one has seen it. Until then its end is no death.
const SIGNALS_APART_MAX: Duration = Duration::from_millis(100);

/// The keeper of one process.
pub(super) struct Keeper {
    order: watch::Sender<Order>,
    task: JoinHandle<()>,
}

/// What a keeper is to do about its process.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Keep,
    /// Leave it alone: if it ends now, so be it.
    LetGo,
    Stop,
}

impl Keeper {
    pub(super) fn start(child: Child, live: Live) -> Self {
        let (order, ordered) = watch::channel(Order::Keep);
        Self { order, task: tokio::spawn(keep(child, live, ordered)) }
    }

    /// From now on nothing is started anew: whoever asked the demo to stop may have asked its children too.
    pub(super) fn let_go(&self) {
        self.order.send_replace(Order::LetGo);
    }

    /// Stops the process for good, and waits until it has ended.
    pub(super) async fn stop(self) {
        self.order.send_replace(Order::Stop);
        // It ends in any case; if by a defect, the process has been killed with it.
        let _ = self.task.await;
    }
}

async fn keep(child: Child, mut live: Live, mut order: watch::Receiver<Order>) {
    let name = child.name();
    let mut started = Instant::now();
    let mut pause = Duration::ZERO;
    loop {
        let end = tokio::select! {
            biased;
            // The sender is gone only when this whole process is.
            _ = order.wait_for(|order| *order == Order::Stop) => break,
            end = live.end() => end,
        };
        let stopping = order.wait_for(|order| *order != Order::Keep);
        if timeout(SIGNALS_APART_MAX, stopping).await.is_ok() {
            return;
        }
        say::line(&format!("child {name} died ({end}), restarting"));
        live = loop {
            pause = pause_after(started.elapsed(), pause);
            let again = async {
                sleep(pause).await;
                started = Instant::now();
                child.start().await
            };
            let again = tokio::select! {
                biased;
                _ = order.wait_for(|order| *order != Order::Keep) => return,
                again = again => again,
            };
            match again {
                Ok(live) => break live,
                Err(failure) => say::line(&format!("{failure}; trying again")),
            }
        };
    }
    if !live.stop().await {
        say::line(&format!("child {name} did not stop in time and was killed"));
    }
}

fn pause_after(lived: Duration, pause: Duration) -> Duration {
    if lived >= SHORT_LIFE {
        return Duration::ZERO;
    }
    (pause * 2).clamp(PAUSE_FIRST, PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_dies_young_waits_longer_each_time_and_what_lived_does_not_wait() {
        let mut pause = Duration::ZERO;
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pause = pause_after(Duration::from_millis(10), pause);
            pauses.push(pause.as_millis());
        }
        assert_eq!(pauses, [100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
        assert_eq!(pause_after(SHORT_LIFE, pause), Duration::ZERO);
    }
}
