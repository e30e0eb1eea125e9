//! What a run is like: decided by its seed, before it begins.

use zebu_cluster::core::Timing;

use crate::checkers::Bounds;
use crate::rng::Rng;
use crate::world::database::{CALL_MAX_MS, CONNECT_MAX_MS};
use crate::world::faults::Fault;

/// A bug that is planted, to see that it is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plant {
    /// Some holds are not sent, and taken for acknowledged.
    DroppedHold,
    /// Some snapshots began before the tokens were taken under which what is read there is kept.
    StaleFill,
    /// Readers do not see that an epoch has run out.
    ForgottenEpoch,
    /// The first load of a scope in an epoch waits for nobody.
    ForgottenLook,
    /// Writes are announced, and nobody is waited for.
    FireAndForget,
    /// A replica answers, whatever it has.
    ReplicaUnchecked,
    /// A replica that is far enough is taken to have nothing that the master does not show.
    PositionTrusted,
    /// What a write relied on is not compared.
    GroundUnchecked,
    /// A transaction sees at each question what is there by then.
    TornSnapshot,
    /// The master forgets some transactions that it has confirmed.
    LostCommit,
    /// Some writes give a version that was given before.
    OldVersion,
    /// Some writers wait long after they were told to commit.
    EndlessWait,
}

#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) seed: u64,
    /// At least so many are done, unless something breaks.
    pub(crate) operations: u64,
    pub(crate) nodes: usize,
    /// The last one does not answer from memory.
    pub(crate) one_only_writes: bool,
    /// Of each node.
    pub(crate) clients: usize,
    pub(crate) scopes: usize,
    /// Of a thousand operations.
    pub(crate) writes: u64,
    pub(crate) timing: Timing,
    pub(crate) memory_bytes: u64,
    /// After so long the master ends a transaction that stands still.
    pub(crate) idle_max_ms: u64,
    /// What may go wrong.
    pub(crate) faults: Vec<Fault>,
    /// Between two faults, ms at most.
    pub(crate) calm_ms: u64,
    pub(crate) plant: Option<Plant>,
    pub(crate) traced: bool,
}

/// A tenth of what is usual: more of the protocol in the same time.
const SHORT: Timing =
    Timing { member_ttl_ms: 600, renew_every_ms: 100, lease_ms: 200, ask_every_ms: 50, drift_ms: 12 };

impl Plan {
    pub(crate) fn of(seed: u64, operations: u64) -> Plan {
        let mut chance = Rng::new(seed ^ 0x5eed);
        let timing = if chance.chance(100) { Timing::default() } else { SHORT };
        let all = chance.chance(600);
        let faults = Fault::ALL.into_iter().filter(|_| all || chance.chance(400)).collect();
        Plan {
            seed,
            operations,
            nodes: usize::try_from(chance.one_of(&[2, 3, 3, 3, 3, 4, 5])).unwrap(),
            one_only_writes: chance.chance(200),
            clients: usize::try_from(chance.between(2, 5)).unwrap(),
            scopes: usize::try_from(chance.one_of(&[2, 4, 8, 16])).unwrap(),
            writes: chance.one_of(&[20, 100, 100, 300]),
            timing,
            // The smallest has room for some answers only.
            memory_bytes: chance.one_of(&[2_000, 1 << 20, 1 << 20]),
            idle_max_ms: timing.member_ttl_ms * chance.one_of(&[3, 3, 6]) / 2,
            faults,
            calm_ms: chance.between(timing.lease_ms / 4, 3 * timing.member_ttl_ms),
            plant: None,
            traced: false,
        }
    }

    pub(crate) fn planted(seed: u64, operations: u64, plant: Plant) -> Plan {
        let mut plan = Plan { plant: Some(plant), ..Plan::of(seed, operations) };
        match plant {
            Plant::ForgottenEpoch => plan.faults = vec![Fault::Paused],
            // Only what was sent by a member that is gone is waited for by a first load and nothing else.
            Plant::ForgottenLook => {
                plan.faults = vec![Fault::KilledCommitting];
                (plan.scopes, plan.writes, plan.timing) = (4, 300, SHORT);
                (plan.idle_max_ms, plan.calm_ms) = (4 * SHORT.member_ttl_ms, 5 * SHORT.member_ttl_ms);
            }
            _ => {}
        }
        plan
    }

    /// Whether the node of a machine answers from memory.
    pub(crate) fn caches(&self, slot: usize) -> bool {
        !(self.one_only_writes && slot + 1 == self.nodes)
    }

    /// The most by which a clock runs too fast or too slowly: two of them differ by the drift within a membership, but for the
    /// millisecond that rounding takes.
    pub(crate) fn drift_millionths(&self) -> u64 {
        (self.timing.drift_ms - 2) * 1_000_000 / self.timing.member_ttl_ms / 2
    }

    /// After so long without a word, a connection is broken.
    pub(crate) fn silence_ms(&self) -> u64 {
        self.timing.lease_ms * 3 / 2
    }

    pub(crate) fn bounds(&self) -> Bounds {
        let Timing { member_ttl_ms, renew_every_ms, lease_ms, drift_ms, .. } = self.timing;
        // Of the node's own clock, which may be slow.
        let by_clock = |ms: u64| ms + drift_ms + 2;
        let look_ms = 100;
        Bounds {
            // Each of a few tries may wait for another's load, look, and ask.
            read_ms: 3 * 2 * (look_ms + CONNECT_MAX_MS),
            may_commit_ms: by_clock(lease_ms + drift_ms),
            // Four rows at most, the wait for the others, the commit.
            write_ms: self.scopes.min(4) as u64 * CALL_MAX_MS + by_clock(lease_ms + drift_ms) + 500,
            // And the answer of the registry.
            join_ms: by_clock(member_ttl_ms + drift_ms) + renew_every_ms + 20,
            settle_ms: 2 * by_clock(member_ttl_ms + drift_ms) + 4 * renew_every_ms + 1000,
        }
    }
}
