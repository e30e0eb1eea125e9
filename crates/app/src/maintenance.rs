//! What a node does by itself: renewing its membership, sweeping the file store; and the consistency check.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use zebu_files::{Entry, FileStore, Key};
use zebu_model::ContextId;
use zebu_store::configdb::{contexts, members};
use zebu_store::shard::{stored, usage};
use zebu_store::{Place, Plan};

use crate::app::App;
use crate::cluster::{self, RENEW_MS};
use crate::databases;
use crate::error::{Error, Result};
use crate::settle::until_settled;
use crate::unhashed;

/// How long the sweeper rests, ms, if nobody wakes it.
const SWEEP_MS: u64 = 30_000;
/// How long after an upload came to nothing its key is swept, ms: what was cut off may still be finishing.
const ABANDONED_MS: i64 = 60_000;
/// How old the reservation of a node that is gone must be before it is swept, ms.
const ORPHANED_MS: i64 = 60_000;
/// How long a node must not have been heard of before it counts as gone for the sweeper, ms. Long: one that only paused, was
/// cut off or has a clock that is wrong goes on writing. One that left or came back under its name is gone at once.
const WRITER_GONE_MS: i64 = 3_600_000;
/// Doomed keys handled at a time.
const BATCH: u32 = 200;

/// Starts the background work of a node. It ends with the process, or when `app` is dropped elsewhere and aborted.
pub fn start(app: &Arc<App>) -> Vec<tokio::task::JoinHandle<()>> {
    let mut tasks = vec![
        tokio::spawn(renewing(Arc::clone(app))),
        tokio::spawn(sweeping(Arc::clone(app))),
        tokio::spawn(databases::migrating(Arc::clone(app))),
        tokio::spawn(unhashed::hashing(Arc::clone(app))),
    ];
    tasks.extend(crate::jobs::start(app));
    tasks
}

async fn renewing(app: Arc<App>) {
    loop {
        tokio::time::sleep(Duration::from_millis(RENEW_MS)).await;
        match cluster::renew(&app).await {
            Ok(true) => {}
            Ok(false) => tracing::error!("another process registered as node {}", app.node().name),
            Err(error) => tracing::warn!("membership not renewed: {}", error.cause_chain()),
        }
    }
}

async fn sweeping(app: Arc<App>) {
    loop {
        let rest = tokio::time::sleep(Duration::from_millis(SWEEP_MS));
        tokio::select! {
            () = app.sweep.notified() => {}
            () = rest => {}
        }
        if let Err(error) = sweep(&app).await {
            tracing::warn!("sweeping the file store failed: {}", error.cause_chain());
        }
    }
}

/// Removes content that has no name: given up by a deletion, left by an upload that came to nothing, or reserved by a
/// node that is gone. Returns how many contents that were. A context that cannot be swept does not keep the others from
/// it; its error is returned in the end.
pub async fn sweep(app: &App) -> Result<u64> {
    let now = app.now_ms();
    let (places, alive) = {
        let mut tx = app.store.config().await?;
        let since = now.saturating_sub(WRITER_GONE_MS);
        let alive = members::all(&mut tx).await?.into_iter().filter(|m| m.seen >= since);
        let alive: Vec<String> = alive.map(|m| m.incarnation).chain([app.node.incarnation.clone()]).collect();
        (contexts::all(&mut tx).await?, alive)
    };
    let before = now.saturating_sub(ABANDONED_MS);
    let mut abandoned: HashMap<ContextId, Vec<Key>> = HashMap::new();
    for (context, key) in app.storage.take_abandoned(before) {
        abandoned.entry(context).or_default().push(key);
    }
    let (mut removed, mut failed) = (0u64, None);
    for place in &places {
        let keys = abandoned.remove(&place.context).unwrap_or_default();
        let swept = async {
            until_settled!(doom(app, place, &keys, &alive).await)
                .inspect_err(|_| app.storage.give_back_abandoned(place.context, keys, before))?;
            remove_doomed(app, place).await
        };
        match swept.await {
            Ok(count) => removed = removed.saturating_add(count),
            Err(error) => failed = Some(error),
        }
    }
    failed.map_or(Ok(removed), Err)
}

