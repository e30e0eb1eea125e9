//! What takes time: the registry, versions, and waking the core when it wants to be woken.

use std::sync::Arc;
use std::time::Duration;

use futures_util::stream::{FuturesUnordered, StreamExt as _};
use tokio::sync::mpsc;
use tokio::time::{sleep, sleep_until, timeout};

use super::{Renewal, Shared};
use crate::ScopeKey;
use crate::core::{Event, Incarnation, Millis, Version, WriteId};

/// Between two questions for the outcome of a write in doubt.
const FIND_OUT_EVERY: Duration = Duration::from_millis(200);

/// Something that a step wants done outside.
#[derive(Debug)]
pub(super) enum Errand {
    Renew { me: Incarnation, attempt: u64, register: bool },
    Remove { member: Incarnation, attempt: u64 },
    FindOut { write: WriteId, scopes: Vec<ScopeKey> },
}

/// Runs until it is aborted.
pub(super) async fn run(shared: Arc<Shared>, mut errands: mpsc::UnboundedReceiver<Errand>) {
    let mut wake_at = shared.wake_at.subscribe();
    let mut under_way = FuturesUnordered::new();
    loop {
        let at = *wake_at.borrow_and_update();
        tokio::select! {
            // In this order, so that a simulation can be repeated.
            biased;
            () = sleep_until(shared.validity.clock().when(shared.instant(at))), if at != Millis::NEVER => {
                shared.wake_at.send_if_modified(|wanted| {
                    let is_this = *wanted == at;
                    if is_this {
                        *wanted = Millis::NEVER;
                    }
                    is_this
                });
                shared.feed(Event::Tick);
            }
            changed = wake_at.changed() => if changed.is_err() { return },
            Some(errand) = errands.recv() => under_way.push(do_errand(Arc::clone(&shared), errand)),
            Some(()) = under_way.next() => {}
        }
    }
}

async fn do_errand(shared: Arc<Shared>, errand: Errand) {
    match errand {
        Errand::Renew { me, attempt, register } => {
            let event = renew(&shared, me, attempt, register).await;
            shared.feed_in_life(me, event);
        }
        Errand::Remove { member, attempt } => {
            if let Err(error) = shared.outside.registry.remove(member, attempt).await {
                tracing::warn!(%member, error, "coherence: a member's row could not be removed");
            }
        }
        Errand::FindOut { write, scopes } => {
            if let Some(version) = found_out(&shared, &scopes).await {
                shared.feed(Event::FoundOut { write, version });
            }
        }
    }
}

async fn renew(shared: &Shared, me: Incarnation, attempt: u64, register: bool) -> Event {
    // Longer than a membership is good it is not worth waiting: it would have run out by then.
    let limit = Duration::from_millis(shared.timing.member_ttl_ms);
    match timeout(limit, shared.outside.registry.renew(me, attempt, register)).await {
        Ok(Ok(Renewal::Members(members))) => Event::Renewed { attempt, members },
        Ok(Ok(Renewal::Gone)) => Event::Gone { attempt },
        Ok(Err(error)) => {
            tracing::warn!(error, "coherence: the membership could not be renewed");
            Event::RenewFailed { attempt }
        }
        Err(_) => Event::RenewFailed { attempt },
    }
}

async fn found_out(shared: &Shared, scopes: &[ScopeKey]) -> Option<Version> {
    let scope = *scopes.first()?;
    loop {
        match shared.outside.versions.locked(scope).await {
            Ok(version) => return Some(version),
            Err(error) => {
                tracing::warn!(?scope, error, "coherence: a write is in doubt, and cannot be looked up yet")
            }
        }
        sleep(FIND_OUT_EVERY).await;
    }
}

impl Shared {
    /// An answer of an earlier life is nobody's: attempts are counted anew in each.
    fn feed_in_life(&self, me: Incarnation, event: Event) {
        let mut running = self.running();
        if running.core.me() == me {
            self.feed_running(&mut running, event);
        }
    }
}
