//! The names and times that the protocol speaks of. All are opaque to it: it compares them and passes them on.

use std::fmt;

/// One life of a member, from its start to its stop: random, never used twice. Whoever was removed from the registry
/// comes back under a new one, so nothing that was said to or by the old one can be taken for the new one's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Incarnation(pub u128);

impl fmt::Display for Incarnation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// One connection between two members, as this node numbers it: never twice in the life of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Connection(pub u64);

/// One write, unique within the incarnation of its writer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WriteId(pub u64);

/// A scope's version: the number in its row. Grows with each committed write, never goes back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(pub i64);

/// A moment on the node's own clock, in whole milliseconds, rounded down. The clock never goes back, and must not stand
/// still while others' go on: then a lease would live here that its granter counts as over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Millis(pub u64);

impl Millis {
    /// Before all others: over, or never begun. No clock shows it.
    pub const NEVER: Millis = Millis(0);

    /// The moment `ms` later.
    #[must_use]
    pub fn after(self, ms: u64) -> Millis {
        Millis(self.0.saturating_add(ms))
    }

    /// Whether what was good until this moment is over at `now`.
    #[must_use]
    pub fn is_over(self, now: Millis) -> bool {
        self <= now
    }
}