/// Dooms what was abandoned here, and what nodes that are gone had reserved.
async fn doom(app: &App, place: &Place, abandoned: &[Key], alive: &[String]) -> Result<()> {
    let before = app.now_ms().saturating_sub(ORPHANED_MS);
    if abandoned.is_empty() && !has_orphans(app, place, alive, before).await? {
        return Ok(());
    }
    let names: Vec<String> = abandoned.iter().map(Key::to_string).collect();
    let mut tx = app.write(place, Plan::default()).await?;
    stored::doom_unnamed(&mut tx, &names, app.now_ms()).await?;
    stored::doom_abandoned(&mut tx, alive, before).await?;
    Ok(tx.commit().await?)
}

/// Removes the contents of doomed keys, and then forgets them.
async fn remove_doomed(app: &App, place: &Place) -> Result<u64> {
    let mut removed = 0u64;
    loop {
        let keys = {
            let mut tx = app.read(place).await?;
            stored::doomed(&mut tx, BATCH).await?
        };
        if keys.is_empty() {
            return Ok(removed);
        }
        let store = app.storage.filestore(place).await?;
        for key in &keys {
            let key = Key::parse(key).map_err(|e| Error::Internal(format!("ledger: {e}: {key}")))?;
            removed = removed.saturating_add(u64::from(store.delete(key).await?));
        }
        let mut tx = app.write(place, Plan::default()).await?;
        stored::forget(&mut tx, &keys).await?;
        tx.commit().await?;
    }
}

/// Looks before it writes: a sweep that finds nothing costs no commit.
async fn has_orphans(app: &App, place: &Place, alive: &[String], before: i64) -> Result<bool> {
    let mut tx = app.read(place).await?;
    Ok(stored::abandoned_count(&mut tx, alive, before).await? > 0)
}

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
/// is given up and swept meanwhile is looked for again.
pub async fn check(app: &App, context: ContextId) -> Result<Consistency> {
    let place = {
        let mut tx = app.store.config().await?;
        contexts::by_id(&mut tx, context).await?
    };
    let place = place.ok_or_else(|| Error::Internal(format!("context {context} does not exist")))?;
    let store = app.storage.filestore(&place).await?;
    let mut listed: BTreeMap<String, u64> = BTreeMap::new();
    let mut entries = store.list(context.0);
    while let Some(entry) = entries.next().await {
        // What an upload is writing is not in place yet.
        if let Entry::Content { key, size } = entry? {
            listed.insert(key.to_string(), size);
        }
    }
    let mut tx = app.read(&place).await?;
    let ledger: HashSet<String> = stored::all(&mut tx).await?.into_iter().collect();
    let named: HashMap<String, u64> = stored::named(&mut tx).await?.into_iter().collect();
    let (files, bytes) = usage::recount(&mut tx).await?;
    let counted_bytes = usage::used(&mut tx).await?;
    drop(tx);
    let mut orphans = Vec::new();
    for key in listed.keys().filter(|key| !named.contains_key(*key) && !ledger.contains(*key)) {
        // Perhaps it was given up and swept after the listing.
        if size(&store, key).await?.is_some() {
            orphans.push(key.clone());
        }
    }
    let mut missing = Vec::new();
    for (key, bytes) in &named {
        // Perhaps it came after the listing: look again before calling it missing.
        if listed.get(key) != Some(bytes) && size(&store, key).await? != Some(*bytes) {
            missing.push(key.clone());
        }
    }
    if !missing.is_empty() {
        // Perhaps it was given up since: then it has no name any more.
        let mut tx = app.read(&place).await?;
        let named = stored::still_named(&mut tx, &missing).await?;
        missing.retain(|key| named.contains(key));
    }
    missing.sort();
    Ok(Consistency { files, bytes, orphans, missing, counted_bytes, ledger: ledger.len() as u64 })
}

/// Bytes of the content of a key from the database, if it is there.
async fn size(store: &FileStore, key: &str) -> Result<Option<u64>> {
    let key = Key::parse(key).map_err(|e| Error::Internal(format!("key {key}: {e}")))?;
    match store.size(key).await {
        Ok(bytes) => Ok(Some(bytes)),
        Err(zebu_files::Error::Missing { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}
