//! What must be true of a history. None of them knows how the cluster works: they see what clients asked and were answered,
//! and the master's log.

mod back;
mod ground;
mod lost;
mod old;
#[cfg(test)]
mod tests;
mod versions;
mod waits;
mod whole;

use std::fmt;

use super::history::Event;
pub(crate) use waits::Bounds;

/// Which promise was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Promise {
    NoStaleRead,
    ReadsNeverGoBack,
    VersionsNeverGoBack,
    NoWriteLost,
    NoWriteOnWithdrawnGround,
    OneSnapshot,
    EveryWaitBounded,
}

/// A broken promise.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Violation {
    pub(crate) promise: Promise,
    pub(crate) words: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.promise, self.words)
    }
}

/// One promise, watched over.
pub(crate) trait Checker: Send {
    fn promise(&self) -> Promise;

    /// Takes what happened next; words if that breaks the promise.
    fn saw(&mut self, event: &Event) -> Option<String>;
}

/// All of them.
pub(crate) fn all(scopes: usize, bounds: Bounds) -> Vec<Box<dyn Checker>> {
    vec![
        Box::new(old::NoStaleRead::new(scopes)),
        Box::new(back::ReadsNeverGoBack::new(scopes)),
        Box::new(versions::VersionsNeverGoBack::new(scopes)),
        Box::new(lost::NoWriteLost::new(scopes)),
        Box::new(ground::NoWriteOnWithdrawnGround::new(scopes)),
        Box::new(whole::OneSnapshot::new(scopes)),
        Box::new(bounds),
    ]
}

/// Versions of all scopes.
type Floor = Vec<i64>;

fn at(scope: u64) -> usize {
    usize::try_from(scope).unwrap()
}

/// Raises the version of a scope to at least this.
fn raise(floor: &mut Floor, scope: u64, version: i64) {
    let known = &mut floor[at(scope)];
    *known = (*known).max(version);
}
