//! Carrying out what the core says, within its step: nothing here waits.

use std::collections::BTreeMap;

use super::errands::Errand;
use super::{Progress, Running, Shared, wire};
use crate::core::{Action, Core, Event, Incarnation, Part, WriteFailure, WriteId};

impl Shared {
    pub(super) fn carry_out(&self, running: &mut Running, action: Action) {
        match action {
            Action::EpochBegan { until } => {
                tracing::debug!("coherence: this node answers from memory");
                self.validity.begin_epoch(self.instant(until).into_std());
                self.epochs.began(self.validity.clock().now());
                // What was written before it began, nobody had to tell this node.
                self.changes.anything();
            }
            Action::EpochExtended { until } => self.validity.extend_epoch(self.instant(until).into_std()),
            Action::EpochEnded { why } => {
                self.validity.end_epoch();
                self.epochs.ended(self.validity.clock().now(), why);
                self.changes.anything();
                tracing::info!(?why, "coherence: nothing is answered from memory until the next epoch");
            }
            Action::Hold { scopes } => scopes.iter().for_each(|scope| self.validity.hold(*scope)),
            Action::Free { scopes, version } => {
                scopes.iter().for_each(|scope| self.validity.release(*scope));
                self.changes.released(&scopes, version.map(|version| version.0));
            }
            Action::Send { peer, connection, message } => {
                self.outside.transport.send(peer, connection, wire::encode(&message));
            }
            Action::Close { peer, connection } => self.outside.transport.close(peer, connection),
            Action::Renew { attempt, register } => {
                let me = running.core.me();
                self.errand(Errand::Renew { me, attempt, register });
            }
            Action::Remove { member, attempt } => self.errand(Errand::Remove { member, attempt }),
            Action::FindOut { write, scopes } => self.errand(Errand::FindOut { write, scopes }),
            Action::Joined => drop(self.progress.send_replace(Progress::Joined)),
            Action::Left => drop(self.progress.send_replace(Progress::Left)),
            Action::WriteMayCommit { write } => decide(running, write, Ok(())),
            Action::WriteMustFail { write, why } => decide(running, write, Err(why)),
            Action::WakeAt { at } => drop(self.wake_at.send_replace(at)),
            Action::Rejoin => {}
        }
    }

    fn errand(&self, errand: Errand) {
        // Nobody takes it when the node has been dropped, and then it is for nothing.
        let _ = self.errands.send(errand);
    }

    /// Goes on under a new name, since the old one was removed from the registry.
    pub(super) fn begin_life(&self, running: &mut Running) {
        // The first was random, and nobody counts on from it but this process.
        let me = Incarnation(running.core.me().0.wrapping_add(1));
        tracing::warn!(%me, "coherence: this node was removed from the registry and registers anew");
        self.progress.send_replace(Progress::Joining);
        // First, so that nothing of the new life goes out over a connection of the old one.
        self.outside.transport.begin_life(me);
        let core = Core::new(Part { me, caches: self.caches }, self.timing);
        *running = Running { core, deciding: BTreeMap::new() };
        self.feed_running(running, Event::Tick);
    }
}

fn decide(running: &mut Running, write: WriteId, decision: Result<(), WriteFailure>) {
    if let Some(waiting) = running.deciding.remove(&write) {
        // Whoever asked may have given up.
        let _ = waiting.send(decision);
    }
}
