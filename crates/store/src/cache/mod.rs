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

use quick_cache::sync::{Cache as Map, EntryAction, EntryResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Lifecycle, Weighter};
use zebu_cluster::{ScopeKey, Token, Validity};
use zebu_model::{ContextId, Scope, Version};

use crate::value::{Row, Value};
use places::Places;

pub(crate) use keys::Key;
pub(crate) use places::{LOOK_MAX, PLACES, Used};
pub(crate) use recall::{Opening, Recall};

/// Memory of a kept result beside its values: the entry, its tags, its places in the tables.
const ENTRY_BYTES: u64 = 256;
/// Of the cache's bytes, one in this many is for what is known of scopes' versions.
const VERSIONS_SHARE: u64 = 16;
/// And one in this many for places and sessions.
const PLACES_SHARE: u64 = 4;
/// Memory of a known version.
const VERSION_BYTES: u64 = 96;

/// The rows a statement found, and the scopes they are of.
#[derive(Debug)]
pub(crate) struct Kept {
    tags: Vec<(ScopeKey, Token)>,
    rows: Arc<Vec<Vec<Value>>>,
    bytes: u64,
}

impl Kept {
    fn new(tags: Vec<(ScopeKey, Token)>, rows: Vec<Row>, key: &Key) -> Kept {
        let rows: Vec<Vec<Value>> = rows.into_iter().map(Row::into_values).collect();
        let values: u64 = rows.iter().flatten().map(Value::bytes).sum();
        Kept {
            bytes: ENTRY_BYTES.saturating_add(values).saturating_add(key.bytes()),
            tags,
            rows: Arc::new(rows),
        }
    }

    fn rows(&self, table: &'static str) -> Vec<Row> {
        Row::kept(table, &self.rows)
    }
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<Key, Arc<Kept>> for ByBytes {
    fn weight(&self, _: &Key, kept: &Arc<Kept>) -> u64 {
        kept.bytes
    }
}

/// What leaves the cache is let go outside its locks.
#[derive(Clone, Debug)]
struct Quiet;

impl Lifecycle<Key, Arc<Kept>> for Quiet {
    type RequestState = Vec<Arc<Kept>>;

    fn on_evict(&self, gone: &mut Self::RequestState, _: Key, kept: Arc<Kept>) {
        gone.push(kept);
    }
}

type Results = Map<Key, Arc<Kept>, ByBytes, DefaultHashBuilder, Quiet>;
type Vacancy<'a> = PlaceholderGuard<'a, Key, Arc<Kept>, ByBytes, DefaultHashBuilder, Quiet>;

/// What a look into the memory found.
enum Looked<'a> {
    Found(Arc<Kept>),
    /// Nothing that is still true. Whoever else looks for it waits until this is filled or let go.
    Vacant(Vacancy<'a>),
}

/// The memory of one process.
#[derive(Debug)]
pub(crate) struct Cache {
    validity: Arc<Validity>,
    results: Results,
    /// A scope's version for as long as the token stands. A token of the present epoch, standing or not, says that the scope's row
    /// was waited for in it.
    versions: Map<ScopeKey, (Token, Version)>,
    /// Of SQLite: the epoch in which a schema's writer was last waited for.
    quiet: Mutex<HashMap<i64, HashMap<String, u64>>>,
    pub(crate) places: Places,
    counters: [Counter; KINDS.len()],
}

/// Kinds of scopes, in the order of the numbers that [`Scope::key`] gives them from 1.
const KINDS: [&str; 4] = ["principals", "tree", "folder", "sessions"];

#[derive(Debug, Default)]
struct Counter {
    hits: AtomicU64,
    misses: AtomicU64,
}

/// How often statements of one kind of scope were answered from memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// The kind of scope: `principals`, `tree`, `folder`, `sessions`.
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

pub(crate) fn scope_key(context: ContextId, scope: Scope) -> ScopeKey {
    let (kind, id) = scope.key();
    ScopeKey { space: context.0.into(), kind, id }
}

impl Cache {
    pub(crate) fn new(validity: Arc<Validity>, bytes_max: u64) -> Cache {
        let for_versions = bytes_max / VERSIONS_SHARE;
        let for_places = bytes_max / PLACES_SHARE;
        let for_results = bytes_max - for_versions - for_places;
        let entries = usize::try_from(for_results / (4 * ENTRY_BYTES)).unwrap_or(usize::MAX);
        let versions = usize::try_from(for_versions / VERSION_BYTES).unwrap_or(usize::MAX);
        Cache {
            places: Places::new(Arc::clone(&validity), for_places),
            validity,
            results: Map::with(entries, for_results, ByBytes, DefaultHashBuilder::default(), Quiet),
            versions: Map::new(versions),
            quiet: Mutex::default(),
            counters: Default::default(),
        }
    }

    fn token(&self, scope: ScopeKey) -> Option<Token> {
        self.validity.token(scope)
    }

    fn stands(&self, tags: &[(ScopeKey, Token)]) -> bool {
        tags.iter().all(|(scope, token)| self.validity.stands(*scope, *token))
    }

    /// What is kept of a statement, if it is still true. Waits for nobody.
    fn get(&self, key: &Key) -> Option<Arc<Kept>> {
        self.results.get(key).filter(|kept| self.stands(&kept.tags))
    }

    /// The same, or the right and the duty to fill it; waits for whoever has that.
    async fn get_or_fill(&self, key: &Key) -> Looked<'_> {
        let judge = |_: &Key, kept: &mut Arc<Kept>| {
            if self.stands(&kept.tags) {
                EntryAction::Retain(Arc::clone(kept))
            } else {
                EntryAction::ReplaceWithGuard
            }
        };
        loop {
            match self.results.entry_async(key, judge).await {
                EntryResult::Retained(kept) => return Looked::Found(kept),
                EntryResult::Vacant(vacancy) | EntryResult::Replaced(vacancy, _) => {
                    return Looked::Vacant(vacancy);
                }
                EntryResult::Removed(..) | EntryResult::Timeout => {}
            }
        }
    }

    /// A scope's version, if it is known and nobody has written it since.
    fn version(&self, scope: ScopeKey, token: Token) -> Option<Version> {
        self.versions.get(&scope).filter(|(known, _)| *known == token).map(|(_, version)| version)
    }

    fn learn(&self, scope: ScopeKey, token: Token, version: Version) {
        self.versions.insert(scope, (token, version));
    }

    /// Whether in the present epoch nobody has waited for this scope's row yet: a commit of a member who is gone may still be on
    /// its way.
    fn is_unseen(&self, scope: ScopeKey, token: Token) -> bool {
        self.versions.get(&scope).is_none_or(|(seen, _)| seen.epoch() != token.epoch())
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
        CacheState {
            hits: hits.collect(),
            entries: u64::try_from(self.results.len()).unwrap_or(u64::MAX),
            bytes: self.results.weight(),
            bytes_max: self.results.capacity(),
        }
    }
}
