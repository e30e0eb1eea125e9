//! This node's own writes: who is told, who is waited for, and whether the commit may come.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Action, Hold, Message, Outcome, Relied, WriteFailure};
use super::membership::Stage;
use super::names::{Incarnation, Millis, Version, WriteId};
use super::{Core, Rule, Turn};
use crate::ScopeKey;

/// A write under way.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Write {
    pub(super) scopes: Vec<ScopeKey>,
    /// Who has not acknowledged yet, and when its lease is over that it had when the write began. A later grant does not
    /// make the wait longer: whoever gets it has got the hold before, or with it.
    pub(super) waiting: BTreeMap<Incarnation, Millis>,
    /// Who was sent the hold over the connection that stands now, and must be sent the release.
    pub(super) told: BTreeSet<Incarnation>,
    /// When the last of the waits is over.
    pub(super) deadline: Option<Millis>,
    pub(super) stage: WriteStage,
}

/// How far a write has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum WriteStage {
    /// Not all row locks are held.
    Begun,
    /// All are.
    Locked,
    /// It was told to commit, or to roll back.
    Decided,
}

impl Core {
    pub(super) fn write_begun(&mut self, write: WriteId, scopes: Vec<ScopeKey>, turn: &mut Turn<'_>) {
        if let Some(why) = self.may_not_write(turn.now) {
            turn.out.push(Action::WriteMustFail { write, why });
            return;
        }
        turn.out.push(Action::Hold { scopes: scopes.clone() });
        let (waiting, told) = (BTreeMap::new(), BTreeSet::new());
        let mut begun = Write { scopes, waiting, told, deadline: None, stage: WriteStage::Begun };
        for (member, peer) in &self.peers {
            if peer.granted_until.is_over(turn.now) {
                continue;
            }
            let hold = Hold { write, scopes: begun.scopes.clone() };
            let reached = self.send(*member, Message::Hold(hold), turn);
            if reached {
                begun.told.insert(*member);
            }
            let waits = reached || self.rules.has(Rule::WaitForUnreachable);
            if waits && self.rules.has(Rule::CommitWaits) {
                begun.waiting.insert(*member, peer.granted_until);
            }
        }
        self.writes.insert(write, begun);
        self.decide(write, turn);
    }

    fn may_not_write(&self, now: Millis) -> Option<WriteFailure> {
        match self.membership.stage {
            Stage::Leaving | Stage::Over => Some(WriteFailure::Leaving),
            _ if !self.is_member(now) => Some(WriteFailure::NotAMember),
            _ if !self.membership.barrier.is_empty() => Some(WriteFailure::Joining),
            _ => None,
        }
    }

    pub(super) fn rows_locked(&mut self, write: WriteId, relied: &[Relied], turn: &mut Turn<'_>) {
        let stale = relied.iter().find(|relied| relied.read != relied.found);
        if let Some(stale) = stale.filter(|_| self.rules.has(Rule::ReliedIsChecked)) {
            self.fail(write, WriteFailure::StaleGround(stale.scope), turn);
        }
        if let Some(begun) = self.writes.get_mut(&write).filter(|begun| begun.stage == WriteStage::Begun) {
            begun.stage = WriteStage::Locked;
            self.decide(write, turn);
        }
    }

    pub(super) fn acknowledged(&mut self, member: Incarnation, write: WriteId, turn: &mut Turn<'_>) {
        if let Some(open) = self.writes.get_mut(&write) {
            open.waiting.remove(&member);
            self.decide(write, turn);
        }
    }

    /// No write waits for this peer any more.
    pub(super) fn lease_needs_no_wait(&mut self, member: Incarnation, turn: &mut Turn<'_>) {
        let waiting = self.writes.iter_mut().filter_map(|(write, open)| {
            let waited = open.waiting.remove(&member).is_some();
            waited.then_some(*write)
        });
        for write in waiting.collect::<Vec<_>>() {
            self.decide(write, turn);
        }
    }

    /// Decides what can be decided: the commit comes after the row locks, after the last acknowledgement, and within the
    /// membership.
    fn decide(&mut self, write: WriteId, turn: &mut Turn<'_>) {
        let is_member = self.is_member(turn.now) || !self.rules.has(Rule::MembershipAfterLock);
        let Some(open) = self.writes.get_mut(&write) else { return };
        open.waiting.retain(|_, until| !until.is_over(turn.now));
        let deadline = open.waiting.values().max().copied();
        let before = std::mem::replace(&mut open.deadline, deadline);
        if before != deadline {
            before.map(|at| self.deadlines.remove(&(at, write)));
            self.deadlines.extend(deadline.map(|at| (at, write)));
        }
        if open.stage != WriteStage::Locked {
            return;
        }
        if !is_member {
            self.fail(write, WriteFailure::NotAMember, turn);
        } else if open.waiting.is_empty() {
            open.stage = WriteStage::Decided;
            turn.out.push(Action::WriteMayCommit { write });
        }
    }

    fn fail(&mut self, write: WriteId, why: WriteFailure, turn: &mut Turn<'_>) {
        let undecided = |open: &&mut Write| open.stage != WriteStage::Decided;
        if let Some(open) = self.writes.get_mut(&write).filter(undecided) {
            open.stage = WriteStage::Decided;
            turn.out.push(Action::WriteMustFail { write, why });
        }
    }

    /// Fails every write that was not told to commit, since the membership is over.
    pub(super) fn fail_undecided(&mut self, turn: &mut Turn<'_>) {
        for write in self.writes.keys().copied().collect::<Vec<_>>() {
            self.fail(write, WriteFailure::NotAMember, turn);
        }
    }

    /// Decides the writes whose last wait is over by now.
    pub(super) fn decide_overdue(&mut self, turn: &mut Turn<'_>) {
        while let Some((at, write)) = self.deadlines.first().copied().filter(|(at, _)| at.is_over(turn.now)) {
            self.deadlines.remove(&(at, write));
            self.decide(write, turn);
        }
    }

    pub(super) fn write_ended(&mut self, write: WriteId, outcome: Outcome, turn: &mut Turn<'_>) {
        match outcome {
            Outcome::Committed(version) => self.end_write(write, Some(version), turn),
            Outcome::InDoubt if self.rules.has(Rule::DoubtKeepsHold) => {
                if let Some(open) = self.writes.get_mut(&write) {
                    open.stage = WriteStage::Decided;
                    turn.out.push(Action::FindOut { write, scopes: open.scopes.clone() });
                }
            }
            Outcome::RolledBack | Outcome::InDoubt => self.end_write(write, None, turn),
        }
    }

    pub(super) fn end_write(&mut self, write: WriteId, version: Option<Version>, turn: &mut Turn<'_>) {
        let Some(ended) = self.writes.remove(&write) else { return };
        ended.deadline.map(|at| self.deadlines.remove(&(at, write)));
        for member in &ended.told {
            self.send(*member, Message::Release { write, version }, turn);
        }
        turn.frees.push(Action::Free { scopes: ended.scopes, version });
        self.leave_if_done(turn);
    }
}
