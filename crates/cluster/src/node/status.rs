//! A node in the protocol as the cluster page and `/metrics` show it.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use serde::Serialize;
use tokio::time::Instant;

use super::{Node, Progress, Shared};
use crate::core::{EpochEnd, Sight};

/// Changes of epochs that are remembered; older ones are only counted.
const EPOCHS_SHOWN_MAX: usize = 32;

/// How a node is doing.
#[derive(Clone, Debug, Serialize)]
pub struct Status {
    /// Its name in this life.
    pub incarnation: String,
    /// Whether it may ever answer from memory: not an admin daemon.
    pub caches: bool,
    /// Whether its writes are taken.
    pub joined: bool,
    /// How it stands.
    #[serde(flatten)]
    pub sight: Sight,
    /// What became of its epochs, the latest first.
    pub epochs: Vec<EpochChange>,
    /// Epochs that began since the process did.
    pub epochs_begun: u64,
    /// Epochs that ended.
    pub epochs_ended: u64,
}

/// An epoch began or ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct EpochChange {
    /// How long ago, ms.
    pub ago_ms: u64,
    /// `began`, or why it ended: `membership_over`, `no_lease`, `removed`, `leaving`.
    pub what: &'static str,
    /// The member whose lease was missing, or who was removed.
    pub member: Option<String>,
}

/// The latest changes of epochs.
#[derive(Debug, Default)]
pub(super) struct Epochs(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    latest: VecDeque<(Instant, Option<EpochEnd>)>,
    begun: u64,
    ended: u64,
}

impl Epochs {
    pub(super) fn began(&self, now: Instant) {
        self.keep(now, None);
    }

    pub(super) fn ended(&self, now: Instant, why: EpochEnd) {
        self.keep(now, Some(why));
    }

    fn keep(&self, now: Instant, ended: Option<EpochEnd>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = if ended.is_some() { &mut kept.ended } else { &mut kept.begun };
        *count = count.saturating_add(1);
        kept.latest.push_front((now, ended));
        kept.latest.truncate(EPOCHS_SHOWN_MAX);
    }
}

impl Node {
    /// How it is doing at this moment.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.status()
    }
}

impl Shared {
    fn status(&self) -> Status {
        let (incarnation, sight) = {
            let running = self.running();
            (running.core.me().to_string(), running.core.sight(self.now()))
        };
        let now = self.validity.clock().now();
        let kept = self.epochs.0.lock().unwrap_or_else(PoisonError::into_inner);
        let change = |(at, ended): &(Instant, Option<EpochEnd>)| {
            let (what, member) = match ended {
                None => ("began", None),
                Some(EpochEnd::MembershipOver) => ("membership_over", None),
                Some(EpochEnd::NoLeaseFrom(member)) => ("no_lease", Some(member)),
                Some(EpochEnd::Removed(member)) => ("removed", Some(member)),
                Some(EpochEnd::Leaving) => ("leaving", None),
            };
            let ago_ms = u64::try_from(now.saturating_duration_since(*at).as_millis()).unwrap_or(u64::MAX);
            EpochChange { ago_ms, what, member: member.map(ToString::to_string) }
        };
        Status {
            incarnation,
            caches: self.caches,
            joined: *self.progress.borrow() == Progress::Joined,
            sight,
            epochs: kept.latest.iter().map(change).collect(),
            epochs_begun: kept.begun,
            epochs_ended: kept.ended,
        }
    }
}
