//! The fence between readers and writers: what a reader compares before it serves from memory. Pure functions of three
//! numbers, so that readers need no lock, and so that the model runs what readers run.

use super::names::Millis;
use super::rules::{Rule, Rules};

/// What a reader keeps beside what it loaded: as long as the token stands, that is the newest there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    epoch: u64,
    generation: u64,
}

impl Token {
    pub(super) fn epoch(self) -> u64 {
        self.epoch
    }
}

/// The epoch as it was published last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Published {
    pub(super) number: u64,
    pub(super) until: Millis,
}

/// The open holds of a slot and how many it ever had, in one word: 16 million holds at once, and as many generations as
/// a thousand holds a second make in 34 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot(pub(super) u64);

const GENERATION_SHIFT: u32 = 24;
const OPEN: u64 = (1 << GENERATION_SHIFT) - 1;

impl Slot {
    /// What a hold adds to the word: one more open, and a new generation.
    pub(super) const PUT: u64 = (1 << GENERATION_SHIFT) + 1;
    /// What its end takes away again.
    pub(super) const LIFT: u64 = 1;

    fn is_held(self) -> bool {
        self.0 & OPEN != 0
    }

    fn generation(self) -> u64 {
        self.0 >> GENERATION_SHIFT
    }
}

/// A token for what is about to be loaded, if it could be cached at all.
pub(super) fn token(rules: Rules, epoch: Published, slot: Slot, now: Millis) -> Option<Token> {
    let held = slot.is_held() && rules.has(Rule::HeldIsNotServed);
    let fresh = Token { epoch: epoch.number, generation: slot.generation() };
    (!epoch.until.is_over(now) && !held).then_some(fresh)
}

/// Whether what was loaded under a token may be served at this moment, or put in the cache.
pub(super) fn stands(rules: Rules, epoch: Published, slot: Slot, now: Millis, token: Token) -> bool {
    let held = slot.is_held() && rules.has(Rule::HeldIsNotServed);
    let same_epoch = token.epoch == epoch.number || !rules.has(Rule::EpochVoids);
    let same_generation = token.generation == slot.generation() || !rules.has(Rule::HoldVoids);
    !epoch.until.is_over(now) && !held && same_epoch && same_generation
}
