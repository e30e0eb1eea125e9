//! The consistency check: are a context's metadata and its file stores of one mind?

use std::collections::{BTreeMap, HashMap, HashSet};

use futures_util::StreamExt;
use zebu_files::{Entry, Key};
use zebu_model::ContextId;
use zebu_store::Place;
use zebu_store::configdb::contexts;
use zebu_store::shard::{stored, usage};

use crate::app::App;
use crate::error::{Error, Result};
use crate::storage::Shelf;

/// What the consistency check found in one context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Consistency {
    /// File versions.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Contents that neither a version nor the ledger names.
    pub orphans: Vec<String>,
    /// Contents a version names that are missing or have another size.
    pub missing: Vec<String>,
    /// What the usage counters say.
    pub counted_bytes: u64,
    /// Reserved or doomed keys: work in progress.
    pub ledger: u64,
}

impl Consistency {
    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.orphans.is_empty() && self.missing.is_empty() && self.bytes == self.counted_bytes
    }
}

/// The contexts of the deployment.
pub async fn all_contexts(app: &App) -> Result<Vec<ContextId>> {
    let mut tx = app.store.config().await?;
    Ok(contexts::all(&mut tx).await?.into_iter().map(|p| p.context).collect())
}

/// Compares a context's metadata with its file store. Reads only. What is written meanwhile cannot be mistaken for an
/// orphan: the ledger is read after the store was listed, and a name is given only to what was in the ledger before. What
/// is given up and swept meanwhile is looked for again. If the contents began or ended to move meanwhile, all is looked at
/// again.
pub async fn check(app: &App, context: ContextId) -> Result<Consistency> {
    let mut place = resolved(app, context).await?;
    loop {
        let found = compare(app, &place).await?;
        let now = resolved(app, context).await?;
        if now.filestores() == place.filestores() {
            return Ok(found);
        }
        place = now;
    }
}

async fn resolved(app: &App, context: ContextId) -> Result<Place> {
    let mut tx = app.store.config().await?;
    let place = contexts::by_id(&mut tx, context).await?;
    place.ok_or_else(|| Error::Internal(format!("context {context} does not exist")))
}

async fn compare(app: &App, place: &Place) -> Result<Consistency> {
    let shelves = app.storage.filestores(place).await?;
    let mut listed: BTreeMap<String, u64> = BTreeMap::new();
    for shelf in &shelves {
        let mut entries = shelf.store.list(place.context.0);
        while let Some(entry) = entries.next().await {
            // What an upload is writing is not in place yet.
            if let Entry::Content { key, size } = entry? {
                listed.insert(key.to_string(), size);
            }
        }
    }
    let mut tx = app.read(place).await?;
    let ledger: HashSet<String> = stored::all(&mut tx).await?.into_iter().collect();
    let named: HashMap<String, u64> = stored::named(&mut tx).await?.into_iter().collect();
    let (files, bytes) = usage::recount(&mut tx).await?;
    let counted_bytes = usage::used(&mut tx).await?;
    drop(tx);
    let mut orphans = Vec::new();
    // While contents move, the job may just be copying one whose name is given up: what nobody knows is for it to clear away.
    let strangers = listed.keys().filter(|key| !named.contains_key(*key) && !ledger.contains(*key));
    for key in strangers.filter(|_| shelves.len() == 1) {
        // Perhaps it was given up and swept after the listing.
        if size(&shelves, key).await?.is_some() {
            orphans.push(key.clone());
        }
    }
    let mut missing = Vec::new();
    for (key, bytes) in &named {
        // Perhaps it came after the listing: look again before calling it missing.
        if listed.get(key) != Some(bytes) && size(&shelves, key).await? != Some(*bytes) {
            missing.push(key.clone());
        }
    }
    if !missing.is_empty() {
        // Perhaps it was given up since: then it has no name any more.
        let mut tx = app.read(place).await?;
        let named = stored::still_named(&mut tx, &missing).await?;
        missing.retain(|key| named.iter().any(|content| content.key == *key));
    }
    missing.sort();
    Ok(Consistency { files, bytes, orphans, missing, counted_bytes, ledger: ledger.len() as u64 })
}

/// Bytes of the content of a key from the database, if it is there: in the first of these file stores that has it.
async fn size(shelves: &[Shelf], key: &str) -> Result<Option<u64>> {
    let key = Key::parse(key).map_err(|e| Error::Internal(format!("key {key}: {e}")))?;
    for shelf in shelves {
        match shelf.store.size(key).await {
            Ok(bytes) => return Ok(Some(bytes)),
            Err(zebu_files::Error::Missing { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(None)
}
