//! One form for states that cannot be told apart: only what lies ahead, only which numbers are equal and which is larger.

use std::collections::{BTreeMap, BTreeSet};

use super::super::fence::{GENERATION_SHIFT, Slot, Token};
use super::super::{Connection, Core, Incarnation, Known, Millis, Rule};
use super::case::{Case, FAR_MS, NOW};
use super::node::Node;
use super::registry::Answer;
use super::world::World;

/// Over, but not "never".
const OVER: Millis = Millis(1);

impl World {
    /// A moment passes on one node's clock: all that lies ahead comes nearer.
    pub(super) fn clock_goes_on(&mut self, node: usize) {
        let node = &mut self.nodes[node];
        node.ahead = true;
        let nearer = |at: &mut Millis| {
            if at.0 > 1 && at.0 < FAR_MS {
                at.0 -= 1;
            }
        };
        nearer(&mut node.until);
        if let Some(core) = &mut node.core {
            each_time(core, nearer);
        }
    }

    pub(super) fn normalise(&mut self, case: &Case) {
        if self.nodes.iter().all(|node| node.ahead) || !case.drifts {
            self.nodes.iter_mut().for_each(|node| node.ahead = false);
        }
        for node in &mut self.nodes {
            if let Some(core) = &mut node.core {
                settle(core);
            }
            node.forget_what_is_void(case);
        }
        self.rank_attempts();
        if !case.late_messages {
            self.forget_earlier_connections();
        }
    }

    /// Where nothing comes late, no two connections of a pair are ever compared.
    fn forget_earlier_connections(&mut self) {
        for link in self.links.values_mut() {
            link.id = link.id.min(1);
        }
        for peer in
            self.nodes.iter_mut().flat_map(|node| &mut node.core).flat_map(|core| core.peers.values_mut())
        {
            peer.connection = peer.connection.map(|_| Connection(1));
        }
    }

    /// Attempts of one member are only ever compared with each other.
    fn rank_attempts(&mut self) {
        let mut seen: BTreeMap<Incarnation, BTreeSet<u64>> = BTreeMap::new();
        self.each_attempt(|member, attempt| {
            seen.entry(member).or_default().insert(*attempt);
        });
        self.each_attempt(|member, attempt| {
            let rank = seen.get(&member).and_then(|all| all.iter().position(|one| one == attempt));
            *attempt = u64::try_from(rank.unwrap()).unwrap() + 1;
        });
    }

    fn each_attempt(&mut self, mut visit: impl FnMut(Incarnation, &mut u64)) {
        for (member, attempt) in &mut self.registry.rows {
            visit(*member, attempt);
        }
        for node in &mut self.nodes {
            let Some(core) = &mut node.core else { continue };
            visit(core.part.me, &mut core.membership.attempt);
            for (member, peer) in &mut core.peers {
                if let Some(seen) = &mut peer.listed {
                    visit(*member, &mut seen.attempt);
                }
            }
            let Some(request) = &mut node.request else { continue };
            visit(core.part.me, &mut request.attempt);
            if let Some(Answer::Members(rows)) = &mut request.answer {
                rows.iter_mut().for_each(|row| visit(row.member, &mut row.attempt));
            }
        }
    }
}

/// Every moment that a core remembers.
fn each_time(core: &mut Core, mut visit: impl FnMut(&mut Millis)) {
    visit(&mut core.epoch_until);
    visit(&mut core.membership.until);
    visit(&mut core.membership.renew_at);
    visit(&mut core.membership.barrier_until);
    core.membership.asked.iter_mut().for_each(&mut visit);
    for peer in core.peers.values_mut() {
        visit(&mut peer.lease_until);
        visit(&mut peer.ask_at);
        visit(&mut peer.granted_until);
        peer.asked.iter_mut().for_each(&mut visit);
        peer.listed.iter_mut().for_each(|seen| visit(&mut seen.removal_at));
    }
    for write in core.writes.values_mut() {
        write.waiting.values_mut().for_each(&mut visit);
        write.deadline.iter_mut().for_each(&mut visit);
    }
    let deadlines = core.writes.iter().filter_map(|(id, write)| write.deadline.map(|at| (at, *id)));
    core.deadlines = deadlines.collect();
}

/// What is over is over, however long.
fn settle(core: &mut Core) {
    core.wake_at = Millis::NEVER;
    each_time(core, |at| {
        if *at != Millis::NEVER && at.is_over(NOW) {
            *at = OVER;
        }
    });
    let never = |at: &mut Millis| {
        if at.is_over(NOW) {
            *at = Millis::NEVER;
        }
    };
    never(&mut core.membership.until);
    never(&mut core.membership.renew_at);
    if core.membership.barrier.is_empty() {
        core.membership.barrier_until = Millis::NEVER;
    }
    for peer in core.peers.values_mut() {
        never(&mut peer.ask_at);
        never(&mut peer.granted_until);
        peer.listed.iter_mut().for_each(|seen| never(&mut seen.removal_at));
    }
}

impl Node {
    /// Epochs and generations are only ever compared with the present one; what belongs to an earlier one is never
    /// served again, unless the rule that says so is off.
    fn forget_what_is_void(&mut self, case: &Case) {
        if self.until.is_over(NOW) {
            self.until = Millis::NEVER;
        }
        let (epoch, slots) = (self.epoch, self.slots.clone());
        let current = |scope: usize, token: &mut Token| {
            let old_epoch = token.epoch != epoch;
            let old_generation = token.generation != Slot(slots[scope]).generation();
            (token.epoch, token.generation) = (u64::from(!old_epoch), u64::from(!old_generation));
            !(old_epoch && case.rules.has(Rule::EpochVoids)
                || old_generation && case.rules.has(Rule::HoldVoids))
        };
        for (scope, cached) in self.cached.iter_mut().enumerate() {
            *cached = cached.and_then(|mut cached| current(scope, &mut cached.token).then_some(cached));
        }
        self.load = self.load.and_then(|mut load| current(load.scope, &mut load.token).then_some(load));
        for known in &mut self.known {
            *known = known.map(|known| Known { epoch: u64::from(known.epoch == epoch), ..known });
            *known = known.filter(|known| known.epoch == 1 || !case.rules.has(Rule::FirstLoadLocks));
        }
        self.epoch = 1;
        for slot in &mut self.slots {
            *slot = (*slot & ((1 << GENERATION_SHIFT) - 1)) | (1 << GENERATION_SHIFT);
        }
    }
}
