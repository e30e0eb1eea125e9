//! Scopes and versions: the one number that is write lock, cache tag, replica check and sync token.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What can be cached, locked and synchronised as one thing. Everything a node may ever cache belongs to
/// exactly one scope. Ordered: a transaction locks scopes in this order, so two cannot wait for each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// The context's users and groups.
    Principals,
    /// The context's folder tree with its rights.
    Tree,
    /// One folder's content.
    Folder(crate::FolderId),
    /// One user's sessions.
    Sessions(crate::UserId),
    /// The line of the context's versions: written when the context is made, and anew when its database was restored from a
    /// backup. What a client was told under an earlier version of it says nothing.
    History,
}

impl Scope {
    /// The pair a scope is stored as: a kind, and the id within that kind (0 where there is only one).
    #[must_use]
    pub fn key(self) -> (i64, i64) {
        match self {
            Scope::Principals => (1, 0),
            Scope::Tree => (2, 0),
            Scope::Folder(id) => (3, id.into()),
            Scope::Sessions(id) => (4, id.into()),
            Scope::History => (5, 0),
        }
    }

    /// The scope that is stored as this pair, if there is one.
    #[must_use]
    pub fn of_key(kind: i64, id: i64) -> Option<Scope> {
        let number = || u32::try_from(id).ok();
        let scope = match kind {
            1 => Scope::Principals,
            2 => Scope::Tree,
            3 => Scope::Folder(crate::FolderId(number()?)),
            4 => Scope::Sessions(crate::UserId(number()?)),
            5 => Scope::History,
            _ => return None,
        };
        (scope.key() == (kind, id)).then_some(scope)
    }
}

/// A scope's version: grows with every write to the scope and never goes back.
///
/// It is also a time: the later of "one more than before" and the writer's clock in milliseconds since the
/// epoch. So it serves as the `timestamp` and `last_modified` of the HTTP API, and two writes within one
/// millisecond, or a clock set back, still give two different stamps in the right order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Version(pub i64);

impl Version {
    /// Before every write: what a client that knows nothing holds.
    pub const NONE: Version = Version(0);

    /// The version after `self` for a write at `now_ms`.
    #[must_use]
    pub fn next(self, now_ms: i64) -> Version {
        Version(now_ms.max(self.0.saturating_add(1)))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_grows_though_the_clock_stands_or_goes_back() {
        let first = Version::NONE.next(1_000);
        assert_eq!(first, Version(1_000));
        assert_eq!(first.next(1_000), Version(1_001));
        assert_eq!(first.next(3), Version(1_001));
        assert_eq!(first.next(5_000), Version(5_000));
    }

    #[test]
    fn no_two_scopes_share_a_key() {
        let scopes = [
            Scope::Principals,
            Scope::Tree,
            Scope::Folder(crate::FolderId(7)),
            Scope::Folder(crate::FolderId(8)),
            Scope::Sessions(crate::UserId(7)),
            Scope::History,
        ];
        let keys: std::collections::BTreeSet<_> = scopes.iter().map(|s| s.key()).collect();
        assert_eq!(keys.len(), scopes.len());
        assert!(scopes.is_sorted());
        for scope in scopes {
            let (kind, id) = scope.key();
            assert_eq!(Scope::of_key(kind, id), Some(scope));
        }
        for (kind, id) in [(0, 0), (1, 1), (3, -1), (3, 1 << 32), (6, 0)] {
            assert_eq!(Scope::of_key(kind, id), None);
        }
    }
}
