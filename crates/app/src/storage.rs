//! The file stores of this deployment, opened when first needed, and the keys this node has reserved in them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;
use zebu_files::{FileStore, Key};
use zebu_model::ContextId;
use zebu_store::configdb::filestores;
use zebu_store::shard::stored;
use zebu_store::{Place, Plan, Store};

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::random;
use crate::settle::until_settled;

/// Keys reserved at once: one disk sync for so many uploads.
const KEYS_A_BLOCK: usize = 32;

/// How long after its reservation a key is still given to an upload, ms. Far less than the time after which a node that
/// is not heard of is swept: one that wakes from a long sleep must not write under keys that were swept meanwhile.
const FRESH_MS: i64 = 1_800_000;

/// Open file stores and reserved keys. Whoever waits for a file store or a database here keeps only those waiting who need
/// the same one: no tenant is slowed down by another's.
#[derive(Debug, Default)]
pub(crate) struct Storage {
    open: Mutex<HashMap<String, Arc<OnceCell<Arc<FileStore>>>>>,
    reserved: Mutex<HashMap<ContextId, Arc<tokio::sync::Mutex<Block>>>>,
    abandoned: Arc<Mutex<Vec<Abandoned>>>,
}

/// Keys reserved together, when, and for what: which context of its id.
#[derive(Debug, Default)]
struct Block {
    keys: Vec<Key>,
    since: i64,
    born: i64,
    at: Option<Shelf>,
}

/// A file store that is open, and its id.
#[derive(Clone, Debug)]
pub(crate) struct Shelf {
    pub(crate) id: i64,
    pub(crate) store: Arc<FileStore>,
}

/// A key whose upload came to nothing, when, and where its content may lie.
#[derive(Debug)]
pub(crate) struct Abandoned {
    pub(crate) context: ContextId,
    pub(crate) key: Key,
    pub(crate) at: Shelf,
    since: i64,
}

/// A key that was taken for one upload. Dropped without [`TakenKey::keep`], it is swept: its reservation is doomed and
/// whatever was written under it removed.
#[derive(Debug)]
pub(crate) struct TakenKey {
    context: ContextId,
    key: Option<Key>,
    at: Shelf,
    clock: Clock,
    abandoned: Arc<Mutex<Vec<Abandoned>>>,
}

/// What is held only for a moment and never left half-made.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TakenKey {
    pub(crate) fn key(&self) -> Result<Key> {
        self.key.ok_or_else(|| Error::Internal("a stored file was used twice".to_owned()))
    }

    /// Where its content is to be written: the file store that the ledger names.
    pub(crate) fn at(&self) -> &Shelf {
        &self.at
    }

    /// The content has a name now: nothing to sweep.
    pub(crate) fn keep(mut self) {
        self.key = None;
    }
}

impl Drop for TakenKey {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            locked(&self.abandoned).push(Abandoned {
                context: self.context,
                key,
                at: self.at.clone(),
                since: self.clock.now_ms(),
            });
        }
    }
}

impl Storage {
    /// The file store of a context: where its new contents go.
    pub(crate) async fn filestore(&self, place: &Place) -> Result<Shelf> {
        Ok(Shelf { id: place.filestore_id, store: self.at(&place.filestore).await? })
    }

    /// The one where some of its contents may still lie, while they move.
    pub(crate) async fn filestore_from(&self, place: &Place) -> Result<Option<Shelf>> {
        match &place.filestore_from {
            Some((id, url)) => Ok(Some(Shelf { id: *id, store: self.at(url).await? })),
            None => Ok(None),
        }
    }

    /// Both, in the order in which a content is looked for.
    pub(crate) async fn filestores(&self, place: &Place) -> Result<Vec<Shelf>> {
        let mut all = vec![self.filestore(place).await?];
        all.extend(self.filestore_from(place).await?);
        Ok(all)
    }

    /// A registered file store, if there is one of this id.
    pub(crate) async fn by_id(&self, store: &Store, id: i64) -> Result<Option<Shelf>> {
        let found = {
            let mut tx = store.config().await?;
            filestores::by_id(&mut tx, id).await?
        };
        match found {
            Some(found) => Ok(Some(Shelf { id, store: self.at(&found.url).await? })),
            None => Ok(None),
        }
    }

    async fn at(&self, url: &str) -> Result<Arc<FileStore>> {
        let cell = Arc::clone(locked(&self.open).entry(url.to_owned()).or_default());
        let config = zebu_files::Config::new(url);
        let store = cell.get_or_try_init(async || FileStore::open(&config).await.map(Arc::new)).await?;
        Ok(Arc::clone(store))
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
        let block = Arc::clone(locked(&self.reserved).entry(context).or_default());
        let mut block = block.lock().await;
        if !block.is_of(place) || now_ms.saturating_sub(block.since) > FRESH_MS {
            self.drain(&mut block, context);
        }
        if let (Some(at), Some(key)) = (block.at.clone(), block.keys.pop()) {
            return Ok(self.taken(context, key, at, clock));
        }
        let mut keys = Vec::with_capacity(KEYS_A_BLOCK);
        for _ in 0..KEYS_A_BLOCK {
            keys.push(Key::new(context.0, random::bytes()?));
        }
        let names: Vec<String> = keys.iter().map(Key::to_string).collect();
        let id = until_settled!(reserve(store, place, &names, writer, now_ms).await)?;
        // Where the context's home says, which knows better than a place that was found a while ago.
        let at = if id == place.filestore_id {
            self.filestore(place).await?
        } else {
            let found = self.by_id(store, id).await?;
            found.ok_or_else(|| Error::Internal(format!("file store {id} is not registered")))?
        };
        let first = keys.pop().ok_or_else(|| Error::Internal("no key was made".to_owned()))?;
        *block = Block { keys, since: now_ms, born: place.born, at: Some(at.clone()) };
        Ok(self.taken(context, first, at, clock))
    }

