//! Whether this node may cache at this moment, until when, and which life of its caches this is.

use super::event::{Action, EpochEnd};
use super::membership::Stage;
use super::names::Millis;
use super::{Core, Rule, Turn};

impl Core {
    fn epoch_lasts(&self) -> bool {
        self.epoch_until != Millis::NEVER
    }

    /// Must come before anything that could make the epoch good again: others may have written since it ran out.
    pub(super) fn end_epoch_that_ran_out(&mut self, turn: &mut Turn<'_>) {
        let over = self.epoch_lasts() && self.epoch_until.is_over(turn.now);
        if over && self.rules.has(Rule::GapEndsEpoch) {
            let why = self.standing(turn.now).err().unwrap_or(EpochEnd::MembershipOver);
            self.end_epoch(why, turn);
        }
    }

    pub(super) fn judge_epoch(&mut self, turn: &mut Turn<'_>) {
        if let Some(member) = turn.removed.filter(|_| self.rules.has(Rule::RemovalEndsEpoch)) {
            self.end_epoch(EpochEnd::Removed(member), turn);
        }
        match self.standing(turn.now) {
            Ok(until) if until != self.epoch_until => {
                let lasts = self.epoch_lasts();
                self.epoch_until = until;
                let extended = Action::EpochExtended { until };
                turn.out.push(if lasts { extended } else { Action::EpochBegan { until } });
            }
            Ok(_) => {}
            Err(why) => self.end_epoch(why, turn),
        }
    }

    fn end_epoch(&mut self, why: EpochEnd, turn: &mut Turn<'_>) {
        if self.epoch_lasts() {
            self.epoch_until = Millis::NEVER;
            turn.out.push(Action::EpochEnded { why });
        }
    }

    /// Until when this node may cache as things stand, or why it may not.
    fn standing(&self, now: Millis) -> Result<Millis, EpochEnd> {
        if !self.part.caches || self.membership.stage != Stage::Registered {
            return Err(EpochEnd::Leaving);
        }
        let mut until = self.membership.until;
        if !self.rules.has(Rule::MembershipToCache) {
            until = now.after(self.timing.lease_ms);
        }
        if until.is_over(now) {
            return Err(EpochEnd::MembershipOver);
        }
        for (member, peer) in &self.peers {
            if !peer.counts() || !self.rules.has(Rule::LeasesToCache) {
                continue;
            }
            let new = peer.lease_until == Millis::NEVER && self.epoch_lasts();
            if new && !self.rules.has(Rule::NewMemberEndsEpoch) {
                continue;
            }
            if peer.lease_until.is_over(now) {
                return Err(EpochEnd::NoLeaseFrom(*member));
            }
            until = until.min(peer.lease_until);
        }
        Ok(until)
    }

    /// Asks for a tick at the next moment at which something is over or due, unless that was asked for already.
    pub(super) fn wake(&mut self, now: Millis, out: &mut Vec<Action>) {
        let membership = &self.membership;
        let renewal =
            (membership.stage != Stage::Over && membership.asked.is_none()).then_some(membership.renew_at);
        let asks = self.peers.values().filter(|peer| self.part.caches && peer.connection.is_some());
        let next = asks
            .filter(|peer| peer.counts() && peer.asked.is_none())
            .map(|peer| peer.ask_at)
            .chain(renewal)
            .chain(self.epoch_lasts().then_some(self.epoch_until))
            .chain(self.deadlines.first().map(|(at, _)| *at))
            .chain((!membership.barrier.is_empty()).then_some(membership.barrier_until))
            .filter(|at| !at.is_over(now))
            .min();
        if let Some(at) = next.filter(|at| *at != self.wake_at) {
            self.wake_at = at;
            out.push(Action::WakeAt { at });
        }
    }
}
