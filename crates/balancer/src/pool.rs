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
    idle: Mutex<Idle>,
    connections_max: usize,
    idle_ms: AtomicU64,
    kept_min: AtomicUsize,
}

/// By the thread that drives them (`lanes`): one of another thread serves as well, but each of its wake-ups goes from core to core.
#[derive(Default)]
struct Idle {
    lanes: Vec<VecDeque<Box<Upstream>>>,
    count: usize,
}

impl Idle {
    /// One that was used last: of this thread, else of the one that has most to spare.
    fn pop(&mut self, lane: usize) -> Option<Box<Upstream>> {
        let own = self.lanes.get_mut(lane).and_then(VecDeque::pop_back);
        let popped = own.or_else(|| self.lanes.iter_mut().max_by_key(|idle| idle.len())?.pop_back())?;
        self.count -= 1;
        Some(popped)
    }

    fn push(&mut self, upstream: Box<Upstream>) {
        if self.lanes.len() <= upstream.lane {
            self.lanes.resize_with(upstream.lane + 1, VecDeque::new);
        }
        if let Some(idle) = self.lanes.get_mut(upstream.lane) {
            idle.push_back(upstream);
            self.count += 1;
        }
    }
}

impl Pool {
    /// At most `connections_max`; those older than `idle_ms` are closed, but for the `kept_min` used last.
    pub(crate) fn new(connections_max: usize, idle_ms: Ms, kept_min: usize) -> Self {
        let (idle_ms, kept_min) = (AtomicU64::new(idle_ms), AtomicUsize::new(kept_min));
        Self { idle: Mutex::default(), connections_max, idle_ms, kept_min }
    }

    /// Other limits for those that are there and those that come.
    pub(crate) fn bound(&self, idle_ms: Ms, kept_min: usize) {
        self.idle_ms.store(idle_ms, Ordering::Relaxed);
        self.kept_min.store(kept_min, Ordering::Relaxed);
    }

    fn kept_min(&self) -> usize {
        self.kept_min.load(Ordering::Relaxed)
    }

    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that was open a moment ago, if there is one. `sure`: for a request that could not be repeated,
    /// the moment is now, for the price of a system call.
    pub(crate) fn take(&self, lane: usize, now: Ms, sure: bool) -> Option<Box<Upstream>> {
        loop {
            let mut upstream = self.idle().pop(lane)?;
            let is_old = !self.is_young(&upstream, now);
            // One that was kept beyond its time may have been closed by a firewall that says nothing.
            let open = if sure || is_old { upstream.is_open() } else { upstream.is_ready() };
            if open && (!is_old || self.kept_min() > 0) {
                return if upstream.lane == lane {
                    Some(upstream)
                } else {
                    upstream.moved(lane).ok().map(Box::new)
                };
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
        if idle.count < self.connections_max {
            idle.push(upstream);
        }
    }

    /// Closes what is too old or was closed by the member.
    pub(crate) fn sweep(&self, now: Ms) {
        let mut idle = self.idle();
        let Idle { lanes, count } = &mut *idle;
        for lane in lanes {
            lane.retain_mut(|upstream| {
                let kept = (*count <= self.kept_min() || self.is_young(upstream, now)) && upstream.rest();
                *count -= usize::from(!kept);
                kept
            });
        }
    }

    /// Closes everything: the member is dead, and so are its connections, whether the kernel knows it or not.
    pub(crate) fn clear(&self) {
        *self.idle() = Idle::default();
    }

    fn is_young(&self, upstream: &Upstream, now: Ms) -> bool {
        now.saturating_sub(upstream.idle_since) < self.idle_ms.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::time::Duration;

    use super::*;
    use crate::upstream::{Speech, Tuning, http};

    async fn upstream(listener: &TcpListener, lane: usize) -> Box<Upstream> {
        let address = listener.local_addr().unwrap().to_string();
        let speech = Speech::Http(http::Terms { head_bytes_max: 8_192, read_bytes_max: 8_192 });
        let patience = Duration::from_secs(10);
        let connected = Upstream::connect(&address, &speech, patience, Tuning::default(), lane).await;
        connected.expect("a connection")
    }

    #[tokio::test]
    async fn a_thread_takes_its_own_connections_first_and_another_s_for_good() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let pool = Pool::new(3, 1_000, 0);
        for lane in [1, 0, 1, 1] {
            pool.put(upstream(&listener, lane).await, 0);
        }
        let lanes = |pool: &Pool| pool.idle().lanes.iter().map(VecDeque::len).collect::<Vec<_>>();
        assert_eq!(lanes(&pool), [1, 2], "one is too many");
        let own = pool.take(0, 0, true).unwrap();
        assert_eq!((own.lane, lanes(&pool)), (0, vec![0, 2]));
        let others = pool.take(0, 0, true).unwrap();
        assert_eq!((others.lane, lanes(&pool)), (0, vec![0, 1]));
        pool.put(others, 0);
        assert_eq!(lanes(&pool), [1, 1], "it stays with who took it");
        assert!(pool.take(7, 0, false).is_some() && pool.take(7, 0, false).is_some());
        assert!(pool.take(7, 0, false).is_none());
    }

    #[tokio::test]
    async fn what_is_old_or_closed_goes_whosever_it_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let pool = Pool::new(9, 1_000, 1);
        for (lane, now) in [(0, 0), (1, 0), (1, 500), (2, 900)] {
            pool.put(upstream(&listener, lane).await, now);
        }
        pool.sweep(1_000);
        assert_eq!(pool.idle().count, 2);
        pool.sweep(9_000);
        assert_eq!(pool.idle().count, 1, "one is kept however old");
        pool.clear();
        assert!(pool.take(2, 0, false).is_none());
    }
}
