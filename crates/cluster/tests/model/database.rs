//! The database: scope rows with versions and locks, transactions that outlive their clients, and a replica that lags.

/// A write transaction as the database sees it, from its locks to its end.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Transaction {
    pub(super) write: u64,
    pub(super) changes: usize,
    /// A scope under shared lock, and the version that the client read of it.
    pub(super) relies: Option<(usize, i64)>,
    /// The client is gone, and its commit may be on the way.
    pub(super) orphan: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Database {
    pub(super) versions: Vec<i64>,
    pub(super) replica: Vec<i64>,
    pub(super) open: Vec<Transaction>,
}

impl Database {
    pub(super) fn new(scopes: usize) -> Database {
        Database { versions: vec![0; scopes], replica: vec![0; scopes], open: Vec::new() }
    }

    /// Whether a shared lock can be had at once.
    pub(super) fn is_free_to_share(&self, scope: usize) -> bool {
        self.open.iter().all(|open| open.changes != scope)
    }

    /// Takes all locks of a write, if it need not wait.
    pub(super) fn lock(&mut self, write: u64, changes: usize, relies: Option<(usize, i64)>) -> bool {
        let shared = |scope: usize| {
            self.open.iter().any(|open| open.relies.is_some_and(|(relied, _)| relied == scope))
        };
        let free = self.is_free_to_share(changes) && !shared(changes);
        let free = free && relies.is_none_or(|(scope, _)| self.is_free_to_share(scope));
        if free {
            self.open.push(Transaction { write, changes, relies, orphan: false });
        }
        free
    }

    pub(super) fn is_open(&self, write: u64) -> bool {
        self.open.iter().any(|open| open.write == write)
    }

    pub(super) fn commit(&mut self, write: u64) -> i64 {
        let at = self.open.iter().position(|open| open.write == write).unwrap();
        let version = &mut self.versions[self.open.remove(at).changes];
        *version += 1;
        *version
    }

    pub(super) fn roll_back(&mut self, write: u64) {
        self.open.retain(|open| open.write != write);
    }

    /// The client is gone for good or for the database. Without a commit on its way nothing can come of it.
    pub(super) fn orphan(&mut self, write: u64, commit_on_its_way: bool) {
        if !commit_on_its_way {
            self.roll_back(write);
        }
        for open in self.open.iter_mut().filter(|open| open.write == write) {
            open.orphan = true;
        }
    }
}
