//! A node under test: a core and its readers' validity on a clock that the test sets, with peers that the test plays.

use std::time::{Duration, Instant};

use crate::core::{
    Action, Connection, Core, Event, Hold, Incarnation, Listed, Message, Millis, Outcome, Part, Timing,
    Version, WriteId,
};
use crate::{ScopeKey, Token, Validity};

pub(super) const ME: Incarnation = Incarnation(1);
pub(super) const PEER: Incarnation = Incarnation(2);
pub(super) const THIRD: Incarnation = Incarnation(3);
pub(super) const SCOPE: ScopeKey = ScopeKey { space: 7, kind: 2, id: 0 };
pub(super) const OTHER: ScopeKey = ScopeKey { space: 7, kind: 3, id: 9 };
pub(super) const TIMING: Timing =
    Timing { member_ttl_ms: 600, renew_every_ms: 100, lease_ms: 200, ask_every_ms: 50, drift_ms: 10 };

pub(super) struct Node {
    pub(super) core: Core,
    pub(super) validity: Validity,
    pub(super) now: Millis,
    zero: Instant,
}

impl Node {
    /// Not registered; it asks to be.
    pub(super) fn new() -> Node {
        let part = Part { me: ME, caches: true };
        Node {
            core: Core::new(part, TIMING),
            validity: Validity::default(),
            now: Millis(1000),
            zero: Instant::now(),
        }
    }

    /// Registered alone, and so with an epoch.
    pub(super) fn alone() -> Node {
        let mut node = Node::new();
        node.at(1000, Event::Tick);
        node.list(1000, 1, &[(ME, 1)]);
        node
    }

    /// With one peer, connected, welcomed, and with leases both ways. The own one is good until 1200.
    pub(super) fn paired() -> Node {
        let mut node = Node::alone();
        node.at(1000, Event::Connected { peer: PEER, connection: link(1) });
        for message in [Message::Hello, Message::Welcome, Message::Ask, Message::Grant { holds: vec![] }] {
            node.hears(1000, PEER, 1, message);
        }
        node
    }

    pub(super) fn at(&mut self, now: u64, event: Event) -> Vec<Action> {
        let mut out = Vec::new();
        self.now = Millis(now);
        self.core.step(self.now, event, &mut out);
        for action in &out {
            self.publish(action);
        }
        out
    }

    fn publish(&self, action: &Action) {
        match action {
            Action::EpochBegan { until } => self.validity.begin_epoch(self.instant(*until)),
            Action::EpochExtended { until } => self.validity.extend_epoch(self.instant(*until)),
            Action::EpochEnded { .. } => self.validity.end_epoch(),
            Action::Hold { scopes } => scopes.iter().for_each(|scope| self.validity.hold(*scope)),
            Action::Free { scopes, .. } => scopes.iter().for_each(|scope| self.validity.release(*scope)),
            _ => {}
        }
    }

    fn instant(&self, at: Millis) -> Instant {
        self.zero + Duration::from_millis(at.0)
    }

    pub(super) fn tick(&mut self, now: u64) -> Vec<Action> {
        self.at(now, Event::Tick)
    }

    pub(super) fn hears(
        &mut self,
        now: u64,
        peer: Incarnation,
        connection: u64,
        message: Message,
    ) -> Vec<Action> {
        self.at(now, Event::Received { peer, connection: link(connection), message })
    }

    pub(super) fn list(&mut self, now: u64, attempt: u64, rows: &[(Incarnation, u64)]) -> Vec<Action> {
        let members = rows.iter().map(|(member, attempt)| Listed { member: *member, attempt: *attempt });
        self.at(now, Event::Renewed { attempt, members: members.collect() })
    }

    pub(super) fn begin(&mut self, now: u64, write: u64) -> Vec<Action> {
        self.at(now, Event::WriteBegun { write: WriteId(write), scopes: vec![SCOPE] })
    }

    pub(super) fn lock(&mut self, now: u64, write: u64) -> Vec<Action> {
        self.at(now, Event::RowsLocked { write: WriteId(write), relied: vec![] })
    }

    pub(super) fn end(&mut self, now: u64, write: u64, outcome: Outcome) -> Vec<Action> {
        self.at(now, Event::WriteEnded { write: WriteId(write), outcome })
    }

    pub(super) fn token(&self) -> Option<Token> {
        self.token_of(SCOPE)
    }

    pub(super) fn token_of(&self, scope: ScopeKey) -> Option<Token> {
        self.validity.token_at(scope, self.instant(self.now))
    }

    pub(super) fn stands(&self, token: Token) -> bool {
        self.stands_until(token, self.now.0)
    }

    pub(super) fn stands_until(&self, token: Token, now: u64) -> bool {
        self.validity.stands_at(SCOPE, token, self.instant(Millis(now)))
    }

    /// Whether anything could be cached now.
    pub(super) fn caches(&self) -> bool {
        self.token().is_some()
    }
}

pub(super) fn link(number: u64) -> Connection {
    Connection(number)
}

/// A hold of the one scope by one write.
pub(super) fn hold(write: u64) -> Hold {
    Hold { write: WriteId(write), scopes: vec![SCOPE] }
}

pub(super) fn committed(version: i64) -> Outcome {
    Outcome::Committed(Version(version))
}

pub(super) fn may_commit(out: &[Action], write: u64) -> bool {
    out.contains(&Action::WriteMayCommit { write: WriteId(write) })
}

/// What was sent to a peer.
pub(super) fn sent(out: &[Action], to: Incarnation) -> Vec<Message> {
    let sends = out.iter().filter_map(|action| match action {
        Action::Send { peer, message, .. } if *peer == to => Some(message.clone()),
        _ => None,
    });
    sends.collect()
}
