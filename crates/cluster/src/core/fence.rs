//! The fence between readers and writers: what a reader compares before it serves from memory. Pure functions of two
//! numbers, so that readers need no lock, and so that the model runs what readers run.

use super::rules::{Rule, Rules};

/// The state of a scope as it was when a reader began to load something of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Token {
    pub(super) epoch: u64,
    pub(super) generation: u64,
}

impl Token {
    /// The epoch it was taken in.
    #[must_use]
    pub fn epoch(self) -> u64 {
        self.epoch
    }
}

/// The open holds of a slot and how many it ever had, in one word: 16 million holds at once, and as many generations as
/// a thousand holds a second make in 34 years.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Slot(pub(crate) u64);

pub(super) const GENERATION_SHIFT: u32 = 24;
const OPEN: u64 = (1 << GENERATION_SHIFT) - 1;

impl Slot {
    /// What a hold adds to the word: one more open, and a new generation.
    pub(crate) const PUT: u64 = (1 << GENERATION_SHIFT) + 1;
    /// What its end takes away again.
    pub(crate) const LIFT: u64 = 1;

    fn is_held(self) -> bool {
        self.0 & OPEN != 0
    }

    pub(super) fn generation(self) -> u64 {
        self.0 >> GENERATION_SHIFT
    }
}

/// A token for what is about to be loaded, if it may be kept: an epoch lasts, and nobody writes the scope.
pub(crate) fn token(rules: Rules, epoch: Option<u64>, slot: Slot) -> Option<Token> {
    let held = slot.is_held() && rules.has(Rule::HeldIsNotServed);
    epoch.filter(|_| !held).map(|epoch| Token { epoch, generation: slot.generation() })
}

/// Whether what was loaded under a token may be served at this moment, or kept.
pub(crate) fn stands(rules: Rules, epoch: Option<u64>, slot: Slot, token: Token) -> bool {
    let now = self::token(rules, epoch, slot);
    now.is_some_and(|now| {
        (now.epoch == token.epoch || !rules.has(Rule::EpochVoids))
            && (now.generation == token.generation || !rules.has(Rule::HoldVoids))
    })
}
