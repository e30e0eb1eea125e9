//! One node's part of the coherence protocol as a synchronous function: [`Core::step`] takes what happened and the time,
//! and says what is to be done. The node's driver calls it, and so do the model and the simulation.
//!
//! It must never read a clock, a socket or a random number, and knows nothing of what is cached: what readers need of it
//! the driver publishes in a [`crate::Validity`]. `docs/COHERENCE.md` has the protocol and why each rule is needed.

mod epoch;
mod event;
pub(crate) mod fence;
mod holds;
mod known;
mod leases;
mod membership;
mod names;
pub(crate) mod rules;
mod sight;
mod timing;
mod writes;

#[cfg(test)]
#[path = "../../tests/model/mod.rs"]
mod model;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use crate::ScopeKey;

use membership::Membership;
use rules::{Rule, Rules};
use writes::Write;

pub use event::{Action, EpochEnd, Event, Hold, Listed, Message, Outcome, Relied, WriteFailure};
pub use known::Known;
pub use names::{Connection, Incarnation, Millis, Version, WriteId};
pub use sight::{MemberSight, Sight, WriteSight};
pub use timing::{Timing, TimingError};

/// What a node is in the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Part {
    /// Its name in this life.
    pub me: Incarnation,
    /// Whether it caches. If not it asks for no leases, and nobody waits for it.
    pub caches: bool,
}

/// One node's protocol state, from registration to removal.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Core {
    part: Part,
    timing: Timing,
    rules: Rules,
    membership: Membership,
    peers: BTreeMap<Incarnation, Peer>,
    writes: BTreeMap<WriteId, Write>,
    /// When the last of a write's waits is over, for each that waits.
    deadlines: BTreeSet<(Millis, WriteId)>,
    /// Until when the epoch lasts; never, between two.
    epoch_until: Millis,
    wake_at: Millis,
}

/// What this node knows of another.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Peer {
    connection: Option<Connection>,
    /// Its row on the last list.
    listed: Option<Seen>,
    /// It said hello and was on no list since. True once a list was asked for that must have it.
    greeted: Option<bool>,
    /// It has left for good.
    left: bool,
    /// Until when it lets us cache.
    lease_until: Millis,
    /// Until when it would, if it grants what we asked for.
    asked: Option<Millis>,
    /// When to ask again.
    ask_at: Millis,
    /// Until when it may cache as far as we are concerned, with the drift added.
    granted_until: Millis,
    /// Its open writes.
    holds: BTreeMap<WriteId, Vec<ScopeKey>>,
}

/// What was seen of a member's row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Seen {
    attempt: u64,
    /// If the row is still the same then, its membership is over.
    removal_at: Millis,
}

impl Peer {
    fn unknown() -> Peer {
        Peer {
            connection: None,
            listed: None,
            greeted: None,
            left: false,
            lease_until: Millis::NEVER,
            asked: None,
            ask_at: Millis::NEVER,
            granted_until: Millis::NEVER,
            holds: BTreeMap::new(),
        }
    }

    /// Whether it is a member as far as we know, so that we cache only with its lease.
    fn counts(&self) -> bool {
        !self.left && (self.listed.is_some() || self.greeted.is_some())
    }
}

/// One step under way.
struct Turn<'a> {
    now: Millis,
    /// What readers and writers of this node learn. Applied in order, before the rest.
    out: &'a mut Vec<Action>,
    /// Scopes held once less: only after an epoch's end, or a reader could slip in between.
    frees: Vec<Action>,
    /// Messages: only after everything above is in effect here, since they tell others that it is.
    sends: Vec<Action>,
    /// Somebody was removed in this step.
    removed: Option<Incarnation>,
}

impl Core {
    /// A node that is not registered yet. It asks to be with its first step.
    #[must_use]
    pub fn new(part: Part, timing: Timing) -> Core {
        Core::under(Rules::ALL, part, timing)
    }

