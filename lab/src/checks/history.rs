//! What clients did and saw, in a form that checkers can judge: registers, each with one writer, who numbers his writes from
//! 1 in the order in which he made them. Filled by the load, read by the checkers; nothing here knows HTTP.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// Time since the history began.
pub(crate) type Moment = Duration;

/// One thing that one writer changes and everybody may look at. Before the first write it is at 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Register(pub(crate) u32);

/// What a write made of its register, and when.
#[derive(Clone, Debug)]
pub(crate) struct Write {
    pub(crate) register: Register,
    /// From 1.
    pub(crate) number: u32,
    pub(crate) begun: Moment,
    /// When the writer learnt that it is done. None: he was told to try again, or nothing; then it may have happened or not,
    /// and happens at the latest before his next write that is answered.
    pub(crate) answered: Option<Moment>,
}

/// What somebody saw of a register.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Which write made what is there.
    Number(u32),
    /// Only whether a folder is shared: it is after odd writes.
    Shared(bool),
}

impl Seen {
    /// Whether this is what is seen after the write of that number.
    pub(crate) fn fits(self, number: u32) -> bool {
        match self {
            Seen::Number(seen) => seen == number,
            Seen::Shared(seen) => seen == (number % 2 == 1),
        }
    }
}

/// A look at a register.
#[derive(Clone, Debug)]
pub(crate) struct Read {
    pub(crate) register: Register,
    pub(crate) seen: Seen,
    pub(crate) begun: Moment,
    pub(crate) ended: Moment,
    /// Who looked, through which node, at what: for people.
    pub(crate) who: String,
}

/// A look at a whole folder: which of its registers are there, and at which number.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    pub(crate) folder: String,
    pub(crate) numbers: Vec<(Register, u32)>,
    pub(crate) begun: Moment,
    pub(crate) ended: Moment,
    pub(crate) who: String,
}

/// Everything that was done and seen.
#[derive(Debug)]
pub(crate) struct History {
    started: Instant,
    /// What each register is, for people; and the folder it is listed in, if it is.
    registers: Vec<(String, Option<String>)>,
    writes: Vec<Write>,
    reads: Vec<Read>,
    listings: Vec<Listing>,
    /// Answers that nobody may be given, fault or no fault.
    strange: Vec<String>,
}

impl History {
    pub(crate) fn new() -> Self {
        Self {
            started: Instant::now(),
            registers: Vec::new(),
            writes: Vec::new(),
            reads: Vec::new(),
            listings: Vec::new(),
            strange: Vec::new(),
        }
    }

    pub(crate) fn now(&self) -> Moment {
        self.started.elapsed()
    }

    /// A new register, at 0. If it is listed in a folder, 0 means: not there.
    pub(crate) fn register(&mut self, what: &str, folder: Option<&str>) -> Register {
        let number = u32::try_from(self.registers.len()).unwrap_or(u32::MAX);
        self.registers.push((what.to_owned(), folder.map(str::to_owned)));
        Register(number)
    }

    pub(crate) fn write(&mut self, write: Write) {
        self.writes.push(write);
    }

    pub(crate) fn read(&mut self, read: Read) {
        self.reads.push(read);
    }

    pub(crate) fn listing(&mut self, listing: Listing) {
        self.listings.push(listing);
    }

    pub(crate) fn strange(&mut self, what: String) {
        self.strange.push(what);
    }

    /// Every look at a register. A listing is one at each register of its folder: what is not listed was seen at 0, what is
    /// listed twice was seen twice.
    pub(crate) fn reads(&self) -> Vec<Read> {
        let mut reads = self.reads.clone();
        for listing in &self.listings {
            let mut look = |register, number| {
                reads.push(Read {
                    register,
                    seen: Seen::Number(number),
                    begun: listing.begun,
                    ended: listing.ended,
                    who: listing.who.clone(),
                });
            };
            for register in self.listed_in(&listing.folder) {
                let numbers = listing.numbers.iter().filter(|(listed, _)| *listed == register);
                let numbers: Vec<u32> = numbers.map(|(_, number)| *number).collect();
                let numbers = if numbers.is_empty() { vec![0] } else { numbers };
                numbers.into_iter().for_each(|number| look(register, number));
            }
        }
        reads
    }

    /// How many looks there were: a listing is one.
    pub(crate) fn looks(&self) -> usize {
        self.reads.len() + self.listings.len()
    }

    pub(crate) fn strange_answers(&self) -> &[String] {
        &self.strange
    }

    /// Every register.
    pub(crate) fn all(&self) -> impl Iterator<Item = Register> {
        (0..self.registers.len()).filter_map(|index| u32::try_from(index).ok().map(Register))
    }

    /// What a register is, for people.
    pub(crate) fn name(&self, register: Register) -> &str {
        let index = usize::try_from(register.0).unwrap_or(usize::MAX);
        self.registers.get(index).map_or("unknown", |(what, _)| what)
    }

    fn listed_in(&self, folder: &str) -> impl Iterator<Item = Register> {
        self.all()
            .zip(&self.registers)
            .filter(move |(_, (_, of))| of.as_deref() == Some(folder))
            .map(|(r, _)| r)
    }

    /// The writes of each register in the order of their numbers.
    pub(crate) fn by_register(&self) -> BTreeMap<Register, Vec<&Write>> {
        let mut sorted: BTreeMap<Register, Vec<&Write>> = BTreeMap::new();
        for write in &self.writes {
            sorted.entry(write.register).or_default().push(write);
        }
        sorted.values_mut().for_each(|writes| writes.sort_by_key(|write| write.number));
        sorted
    }
}
