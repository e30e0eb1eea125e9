//! The registry: each call is one transaction, carried out some time after it was sent, whether or not its sender still waits.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use tokio::sync::oneshot;
use zebu_cluster::ScopeKey;
use zebu_cluster::core::{Incarnation, Listed, Version};
use zebu_cluster::node::{Pending, Registry, Renewal, Versions};

use super::World;
use super::database::{self, Mode};
use crate::workload::scope_of;

#[derive(Default)]
pub(crate) struct Members {
    rows: BTreeMap<Incarnation, u64>,
    /// Whose calls do not come through.
    pub(crate) away: BTreeSet<usize>,
    /// How long a call may take in addition, ms.
    pub(crate) slow_ms: u64,
    /// Transactions that were asked for.
    pub(crate) calls: u64,
}

/// One process's way there.
pub(crate) struct Calls {
    pub(crate) world: Arc<World>,
    pub(crate) slot: usize,
}

impl fmt::Debug for Calls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Calls({})", self.slot)
    }
}

impl Calls {
    /// One transaction.
    async fn call<T: Send + 'static>(
        &self,
        what: impl FnOnce(&mut BTreeMap<Incarnation, u64>) -> T + Send + 'static,
    ) -> Result<T, String> {
        let slow_ms = {
            let mut members = self.world.members.lock().unwrap();
            members.calls += 1;
            members.slow_ms
        };
        let (there_ms, back_ms) = {
            let mut chance = self.world.chance();
            let slow =
                |chance: &mut crate::rng::Rng| if chance.chance(500) { chance.below(slow_ms + 1) } else { 0 };
            let (there, back) = (slow(&mut chance), slow(&mut chance));
            (there + chance.between(0, 3), back + chance.between(0, 3))
        };
        let (answer, answered) = oneshot::channel();
        let slot = self.slot;
        self.world.after(there_ms, move |world| {
            if world.members.lock().unwrap().away.contains(&slot) {
                return;
            }
            let done = what(&mut world.members.lock().unwrap().rows);
            world.after(back_ms, move |world| {
                if !world.members.lock().unwrap().away.contains(&slot) {
                    // Its sender may be gone.
                    let _ = answer.send(done);
                }
            });
        });
        answered.await.map_err(|_| "no answer".to_owned())
    }
}

impl Registry for Calls {
    fn renew(&self, me: Incarnation, attempt: u64, register: bool) -> Pending<'_, Renewal> {
        Box::pin(self.call(move |rows| {
            if !register && !rows.contains_key(&me) {
                return Renewal::Gone;
            }
            let row = rows.entry(me).or_insert(attempt);
            *row = attempt.max(*row);
            let listed = rows.iter().map(|(member, attempt)| Listed { member: *member, attempt: *attempt });
            Renewal::Members(listed.collect())
        }))
    }

    fn remove(&self, member: Incarnation, attempt: u64) -> Pending<'_, ()> {
        Box::pin(self.call(move |rows| {
            if rows.get(&member).is_some_and(|row| *row <= attempt) {
                rows.remove(&member);
            }
        }))
    }
}

impl Versions for Calls {
    fn locked(&self, scope: ScopeKey) -> Pending<'_, Version> {
        Box::pin(async move {
            let mut tx = database::begin(&self.world, self.slot);
            let row = tx.lock(scope_of(scope), Mode::Shared).await.map_err(|error| error.to_string())?;
            Ok(Version(row.version))
        })
    }
}
