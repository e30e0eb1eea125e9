//! The memory of a node: answers, each with the scopes that it depends on, and the versions of scopes.
//!
//! It knows neither questions nor answers; [`Databases`] stands for what is behind it. Nothing is ever removed because it is
//! old: a [`Token`] that does not stand any more makes it worthless, and what is worthless is overwritten or leaves in its turn.

mod databases;
mod recall;
#[cfg(test)]
mod tests;

use std::fmt;
use std::hash::{BuildHasher, Hash};
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::{Cache as Map, DefaultLifecycle, EntryAction, EntryResult, PlaceholderGuard};
use quick_cache::{DefaultHashBuilder, Lifecycle, OptionsBuilder, UnitWeighter, Weighter};
use tokio::time::Instant;

use crate::core::Version;
use crate::{ScopeKey, Token, Validity};

pub use databases::{Databases, Named, Worth};
pub use recall::{LOOK_MAX, Recall};

/// Memory of a kept answer beside the answer itself: the entry, its tags, its places in the tables.
const ENTRY_BYTES: u64 = 256;
/// Memory of a known version.
const VERSION_BYTES: u64 = 112;
/// Scopes of which it is known that their row was waited for in vain.
const IN_VAIN_MAX: u64 = 1024;
/// After a row was waited for in vain, nobody waits for it again before this: whoever asks meanwhile is answered at once.
const AGAIN: Duration = Duration::from_secs(1);

/// How much may be remembered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Bytes for answers.
    pub answers: u64,
    /// Bytes for versions of scopes.
    pub versions: u64,
    /// Parts, each with a lock of its own; none: as many as suit this machine. What leaves first depends on it.
    pub parts: Option<usize>,
}

/// An answer, and the scopes it depends on.
struct Entry<V> {
    tags: Vec<(ScopeKey, Token)>,
    kept: V,
    bytes: u64,
}

#[derive(Clone)]
struct ByBytes;

impl<Q, V> Weighter<Q, Arc<Entry<V>>> for ByBytes {
    fn weight(&self, _: &Q, entry: &Arc<Entry<V>>) -> u64 {
        entry.bytes
    }
}

/// What leaves the memory is let go outside its locks.
#[derive(Clone)]
struct Quiet;

impl<Q, V> Lifecycle<Q, Arc<Entry<V>>> for Quiet {
    type RequestState = Vec<Arc<Entry<V>>>;

    fn on_evict(&self, gone: &mut Self::RequestState, _: Q, entry: Arc<Entry<V>>) {
        gone.push(entry);
    }
}

type Vacancy<'a, Q, V, H> = PlaceholderGuard<'a, Q, Arc<Entry<V>>, ByBytes, H, Quiet>;

/// What a look into the memory found.
enum Looked<'a, Q, V, H> {
    Found(Arc<Entry<V>>),
    /// Nothing that is still true. Whoever else looks for it waits until this is filled or let go.
    Vacant(Vacancy<'a, Q, V, H>),
}

/// The memory of one process: answers kept as `V` to questions `Q`.
pub struct Cache<Q, V, H = DefaultHashBuilder> {
    validity: Arc<Validity>,
    answers: Map<Q, Arc<Entry<V>>, ByBytes, H, Quiet>,
    /// A scope's version for as long as the token stands, and when it was learned. A token of the present epoch, standing or not, says that the scope's row
    /// was waited for in it.
    versions: Map<ScopeKey, (Token, Version, Instant), UnitWeighter, H>,
    /// Scopes whose row was waited for in vain, in which epoch and when.
    in_vain: Map<ScopeKey, (u64, Instant), UnitWeighter, H>,
}

impl<Q, V, H> fmt::Debug for Cache<Q, V, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cache").finish_non_exhaustive()
    }
}

/// What a memory takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Answers that are kept, true or not any more.
    pub entries: u64,
    /// What they take, bytes.
    pub bytes: u64,
    /// What they may take, bytes.
    pub bytes_max: u64,
}

