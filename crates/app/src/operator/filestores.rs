//! `registerfilestore`, `listfilestore`, `changefilestore`, `unregisterfilestore`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use zebu_model::{account, placement};
use zebu_store::ConfigTx;
use zebu_store::configdb::contexts as registry;
use zebu_store::configdb::filestores::{self, Filestore};

use super::error::{Denied, Error, Result, field};
use super::{Made, contexts, fits, servers};
use crate::app::App;
use crate::settle::until_settled;

/// The largest size a file store can be given, MB: so many bytes are the largest number a database holds.
pub const SIZE_MB_MAX: i64 = 8_796_093_022_208;
const MB: i64 = 1 << 20;

/// A file store to register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewFilestore {
    /// Its URI: `file:///directory`, the same on all nodes.
    pub url: String,
    /// What all contexts may use together, MB. Default 1000.
    #[serde(default = "size_mb")]
    pub size_mb: i64,
    /// How many contexts it takes. Default 5000.
    #[serde(default = "contexts_max")]
    pub contexts_max: i64,
}

fn size_mb() -> i64 {
    1_000
}

fn contexts_max() -> i64 {
    5_000
}

impl NewFilestore {
    /// The defaults, for the file store at `url`.
    #[must_use]
    pub fn at(url: &str) -> NewFilestore {
        NewFilestore { url: url.to_owned(), size_mb: size_mb(), contexts_max: contexts_max() }
    }
}

/// What is to change of a file store; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilestoreChange {
    /// Another URI: the operator has moved its contents there.
    pub url: Option<String>,
    /// Another size, MB.
    pub size_mb: Option<i64>,
    /// Another number of contexts.
    pub contexts_max: Option<i64>,
}

/// A file store in a listing. Sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FilestoreRow {
    /// Its id.
    pub id: i64,
    /// Its URI.
    pub url: String,
    /// What all contexts may use together.
    pub size: i64,
    /// What is set aside for its contexts.
    pub reserved: i64,
    /// What they use; `None` if it was not asked for.
    pub used: Option<u64>,
    /// How many contexts it takes.
    pub contexts_max: i64,
    /// How many it has.
    pub contexts: i64,
}

/// A file store as one that could take a context.
pub(crate) fn candidate(store: Filestore) -> placement::Filestore {
    let Filestore { id, url, size, contexts_max, contexts } = store;
    placement::Filestore { id, url, size, contexts_max, contexts }
}

/// Whether a file store takes one more context, which brings so many bytes along.
pub(crate) async fn room(app: &App, tx: &mut ConfigTx, id: i64, bytes: u64) -> Result<()> {
    let store = filestores::by_id(tx, id).await?.ok_or(Denied::FilestoreUnknown { id })?;
    let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
    match candidate(store).no_room_for(app.config.operator.context_bytes, bytes) {
        Some(reason) => Err(Denied::FilestoreFull { id, reason: reason.to_string() }.into()),
        None => Ok(()),
    }
}

fn bytes(size_mb: i64) -> std::result::Result<i64, Denied> {
    if size_mb < 0 {
        let reason = "it is negative".to_owned();
        return Err(Denied::FieldInvalid { field: "storesize".to_owned(), reason });
    }
    // The limit itself is one byte more than a database holds.
    let size = size_mb.checked_mul(MB).or((size_mb == SIZE_MB_MAX).then_some(i64::MAX));
    size.ok_or(Denied::FilestoreTooLarge { size_mb })
}

fn check(url: &str, contexts_max: i64) -> std::result::Result<(), Denied> {
    field("storepath", account::registered(url))?;
    zebu_files::Config::new(url)
        .check()
        .map_err(|error| Denied::FilestoreInvalid { url: url.to_owned(), reason: error.to_string() })?;
    if contexts_max < 0 {
        let reason = "it is negative".to_owned();
        return Err(Denied::FieldInvalid { field: "maxcontexts".to_owned(), reason });
    }
    Ok(())
}

/// Registers a file store. `if_absent`: one of this URI is no error.
pub async fn register(app: &App, new: &NewFilestore, if_absent: bool) -> Result<Made<i64>> {
    check(&new.url, new.contexts_max)?;
    let size = bytes(new.size_mb)?;
    let row = Filestore { id: 0, url: new.url.clone(), size, contexts_max: new.contexts_max, contexts: 0 };
    until_settled!(attempt(app, &row, if_absent).await)
}