    fn taken(&self, context: ContextId, key: Key, at: Shelf, clock: &Clock) -> TakenKey {
        let abandoned = Arc::clone(&self.abandoned);
        TakenKey { context, key: Some(key), at, clock: clock.clone(), abandoned }
    }

    /// Gives the keys of a block up: the sweeper clears them away, and need not wait, as nothing was begun under them.
    fn drain(&self, block: &mut Block, context: ContextId) {
        if let Some(at) = block.at.take() {
            let given_up =
                block.keys.drain(..).map(|key| Abandoned { context, key, at: at.clone(), since: 0 });
            locked(&self.abandoned).extend(given_up);
        }
    }

    /// The contexts that keys may be reserved for here.
    pub(crate) fn contexts(&self) -> Vec<ContextId> {
        locked(&self.reserved).keys().copied().collect()
    }

    /// Gives up the keys that were reserved for a context that is not any more, or for a file store that it has left: a
    /// move waits for them. `contexts`: all that keys were reserved for, `places`: of those that are still there. A block that
    /// is in use at this moment is looked at by who uses it.
    pub(crate) fn retire(&self, contexts: &[ContextId], places: &[Place]) {
        let places: HashMap<ContextId, &Place> = places.iter().map(|place| (place.context, place)).collect();
        for context in contexts {
            let block = locked(&self.reserved).get(context).map(Arc::clone);
            let Some(block) = block else { continue };
            let Ok(mut block) = block.try_lock() else { continue };
            if !places.get(context).is_some_and(|place| block.is_of(place)) {
                self.drain(&mut block, *context);
            }
        }
    }

    /// Takes back what [`Storage::take_abandoned`] handed out and could not be swept.
    pub(crate) fn give_back_abandoned(&self, abandoned: Vec<Abandoned>) {
        locked(&self.abandoned).extend(abandoned);
    }

    /// Hands out the keys whose uploads came to nothing before `before`.
    pub(crate) fn take_abandoned(&self, before: i64) -> Vec<Abandoned> {
        locked(&self.abandoned).extract_if(.., |a| a.since <= before).collect()
    }
}

impl Block {
    /// Whether its keys are for this context, and for where its contents go now.
    fn is_of(&self, place: &Place) -> bool {
        self.born == place.born && self.at.as_ref().is_some_and(|at| at.id == place.filestore_id)
    }
}

async fn reserve(store: &Store, place: &Place, names: &[String], writer: &str, now_ms: i64) -> Result<i64> {
    let mut tx = store.write(place, Plan::default(), now_ms).await?;
    let filestore = stored::reserve(&mut tx, names, writer, now_ms).await?;
    tx.commit().await?;
    Ok(filestore)
}

#[cfg(test)]
mod tests {
    use zebu_store::configdb::contexts;

    use crate::operator::contexts::{NewContext, create};
    use crate::operator::databases::NewDatabase;
    use crate::operator::filestores::NewFilestore;
    use crate::operator::users::NewUser;
    use crate::operator::{self, Foundation, Named, Settings};
    use crate::{App, Config, JobConfig, NodeConfig, SessionConfig};

    use super::*;

    async fn tenant(app: &App, dir: &std::path::Path, number: u32) -> Place {
        let on = Foundation {
            server: "zebu".to_owned(),
            filestore: NewFilestore::at(&format!("file://{}/files", dir.display())),
            database: NewDatabase {
                name: format!("shard-{number}"),
                hostname: format!("sqlite:{}", dir.display()),
                ..NewDatabase::default()
            },
        };
        let on = operator::lay(app, &on).await.unwrap();
        let id = ContextId(number);
        let admin = NewUser::of("oxadmin", "Admin", "oxadmin@example.org", "secret");
        let new = NewContext { database: Some(Named::Id(on.database)), ..NewContext::of(id, -1, admin) };
        create(app, &new, false).await.unwrap();
        let mut tx = app.store.config().await.unwrap();
        contexts::by_id(&mut tx, id).await.unwrap().unwrap()
    }

    #[tokio::test]
    async fn a_shard_that_is_slow_makes_no_other_tenant_wait_for_a_key() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config {
            node: NodeConfig { name: "OX-1".to_owned(), route: None, server: None },
            store: zebu_store::Config::new(format!("sqlite:{}/config.db", dir.path().display())),
            sessions: SessionConfig::default(),
            operator_contexts: Vec::new(),
            operator: Settings::default(),
            jobs: JobConfig::default(),
            push: crate::PushConfig::default(),
        };
        let app = App::open(config, Clock::manual(1_700_000_000_000)).await.unwrap();
        let (slow, quick) = (tenant(&app, dir.path(), 1).await, tenant(&app, dir.path(), 2).await);
        let key = |place| app.storage.take_key(&app.store, place, "writer", &app.clock);
        let busy = app.write(&slow, Plan::default()).await.unwrap();
        let mut waiting = std::pin::pin!(key(&slow));
        tokio::select! {
            biased;
            early = &mut waiting => panic!("its shard's one writer is taken: {early:?}"),
            taken = key(&quick) => drop(taken.unwrap()),
        }
        drop(busy);
        waiting.await.unwrap();
    }
}
