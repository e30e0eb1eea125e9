//! What happens when: at the same moment, what was planned first.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use super::World;

type What = Box<dyn FnOnce(&Arc<World>) + Send>;

/// By when it is due, and how many were planned before.
#[derive(Default)]
struct Planned {
    all: BTreeMap<(u64, u64), What>,
    count: u64,
}

#[derive(Default)]
pub(super) struct Schedule {
    planned: Mutex<Planned>,
    earlier: Notify,
}

impl Schedule {
    pub(super) fn add(&self, at_ms: u64, what: What) {
        let mut planned = self.planned.lock().unwrap();
        let Planned { all, count } = &mut *planned;
        *count += 1;
        let first = all.first_key_value().is_none_or(|((first, _), _)| at_ms < *first);
        all.insert((at_ms, *count), what);
        if first {
            self.earlier.notify_one();
        }
    }

    /// What is due, or when something will be.
    pub(super) fn next(&self, now_ms: u64) -> Result<What, Option<u64>> {
        let mut planned = self.planned.lock().unwrap();
        let first = planned.all.first_key_value().map(|((at, _), _)| *at);
        match first {
            Some(at) if at <= now_ms => Ok(planned.all.pop_first().unwrap().1),
            other => Err(other),
        }
    }

    pub(super) async fn wait(&self, at: Option<Instant>) {
        let Some(at) = at else { return self.earlier.notified().await };
        tokio::select! {
            biased;
            () = self.earlier.notified() => {}
            () = sleep_until(at) => {}
        }
    }

    pub(super) fn clear(&self) {
        let gone = std::mem::take(&mut self.planned.lock().unwrap().all);
        drop(gone);
    }
}
