//! Who is a member: this node by its renewals, the others by the registry's lists and by their hellos; who is to be
//! removed; and the joiner's wait.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Action, Listed, Message};
use super::names::{Incarnation, Millis};
use super::{Core, Peer, Rule, Seen, Turn};

/// This node's own membership.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Membership {
    /// Good until then.
    pub(super) until: Millis,
    /// How far it has come.
    pub(super) stage: Stage,
    /// The last attempt to register or renew.
    pub(super) attempt: u64,
    /// Until when the membership is good if the attempt under way succeeds.
    pub(super) asked: Option<Millis>,
    /// When the next attempt is due.
    pub(super) renew_at: Millis,
    /// Who was there before this node and has not said yet that it counts it.
    pub(super) barrier: BTreeSet<Incarnation>,
    /// When everybody counts it, whether or not it can be reached: every membership that was good when this node was
    /// registered has run out by then, and the list that renewed it had this node.
    pub(super) barrier_until: Millis,
}

/// How far a membership has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    /// The registry has not confirmed it yet.
    New,
    /// It did.
    Registered,
    /// It is to end when the writes under way have.
    Leaving,
    /// It is over for good.
    Over,
}

impl Membership {
    pub(super) fn none() -> Membership {
        Membership {
            until: Millis::NEVER,
            stage: Stage::New,
            attempt: 0,
            asked: None,
            renew_at: Millis::NEVER,
            barrier: BTreeSet::new(),
            barrier_until: Millis::NEVER,
        }
    }
}

impl Core {
    pub(super) fn renew_if_due(&mut self, turn: &mut Turn<'_>) {
        let membership = &mut self.membership;
        let due = membership.asked.is_none() && membership.renew_at.is_over(turn.now);
        if !due || membership.stage == Stage::Over {
            return;
        }
        membership.attempt = membership.attempt.saturating_add(1);
        membership.asked = Some(turn.now.after(self.timing.member_ttl_ms));
        membership.renew_at = turn.now.after(self.timing.renew_every_ms);
        let register = membership.stage == Stage::New;
        turn.out.push(Action::Renew { attempt: membership.attempt, register });
        for peer in self.peers.values_mut() {
            peer.greeted = peer.greeted.map(|_| true);
        }
    }

    pub(super) fn renewed(&mut self, attempt: u64, members: &[Listed], turn: &mut Turn<'_>) {
        if attempt != self.membership.attempt || self.membership.stage == Stage::Over {
            return;
        }
        let Some(asked) = self.membership.asked.take() else { return };
        let from_now = turn.now.after(self.timing.member_ttl_ms);
        let until = if self.rules.has(Rule::MembershipFromBefore) { asked } else { from_now };
        self.membership.until = until.max(self.membership.until);
        let mut others: BTreeMap<_, _> = members.iter().map(|row| (row.member, row.attempt)).collect();
        others.remove(&self.part.me);
        self.remove_who_is_not_on(&others, turn);
        for (member, attempt) in others {
            self.listed(member, attempt, turn);
        }
        if self.membership.stage == Stage::New {
            self.registered(turn);
        }
    }

    fn remove_who_is_not_on(&mut self, listed: &BTreeMap<Incarnation, u64>, turn: &mut Turn<'_>) {
        let any_list = !self.rules.has(Rule::HelloOutlivesOldLists);
        let must_be_on = |peer: &Peer| peer.left || peer.listed.is_some() || peer.greeted == Some(true);
        let gone = self.peers.iter().filter(|(member, peer)| {
            !listed.contains_key(member) && (must_be_on(peer) || (any_list && peer.greeted.is_some()))
        });
        for member in gone.map(|(member, _)| *member).collect::<Vec<_>>() {
            self.remove(member, turn);
        }
    }

    /// Forgets a member. Whoever has left has said so after its last write: no epoch need end for it.
    fn remove(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        self.break_off(member, turn);
        self.lease_is_over(member, turn);
        self.no_longer_awaited(member, turn);
        let Some(peer) = self.peers.remove(&member) else { return };
        if !peer.left {
            turn.removed = Some(member);
        }
    }

