//! The sweeper: removes content that has no name.

use std::collections::{HashMap, HashSet};

use zebu_files::Key;
use zebu_model::ContextId;
use zebu_store::configdb::databases::Schema;
use zebu_store::configdb::{contexts, databases, left_keys, nodes};
use zebu_store::shard::stored::{self, StoredFile};
use zebu_store::{Place, Plan};

use crate::app::App;
use crate::error::{Error, Result};
use crate::settle::until_settled;
use crate::storage::{Abandoned, Shelf};

/// How long after an upload came to nothing its key is swept, ms: what was cut off may still be finishing.
const ABANDONED_MS: i64 = 60_000;
/// How old the reservation of a node that is gone must be before it is swept, ms.
const ORPHANED_MS: i64 = 60_000;
/// How long a node must not have been heard of before it counts as gone for the sweeper, ms. Long: one that only paused, was
/// cut off or has a clock that is wrong goes on writing. One that left or came back under its name is gone at once.
const WRITER_GONE_MS: i64 = 3_600_000;
/// Doomed keys handled at a time.
const BATCH: u32 = 200;

/// Removes content that has no name: given up by a deletion, left by an upload that came to nothing, or reserved by a
/// node that is gone. Returns how many contents that were. A context that cannot be swept does not keep the others from
/// it, nor does a schema that cannot be asked; the error is returned in the end. Where nothing is to be done it costs a few statements
/// for each schema, however many contexts there are.
pub async fn sweep(app: &App) -> Result<u64> {
    let now = app.now_ms();
    let reserving = app.storage.contexts();
    let (schemas, held, alive) = {
        let mut tx = app.store.config().await?;
        let since = now.saturating_sub(WRITER_GONE_MS);
        let alive = nodes::all(&mut tx).await?.into_iter().filter(|node| node.seen >= since);
        let alive: Vec<String> =
            alive.map(|node| node.incarnation).chain([app.node.incarnation.clone()]).collect();
        let held = contexts::some(&mut tx, &reserving).await?;
        (databases::schemas_in_use(&mut tx).await?, held, alive)
    };
    app.storage.retire(&reserving, &held);
    let mut round = Round::default();
    let mut abandoned: HashMap<ContextId, Vec<Abandoned>> = HashMap::new();
    for one in app.storage.take_abandoned(now.saturating_sub(ABANDONED_MS)) {
        abandoned.entry(one.context).or_default().push(one);
    }
    let mut wanted: HashSet<ContextId> = abandoned.keys().copied().collect();
    for schema in &schemas {
        match to_sweep(app, schema, &alive).await {
            Ok(found) => wanted.extend(found),
            Err(error) => round.note(Err(error)),
        }
    }
    let places = match places(app, wanted).await {
        Ok(places) => places,
        Err(error) => {
            app.storage.give_back_abandoned(abandoned.into_values().flatten().collect());
            return Err(error);
        }
    };
    for place in &places {
        let here = abandoned.remove(&place.context).unwrap_or_default();
        if let Err(error) = until_settled!(doom(app, place, &here, &alive).await) {
            app.storage.give_back_abandoned(here);
            round.note(Err(error));
            continue;
        }
        round.note(remove_doomed(app, place).await);
    }
    for one in abandoned.into_values().flatten() {
        round.note(remove_of_nobody(app, &one.key.to_string(), &one.at).await.inspect_err(|_| {
            app.storage.give_back_abandoned(vec![one]);
        }));
    }
    round.note(remove_left(app, &alive).await);
    round.end()
}

/// Removes what deletions in these contexts have given up.
pub(super) async fn sweep_deleted(app: &App, wanted: HashSet<ContextId>) -> Result<u64> {
    let mut round = Round::default();
    for place in &places(app, wanted).await? {
        round.note(remove_doomed(app, place).await);
    }
    round.end()
}

/// What came of clearing one after the other.
#[derive(Default)]
pub(super) struct Round {
    removed: u64,
    failed: Option<Error>,
}

impl Round {
    pub(super) fn note(&mut self, swept: Result<u64>) {
        match swept {
            Ok(count) => self.removed = self.removed.saturating_add(count),
            Err(error) => self.failed = Some(error),
        }
    }

    pub(super) fn end(self) -> Result<u64> {
        self.failed.map_or(Ok(self.removed), Err)
    }
}

/// Where these contexts are, of those that are ready, by id.
pub(super) async fn places(app: &App, wanted: impl IntoIterator<Item = ContextId>) -> Result<Vec<Place>> {
    let mut ids: Vec<ContextId> = wanted.into_iter().collect();
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    ids.sort_unstable();
    Ok(contexts::some(&mut app.store.config().await?, &ids).await?)
}

