//! A request being with a member: counted there, and let in only if the member may have one more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::member::Member;

/// A request with a member, until dropped.
pub(crate) struct Flight(Arc<Member>);

impl Flight {
    /// Begins one; `None` if the member has as many as it may.
    pub(crate) fn begin(member: &Arc<Member>) -> Option<Self> {
        let in_flight = &member.counts.in_flight;
        match member.config.requests_max.map(u64::from) {
            None => drop(in_flight.fetch_add(1, Ordering::AcqRel)),
            Some(most) => {
                let one_more = |now: u64| (now < most).then_some(now + 1);
                in_flight.fetch_update(Ordering::AcqRel, Ordering::Acquire, one_more).ok()?;
            }
        }
        Some(Self(member.clone()))
    }

    /// Begins one, waiting for as long as the member's `acquire` says; `None` if it was in vain.
    pub(crate) async fn wait(member: &Arc<Member>) -> Option<Self> {
        let patience = Duration::from_millis(member.config.acquire_ms);
        let begun = async {
            loop {
                let room = member.room.notified();
                if let Some(flight) = Self::begin(member) {
                    return flight;
                }
                room.await;
            }
        };
        tokio::time::timeout(patience, begun).await.ok()
    }

    pub(crate) fn member(&self) -> &Arc<Member> {
        &self.0
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.counts.in_flight.fetch_sub(1, Ordering::AcqRel);
        if self.0.config.requests_max.is_some() {
            self.0.room.notify_one();
        }
    }
}
