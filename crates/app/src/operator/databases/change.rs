//! `changedatabase` and `unregisterdatabase`.

use serde::{Deserialize, Serialize};
use zebu_model::account;
use zebu_store::configdb::databases::{self as registry, DatabaseServer};

use super::super::error::{Denied, Result, field};
use super::super::{Named, Secret, servers};
use super::register::{check_master, seal, try_out};
use super::{check_ranges, find, host};
use crate::app::App;
use crate::settle::until_settled;

/// What is to change of a database server; `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DatabaseChange {
    /// Another name. The schemas on it keep theirs.
    pub name: Option<String>,
    /// Another place.
    pub hostname: Option<String>,
    /// Another user.
    pub login: Option<String>,
    /// Another password.
    pub password: Option<Secret>,
    /// Whether it takes writes.
    pub master: Option<bool>,
    /// Another master.
    pub master_id: Option<i64>,
    /// Another share of new contexts.
    pub weight: Option<i64>,
    /// Another number of contexts.
    pub contexts_max: Option<i64>,
    /// Whether `pool_max` is a limit.
    pub pool_hard_limit: Option<bool>,
    /// Other connections kept open.
    pub pool_initial: Option<i64>,
    /// Another number of connections.
    pub pool_max: Option<i64>,
    /// Do not connect to it.
    pub unchecked: bool,
}

impl DatabaseChange {
    /// Whether it says how to get to the server.
    fn moves(&self) -> bool {
        self.hostname.is_some() || self.login.is_some() || self.password.is_some()
    }
}

/// Changes a database server. Returns its id.
pub async fn change(app: &App, which: &Named<i64>, change: &DatabaseChange) -> Result<i64> {
    if let Some(name) = &change.name {
        field("name", account::database(name))?;
    }
    if change.moves() && !change.unchecked {
        let mut tx = app.store.config().await?;
        let old = find(&mut tx, which).await?;
        drop(tx);
        let (server, password) = changed(app, &old, change)?;
        try_out(app, &server, &password).await?;
    }
    until_settled!(attempt(app, which, change).await)
}

/// The server after the change, and its password in clear.
fn changed(app: &App, old: &DatabaseServer, change: &DatabaseChange) -> Result<(DatabaseServer, String)> {
    let mut server = old.clone();
    if let Some(name) = &change.name {
        server.name.clone_from(name);
    }
    if let Some(hostname) = &change.hostname {
        server.url = host::url(hostname)?;
        field("hostname", account::registered(&server.url))?;
    }
    if let Some(login) = &change.login {
        field("dbuser", account::optional_name(login))?;
        server.login.clone_from(login);
    }
    server.weight = change.weight.unwrap_or(server.weight);
    server.contexts_max = change.contexts_max.unwrap_or(server.contexts_max);
    server.pool_hard_limit = change.pool_hard_limit.unwrap_or(server.pool_hard_limit);
    server.pool_initial = change.pool_initial.unwrap_or(server.pool_initial);
    server.pool_max = change.pool_max.unwrap_or(server.pool_max);
    server.master = match (change.master, change.master_id) {
        (Some(true), None) => 0,
        (Some(true), Some(_)) => return Err(Denied::MasterIdNotAllowed {}.into()),
        (Some(false), None) if server.master == 0 => return Err(Denied::MasterIdMissing {}.into()),
        (None, Some(_)) if server.master == 0 => return Err(Denied::MasterIdNotAllowed {}.into()),
        (_, id) => id.unwrap_or(server.master),
    };
    check_ranges(&server)?;
    let password = match &change.password {
        Some(given) => {
            field("dbpasswd", if given.0.is_empty() { Ok(()) } else { account::password(&given.0) })?;
            given.0.clone()
        }
        None if change.moves() || server.name != old.name => {
            app.store.open_password(&old.name, &old.password)?
        }
        None => return Ok((server, String::new())),
    };
    // Sealed for its name: with another name it has to be sealed again.
    server.password = seal(app, &server.name, &password)?;
    Ok((server, password))
}

async fn attempt(app: &App, which: &Named<i64>, change: &DatabaseChange) -> Result<i64> {
    let mut tx = servers::hold(app).await?;
    let old = find(&mut tx, which).await?;
    let (server, _) = changed(app, &old, change)?;
    if server.name != old.name && registry::by_name(&mut tx, &server.name).await?.is_some() {
        return Err(Denied::DatabaseExists { name: server.name }.into());
    }
    if server.master != old.master {
        check_master(&mut tx, server.master).await?;
        let contexts = registry::contexts(&mut tx).await?.get(&old.id).copied().unwrap_or(0);
        let replicated = registry::all(&mut tx).await?.iter().any(|s| s.master == old.id);
        if old.master == 0 && (contexts > 0 || replicated) {
            return Err(Denied::RoleFixed { database: old.name }.into());
        }
    }
    registry::update(&mut tx, &server).await?;
    tx.commit().await?;
    Ok(server.id)
}

/// Forgets a database server; a master takes its replicas with it. One that holds contexts stays. The schemas themselves stay
/// on the server. Returns its id.
pub async fn unregister(app: &App, which: &Named<i64>) -> Result<i64> {
    until_settled!(forget(app, which).await)
}

async fn forget(app: &App, which: &Named<i64>) -> Result<i64> {
    let mut tx = servers::hold(app).await?;
    let server = find(&mut tx, which).await?;
    let contexts = registry::contexts(&mut tx).await?.get(&server.id).copied().unwrap_or(0);
    if contexts > 0 {
        return Err(Denied::DatabaseInUse { database: server.name, contexts }.into());
    }
    registry::delete(&mut tx, server.id).await?;
    tx.commit().await?;
    Ok(server.id)
}
