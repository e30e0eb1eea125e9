//! `registerserver`, `listserver`, `unregisterserver`: the clusters.

use serde::{Deserialize, Serialize};
use zebu_model::account;
use zebu_store::configdb::{sequence, servers};
use zebu_store::{ConfigTx, ConfigWriteTx};

use super::error::{Denied, Result, field};
use super::{Made, Named, fits};
use crate::app::App;
use crate::settle::until_settled;

/// A cluster in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Server {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
}

/// Registers a cluster. `if_absent`: one of this name is no error.
pub async fn register(app: &App, name: &str, if_absent: bool) -> Result<Made<i64>> {
    if name.trim().is_empty() {
        return Err(Denied::ServerInvalid {}.into());
    }
    field("name", account::registered(name))?;
    until_settled!(attempt(app, name, if_absent).await)
}

async fn attempt(app: &App, name: &str, if_absent: bool) -> Result<Made<i64>> {
    let mut tx = app.store.config_write().await?;
    if let Some(known) = servers::by_name(&mut tx, name).await? {
        return match if_absent {
            true => Ok(Made::before(known.id)),
            false => Err(Denied::ServerExists { name: known.name }.into()),
        };
    }
    let made = servers::insert(&mut tx, name).await;
    let id = made.map_err(|e| e.started_over_if_duplicate_in("servers"))?;
    tx.commit().await?;
    Ok(Made::now(id))
}

/// The clusters whose name or id a pattern fits, by id.
pub async fn list(app: &App, pattern: &str) -> Result<Vec<Server>> {
    let mut tx = app.store.config().await?;
    let all = servers::all(&mut tx).await?;
    let fitting = all.into_iter().filter(|s| fits(pattern, &[&s.name, &s.id.to_string()]));
    Ok(fitting.map(|s| Server { id: s.id, name: s.name }).collect())
}

/// Forgets a cluster that serves no context. Returns its id.
pub async fn unregister(app: &App, which: &Named<i64>) -> Result<i64> {
    until_settled!(forget(app, which).await)
}

async fn forget(app: &App, which: &Named<i64>) -> Result<i64> {
    let mut tx = hold(app).await?;
    let server = find(&mut tx, which).await?;
    let contexts = servers::contexts(&mut tx, server.id).await?;
    if contexts > 0 {
        return Err(Denied::ServerInUse { server: server.name, contexts }.into());
    }
    servers::delete(&mut tx, server.id).await?;
    tx.commit().await?;
    Ok(server.id)
}

async fn find(tx: &mut ConfigTx, which: &Named<i64>) -> Result<servers::Server> {
    let found = match which {
        Named::Name(name) => servers::by_name(tx, name).await?,
        Named::Id(id) => servers::all(tx).await?.into_iter().find(|s| s.id == *id),
    };
    Ok(found.ok_or_else(|| Denied::ServerUnknown { server: which.to_string() })?)
}

/// A transaction during which no context is put anywhere: what it counts stays so.
pub(super) async fn hold(app: &App) -> Result<ConfigWriteTx> {
    let mut tx = app.store.config_write().await?;
    sequence::hold_placement(&mut tx).await?;
    Ok(tx)
}
