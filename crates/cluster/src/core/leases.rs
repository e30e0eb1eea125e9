//! Connections and the leases over them: ours from the others, theirs from us.

use super::event::{Action, Hold, Message};
use super::membership::Stage;
use super::names::{Connection, Incarnation, Millis};
use super::{Core, Peer, Rule, Turn};

impl Core {
    pub(super) fn connected(&mut self, peer: Incarnation, connection: Connection, turn: &mut Turn<'_>) {
        self.broken(peer, turn);
        let known = self.peers.entry(peer).or_insert_with(Peer::unknown);
        known.connection = Some(connection);
        known.ask_at = Millis::NEVER;
        if matches!(self.membership.stage, Stage::Registered | Stage::Leaving) {
            self.send(peer, Message::Hello, turn);
        }
    }

    pub(super) fn disconnected(&mut self, peer: Incarnation, connection: Connection, turn: &mut Turn<'_>) {
        if self.peers.get(&peer).is_some_and(|known| known.connection == Some(connection)) {
            self.broken(peer, turn);
        }
    }

    /// A connection is gone, and with it the lease and the holds that came over it: the next lease brings with it those
    /// holds that are still open then.
    fn broken(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        self.drop_holds(member, turn);
        for write in self.writes.values_mut() {
            write.told.remove(&member);
        }
        let loses = self.rules.has(Rule::BreakLosesLease);
        let Some(peer) = self.peers.get_mut(&member) else { return };
        peer.connection = None;
        peer.asked = None;
        if loses {
            peer.lease_until = Millis::NEVER;
        }
        if !peer.counts() && !peer.left {
            self.lease_is_over(member, turn);
            self.peers.remove(&member);
        }
    }

    /// Breaks the connection off from this side.
    pub(super) fn break_off(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        if let Some(connection) = self.peers.get(&member).and_then(|peer| peer.connection) {
            turn.sends.push(Action::Close { peer: member, connection });
        }
        self.drop_holds(member, turn);
    }

    /// The peer is registered, and said so after it gave up what it had over earlier connections.
    pub(super) fn greeted(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        self.lease_is_over(member, turn);
        if let Some(peer) = self.peers.get_mut(&member).filter(|peer| peer.listed.is_none()) {
            peer.greeted = Some(false);
        }
        self.send(member, Message::Welcome, turn);
    }

    pub(super) fn ask_if_due(&mut self, turn: &mut Turn<'_>) {
        if !self.part.caches || self.membership.stage != Stage::Registered {
            return;
        }
        let (lease_ms, every_ms) = (self.timing.lease_ms, self.timing.ask_every_ms);
        for (member, peer) in &mut self.peers {
            let due = peer.asked.is_none() && peer.ask_at.is_over(turn.now);
            if let (true, true, Some(connection)) = (due, peer.counts(), peer.connection) {
                peer.asked = Some(turn.now.after(lease_ms));
                peer.ask_at = turn.now.after(every_ms);
                turn.sends.push(Action::Send { peer: *member, connection, message: Message::Ask });
            }
        }
    }

    /// The peer asks for a lease. The grant tells it of every write that it has not heard of on this connection.
    pub(super) fn asked(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        let margin_ms = self.timing.lease_ms.saturating_add(self.drift_ms());
        if let Some(peer) = self.peers.get_mut(&member) {
            peer.granted_until = turn.now.after(margin_ms);
        }
        let mut holds = Vec::new();
        for (id, write) in &mut self.writes {
            if self.rules.has(Rule::GrantCarriesHolds) && write.told.insert(member) {
                holds.push(Hold { write: *id, scopes: write.scopes.clone() });
            }
        }
        self.send(member, Message::Grant { holds }, turn);
        if !self.rules.has(Rule::GrantIsNoAck) {
            self.lease_needs_no_wait(member, turn);
        }
    }

    /// The lease we asked for.
    pub(super) fn granted(&mut self, member: Incarnation, holds: Vec<Hold>, turn: &mut Turn<'_>) {
        let from_now = turn.now.after(self.timing.lease_ms);
        let from_before = self.rules.has(Rule::LeaseFromBefore);
        let Some(peer) = self.peers.get_mut(&member) else { return };
        let Some(asked) = peer.asked.take() else { return };
        peer.lease_until = peer.lease_until.max(if from_before { asked } else { from_now });
        for hold in holds {
            self.put_hold(member, hold, turn);
        }
    }

    /// The peer has no lease from us any more, and will have none that does not tell it of the writes that are open.
    pub(super) fn lease_is_over(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        if let Some(peer) = self.peers.get_mut(&member) {
            peer.granted_until = Millis::NEVER;
        }
        self.lease_needs_no_wait(member, turn);
    }
}
