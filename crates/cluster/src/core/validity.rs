//! What readers look at instead of the core: a few words of memory that the node's driver keeps up to date, and that a
//! read compares without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

use super::event::Action;
use super::fence::{self, Published, Slot, Token};
use super::names::{Millis, Scope};
use super::rules::Rules;

/// How many slots the scopes share. Two scopes of one slot only cost each other's misses; 512 KiB.
const SLOTS: usize = 1 << 16;

/// Whether what was cached may be served. One for the life of a process, whatever its incarnations.
///
/// A reader takes a [`Token`] before it loads, and may serve what it loaded, now or later, whenever the token stands.
/// What it puts together from several scopes it may serve if, at one moment after the last was read, all tokens stand.
#[derive(Debug)]
pub struct Validity {
    number: AtomicU64,
    until_ms: AtomicU64,
    slots: Box<[AtomicU64]>,
}

impl Default for Validity {
    fn default() -> Self {
        Validity::new()
    }
}

impl Validity {
    /// Nothing may be served until the first epoch begins.
    #[must_use]
    pub fn new() -> Validity {
        Validity {
            number: AtomicU64::new(0),
            until_ms: AtomicU64::new(Millis::NEVER.0),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// Takes what an action of a step changes for readers; the others change nothing. All actions of a step come here
    /// in their order, before any of its messages is sent.
    pub fn apply(&self, action: &Action) {
        match action {
            Action::Epoch { number, until } => {
                // In this order: whoever sees the new end sees the new number.
                self.number.store(*number, Ordering::SeqCst);
                self.until_ms.store(until.0, Ordering::SeqCst);
            }
            Action::EpochEnded { number, .. } => {
                self.until_ms.store(Millis::NEVER.0, Ordering::SeqCst);
                self.number.store(number.saturating_add(1), Ordering::SeqCst);
            }
            Action::Hold { scopes } => {
                for slot in scopes.iter().filter_map(|scope| self.slot(*scope)) {
                    slot.fetch_add(Slot::PUT, Ordering::SeqCst);
                }
            }
            Action::Free { scopes, .. } => {
                for slot in scopes.iter().filter_map(|scope| self.slot(*scope)) {
                    slot.fetch_sub(Slot::LIFT, Ordering::SeqCst);
                }
            }
            _ => {}
        }
    }

    /// A token for a load that begins now; `now` was read before. None if nothing may be cached: no epoch goes on, or a
    /// write to the scope is under way.
    #[must_use]
    pub fn token(&self, now: Millis, scope: Scope) -> Option<Token> {
        let epoch = self.published();
        fence::token(Rules::ALL, epoch, self.slot_now(scope)?, now)
    }

    /// Whether what was loaded of a scope under this token is still the newest there is. `now` was read after the
    /// request that is to be answered came in.
    #[must_use]
    pub fn stands(&self, now: Millis, scope: Scope, token: Token) -> bool {
        let epoch = self.published();
        self.slot_now(scope).is_some_and(|slot| fence::stands(Rules::ALL, epoch, slot, now, token))
    }

    /// The number of the epoch that goes on, or that would begin next. For what must be done once in each.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.number.load(Ordering::SeqCst)
    }

    fn published(&self) -> Published {
        // The end first: if it is of a later epoch, so is the number that is read after it.
        let until = Millis(self.until_ms.load(Ordering::SeqCst));
        Published { number: self.number.load(Ordering::SeqCst), until }
    }

    fn slot_now(&self, scope: Scope) -> Option<Slot> {
        self.slot(scope).map(|slot| Slot(slot.load(Ordering::SeqCst)))
    }

    fn slot(&self, scope: Scope) -> Option<&AtomicU64> {
        let [kind, id] = [scope.kind, scope.id].map(i64::cast_unsigned);
        let hash = [kind, id].into_iter().fold(mixed(scope.context), |hash, part| mixed(hash ^ part));
        let index = usize::try_from(hash % SLOTS as u64).ok()?;
        self.slots.get(index)
    }
}

/// Spreads numbers that lie close together over all 64 bits (the finalizer of SplitMix64, public domain).
fn mixed(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}
