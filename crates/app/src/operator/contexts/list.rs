//! `listcontext` and the commands that ask one thing of a context.

use std::collections::BTreeMap;

use futures_util::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use zebu_model::access::{Access, combination_name};
use zebu_model::quota::Quota;
use zebu_model::{ContextId, UserId};
use zebu_store::Place;
use zebu_store::configdb::contexts::{self as registry, State};
use zebu_store::configdb::{databases, filestores};
use zebu_store::shard::{accounts, usage as counters};

use super::super::error::{Denied, Result};
use super::super::{Named, fits, place};
use super::find;
use crate::app::App;

/// Contexts asked at a time how much they use.
const AT_ONCE: usize = 4;

/// Which contexts to list: those that fit all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ContextFilter {
    /// Fits the id, the name or a login mapping. Default `*`.
    pub pattern: String,
    /// Only those on this master.
    pub database: Option<i64>,
    /// Only those on this file store.
    pub filestore: Option<i64>,
    /// How much each uses too, which asks each. Default true.
    pub with_usage: bool,
}

impl Default for ContextFilter {
    fn default() -> Self {
        ContextFilter { pattern: "*".to_owned(), database: None, filestore: None, with_usage: true }
    }
}

/// A context in a listing. Sizes in bytes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContextRow {
    /// Its id.
    pub id: ContextId,
    /// Its name.
    pub name: String,
    /// Whether its users may sign in.
    pub enabled: bool,
    /// Why not: the id of a reason.
    pub reason: Option<i64>,
    /// `ready`, `being created` or `being deleted`.
    pub state: String,
    /// The login mappings that lead to it.
    pub mappings: Vec<String>,
    /// The file store it is on.
    pub filestore: i64,
    /// The file store's URI.
    pub filestore_url: String,
    /// How much it may store; `None`: no limit.
    pub quota: Option<u64>,
    /// How much it stores; `None`: it was not asked for, or the context is not ready.
    pub used: Option<u64>,
    /// The cluster that serves it.
    pub server: i64,
    /// The master that takes its writes.
    pub database: i64,
    /// What it is read from: a replica of the master if there is one, else the master.
    pub read_database: i64,
    /// The schema it is in.
    pub schema: String,
}

/// The contexts that fit, by id.
pub async fn list(app: &App, filter: &ContextFilter) -> Result<Vec<ContextRow>> {
    let (all, mut mappings, stores, servers, places) = {
        let mut tx = app.store.config().await?;
        (
            registry::registered_all(&mut tx).await?,
            registry::mappings(&mut tx).await?,
            filestores::all(&mut tx).await?,
            databases::all(&mut tx).await?,
            if filter.with_usage { registry::all(&mut tx).await? } else { Vec::new() },
        )
    };
    let urls: BTreeMap<i64, String> = stores.into_iter().map(|s| (s.id, s.url)).collect();
    let mut rows = Vec::new();
    for c in all {
        let mappings = mappings.remove(&c.id).unwrap_or_default();
        let id = c.id.to_string();
        let mut texts = vec![id.as_str(), c.name.as_str()];
        texts.extend(mappings.iter().map(String::as_str));
        let elsewhere = filter.database.is_some_and(|d| d != c.database)
            || filter.filestore.is_some_and(|f| f != c.filestore);
        if elsewhere || !fits(&filter.pattern, &texts) {
            continue;
        }
        let replica = servers.iter().find(|s| s.master == c.database);
        rows.push(ContextRow {
            id: c.id,
            name: c.name,
            enabled: c.enabled,
            reason: (c.reason != 0).then_some(c.reason),
            state: match c.state {
                State::Ready => "ready",
                State::BeingCreated => "being created",
                State::BeingDeleted => "being deleted",
            }
            .to_owned(),
            mappings,
            filestore: c.filestore,
            filestore_url: urls.get(&c.filestore).cloned().unwrap_or_default(),
            quota: match c.quota {
                Quota::Bytes(bytes) => Some(bytes),
                Quota::Unlimited => None,
            },
            used: None,
            server: c.server,
            database: c.database,
            read_database: replica.map_or(c.database, |s| s.id),
            schema: c.schema,
        });
    }
    let wanted =
        places.into_iter().filter(|p| rows.binary_search_by_key(&p.context, |r| r.id).is_ok()).collect();
    let used: BTreeMap<ContextId, u64> =
        usage(app, wanted).await?.into_iter().map(|(place, bytes)| (place.context, bytes)).collect();
    for row in &mut rows {
        row.used = used.get(&row.id).copied();
    }
    Ok(rows)
}

/// How many bytes each of these contexts stores.
pub async fn usage(app: &App, places: Vec<Place>) -> Result<Vec<(Place, u64)>> {
    let work = places.into_iter().map(async |place| {
        let mut tx = app.read(&place).await?;
        let bytes = counters::used(&mut tx).await?;
        drop(tx);
        Ok((place, bytes))
    });
    stream::iter(work).buffer_unordered(AT_ONCE).try_collect().await
}

/// Whether there is such a context, ready.
pub async fn exists(app: &App, which: &Named<ContextId>) -> Result<bool> {
    let mut tx = app.store.config().await?;
    match find(&mut tx, which).await {
        Ok(_) => Ok(true),
        Err(super::super::Error::Denied(Denied::ContextUnknown { .. })) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The id of a context's administrator.
pub async fn admin_id(app: &App, which: &Named<ContextId>) -> Result<UserId> {
    let mut tx = app.store.config().await?;
    find(&mut tx, which).await.map(|_| UserId::ADMIN)
}

/// The schema a context is in.
pub async fn schema_name(app: &App, which: &Named<ContextId>) -> Result<String> {
    let mut tx = app.store.config().await?;
    Ok(find(&mut tx, which).await?.schema)
}

/// The module access that new users of a context inherit: its administrator's.
pub async fn access_of(app: &App, which: &Named<ContextId>) -> Result<Access> {
    let id = {
        let mut tx = app.store.config().await?;
        find(&mut tx, which).await?.id
    };
    let mut tx = app.read(&place(app, id).await?).await?;
    let admin = accounts::by_id(&mut tx, UserId::ADMIN).await?;
    Ok(admin.map(|a| a.access).ok_or(Denied::UserUnknown { user: UserId::ADMIN.to_string() })?)
}

/// The name of the combination that is exactly that access.
pub async fn combination_of(app: &App, which: &Named<ContextId>) -> Result<Option<&'static str>> {
    Ok(combination_name(access_of(app, which).await?))
}
