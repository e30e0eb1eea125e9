//! `listdatabase`.

use serde::{Deserialize, Serialize};
use zebu_store::configdb::databases as registry;

use super::super::error::Result;
use super::super::fits;
use super::host;
use crate::app::App;
use crate::databases::{Role, states};

/// Of a server that was registered a moment ago.
const NOT_SEEN: &str = "nobody has looked at it yet";

/// A database server in a listing. Its password is not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseRow {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// `host[:port]`, a socket's path, or `sqlite:/directory`.
    pub hostname: String,
    /// Its URL, without credentials.
    pub url: String,
    /// The user to sign in as.
    pub login: String,
    /// Whether it takes writes.
    pub master: bool,
    /// The master it replicates; 0 for a master.
    pub master_id: i64,
    /// Its share of new contexts.
    pub weight: i64,
    /// How many contexts it takes.
    pub contexts_max: i64,
    /// How many it has; 0 for a replica.
    pub contexts: i64,
    /// Whether `pool_max` is a limit.
    pub pool_hard_limit: bool,
    /// Connections of one node.
    pub pool_max: i64,
    /// Connections kept open.
    pub pool_initial: i64,
    /// The first of its replicas; 0 if it has none.
    pub replica: i64,
    /// What it is now, whatever it is registered as: `master`, `replica` or `out`.
    pub role: String,
    /// How far behind its master it is, ms; `None` for a master and where nobody can tell.
    pub lag_ms: Option<u64>,
    /// Why it is `out`, with the remedy; empty if it is not.
    pub trouble: String,
    /// Its schemas, and how many contexts are in each.
    pub schemas: Vec<(String, i64)>,
}

/// The database servers whose name, id or URL a pattern fits, by id, each as this process sees it now.
pub async fn list(app: &App, pattern: &str) -> Result<Vec<DatabaseRow>> {
    let mut tx = app.store.config().await?;
    let (servers, schemas) = (registry::all(&mut tx).await?, registry::schemas(&mut tx).await?);
    drop(tx);
    let states = states(app).await;
    let replicas: Vec<(i64, i64)> = servers.iter().map(|s| (s.master, s.id)).collect();
    let fitting = servers.into_iter().filter(|s| fits(pattern, &[&s.name, &s.id.to_string(), &s.url]));
    let rows = fitting.map(|s| {
        let own = schemas.iter().filter(|schema| schema.database == s.id);
        let schemas: Vec<(String, i64)> = own.map(|o| (o.name.clone(), o.contexts)).collect();
        let state = states.iter().find(|state| state.id == s.id);
        DatabaseRow {
            id: s.id,
            replica: replicas.iter().find(|(master, _)| *master == s.id).map_or(0, |(_, replica)| *replica),
            role: state.map_or(Role::Out, |state| state.role).name().to_owned(),
            lag_ms: state.and_then(|state| state.lag_ms),
            trouble: state.map_or_else(|| NOT_SEEN.to_owned(), |state| state.trouble.clone()),
            name: s.name,
            hostname: host::hostname(&s.url),
            url: s.url,
            login: s.login,
            master: s.master == 0,
            master_id: s.master,
            weight: s.weight,
            contexts_max: s.contexts_max,
            contexts: schemas.iter().fold(0i64, |sum, (_, contexts)| sum.saturating_add(*contexts)),
            pool_hard_limit: s.pool_hard_limit,
            pool_max: s.pool_max,
            pool_initial: s.pool_initial,
            schemas,
        }
    });
    Ok(rows.collect())
}
