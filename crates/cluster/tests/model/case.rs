//! What a run of the checker is about: who takes part, what may go wrong and how often, and which rules hold.

use super::super::rules::Rules;
use super::super::{Millis, Timing};
use crate::ScopeKey;

/// The time on each node's clock. It stands; what lies ahead comes nearer instead, so that two states that differ only
/// in when they were reached are one.
pub(super) const NOW: Millis = Millis(100);

/// Times this far ahead never come nearer: how a case says "not in this run".
pub(super) const FAR_MS: u64 = 1_000_000;

/// What a node does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Role {
    pub(super) caches: bool,
    pub(super) writes: bool,
    /// Whether it is a member from the start, or down.
    pub(super) begins: bool,
    /// Whether it may die, leave, or be away from the registry.
    pub(super) ends: bool,
}

pub(super) const READER: Role = Role { caches: true, writes: false, begins: true, ends: false };
pub(super) const WRITER: Role = Role { caches: false, writes: true, begins: true, ends: true };
pub(super) const BOTH: Role = Role { caches: true, writes: true, begins: true, ends: true };

/// How often what may happen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Budget {
    pub(super) writes: u8,
    pub(super) breaks: u8,
    /// Nodes that die, at any moment.
    pub(super) crashes: u8,
    /// Nodes that begin a life: after a death, a removal, or a start that comes late.
    pub(super) starts: u8,
    pub(super) leaves: u8,
    /// Answers to commits that are lost.
    pub(super) doubts: u8,
    /// Times a node's clock goes on while the node does not.
    pub(super) pauses: u8,
}

/// One case.
#[derive(Clone, Debug)]
pub(super) struct Case {
    pub(super) name: &'static str,
    pub(super) rules: Rules,
    pub(super) timing: Timing,
    pub(super) roles: Vec<Role>,
    pub(super) budget: Budget,
    /// Whether there is a replica that lags.
    pub(super) replica: bool,
    /// Whether clocks may run apart, by as much as the timing says.
    pub(super) drifts: bool,
    /// Whether renewals take time, there and back. If not, each succeeds or fails at once.
    pub(super) slow_registry: bool,
    /// Whether messages of a broken connection may still come after there is a new one.
    pub(super) late_messages: bool,
    /// Whether a write changes one scope and relies on another, by turns.
    pub(super) relies: bool,
    /// The one property that is looked at; all, if none. With one, the checker stops at the first fault it meets, and so
    /// at one with the fewest moves.
    pub(super) only: Option<&'static str>,
}

impl Case {
    pub(super) fn scopes(&self) -> usize {
        if self.relies { 2 } else { 1 }
    }

    pub(super) fn without(&self, rule: super::super::Rule) -> Case {
        Case { rules: Rules::without(rule), ..self.clone() }
    }
}

/// The scopes of the model by their number.
pub(super) fn scope(number: usize) -> ScopeKey {
    ScopeKey { space: 1, kind: 1, id: i64::try_from(number).unwrap() }
}

pub(super) fn number(scope: ScopeKey) -> usize {
    usize::try_from(scope.id).unwrap()
}
