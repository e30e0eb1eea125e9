//! The writer's side: what a write waits for before it commits, and whom it tells how it ended.

use std::fmt::Debug;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use crate::changes::Changes;
use crate::validity::{ScopeKey, Validity};

/// How a write that was announced ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the database; its scopes have this version now.
    Committed(i64),
    /// It is not, and never will be.
    Aborted,
    /// Nobody knows: the answer to its commit was lost.
    InDoubt,
}

/// Why a write must not commit: this member may be one no more. Nothing was written; the words are for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fenced(pub String);

/// A future that an object's method returns.
pub type Waiting<'a> = Pin<Box<dyn Future<Output = Result<(), Fenced>> + Send + 'a>>;

/// Makes everybody who may answer from memory hear of writes before they commit.
pub trait Announcer: Debug + Send + Sync {
    /// Says that these scopes are about to change. Called once their rows are locked in the database; returns at once, while
    /// the word is on its way.
    fn announce(&self, scopes: &[ScopeKey]) -> Box<dyn Announced>;
}

/// A write that was announced.
pub trait Announced: Debug + Send {
    /// Waits until everybody has heard of it or may answer nothing from memory, and this member still is one.
    fn may_commit(&mut self) -> Waiting<'_>;

    /// Says how it ended. Must be called, whatever became of it.
    fn ended(self: Box<Self>, outcome: Outcome);
}

/// What a process needs that answers from memory and lets others do so.
#[derive(Clone, Debug)]
pub struct Coherence {
    /// Looked at by its readers.
    pub validity: Arc<Validity>,
    /// Told by its writers.
    pub announcer: Arc<dyn Announcer>,
    /// Heard by who wants to know of changes, on whatever node.
    pub changes: Arc<Changes>,
}

impl Coherence {
    /// For a process beside which nobody else reads or writes, and for the nodes of one process: they share it.
    #[must_use]
    pub fn alone() -> Coherence {
        let validity = Arc::new(Validity::default());
        validity.begin_epoch(validity.for_good());
        let changes = Arc::new(Changes::default());
        let announcer = Arc::new(Alone { validity: Arc::clone(&validity), changes: Arc::clone(&changes) });
        Coherence { validity, announcer, changes }
    }
}

/// Nobody else is there to hear of a write.
#[derive(Debug)]
struct Alone {
    validity: Arc<Validity>,
    changes: Arc<Changes>,
}

#[derive(Debug)]
struct Unheard {
    validity: Arc<Validity>,
    changes: Arc<Changes>,
    scopes: Vec<ScopeKey>,
}

impl Announcer for Alone {
    fn announce(&self, scopes: &[ScopeKey]) -> Box<dyn Announced> {
        for scope in scopes {
            self.validity.hold(*scope);
        }
        let (validity, changes) = (Arc::clone(&self.validity), Arc::clone(&self.changes));
        Box::new(Unheard { validity, changes, scopes: scopes.to_vec() })
    }
}

impl Announced for Unheard {
    fn may_commit(&mut self) -> Waiting<'_> {
        let at_once: Ready<Result<(), Fenced>> = ready(Ok(()));
        Box::pin(at_once)
    }

    fn ended(self: Box<Self>, outcome: Outcome) {
        if outcome == Outcome::InDoubt {
            // It may still commit. Whoever loads one of its scopes for the first time in the new epoch waits for its row.
            self.validity.begin_epoch(self.validity.for_good());
        }
        for scope in &self.scopes {
            self.validity.release(*scope);
        }
        match outcome {
            Outcome::Committed(version) => self.changes.released(&self.scopes, Some(version)),
            Outcome::InDoubt => self.changes.anything(),
            Outcome::Aborted => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Change;

    const SCOPE: ScopeKey = ScopeKey { space: 1, kind: 3, id: 7 };
    const OTHER: ScopeKey = ScopeKey { space: 1, kind: 3, id: 8 };

    #[tokio::test]
    async fn from_its_announcement_to_its_end_nothing_of_a_write_s_scopes_is_answered_from_memory() {
        let Coherence { validity, announcer, .. } = Coherence::alone();
        for outcome in [Outcome::Committed(1), Outcome::Aborted, Outcome::InDoubt] {
            let (before, other) = (validity.token(SCOPE).unwrap(), validity.token(OTHER).unwrap());
            let mut write = announcer.announce(&[SCOPE]);
            assert_eq!(validity.token(SCOPE), None);
            write.may_commit().await.unwrap();
            assert_eq!(validity.token(SCOPE), None);
            write.ended(outcome);
            assert!(!validity.stands(SCOPE, before), "{outcome:?}");
            assert!(validity.token(SCOPE).is_some(), "{outcome:?}");
            assert_eq!(validity.stands(OTHER, other), outcome != Outcome::InDoubt, "{outcome:?}");
        }
    }
    #[tokio::test]
    async fn what_was_committed_is_heard_and_what_is_in_doubt_may_be_anything() {
        let Coherence { changes, announcer, .. } = Coherence::alone();
        let mut heard = changes.listen();
        for outcome in [Outcome::Aborted, Outcome::Committed(5), Outcome::InDoubt] {
            announcer.announce(&[SCOPE, OTHER]).ended(outcome);
        }
        drop((changes, announcer));
        let changed = |scope| Some(Change::Scope { scope, version: Some(5) });
        for expected in [changed(SCOPE), changed(OTHER), Some(Change::Anything), None] {
            assert_eq!(heard.next().await, expected);
        }
    }
}