impl<Q: Clone + Eq + Hash, V, H: BuildHasher + Clone + Default> Cache<Q, V, H> {
    /// An empty memory that goes by this.
    #[must_use]
    pub fn new(validity: Arc<Validity>, room: Room) -> Cache<Q, V, H> {
        let (answers, versions) = (room.answers / (4 * ENTRY_BYTES), room.versions / VERSION_BYTES);
        Cache {
            validity,
            answers: map(answers, room.answers, room.parts, ByBytes, Quiet),
            versions: map(versions, versions, room.parts, UnitWeighter, DefaultLifecycle::default()),
            in_vain: map(IN_VAIN_MAX, IN_VAIN_MAX, room.parts, UnitWeighter, DefaultLifecycle::default()),
        }
    }

    fn stands(&self, tags: &[(ScopeKey, Token)]) -> bool {
        tags.iter().all(|(scope, token)| self.validity.stands(*scope, *token))
    }

    /// What is kept, if it is still true. Waits for nobody.
    fn get(&self, question: &Q) -> Option<Arc<Entry<V>>> {
        self.answers.get(question).filter(|entry| self.stands(&entry.tags))
    }

    /// The same, or the right and the duty to fill it; waits for whoever has that.
    async fn get_or_fill(&self, question: &Q) -> Looked<'_, Q, V, H> {
        let judge = |_: &Q, entry: &mut Arc<Entry<V>>| {
            if self.stands(&entry.tags) {
                EntryAction::Retain(Arc::clone(entry))
            } else {
                EntryAction::ReplaceWithGuard
            }
        };
        loop {
            match self.answers.entry_async(question, judge).await {
                EntryResult::Retained(entry) => return Looked::Found(entry),
                EntryResult::Vacant(vacancy) | EntryResult::Replaced(vacancy, _) => {
                    return Looked::Vacant(vacancy);
                }
                EntryResult::Removed(..) | EntryResult::Timeout => {}
            }
        }
    }

    /// A scope's version, if it is known and nobody has written it since, and by when the master showed it.
    fn version(&self, scope: ScopeKey, token: Token) -> Option<(Version, Instant)> {
        self.versions.get(&scope).filter(|(known, ..)| *known == token).map(|(_, version, at)| (version, at))
    }

    /// The master has shown this version.
    fn learn(&self, scope: ScopeKey, token: Token, version: Version) {
        self.versions.insert(scope, (token, version, self.validity.clock().now()));
    }

    /// Whether in the present epoch nobody has waited for this scope's row yet: a commit of a member who is gone may still be on
    /// its way.
    fn is_unseen(&self, scope: ScopeKey, token: Token) -> bool {
        self.versions.get(&scope).is_none_or(|(seen, ..)| seen.epoch() != token.epoch())
    }

    /// Whether this scope's row is waited for by nobody at the moment, since that was in vain: what is loaded is not kept.
    fn is_given_up(&self, scope: ScopeKey, token: Token) -> bool {
        let lately = |at: Instant| self.validity.clock().now().saturating_duration_since(at) < AGAIN;
        self.in_vain.get(&scope).is_some_and(|(epoch, at)| epoch == token.epoch() && lately(at))
    }

    fn give_up(&self, scope: ScopeKey, token: Token) {
        self.in_vain.insert(scope, (token.epoch(), self.validity.clock().now()));
    }

    /// What it takes.
    #[must_use]
    pub fn taken(&self) -> Taken {
        Taken {
            entries: u64::try_from(self.answers.len()).unwrap_or(u64::MAX),
            bytes: self.answers.weight(),
            bytes_max: self.answers.capacity(),
        }
    }
}

fn map<Q, V, W, H, L>(
    entries: u64,
    weight: u64,
    parts: Option<usize>,
    weighter: W,
    life: L,
) -> Map<Q, V, W, H, L>
where
    Q: Eq + Hash,
    V: Clone,
    W: Weighter<Q, V> + Clone,
    H: BuildHasher + Clone + Default,
    L: Lifecycle<Q, V> + Clone,
{
    let entries = usize::try_from(entries).unwrap_or(usize::MAX);
    let mut options = OptionsBuilder::new();
    options.estimated_items_capacity(entries).weight_capacity(weight);
    parts.map(|parts| options.shards(parts));
    match options.build() {
        Ok(options) => Map::with_options(options, weighter, H::default(), life),
        // Only without the two numbers above.
        Err(_) => Map::with(entries, weight, weighter, H::default(), life),
    }
}
