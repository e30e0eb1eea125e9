//! The contents of a context that moves: copied one after another, compared, removed. Nothing here removes a content that has
//! a name before it was read, whole and right, where it is to be.

use std::collections::HashMap;

use futures_util::StreamExt;
use zebu_files::{Entry, Key, Verdict};
use zebu_store::shard::stored::{self, NamedContent};

use super::super::hold::{Outcome, Stop};
use super::Run;
use crate::copying::{Content, copy};
use crate::error::Error;
use crate::storage::Shelf;

/// Keys that are looked up at a time.
const BATCH: usize = 200;
/// How often a copy that is not what it should be is made again.
const COPIES_MAX: usize = 3;

fn key_of(text: &str) -> Outcome<Key> {
    Key::parse(text).map_err(|e| Stop::Failed(Error::Internal(format!("file version: {e}: {text}"))))
}

/// Copies a content, unless the target has it. Returns whether it did. One whose name has been given up meanwhile is left.
pub(super) async fn bring(run: &Run<'_>, from: &Shelf, to: &Shelf, named: &NamedContent) -> Outcome<bool> {
    let content = Content { key: key_of(&named.key)?, size: named.size, blake3: &named.blake3 };
    let certain = async || run.hold.certain().await.map(drop);
    let failed = match copy(&from.store, &to.store, &content, certain).await {
        Err(Stop::Failed(Error::Files(error))) => error,
        other => return other,
    };
    let mut tx = run.hold.app.read(&run.place).await?;
    if stored::still_named(&mut tx, std::slice::from_ref(&named.key)).await?.is_empty() {
        // Given up meanwhile: the sweeper may have taken away what was copied, or the half of the copy that was there.
        return Ok(false);
    }
    let what = match &failed {
        zebu_files::Error::Missing { .. } => "is missing",
        zebu_files::Error::Corrupt { .. } => "is damaged",
        _ => return Err(failed.into()),
    };
    if run.what.back.is_some() && matches!(failed, zebu_files::Error::Missing { .. }) {
        // It was nowhere before: that is why it goes back, and to wait for it would help nobody.
        tracing::error!("job {}: the content {} is in no file store of the context", run.hold.id, named.key);
        return Ok(false);
    }
    Err(Stop::Refused(format!("the content {} {what} in filestore {}", named.key, from.id)))
}

/// Removes those of these keys from the target whose names were given up while they were copied: the sweeper may have been
/// there before.
pub(super) async fn drop_given_up(run: &Run<'_>, to: &Shelf, mut keys: Vec<String>) -> Outcome<()> {
    let named = {
        let mut tx = run.hold.app.read(&run.place).await?;
        stored::still_named(&mut tx, &keys).await?
    };
    keys.retain(|key| !named.iter().any(|content| content.key == *key));
    for key in keys {
        to.store.delete_until(key_of(&key)?, run.hold.certain().await?).await?;
    }
    Ok(())
}

/// Removes what is left in a file store that the context has left, after a look at what has taken its place. Returns how many
/// contents that were: what is listed while it is removed may not be all.
pub(super) async fn clear(run: &Run<'_>, from: &Shelf, to: &Shelf) -> Outcome<u64> {
    let mut entries = from.store.list(run.place.context.0).ready_chunks(BATCH);
    let mut removed = 0u64;
    while let Some(entries) = entries.next().await {
        let keys = contents_of(entries)?;
        let mut tx = run.hold.app.read(&run.place).await?;
        let named = stored::still_named(&mut tx, &keys).await?;
        drop(tx);
        let named: HashMap<&str, &NamedContent> =
            named.iter().map(|content| (content.key.as_str(), content)).collect();
        for text in &keys {
            let key = key_of(text)?;
            if let Some(named) = named.get(text.as_str()) {
                secure(run, from, to, key, named).await?;
            }
            let gone = from.store.delete_until(key, run.hold.certain().await?).await?;
            removed = removed.saturating_add(u64::from(gone));
        }
    }
    Ok(removed)
}

/// Sees to it that the target has a content, by reading it there from its first byte to its last.
async fn secure(run: &Run<'_>, from: &Shelf, to: &Shelf, key: Key, named: &NamedContent) -> Outcome<()> {
    let digest = Content { key, size: named.size, blake3: &named.blake3 }.digest()?;
    for _ in 0..COPIES_MAX {
        match to.store.verify(key, digest).await? {
            Verdict::Intact => return Ok(()),
            Verdict::Damaged { .. } => {
                tracing::warn!("job {}: the copy of {key} in filestore {} is damaged", run.hold.id, to.id);
                to.store.delete_until(key, run.hold.certain().await?).await?;
            }
            Verdict::Missing => {}
        }
        bring(run, from, to, named).await?;
    }
    Err(Stop::Refused(format!("filestore {} does not keep the content {key} as it is written", to.id)))
}

/// Removes what no row knows: it was copied while its name was given up, by a worker that died before it could look.
pub(super) async fn clear_unknown(run: &Run<'_>, to: &Shelf) -> Outcome<()> {
    let mut entries = to.store.list(run.place.context.0).ready_chunks(BATCH);
    while let Some(entries) = entries.next().await {
        // Listed before the rows are looked up, as each content has a row before it is written.
        let mut keys = contents_of(entries)?;
        let known = {
            let mut tx = run.hold.app.read(&run.place).await?;
            stored::known(&mut tx, &keys).await?
        };
        keys.retain(|key| !known.contains(key));
        for key in keys {
            to.store.delete_until(key_of(&key)?, run.hold.certain().await?).await?;
        }
    }
    Ok(())
}

fn contents_of(entries: Vec<zebu_files::Result<Entry>>) -> Outcome<Vec<String>> {
    let mut keys = Vec::with_capacity(entries.len());
    for entry in entries {
        if let Entry::Content { key, .. } = entry? {
            keys.push(key.to_string());
        }
    }
    Ok(keys)
}
