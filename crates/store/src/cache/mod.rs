//! What a node remembers of what it read: the rows that statements found, each with the scopes they are of.
//!
//! It lies below the store's functions, so nobody who reads has to think of it: a function says which scopes it reads
//! ([`Tx::need`](crate::Tx)), and a statement that was answered before is answered from memory for as long as no write to
//! those scopes has been announced. Nothing is ever removed because it is old: a [`Token`] that does not stand any more makes it
//! worthless, and what is worthless is overwritten or leaves in its turn.

mod keys;
mod places;
mod recall;

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use zebu_cluster::cache::{Cache as Memory, Room};
use zebu_cluster::{ScopeKey, Validity};
use zebu_model::{ContextId, Scope};

use crate::value::Value;
use places::Places;

pub(crate) use keys::Key;
pub(crate) use places::{PLACES, Used};
pub(crate) use recall::{Opening, Recall};
pub(crate) use zebu_cluster::cache::LOOK_MAX;

/// Of the cache's bytes, one in this many is for what is known of scopes' versions.
const VERSIONS_SHARE: u64 = 16;
/// And one in this many for places and sessions.
const PLACES_SHARE: u64 = 4;

/// The rows a statement found, as they are kept.
type Rows = Arc<Vec<Vec<Value>>>;

/// The memory of one process.
#[derive(Debug)]
pub(crate) struct Cache {
    memory: Arc<Memory<Key, Rows>>,
    /// Of SQLite: the epoch in which a schema's writer was last waited for.
    quiet: Mutex<HashMap<i64, HashMap<String, u64>>>,
    pub(crate) places: Places,
    counters: [Counter; KINDS.len()],
}

/// Kinds of scopes, in the order of the numbers that [`Scope::key`] gives them from 1.
const KINDS: [&str; 5] = ["principals", "tree", "folder", "sessions", "history"];

#[derive(Debug, Default)]
struct Counter {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often statements of one kind of scope were answered from memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The kind of scope: `principals`, `tree`, `folder`, `sessions`, `history`.
    pub kind: &'static str,
    /// Answered from memory.
    pub hits: u64,
    /// Asked of a database, though they might have been in memory.
    pub misses: u64,
}

/// What the cache does and takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CacheState {
    /// By kind of scope.
    pub hits: Vec<Hits>,
    /// Results that are kept, true or not any more.
    pub entries: u64,
    /// What they take, bytes.
    pub bytes: u64,
    /// What they may take, bytes.
    pub bytes_max: u64,
}

/// The name of a context's scope in the cluster.
#[must_use]
pub fn scope_key(context: ContextId, scope: Scope) -> ScopeKey {
    let (kind, id) = scope.key();
    ScopeKey { space: context.0.into(), kind, id }
}

/// Whether a key is of a context's scope; else it stands for what says where contexts live.
#[must_use]
pub fn is_of_a_context(key: ScopeKey) -> bool {
    key != PLACES
}

impl Cache {
    pub(crate) fn new(validity: Arc<Validity>, bytes_max: u64) -> Cache {
        let (versions, places) = (bytes_max / VERSIONS_SHARE, bytes_max / PLACES_SHARE);
        let room = Room { answers: bytes_max - versions - places, versions, parts: None };
        Cache {
            places: Places::new(Arc::clone(&validity), places),
            memory: Arc::new(Memory::new(validity, room)),
            quiet: Mutex::default(),
            counters: Default::default(),
        }
    }

    fn is_quiet(&self, database: i64, schema: &str, epoch: u64) -> bool {
        let quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.get(&database).and_then(|schemas| schemas.get(schema)) == Some(&epoch)
    }

    fn set_quiet(&self, database: i64, schema: &str, epoch: u64) {
        let mut quiet = self.quiet.lock().unwrap_or_else(PoisonError::into_inner);
        quiet.entry(database).or_default().insert(schema.to_owned(), epoch);
    }

    fn count(&self, scopes: &[Scope], hit: bool) {
        let place = |scope: &Scope| usize::try_from(scope.key().0).ok()?.checked_sub(1);
        let Some(counter) = scopes.first().and_then(place).and_then(|kind| self.counters.get(kind)) else {
            return;
        };
        let counter = if hit { &counter.hits } else { &counter.misses };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn state(&self) -> CacheState {
        let hits = KINDS.into_iter().zip(&self.counters).map(|(kind, counter)| Hits {
            kind,
            hits: counter.hits.load(Ordering::Relaxed),
            misses: counter.misses.load(Ordering::Relaxed),
        });
        let taken = self.memory.taken();
        CacheState {
            hits: hits.collect(),
            entries: taken.entries,
            bytes: taken.bytes,
            bytes_max: taken.bytes_max,
        }
    }
}