    fn listed(&mut self, member: Incarnation, attempt: u64, turn: &mut Turn<'_>) {
        let wait_ms = if self.rules.has(Rule::RemovalWaits) {
            self.timing.member_ttl_ms.saturating_add(self.drift_ms())
        } else {
            0
        };
        let peer = self.peers.entry(member).or_insert_with(Peer::unknown);
        peer.greeted = None;
        match peer.listed {
            Some(seen) if seen.attempt == attempt => {
                if peer.left || seen.removal_at.is_over(turn.now) {
                    turn.out.push(Action::Remove { member, attempt });
                }
            }
            _ => peer.listed = Some(Seen { attempt, removal_at: turn.now.after(wait_ms) }),
        }
    }

    fn registered(&mut self, turn: &mut Turn<'_>) {
        self.membership.stage = Stage::Registered;
        if self.rules.has(Rule::JoinerWaits) {
            let there = self.peers.iter().filter(|(_, peer)| peer.listed.is_some() && !peer.left);
            self.membership.barrier = there.map(|(member, _)| *member).collect();
            let wait_ms = self.timing.member_ttl_ms.saturating_add(self.drift_ms());
            self.membership.barrier_until = turn.now.after(wait_ms);
        }
        if self.membership.barrier.is_empty() {
            turn.out.push(Action::Joined);
        }
        for peer in self.peers.keys() {
            self.send(*peer, Message::Hello, turn);
        }
    }

    pub(super) fn renew_failed(&mut self, attempt: u64, turn: &mut Turn<'_>) {
        if attempt == self.membership.attempt && self.membership.asked.take().is_some() {
            let soon_ms = (self.timing.renew_every_ms / 4).max(1);
            self.membership.renew_at = turn.now.after(soon_ms);
        }
    }

    pub(super) fn gone(&mut self, attempt: u64, turn: &mut Turn<'_>) {
        if attempt != self.membership.attempt || self.membership.stage == Stage::Over {
            return;
        }
        self.membership = Membership { stage: Stage::Over, attempt, ..Membership::none() };
        self.fail_undecided(turn);
        self.let_go(turn);
        turn.sends.push(Action::Rejoin);
    }

    /// Leaves nothing held here: nobody will tell this core of an end any more.
    fn let_go(&mut self, turn: &mut Turn<'_>) {
        for member in self.peers.keys().copied().collect::<Vec<_>>() {
            self.drop_holds(member, turn);
        }
        self.deadlines.clear();
        for write in std::mem::take(&mut self.writes).into_values() {
            turn.frees.push(Action::Free { scopes: write.scopes, version: None });
        }
    }

    /// The peer counts this node.
    pub(super) fn welcomed(&mut self, peer: Incarnation, turn: &mut Turn<'_>) {
        self.no_longer_awaited(peer, turn);
    }

    /// Waits no longer for members who cannot say that they count this node, once they must.
    pub(super) fn end_joining_if_due(&mut self, turn: &mut Turn<'_>) {
        let membership = &mut self.membership;
        if !membership.barrier.is_empty() && membership.barrier_until.is_over(turn.now) {
            membership.barrier.clear();
            turn.out.push(Action::Joined);
        }
    }

    fn no_longer_awaited(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        let barrier = &mut self.membership.barrier;
        if barrier.remove(&member) && barrier.is_empty() {
            turn.out.push(Action::Joined);
        }
    }

    pub(super) fn leave(&mut self, turn: &mut Turn<'_>) {
        if self.membership.stage != Stage::Over {
            self.membership.stage = Stage::Leaving;
            self.leave_if_done(turn);
        }
    }

    pub(super) fn leave_if_done(&mut self, turn: &mut Turn<'_>) {
        let done = self.writes.is_empty() || !self.rules.has(Rule::LeaveIsLast);
        if self.membership.stage != Stage::Leaving || !done {
            return;
        }
        let (me, attempt) = (self.part.me, self.membership.attempt);
        self.membership = Membership { stage: Stage::Over, attempt, ..Membership::none() };
        turn.out.push(Action::Remove { member: me, attempt });
        for peer in self.peers.keys() {
            self.send(*peer, Message::Leave, turn);
        }
        self.let_go(turn);
        turn.sends.push(Action::Left);
    }

    /// A peer has left: it caches nothing and writes nothing any more.
    pub(super) fn peer_left(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        self.lease_is_over(member, turn);
        self.no_longer_awaited(member, turn);
        self.drop_holds(member, turn);
        if let Some(peer) = self.peers.get_mut(&member) {
            peer.left = true;
            peer.lease_until = Millis::NEVER;
        }
    }
}
