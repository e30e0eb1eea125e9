//! What many clients did and saw at the same time, in a form that checkers can judge: registers, each of which has one value at a
//! time, and operations, each of which writes some of them and sees something of some of them at one moment between its
//! beginning and its end. Filled by the crowd; nothing here knows HTTP.
//!
//! Values are numbers, given out once for each register, so that what was read says which write made it. What a value means (who is let
//! in, where something lies) is told beside it in [`Bits`], for looks that see only that.

use super::history::Moment;
use std::collections::BTreeMap;

/// One thing that has one value at a time. It begins with the value 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Register(pub(crate) u32);

/// What a value means, a bit a question.
pub(crate) type Bits = u64;

/// A write of an operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Change {
    pub(crate) register: Register,
    /// From 1, no two of a register the same.
    pub(crate) value: u32,
    pub(crate) bits: Bits,
}

/// What is known of a register's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Test {
    /// It is this one.
    Is(u32),
    /// Its bits under this mask are these.
    Has(Bits, Bits),
    /// Its bits under this mask are others than these.
    HasNot(Bits, Bits),
}

impl Test {
    /// Whether a value, with its bits, is possible by this.
    pub(crate) fn fits(self, value: u32, bits: Bits) -> bool {
        match self {
            Test::Is(seen) => seen == value,
            Test::Has(mask, wanted) => bits & mask == wanted,
            Test::HasNot(mask, unwanted) => bits & mask != unwanted,
        }
    }
}

/// Something that was so of one register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fact {
    pub(crate) register: Register,
    pub(crate) test: Test,
}

/// What an operation saw; all of its sights were true at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Sight {
    One(Fact),
    /// One of these, each of which is true if all its facts are: why somebody was refused is not told.
    Any(Vec<Vec<Fact>>),
}

impl Sight {
    /// The register that this is about, if it is about one alone.
    pub(crate) fn register(&self) -> Option<Register> {
        let mut registers = self.facts().map(|fact| fact.register);
        let first = registers.next()?;
        registers.all(|other| other == first).then_some(first)
    }

    /// All facts, true or not.
    pub(crate) fn facts(&self) -> impl Iterator<Item = &Fact> {
        let (one, any): (Option<&Fact>, &[Vec<Fact>]) = match self {
            Sight::One(fact) => (Some(fact), &[]),
            Sight::Any(all) => (None, all),
        };
        one.into_iter().chain(any.iter().flatten())
    }

    /// Whether this is so if the one register it is about has this value.
    pub(crate) fn fits(&self, value: u32, bits: Bits) -> bool {
        match self {
            Sight::One(fact) => fact.test.fits(value, bits),
            Sight::Any(all) => all.iter().any(|each| each.iter().all(|fact| fact.test.fits(value, bits))),
        }
    }
}

/// How an operation ended for its client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Done: its writes took effect, and what it saw was so.
    Done,
    /// Refused: it wrote nothing, and what it saw was so.
    Refused,
    /// It was told that nothing was written: then nothing may ever be seen of it.
    Failed,
    /// Nobody knows: its writes take effect at any later time, or never.
    Unknown,
}

/// One operation of one client.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    /// What was asked for, in a word: for counting.
    pub(crate) kind: &'static str,
    /// Who asked, through what, for what: for people.
    pub(crate) who: String,
    pub(crate) begun: Moment,
    /// When the client knew, or gave up.
    pub(crate) ended: Moment,
    pub(crate) outcome: Outcome,
    /// What it was told instead of being done or refused.
    pub(crate) said: String,
    pub(crate) changes: Vec<Change>,
    pub(crate) sights: Vec<Sight>,
}

impl Operation {
    /// Whether it writes; else it only looks.
    pub(crate) fn writes(&self) -> bool {
        !self.changes.is_empty()
    }

    /// Whether it was done or refused.
    pub(crate) fn is_answered(&self) -> bool {
        matches!(self.outcome, Outcome::Done | Outcome::Refused)
    }

    /// When its writes have taken effect at the latest; none if that is not known, or they have none.
    pub(crate) fn effective(&self) -> Option<Moment> {
        (self.outcome == Outcome::Done).then_some(self.ended)
    }
}

/// Everything that was done and seen.
#[derive(Debug, Default)]
pub(crate) struct Record {
    /// What each register is, for people, and the bits of its first value.
    registers: Vec<(String, Bits)>,
    pub(crate) operations: Vec<Operation>,
}

impl Record {
    /// A new register, whose first value, 0, means this.
    pub(crate) fn register(&mut self, what: String, bits: Bits) -> Register {
        let number = u32::try_from(self.registers.len()).unwrap_or(u32::MAX);
        self.registers.push((what, bits));
        Register(number)
    }

    /// What a register is, for people.
    pub(crate) fn name(&self, register: Register) -> &str {
        self.of(register).map_or("unknown", |(what, _)| what)
    }

    /// What a register's first value means.
    pub(crate) fn first_bits(&self, register: Register) -> Bits {
        self.of(register).map_or(0, |(_, bits)| *bits)
    }

    fn of(&self, register: Register) -> Option<&(String, Bits)> {
        self.registers.get(usize::try_from(register.0).ok()?)
    }

    /// What happened to each register: its writes, and the looks that were about it alone.
    pub(crate) fn by_register(&self) -> BTreeMap<Register, Story<'_>> {
        let mut stories: BTreeMap<Register, Story<'_>> = BTreeMap::new();
        for operation in &self.operations {
            for change in &operation.changes {
                let story = stories.entry(change.register).or_default();
                story.writes.push((*change, operation));
            }
            if !operation.is_answered() {
                continue;
            }
            for sight in &operation.sights {
                if let Some(register) = sight.register() {
                    stories.entry(register).or_default().looks.push((sight, operation));
                }
            }
        }
        stories
    }
}

/// What happened to one register.
#[derive(Debug, Default)]
pub(crate) struct Story<'a> {
    /// Failed ones too.
    pub(crate) writes: Vec<(Change, &'a Operation)>,
    pub(crate) looks: Vec<(&'a Sight, &'a Operation)>,
}

impl Story<'_> {
    /// What is known of a value that no write that may have happened has given the register.
    pub(crate) fn why_not(&self, value: u32) -> Option<String> {
        match self.writes.iter().find(|(change, _)| change.value == value) {
            None if value == 0 => None,
            None => Some("which nobody wrote".to_owned()),
            Some((_, write)) if write.outcome == Outcome::Failed => Some(format!(
                "which {} from {} to {} was told not to be written: {}",
                write.who,
                seconds(write.begun),
                seconds(write.ended),
                write.said
            )),
            Some(_) => None,
        }
    }

    /// Whether each look says exactly which value it saw.
    pub(crate) fn is_exact(&self) -> bool {
        self.looks.iter().all(|(sight, _)| matches!(sight, Sight::One(Fact { test: Test::Is(_), .. })))
    }
}

/// A moment in seconds, as messages have it.
pub(crate) fn seconds(at: Moment) -> String {
    format!("{:.4}", at.as_secs_f64())
}