async fn attempt(app: &App, new: &Filestore, if_absent: bool) -> Result<Made<i64>> {
    let mut tx = app.store.config_write().await?;
    if let Some(known) = filestores::by_url(&mut tx, &new.url).await? {
        return match if_absent {
            true => Ok(Made::before(known.id)),
            false => Err(Denied::FilestoreExists { url: known.url }.into()),
        };
    }
    let made = filestores::insert(&mut tx, new).await;
    let id = made.map_err(|e| e.started_over_if_duplicate_in("filestores"))?;
    tx.commit().await?;
    Ok(Made::now(id))
}

/// Changes a file store.
pub async fn change(app: &App, id: i64, change: &FilestoreChange) -> Result<()> {
    until_settled!(alter(app, id, change).await)
}

async fn alter(app: &App, id: i64, change: &FilestoreChange) -> Result<()> {
    let mut tx = servers::hold(app).await?;
    let mut store = filestores::by_id(&mut tx, id).await?.ok_or(Denied::FilestoreUnknown { id })?;
    if let Some(size_mb) = change.size_mb {
        store.size = bytes(size_mb)?;
    }
    store.contexts_max = change.contexts_max.unwrap_or(store.contexts_max);
    if let Some(url) = &change.url {
        store.url.clone_from(url);
    }
    check(&store.url, store.contexts_max)?;
    let taken = || Denied::FilestoreExists { url: store.url.clone() };
    match filestores::update(&mut tx, &store).await {
        Err(error) if error.is_duplicate_in("filestores") => return Err(taken().into()),
        other => other?,
    }
    Ok(tx.commit().await?)
}

/// Forgets a file store that holds no context.
pub async fn unregister(app: &App, id: i64) -> Result<()> {
    until_settled!(forget(app, id).await)
}

async fn forget(app: &App, id: i64) -> Result<()> {
    let mut tx = servers::hold(app).await?;
    let store = filestores::by_id(&mut tx, id).await?.ok_or(Denied::FilestoreUnknown { id })?;
    if !filestores::delete_empty(&mut tx, id).await? {
        return Err(Denied::FilestoreInUse { id, contexts: store.contexts }.into());
    }
    Ok(tx.commit().await?)
}

/// The file stores whose URI or id a pattern fits, by id. `with_usage`: how much their contexts use too, which asks each.
pub async fn list(app: &App, pattern: &str, with_usage: bool) -> Result<Vec<FilestoreRow>> {
    let (stores, places) = {
        let mut tx = app.store.config().await?;
        let places = if with_usage { registry::all(&mut tx).await? } else { Vec::new() };
        (filestores::all(&mut tx).await?, places)
    };
    let mut used: BTreeMap<String, u64> = BTreeMap::new();
    for (place, bytes) in contexts::usage(app, places).await? {
        let sum = used.entry(place.filestore).or_default();
        *sum = sum.saturating_add(bytes);
    }
    let average = app.config.operator.context_bytes;
    let fitting = stores.into_iter().filter(|s| fits(pattern, &[&s.url, &s.id.to_string()]));
    let rows = fitting.map(|s| FilestoreRow {
        used: with_usage.then(|| used.get(&s.url).copied().unwrap_or(0)),
        reserved: s.contexts.saturating_mul(average),
        id: s.id,
        url: s.url,
        size: s.size,
        contexts_max: s.contexts_max,
        contexts: s.contexts,
    });
    Ok::<_, Error>(rows.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_kept_in_bytes_and_the_largest_is_the_original_s() {
        assert_eq!(bytes(1_000), Ok(1_048_576_000));
        assert_eq!(bytes(0), Ok(0));
        assert_eq!(bytes(SIZE_MB_MAX), Ok(i64::MAX));
        let refused = bytes(SIZE_MB_MAX + 1).unwrap_err().to_string();
        assert_eq!(refused, "Filestore size to large for database (max=8796093022208): 8796093022209");
        assert!(bytes(-1).is_err());
    }
}
