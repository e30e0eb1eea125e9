//! Writes that are picked to be read back: one at a time, and only when somebody wants one.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;
use zebu_model::{Scope, Version};

use crate::place::Place;

/// A write that is being answered.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Where its context lives.
    pub place: Place,
    /// One of the scopes it changed.
    pub scope: Scope,
    /// The version it gave to that.
    pub version: Version,
    /// When its commit was answered.
    pub answered: Instant,
}

/// Whether one is wanted, and the one that was picked.
#[derive(Debug, Default)]
pub(crate) struct Samples {
    wanted: AtomicBool,
    picked: Mutex<Option<Sample>>,
    ready: Notify,
}

impl Samples {
    /// The next write after this call.
    pub(crate) async fn next(&self) -> Sample {
        self.wanted.store(true, Ordering::SeqCst);
        loop {
            self.ready.notified().await;
            if let Some(sample) = self.picked.lock().unwrap_or_else(PoisonError::into_inner).take() {
                return sample;
            }
        }
    }

    /// Whether somebody waits for one: no other write need be ready to be picked.
    pub(crate) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed)
    }

    /// Offers a write that has just been committed.
    pub(crate) fn offer(&self, sample: Sample) {
        if self.wanted.swap(false, Ordering::SeqCst) {
            *self.picked.lock().unwrap_or_else(PoisonError::into_inner) = Some(sample);
            self.ready.notify_one();
        }
    }
}
