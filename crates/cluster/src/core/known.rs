//! What a node knows of a scope's version, and what follows for its next load: whether the row must be locked, and
//! whether a replica will do. The cache keeps one for each scope it loaded; losing one costs a lock, never truth.

use super::names::Version;
use super::rules::{Rule, Rules};
use crate::Token;

/// The newest version that a scope is known to have, and since when.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Known {
    pub(super) epoch: u64,
    pub(super) version: Version,
}

impl Known {
    /// After a load under this token that locked the scope's row and found this version.
    #[must_use]
    pub fn by_locked_load(token: Token, version: Version) -> Known {
        Known { epoch: token.epoch(), version }
    }

    /// A write to the scope was released with this version: what [`super::Action::Free`] tells.
    #[must_use]
    pub fn released(self, version: Version) -> Known {
        Known { version: self.version.max(version), ..self }
    }

    /// Whether a load under this token needs no lock, since one was locked in the same epoch before.
    #[must_use]
    pub fn spares_lock(self, token: Token) -> bool {
        self.spares_lock_under(Rules::ALL, token)
    }

    pub(super) fn spares_lock_under(self, rules: Rules, token: Token) -> bool {
        self.epoch == token.epoch() || !rules.has(Rule::FirstLoadLocks)
    }

    /// Whether a server may answer a load under this token on which the scope's row has version `found`. Also to be
    /// asked of the master: a snapshot may be older than the token.
    #[must_use]
    pub fn is_reached_by(self, token: Token, found: Version) -> bool {
        self.is_reached_under(Rules::ALL, token, found)
    }

    pub(super) fn is_reached_under(self, rules: Rules, token: Token, found: Version) -> bool {
        self.spares_lock_under(rules, token) && (found >= self.version || !rules.has(Rule::ReplicaReached))
    }
}
