//! The idle connections of one member.
//!
//! The one used last is taken first: it is warm, and the others can grow old and be closed. Synchronous; time
//! is a parameter.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::patience::Ms;
use crate::upstream::Upstream;

pub(crate) struct Pool {
    idle: Mutex<VecDeque<Box<Upstream>>>,
    connections_max: usize,
    idle_ms: AtomicU64,
    kept_min: AtomicUsize,
}

impl Pool {
    /// At most `connections_max`; those older than `idle_ms` are closed, but for the `kept_min` used last.
    pub(crate) fn new(connections_max: usize, idle_ms: Ms, kept_min: usize) -> Self {
        let (idle_ms, kept_min) = (AtomicU64::new(idle_ms), AtomicUsize::new(kept_min));
        Self { idle: Mutex::new(VecDeque::new()), connections_max, idle_ms, kept_min }
    }

    /// Other limits for those that are there and those that come.
    pub(crate) fn bound(&self, idle_ms: Ms, kept_min: usize) {
        self.idle_ms.store(idle_ms, Ordering::Relaxed);
        self.kept_min.store(kept_min, Ordering::Relaxed);
    }

    fn kept_min(&self) -> usize {
        self.kept_min.load(Ordering::Relaxed)
    }

    fn idle(&self) -> MutexGuard<'_, VecDeque<Box<Upstream>>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that was open a moment ago, if there is one. `sure`: for a request that could not be repeated,
    /// the moment is now, for the price of a system call.
    pub(crate) fn take(&self, now: Ms, sure: bool) -> Option<Box<Upstream>> {
        loop {
            let mut upstream = self.idle().pop_back()?;
            let is_old = !self.is_young(&upstream, now);
            // One that was kept beyond its time may have been closed by a firewall that says nothing.
            let open = if sure || is_old { upstream.is_open() } else { upstream.is_ready() };
            if open && (!is_old || self.kept_min() > 0) {
                return Some(upstream);
            }
        }
    }

    /// Takes a connection back after its exchange; closes it if it cannot carry another or there are enough.
    pub(crate) fn put(&self, mut upstream: Box<Upstream>, now: Ms) {
        if !upstream.rest() {
            return;
        }
        upstream.reused = true;
        upstream.idle_since = now;
        let mut idle = self.idle();
        if idle.len() < self.connections_max {
            idle.push_back(upstream);
        }
    }

    /// Closes what is too old or was closed by the member.
    pub(crate) fn sweep(&self, now: Ms) {
        let mut idle = self.idle();
        let mut left = idle.len();
        idle.retain_mut(|upstream| {
            let kept = (left <= self.kept_min() || self.is_young(upstream, now)) && upstream.rest();
            left -= usize::from(!kept);
            kept
        });
    }

    /// Closes everything: the member is dead, and so are its connections, whether the kernel knows it or not.
    pub(crate) fn clear(&self) {
        self.idle().clear();
    }

    fn is_young(&self, upstream: &Upstream, now: Ms) -> bool {
        now.saturating_sub(upstream.idle_since) < self.idle_ms.load(Ordering::Relaxed)
    }
}
