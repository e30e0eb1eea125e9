//! What a reader looks at before it answers from memory: an atomic load for the epoch, one for each scope, and the clock.
//!
//! Written by whoever drives the protocol, read by every request. A reader takes a [`Token`] *before* it loads something
//! from a database and keeps it beside what it loaded. As long as [`Validity::stands`] says so of that token, no write
//! to the scope has been answered since: what was loaded is still the truth.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::clock::Clock;
use crate::core::fence::{self, Slot, Token};
use crate::core::rules::Rules;

/// The name of what is held, cached and published as one. This crate does not know what it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScopeKey {
    /// Whose it is: scopes of two spaces have nothing to do with each other.
    pub space: u64,
    /// Its kind.
    pub kind: i64,
    /// Its id within its kind and space.
    pub id: i64,
}

impl ScopeKey {
    /// A number that spreads keys evenly: neighbours differ in all bits (the finalizer of MurmurHash3).
    fn spread(self) -> u64 {
        let mix = |state: u64, part: u64| {
            let mut x = (state ^ part).wrapping_mul(0xff51_afd7_ed55_8ccd);
            x = (x ^ (x >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
            x ^ (x >> 33)
        };
        mix(mix(mix(0x9e37_79b9_7f4a_7c15, self.space), self.kind.cast_unsigned()), self.id.cast_unsigned())
    }
}

/// Slots of the table of holds: 512 KiB. Scopes that share one void each other's tokens, which costs a load and nothing else.
const SLOTS: usize = 1 << 16;

/// Whether this node may answer from memory at the moment, and of which scopes.
#[derive(Debug)]
pub struct Validity {
    clock: Clock,
    zero: Instant,
    /// Odd while an epoch lasts, even between two: it only ever grows.
    epoch: AtomicU64,
    /// The end of the epoch unless it is extended, µs since `zero`.
    until: AtomicU64,
    slots: Box<[AtomicU64]>,
}

impl Default for Validity {
    fn default() -> Validity {
        Validity::by(Clock::default())
    }
}

impl Validity {
    /// One that goes by this clock.
    #[must_use]
    pub fn by(clock: Clock) -> Validity {
        Validity {
            clock,
            zero: clock.now().into_std(),
            epoch: AtomicU64::new(0),
            until: AtomicU64::new(0),
            slots: (0..SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn slot(&self, scope: ScopeKey) -> Option<&AtomicU64> {
        let at = scope.spread() % SLOTS as u64;
        self.slots.get(usize::try_from(at).unwrap_or(0))
    }

    fn slot_now(&self, scope: ScopeKey) -> Option<Slot> {
        self.slot(scope).map(|slot| Slot(slot.load(Ordering::SeqCst)))
    }

    pub(crate) fn clock(&self) -> Clock {
        self.clock
    }

    fn now(&self) -> Instant {
        self.clock.now().into_std()
    }

    fn micros(&self, at: Instant) -> u64 {
        u64::try_from(at.saturating_duration_since(self.zero).as_micros()).unwrap_or(u64::MAX)
    }

    /// The epoch that lasts at this moment.
    #[must_use]
    pub fn epoch_at(&self, now: Instant) -> Option<u64> {
        // In this order: an epoch read after the limit of its successor was read could be an older one.
        let epoch = self.epoch.load(Ordering::SeqCst);
        let lasts = epoch % 2 == 1 && self.micros(now) < self.until.load(Ordering::SeqCst);
        // A limit that belongs to a later epoch says nothing of this one.
        (lasts && self.epoch.load(Ordering::SeqCst) == epoch).then_some(epoch)
    }

    /// For a load that begins now; `None` if what it finds may not be kept: no epoch lasts, or somebody writes the scope.
    #[must_use]
    pub fn token_at(&self, scope: ScopeKey, now: Instant) -> Option<Token> {
        let epoch = self.epoch_at(now);
        fence::token(Rules::ALL, epoch, self.slot_now(scope)?)
    }

    /// The same now.
    #[must_use]
    pub fn token(&self, scope: ScopeKey) -> Option<Token> {
        self.token_at(scope, self.now())
    }

    /// Whether no write to the scope has been answered, nor may have been, since the token was taken.
    #[must_use]
    pub fn stands_at(&self, scope: ScopeKey, token: Token, now: Instant) -> bool {
        let epoch = self.epoch_at(now);
        self.slot_now(scope).is_some_and(|slot| fence::stands(Rules::ALL, epoch, slot, token))
    }

    /// The same now.
    #[must_use]
    pub fn stands(&self, scope: ScopeKey, token: Token) -> bool {
        self.stands_at(scope, token, self.now())
    }

    /// A hold begins. Returns when every reader sees it: only then may it be acknowledged.
    pub fn hold(&self, scope: ScopeKey) {
        if let Some(slot) = self.slot(scope) {
            slot.fetch_add(Slot::PUT, Ordering::SeqCst);
        }
    }

    /// A hold that began here ends.
    pub fn release(&self, scope: ScopeKey) {
        if let Some(slot) = self.slot(scope) {
            slot.fetch_sub(Slot::LIFT, Ordering::SeqCst);
        }
    }

    /// An epoch begins: nothing that was loaded before is believed. It lasts until `until` unless it is extended or ended.
    pub fn begin_epoch(&self, until: Instant) {
        self.end_epoch();
        self.until.store(self.micros(until), Ordering::SeqCst);
        self.epoch.fetch_add(1, Ordering::SeqCst);
    }

    /// The epoch that lasts now lasts until then.
    pub fn extend_epoch(&self, until: Instant) {
        self.until.store(self.micros(until), Ordering::SeqCst);
    }

    /// The epoch ends at once, if one lasts.
    pub fn end_epoch(&self) {
        if self.epoch.load(Ordering::SeqCst) % 2 == 1 {
            self.epoch.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// So long that nobody who waits for it ever sees its end: for who is alone and needs nobody's leave.
    #[must_use]
    pub fn for_good(&self) -> Instant {
        const YEARS: Duration = Duration::from_secs(100 * 365 * 86_400);
        self.zero.checked_add(YEARS).unwrap_or(self.zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: ScopeKey = ScopeKey { space: 1, kind: 3, id: 7 };
    const OTHER: ScopeKey = ScopeKey { space: 1, kind: 3, id: 8 };
    const SECOND: Duration = Duration::from_secs(1);

    fn alone() -> Validity {
        let validity = Validity::default();
        validity.begin_epoch(validity.for_good());
        validity
    }

    #[test]
    fn a_token_stands_until_a_hold_begins_and_never_again() {
        let validity = alone();
        let token = validity.token(SCOPE).unwrap();
        let of_other = validity.token(OTHER).unwrap();
        assert!(validity.stands(SCOPE, token));
        validity.hold(SCOPE);
        assert!(!validity.stands(SCOPE, token));
        assert_eq!(validity.token(SCOPE), None, "what is loaded while somebody writes is not kept");
        validity.release(SCOPE);
        assert!(!validity.stands(SCOPE, token), "what was loaded before the write is old");
        assert!(validity.stands(OTHER, of_other));
        assert!(validity.stands(SCOPE, validity.token(SCOPE).unwrap()));
    }

    #[test]
    fn a_scope_that_two_write_is_held_until_both_have_ended() {
        let validity = alone();
        validity.hold(SCOPE);
        validity.hold(SCOPE);
        validity.release(SCOPE);
        assert_eq!(validity.token(SCOPE), None);
        validity.release(SCOPE);
        assert!(validity.token(SCOPE).is_some());
    }

    #[test]
    fn an_epoch_ends_at_its_limit_and_what_was_loaded_in_it_is_not_believed_in_the_next() {
        let validity = Validity::default();
        let begun = Instant::now();
        assert_eq!(validity.token_at(SCOPE, begun), None, "no epoch has begun");
        validity.begin_epoch(begun + 2 * SECOND);
        let token = validity.token_at(SCOPE, begun).unwrap();
        assert!(validity.stands_at(SCOPE, token, begun + SECOND));
        assert!(!validity.stands_at(SCOPE, token, begun + 2 * SECOND));
        validity.extend_epoch(begun + 4 * SECOND);
        assert!(validity.stands_at(SCOPE, token, begun + 3 * SECOND));
        validity.begin_epoch(begun + 9 * SECOND);
        assert!(!validity.stands_at(SCOPE, token, begun + 3 * SECOND));
        validity.end_epoch();
        assert_eq!(validity.token_at(SCOPE, begun + 3 * SECOND), None);
    }

    #[test]
    fn holds_of_many_threads_never_leave_a_scope_held_nor_a_token_standing() {
        let validity = alone();
        let token = validity.token(SCOPE).unwrap();
        std::thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    for _ in 0..1_000 {
                        validity.hold(SCOPE);
                        assert_eq!(validity.token(SCOPE), None);
                        validity.release(SCOPE);
                    }
                });
            }
        });
        assert!(!validity.stands(SCOPE, token));
        assert!(validity.token(SCOPE).is_some());
    }
}
