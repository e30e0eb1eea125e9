//! The file stores of this deployment, opened when first needed, and the keys this node has reserved in them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use zebu_files::{FileStore, Key};
use zebu_model::ContextId;
use zebu_store::shard::stored;
use zebu_store::{Place, Plan, Store};

use crate::app::until_settled;
use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::random;

/// Keys reserved at once: one disk sync for so many uploads.
const KEYS_A_BLOCK: usize = 32;

/// How long after its reservation a key is still given to an upload, ms. Far less than the time after which a node that
/// is not heard of is swept: one that wakes from a long sleep must not write under keys that were swept meanwhile.
const FRESH_MS: i64 = 1_800_000;

/// Open file stores and reserved keys.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    open: tokio::sync::Mutex<HashMap<String, Arc<FileStore>>>,
    reserved: tokio::sync::Mutex<HashMap<ContextId, Block>>,
    abandoned: Arc<Mutex<Vec<Abandoned>>>,
}

/// Keys reserved together, and when.
#[derive(Debug, Default)]
struct Block {
    keys: Vec<Key>,
    since: i64,
}

/// A key whose upload came to nothing, and when.
#[derive(Debug)]
struct Abandoned {
    context: ContextId,
    key: Key,
    since: i64,
}

/// A key that was taken for one upload. Dropped without [`TakenKey::keep`], it is swept: its reservation is doomed and
/// whatever was written under it removed.
#[derive(Debug)]
pub(crate) struct TakenKey {
    context: ContextId,
    key: Option<Key>,
    clock: Clock,
    abandoned: Arc<Mutex<Vec<Abandoned>>>,
}

impl TakenKey {
    pub(crate) fn key(&self) -> Result<Key> {
        self.key.ok_or_else(|| Error::Internal("a stored file was used twice".to_owned()))
    }

    /// The content has a name now: nothing to sweep.
    pub(crate) fn keep(mut self) {
        self.key = None;
    }
}

impl Drop for TakenKey {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).push(Abandoned {
                context: self.context,
                key,
                since: self.clock.now_ms(),
            });
        }
    }
}

impl Storage {
    /// The file store of a context.
    pub(crate) async fn filestore(&self, place: &Place) -> Result<Arc<FileStore>> {
        let mut open = self.open.lock().await;
        if let Some(store) = open.get(&place.filestore) {
            return Ok(Arc::clone(store));
        }
        let store = FileStore::open(&zebu_files::Config::new(place.filestore.as_str())).await?;
        let store = Arc::new(store);
        open.insert(place.filestore.clone(), Arc::clone(&store));
        Ok(store)
    }

    /// A reserved key for one upload.
    pub(crate) async fn take_key(
        &self,
        store: &Store,
        place: &Place,
        writer: &str,
        clock: &Clock,
    ) -> Result<TakenKey> {
        let (context, now_ms) = (place.context, clock.now_ms());
        let taken = |key| TakenKey {
            context,
            key: Some(key),
            clock: clock.clone(),
            abandoned: Arc::clone(&self.abandoned),
        };
        let mut reserved = self.reserved.lock().await;
        let block = reserved.entry(context).or_default();
        if now_ms.saturating_sub(block.since) > FRESH_MS {
            // Dropped as they come: the sweeper clears them away.
            block.keys.drain(..).map(taken).for_each(drop);
        }
        if let Some(key) = block.keys.pop() {
            return Ok(taken(key));
        }
        let mut keys = Vec::with_capacity(KEYS_A_BLOCK);
        for _ in 0..KEYS_A_BLOCK {
            keys.push(Key::new(context.0, random::bytes()?));
        }
        let names: Vec<String> = keys.iter().map(Key::to_string).collect();
        until_settled!(reserve(store, place, &names, writer, now_ms).await)?;
        let first = keys.pop().ok_or_else(|| Error::Internal("no key was made".to_owned()))?;
        *block = Block { keys, since: now_ms };
        Ok(taken(first))
    }

    /// Takes back what [`Storage::take_abandoned`] handed out and could not be swept.
    pub(crate) fn give_back_abandoned(&self, context: ContextId, keys: Vec<Key>, since: i64) {
        let keys = keys.into_iter().map(|key| Abandoned { context, key, since });
        self.abandoned.lock().unwrap_or_else(PoisonError::into_inner).extend(keys);
    }

    /// Hands out the keys whose uploads came to nothing before `before`.
    pub(crate) fn take_abandoned(&self, before: i64) -> Vec<(ContextId, Key)> {
        let mut abandoned = self.abandoned.lock().unwrap_or_else(PoisonError::into_inner);
        abandoned.extract_if(.., |a| a.since <= before).map(|a| (a.context, a.key)).collect()
    }
}

async fn reserve(store: &Store, place: &Place, names: &[String], writer: &str, now_ms: i64) -> Result<()> {
    let mut tx = store.write(place, Plan::default(), now_ms).await?;
    stored::reserve(&mut tx, names, writer, now_ms).await?;
    Ok(tx.commit().await?)
}
