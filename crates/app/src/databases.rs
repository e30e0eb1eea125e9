//! The databases as this node sees them: who is what, which schemas are not up to date, what became of reads. For
//! `/metrics`, `/health/ready` and the cluster page; and the background work that brings schemas up to date.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde::Serialize;
use zebu_store::configdb::databases;
// tidy-allow(arrow): numbers and names for whoever shows them; nothing can be done with them.
pub use zebu_store::{CacheState, Hits, Reads, Role, ServerState};

use crate::app::App;
use crate::error::Result;

/// From one try to bring schemas up to date to the next, while some could not be.
const TRY_AGAIN: Duration = Duration::from_secs(5);

/// A database server on the cluster page.
#[derive(Debug, Serialize)]
pub struct DatabaseStatus {
    name: String,
    /// The registered master of its server group.
    group: String,
    /// `master`, `replica` or `out`.
    role: &'static str,
    answers: bool,
    /// Why it is out, with the remedy.
    trouble: String,
    lag_ms: Option<u64>,
}

impl From<ServerState> for DatabaseStatus {
    fn from(state: ServerState) -> DatabaseStatus {
        DatabaseStatus {
            role: state.role.name(),
            name: state.name,
            group: state.group,
            answers: state.answers,
            trouble: state.trouble,
            lag_ms: state.lag_ms,
        }
    }
}

/// Schemas that are not up to date yet, and why.
#[derive(Debug, Default)]
pub(crate) struct Behind(Mutex<BTreeMap<String, String>>);

impl Behind {
    fn schemas(&self) -> MutexGuard<'_, BTreeMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How each server is, as far as this node has looked.
#[must_use]
pub fn seen(app: &App) -> Vec<ServerState> {
    app.store.servers_seen()
}

/// How each server is; looks first if nobody did. While configdb cannot be read, as far as this process knows.
pub(crate) async fn states(app: &App) -> Vec<ServerState> {
    match app.store.servers_state().await {
        Ok(states) => states,
        Err(error) => {
            tracing::warn!("the registered databases cannot be read: {error}");
            seen(app)
        }
    }
}

/// The registered masters to whose server groups nothing can be written at the moment, by name, each with the reason.
pub(crate) async fn without_writer(app: &App) -> BTreeMap<String, String> {
    // configdb's own group has no contexts.
    let states: Vec<ServerState> = states(app).await.into_iter().filter(|state| state.id > 0).collect();
    let has_writer = |group: &str| states.iter().any(|s| s.group == group && s.role == Role::Master);
    let masters = states.iter().filter(|state| state.name == state.group && !has_writer(&state.group));
    masters.map(|state| (state.name.clone(), state.trouble.clone())).collect()
}

/// What became of reads of contexts since this node started.
#[must_use]
pub fn reads(app: &App) -> Reads {
    app.store.reads()
}

/// What this node remembers of what it read; `None` if it remembers nothing.
#[must_use]
pub fn cache(app: &App) -> Option<CacheState> {
    app.store.cache()
}

/// What is not as it should be, a line each; the node works all the same, as far as it can.
#[must_use]
pub fn troubles(app: &App) -> Vec<String> {
    let out = seen(app).into_iter().filter(|state| state.role == Role::Out);
    let servers = out.map(|state| format!("database {} of {}: {}", state.name, state.group, state.trouble));
    let behind = app.behind.schemas();
    let schemas = behind.iter().map(|(name, why)| format!("schema {name} is not up to date: {why}"));
    servers.chain(schemas).collect()
}

/// Watches over all registered servers from now on, whoever asks them.
pub async fn watch(app: &App) -> Result<()> {
    Ok(app.store.watch().await?)
}

/// The same for a process that may start before configdb can be read: tries until it can.
pub async fn watching(app: Arc<App>) {
    while let Err(error) = watch(&app).await {
        tracing::warn!("the registered databases cannot be read: {}", error.cause_chain());
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

/// Brings all schemas up to date, one after the other, until all are. One that cannot be, because its server is dead, holds up
/// no other and no node; a request that needs it brings it up to date itself or is told why not.
pub(crate) async fn migrating(app: Arc<App>) {
    loop {
        if let Err(error) = watch(&app).await {
            tracing::warn!("the registered databases cannot be read: {}", error.cause_chain());
        } else {
            match migrate(&app).await {
                Ok(()) if app.behind.schemas().is_empty() => return,
                Ok(()) => {}
                Err(error) => tracing::warn!("the schemas cannot be read: {}", error.cause_chain()),
            }
        }
        tokio::time::sleep(TRY_AGAIN).await;
    }
}

async fn migrate(app: &App) -> Result<()> {
    let schemas = {
        let mut tx = app.store.config().await?;
        databases::schemas(&mut tx).await?
    };
    for schema in schemas.into_iter().filter(|schema| schema.ready) {
        match app.store.ensure_schema(schema.database, &schema.name).await {
            Ok(()) => {
                if app.behind.schemas().remove(&schema.name).is_some() {
                    tracing::info!("schema {} is up to date now", schema.name);
                }
            }
            Err(error) => {
                let why = error.to_string();
                let before = app.behind.schemas().insert(schema.name.clone(), why.clone());
                if before.is_none() {
                    tracing::error!("schema {} cannot be brought up to date: {why}", schema.name);
                }
            }
        }
    }
    Ok(())
}
