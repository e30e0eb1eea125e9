//! A node of the model: its core, what its readers see, what it loads and writes.

use super::super::fence::{self, Slot, Token};
use super::super::{Core, Incarnation, Known, Millis, Version};
use super::case::{Case, NOW};
use super::registry::Request;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Node {
    /// None while it is down.
    pub(super) core: Option<Core>,
    /// How many lives it began.
    pub(super) lives: u8,
    /// Its clock went on and others' did not yet.
    pub(super) ahead: bool,
    pub(super) request: Option<Request>,
    /// What is published to readers.
    pub(super) epoch: u64,
    pub(super) until: Millis,
    pub(super) slots: Vec<u64>,
    /// What its cache keeps.
    pub(super) known: Vec<Option<Known>>,
    pub(super) cached: Vec<Option<Loaded>>,
    pub(super) load: Option<Load>,
    pub(super) writings: Vec<Writing>,
}

/// What was loaded, and the token it was loaded under.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Loaded {
    pub(super) token: Token,
    pub(super) version: i64,
}

/// A load under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Load {
    pub(super) scope: usize,
    pub(super) token: Token,
    /// What the database answered: the version, and whether under lock.
    pub(super) read: Option<(i64, bool)>,
}

/// A write under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Writing {
    pub(super) write: u64,
    pub(super) changes: usize,
    /// What it relies on and the version it believes in.
    pub(super) relies: Option<(usize, i64)>,
    pub(super) stage: Stage,
    /// Ticks that its node made since the rows were locked, until it was decided.
    pub(super) waited: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stage {
    Begun,
    Locked,
    MayCommit,
    MustFail,
    /// The database has answered.
    Committed(i64),
    /// The answer was lost.
    InDoubt,
}

impl Node {
    pub(super) fn down(scopes: usize) -> Node {
        Node {
            core: None,
            lives: 0,
            ahead: false,
            request: None,
            epoch: 0,
            until: Millis::NEVER,
            slots: vec![0; scopes],
            known: vec![None; scopes],
            cached: vec![None; scopes],
            load: None,
            writings: Vec::new(),
        }
    }

    /// Forgets what a process forgets when it dies.
    pub(super) fn forget(&mut self) {
        let Node { lives, ahead, epoch, slots, .. } = self;
        *self = Node { lives: *lives, ahead: *ahead, epoch: *epoch, ..Node::down(slots.len()) };
    }

    pub(super) fn epoch_now(&self) -> Option<u64> {
        (!self.until.is_over(NOW)).then_some(self.epoch)
    }

    pub(super) fn token(&self, case: &Case, scope: usize) -> Option<Token> {
        fence::token(case.rules, self.epoch_now(), Slot(self.slots[scope]))
    }

    pub(super) fn stands(&self, case: &Case, scope: usize, token: Token) -> bool {
        fence::stands(case.rules, self.epoch_now(), Slot(self.slots[scope]), token)
    }

    /// What a request that comes now is answered from memory.
    pub(super) fn answer_from_memory(&self, case: &Case, scope: usize) -> Option<i64> {
        let cached = self.cached[scope].filter(|cached| self.stands(case, scope, cached.token));
        cached.map(|cached| cached.version)
    }

    /// Whether a request that comes now is answered by a replica with this version.
    pub(super) fn replica_may_answer(&self, case: &Case, scope: usize, found: i64) -> bool {
        let token = self.token(case, scope);
        let known = self.known[scope];
        token
            .zip(known)
            .is_some_and(|(token, known)| known.is_reached_under(case.rules, token, Version(found)))
    }

    pub(super) fn spares_lock(&self, case: &Case, scope: usize, token: Token) -> bool {
        match self.known[scope] {
            Some(known) => known.spares_lock_under(case.rules, token),
            None => !case.rules.has(super::super::Rule::FirstLoadLocks),
        }
    }

    pub(super) fn writing(&mut self, write: u64) -> Option<&mut Writing> {
        self.writings.iter_mut().find(|writing| writing.write == write)
    }
}

/// The name of a node in one of its lives.
pub(super) fn incarnation(node: usize, life: u8) -> Incarnation {
    Incarnation(u128::try_from(node * 16).unwrap() + u128::from(life))
}

pub(super) fn node_of(incarnation: Incarnation) -> usize {
    usize::try_from(incarnation.0 / 16).unwrap()
}

pub(super) fn life_of(incarnation: Incarnation) -> u8 {
    u8::try_from(incarnation.0 % 16).unwrap()
}
