//! What happened, for the checkers and for who wants to read it.

use std::collections::BTreeMap;
use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::ops::AddAssign;

use super::faults::Fault;
use crate::checkers::{Checker, Violation};
use crate::history::{Event, Wait};

pub(crate) struct Chronicle {
    checkers: Vec<Box<dyn Checker>>,
    /// The first broken promise.
    pub(crate) violation: Option<Violation>,
    hash: DefaultHasher,
    /// Every line, if wanted.
    pub(crate) trace: Option<Vec<String>>,
    pub(crate) faults: BTreeMap<Fault, u64>,
    /// The longest waits, by the faults that there were meanwhile; `None`: no fault.
    pub(crate) longest: BTreeMap<(Wait, Option<Fault>), u64>,
    pub(crate) counts: Counts,
}

/// What became of operations.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) reads: u64,
    pub(crate) hits: u64,
    pub(crate) from_replica: u64,
    /// Of these, the transactions for which only its position was looked at.
    pub(crate) by_position: u64,
    pub(crate) reads_failed: u64,
    pub(crate) writes: u64,
    pub(crate) writes_failed: u64,
    pub(crate) in_doubt: u64,
    pub(crate) carried_out: u64,
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Counts) {
        self.reads += other.reads;
        self.hits += other.hits;
        self.from_replica += other.from_replica;
        self.by_position += other.by_position;
        self.reads_failed += other.reads_failed;
        self.writes += other.writes;
        self.writes_failed += other.writes_failed;
        self.in_doubt += other.in_doubt;
        self.carried_out += other.carried_out;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { reads, hits, from_replica, by_position, reads_failed, .. } = self;
        let Counts { writes, writes_failed, in_doubt, carried_out, .. } = self;
        write!(
            f,
            "{reads} reads ({hits} answers from memory, {from_replica} transactions on the replica, {by_position} of them by its position, {reads_failed} failed), \
             {writes} writes ({carried_out} carried out, {writes_failed} failed, {in_doubt} in doubt)"
        )
    }
}

impl Chronicle {
    pub(super) fn new(checkers: Vec<Box<dyn Checker>>, traced: bool) -> Chronicle {
        Chronicle {
            checkers,
            violation: None,
            hash: DefaultHasher::new(),
            trace: traced.then(Vec::new),
            faults: BTreeMap::new(),
            longest: BTreeMap::new(),
            counts: Counts::default(),
        }
    }

    pub(super) fn tell(&mut self, now_ms: u64, event: Event) {
        (now_ms, &event).hash(&mut self.hash);
        match &event {
            Event::ReadAnswered { .. } => self.counts.reads += 1,
            Event::ReadFailed { .. } => self.counts.reads_failed += 1,
            Event::WriteAnswered { .. } => self.counts.writes += 1,
            Event::WriteFailed { .. } => self.counts.writes_failed += 1,
            Event::Committed { .. } => self.counts.carried_out += 1,
            _ => {}
        }
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now_ms:>7} {event:?}"));
        }
        for checker in &mut self.checkers {
            if let Some(words) = checker.saw(&event)
                && self.violation.is_none()
            {
                let violation = Violation { promise: checker.promise(), words };
                self.trace.iter_mut().for_each(|trace| trace.push(format!("{now_ms:>7} {violation}")));
                self.violation = Some(violation);
            }
        }
    }

    pub(super) fn note(&mut self, now_ms: u64, number: u64, words: impl FnOnce() -> String) {
        (now_ms, number).hash(&mut self.hash);
        if let Some(trace) = &mut self.trace {
            trace.push(format!("{now_ms:>7} {}", words()));
        }
    }

    /// The same for two runs in which the same happened.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.hash.finish()
    }
}
