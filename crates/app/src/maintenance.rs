//! What a node does by itself: renewing its membership, sweeping the file store; and the consistency check.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use zebu_files::{Entry, Key};
use zebu_model::ContextId;
use zebu_store::configdb::{contexts, members};
use zebu_store::shard::{stored, usage};
use zebu_store::{Place, Plan};

use crate::app::App;
use crate::cluster::{self, MEMBER_TTL_MS, RENEW_MS};
use crate::error::{Error, Result};

/// How long the sweeper rests, ms, if nobody wakes it.
const SWEEP_MS: u64 = 30_000;
/// How long after an upload came to nothing its key is swept, ms: what was cut off may still be finishing.
const ABANDONED_MS: i64 = 60_000;
/// How old the reservation of a node that is gone must be before it is swept, ms.
const ORPHANED_MS: i64 = 60_000;
/// Doomed keys handled at a time.
const BATCH: u32 = 200;

/// Starts the background work of a node. It ends with the process, or when `app` is dropped elsewhere and aborted.
pub fn start(app: &Arc<App>) -> Vec<tokio::task::JoinHandle<()>> {
    vec![tokio::spawn(renewing(Arc::clone(app))), tokio::spawn(sweeping(Arc::clone(app)))]
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
/// node that is gone. Returns how many contents that were.
pub async fn sweep(app: &App) -> Result<u64> {
    let (places, alive) = {
        let mut tx = app.store.config().await?;
        let since = app.now_ms().saturating_sub(MEMBER_TTL_MS);
        let alive = members::all(&mut tx).await?.into_iter().filter(|m| m.seen >= since);
        let alive: Vec<String> = alive.map(|m| m.incarnation).chain([app.node.incarnation.clone()]).collect();
        (contexts::all(&mut tx).await?, alive)
    };
    let mut abandoned: HashMap<ContextId, Vec<String>> = HashMap::new();
    for (context, key) in app.storage.take_abandoned(app.now_ms().saturating_sub(ABANDONED_MS)) {
        abandoned.entry(context).or_default().push(key.to_string());
    }
    let mut removed = 0u64;
    for place in &places {
        let keys = abandoned.remove(&place.context).unwrap_or_default();
        removed = removed.saturating_add(sweep_context(app, place, &keys, &alive).await?);
    }
    Ok(removed)
}

async fn sweep_context(app: &App, place: &Place, abandoned: &[String], alive: &[String]) -> Result<u64> {
    let before = app.now_ms().saturating_sub(ORPHANED_MS);
    if !abandoned.is_empty() || has_orphans(app, place, alive, before).await? {
        let mut tx = app.write(place, Plan::default()).await?;
        stored::doom_reserved(&mut tx, abandoned).await?;
        stored::doom_abandoned(&mut tx, alive, before).await?;
        tx.commit().await?;
    }
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
/// orphan: the ledger is read after the store was listed, and a name is given only to what was in the ledger before.
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
    let orphans =
        listed.keys().filter(|key| !named.contains_key(*key) && !ledger.contains(*key)).cloned().collect();
    let mut missing = Vec::new();
    for (key, size) in &named {
        if listed.get(key) == Some(size) {
            continue;
        }
        // Perhaps it came after the listing: look again before calling it missing.
        let parsed = Key::parse(key).map_err(|e| Error::Internal(format!("version: {e}: {key}")))?;
        if store.size(parsed).await.ok() != Some(*size) {
            missing.push(key.clone());
        }
    }
    missing.sort();
    Ok(Consistency { files, bytes, orphans, missing, counted_bytes, ledger: ledger.len() as u64 })
}