/// The contexts of a schema that have something to sweep.
async fn to_sweep(app: &App, schema: &Schema, alive: &[String]) -> Result<Vec<ContextId>> {
    let mut tx = app.store.read_schema(schema).await?;
    Ok(stored::to_sweep_in_schema(&mut tx, alive, app.now_ms().saturating_sub(ORPHANED_MS)).await?)
}

/// Dooms what was abandoned here, and what nodes that are gone had reserved.
async fn doom(app: &App, place: &Place, abandoned: &[Abandoned], alive: &[String]) -> Result<()> {
    let before = app.now_ms().saturating_sub(ORPHANED_MS);
    if abandoned.is_empty() && !has_orphans(app, place, alive, before).await? {
        return Ok(());
    }
    let files = abandoned.iter().map(|one| StoredFile { key: one.key.to_string(), filestore: one.at.id });
    let files: Vec<StoredFile> = files.collect();
    let mut tx = app.write(place, Plan::default()).await?;
    stored::doom_unnamed(&mut tx, &files, app.now_ms()).await?;
    stored::doom_abandoned(&mut tx, alive, before).await?;
    Ok(tx.commit().await?)
}

/// Looks before it writes: a sweep that finds nothing costs no commit.
async fn has_orphans(app: &App, place: &Place, alive: &[String], before: i64) -> Result<bool> {
    let mut tx = app.read(place).await?;
    Ok(stored::abandoned_count(&mut tx, alive, before).await? > 0)
}

/// Removes the contents of doomed keys, and then forgets them.
async fn remove_doomed(app: &App, place: &Place) -> Result<u64> {
    let mut removed = 0u64;
    let mut at = place.clone();
    loop {
        let files = {
            let mut tx = app.read(&at).await?;
            stored::doomed(&mut tx, BATCH).await?
        };
        if files.is_empty() {
            return Ok(removed);
        }
        let shelves = app.storage.filestores(&at).await?;
        let mut keys = Vec::with_capacity(files.len());
        for file in files {
            removed = removed.saturating_add(u64::from(remove(app, &shelves, &file).await?));
            keys.push(file.key);
        }
        let mut tx = app.write(&at, Plan::default()).await?;
        if tx.filestores() == at.filestores() {
            stored::forget(&mut tx, &keys).await?;
            tx.commit().await?;
            continue;
        }
        drop(tx);
        // The contents have begun or ended to move meanwhile: they may lie where nobody has looked.
        let now = {
            let mut tx = app.store.config().await?;
            contexts::by_id(&mut tx, at.context).await?.filter(|now| now.born == at.born)
        };
        match now {
            Some(now) if now.filestores() != at.filestores() => at = now,
            // It is just being turned, or is gone: another time.
            _ => return Ok(removed),
        }
    }
}

/// Removes a content wherever it may lie: where it was written, and in the file stores of its context. Returns whether there
/// was one.
async fn remove(app: &App, shelves: &[Shelf], file: &StoredFile) -> Result<bool> {
    let key = Key::parse(&file.key).map_err(|e| Error::Internal(format!("ledger: {e}: {}", file.key)))?;
    let mut was_there = false;
    for shelf in shelves {
        was_there |= shelf.store.delete(key).await?;
    }
    if file.filestore != 0 && shelves.iter().all(|shelf| shelf.id != file.filestore) {
        // One that is not registered any more was empty then, as far as anybody knew.
        if let Some(shelf) = app.storage.by_id(&app.store, file.filestore).await? {
            was_there |= shelf.store.delete(key).await?;
        }
    }
    Ok(was_there)
}

/// Removes what uploads of deleted contexts may have left whose nodes are gone.
async fn remove_left(app: &App, alive: &[String]) -> Result<u64> {
    let left = {
        let mut tx = app.store.config().await?;
        left_keys::all(&mut tx).await?
    };
    let mut removed = 0u64;
    for one in left.into_iter().filter(|one| !alive.contains(&one.writer)) {
        removed = removed.saturating_add(match app.storage.by_id(&app.store, one.filestore).await? {
            Some(shelf) => remove_of_nobody(app, &one.key, &shelf).await?,
            None => forget_left(app, one.key).await.map(|()| 0)?,
        });
    }
    Ok(removed)
}

/// Removes what an upload left whose context was deleted meanwhile: no ledger knows it any more, only configdb.
async fn remove_of_nobody(app: &App, text: &str, shelf: &Shelf) -> Result<u64> {
    let key = Key::parse(text).map_err(|e| Error::Internal(format!("left keys: {e}: {text}")))?;
    let was_there = shelf.store.delete(key).await?;
    shelf.store.remove_empty(key.context()).await?;
    forget_left(app, text.to_owned()).await?;
    Ok(u64::from(was_there))
}

async fn forget_left(app: &App, key: String) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    left_keys::forget(&mut tx, &[key]).await?;
    Ok(tx.commit().await?)
}
