//! What was changed, on whatever node: a stream for who wants to hear of it when it is over, such as clients that wait for news.
//!
//! Told by whoever drives the protocol, within its step; nothing here ever waits, and while nobody listens nothing is kept.
//! Hearing of a change is no substitute for looking: what readers may believe is in [`crate::Validity`].

use std::sync::OnceLock;

use tokio::sync::broadcast::error::RecvError;
use tokio::sync::broadcast::{self, Receiver, Sender};

use crate::ScopeKey;

/// Changes that one who listens may have before it; who is further behind is told [`Change::Anything`] instead. Some 64 KiB,
/// shared by all who listen.
const BEHIND_MAX: usize = 1024;

/// What may have changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// A write to this scope is over and released. A write of several scopes is told scope by scope.
    Scope {
        /// The scope.
        scope: ScopeKey,
        /// Its version since; none if it is not known whether the write changed anything, so whoever wants to know must look.
        version: Option<i64>,
    },
    /// Writes may have been missed: an epoch began or ended, or whoever listens was too slow. Look at everything.
    Anything,
}

/// Where changes are told. Whoever writes or drives the protocol tells; anybody may listen. While an epoch lasts, every write on
/// whatever node is told when it is released; between two, those that reach this node. A node that does not cache hears of
/// its own writes alone.
#[derive(Debug, Default)]
pub struct Changes(OnceLock<Sender<Change>>);

/// One who listens.
#[derive(Debug)]
pub struct Listener(Receiver<Change>);

impl Changes {
    /// Begins to listen: what is told from here on is heard.
    #[must_use]
    pub fn listen(&self) -> Listener {
        Listener(self.0.get_or_init(|| broadcast::channel(BEHIND_MAX).0).subscribe())
    }

    pub(crate) fn released(&self, scopes: &[ScopeKey], version: Option<i64>) {
        for scope in scopes {
            self.tell(Change::Scope { scope: *scope, version });
        }
    }

    pub(crate) fn anything(&self) {
        self.tell(Change::Anything);
    }

    fn tell(&self, change: Change) {
        if let Some(listeners) = self.0.get() {
            // Without a listener it is kept nowhere.
            let _ = listeners.send(change);
        }
    }
}

impl Listener {
    /// The next change; none once nobody is left who could tell of one.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(RecvError::Lagged(_)) => Some(Change::Anything),
            Err(RecvError::Closed) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scope(id: i64) -> ScopeKey {
        ScopeKey { space: 1, kind: 3, id }
    }

    fn change(id: i64, version: i64) -> Change {
        Change::Scope { scope: scope(id), version: Some(version) }
    }

    #[tokio::test]
    async fn each_listener_hears_each_change_from_when_it_began_to_listen() {
        let changes = Changes::default();
        changes.released(&[scope(1)], Some(1));
        let mut first = changes.listen();
        changes.released(&[scope(1), scope(2)], Some(2));
        let mut second = changes.listen();
        changes.released(&[scope(3)], None);
        drop(changes);
        let unknown = Change::Scope { scope: scope(3), version: None };
        for expected in [Some(change(1, 2)), Some(change(2, 2)), Some(unknown), None] {
            assert_eq!(first.next().await, expected);
        }
        assert_eq!((second.next().await, second.next().await), (Some(unknown), None));
    }

    #[test]
    fn while_nobody_listens_nothing_is_kept() {
        let changes = Changes::default();
        changes.released(&[scope(1)], Some(1));
        assert!(changes.0.get().is_none());
        drop(changes.listen());
        changes.released(&[scope(1)], Some(1));
        assert!(changes.0.get().unwrap().is_empty());
    }

    #[tokio::test]
    async fn who_is_too_slow_hears_that_anything_may_have_changed_and_then_what_is_still_kept() {
        let changes = Changes::default();
        let mut slow = changes.listen();
        let told = i64::try_from(BEHIND_MAX).unwrap() + 10;
        for version in 1..=told {
            changes.released(&[scope(7)], Some(version));
        }
        assert_eq!(slow.next().await, Some(Change::Anything));
        let mut last = None;
        drop(changes);
        while let Some(heard) = slow.next().await {
            last = Some(heard);
        }
        assert_eq!(last, Some(change(7, told)));
    }
}