    fn under(rules: Rules, part: Part, timing: Timing) -> Core {
        Core {
            part,
            timing,
            rules,
            membership: Membership::none(),
            peers: BTreeMap::new(),
            writes: BTreeMap::new(),
            deadlines: BTreeSet::new(),
            epoch_until: Millis::NEVER,
            wake_at: Millis::NEVER,
        }
    }

    /// The core that the model runs, which may lack a rule.
    #[cfg(test)]
    fn with_rules(rules: Rules, part: Part, timing: Timing) -> Core {
        Core::under(rules, part, timing)
    }

    /// The name of this life.
    #[must_use]
    pub fn me(&self) -> Incarnation {
        self.part.me
    }

    /// Takes what happened, and appends to `out` what is to be done, in the order in which it must be done: what
    /// concerns this node's readers is in effect before any message of the same step leaves.
    pub fn step(&mut self, now: Millis, event: Event, out: &mut Vec<Action>) {
        let mut turn = Turn { now, out, frees: Vec::new(), sends: Vec::new(), removed: None };
        self.end_epoch_that_ran_out(&mut turn);
        self.take(event, &mut turn);
        self.end_joining_if_due(&mut turn);
        self.decide_overdue(&mut turn);
        self.renew_if_due(&mut turn);
        self.ask_if_due(&mut turn);
        self.judge_epoch(&mut turn);
        let Turn { out, mut frees, mut sends, .. } = turn;
        out.append(&mut frees);
        out.append(&mut sends);
        self.wake(now, out);
    }

    fn take(&mut self, event: Event, turn: &mut Turn<'_>) {
        match event {
            Event::Connected { peer, connection } => self.connected(peer, connection, turn),
            Event::Disconnected { peer, connection } => self.disconnected(peer, connection, turn),
            Event::Received { peer, connection, message } => self.received(peer, connection, message, turn),
            Event::Renewed { attempt, members } => self.renewed(attempt, &members, turn),
            Event::RenewFailed { attempt } => self.renew_failed(attempt, turn),
            Event::Gone { attempt } => self.gone(attempt, turn),
            Event::WriteBegun { write, scopes } => self.write_begun(write, scopes, turn),
            Event::RowsLocked { write, relied } => self.rows_locked(write, &relied, turn),
            Event::WriteEnded { write, outcome } => self.write_ended(write, outcome, turn),
            Event::FoundOut { write, version } => self.end_write(write, Some(version), turn),
            Event::Leave => self.leave(turn),
            Event::Tick => {}
        }
    }

    fn received(&mut self, peer: Incarnation, connection: Connection, message: Message, turn: &mut Turn<'_>) {
        let current = self.peers.get(&peer).filter(|known| !known.left).and_then(|known| known.connection);
        if current.is_none() || (current != Some(connection) && self.rules.has(Rule::OldConnectionIgnored)) {
            return;
        }
        match message {
            Message::Hello => self.greeted(peer, turn),
            Message::Welcome => self.welcomed(peer, turn),
            Message::Ask => self.asked(peer, turn),
            Message::Grant { holds } => self.granted(peer, holds, turn),
            Message::Hold(hold) => self.hold(peer, hold, turn),
            Message::Ack { write } => self.acknowledged(peer, write, turn),
            Message::Release { write, version } => self.released(peer, write, version, turn),
            Message::Leave => self.peer_left(peer, turn),
        }
    }

    /// Whether this node's membership holds at this moment.
    fn is_member(&self, now: Millis) -> bool {
        !self.membership.until.is_over(now)
    }

    fn drift_ms(&self) -> u64 {
        if self.rules.has(Rule::Drift) { self.timing.drift_ms } else { 0 }
    }

    /// Sends to a peer, if it can be reached. Says whether it can.
    fn send(&self, peer: Incarnation, message: Message, turn: &mut Turn<'_>) -> bool {
        let connection = self.peers.get(&peer).and_then(|known| known.connection);
        if let Some(connection) = connection {
            turn.sends.push(Action::Send { peer, connection, message });
        }
        connection.is_some()
    }
}
