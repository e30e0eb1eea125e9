//! What makers of contexts left that did not come to the end: their own failures, taken back at once, and what those left
//! who died, taken away by whoever wants the context's id, name or mapping.

use std::collections::BTreeSet;

use zebu_model::ContextId;
use zebu_store::Place;
use zebu_store::configdb::contexts::{self as registry, Registered, State};
use zebu_store::configdb::{databases, filestores};
use zebu_store::shard::tables;

use super::super::error::{Denied, Result};
use super::super::{Made, servers};
use crate::app::App;
use crate::random;
use crate::settle::until_settled;

/// How long whoever makes a context is believed to be at it, ms. Longer than making a schema on a slow server takes.
const MAKER_MS: i64 = 120_000;
/// Rows deleted a statement.
const ROWS_AT_ONCE: u32 = 1_000;

/// What there is under this id already: nothing, or one that is ready, or one whose maker left it: that is taken away.
pub(super) async fn standing(app: &App, id: ContextId, if_absent: bool) -> Result<Option<Made<ContextId>>> {
    let found = {
        let mut tx = app.store.config().await?;
        registry::registered_by_id(&mut tx, id).await?
    };
    match found {
        None => Ok(None),
        Some(found) if found.state == State::Ready && if_absent => Ok(Some(Made::before(id))),
        Some(found) if clear(app, &found).await? => Ok(None),
        Some(_) => Err(Denied::ContextExists { context: id }.into()),
    }
}

/// Takes away whatever dead makers left that has one of these mappings; a context's name is one of its mappings. Returns
/// whether there was anything.
pub(super) async fn clear_mappings(app: &App, mappings: &[String]) -> Result<bool> {
    let mut owners = BTreeSet::new();
    let mut found = Vec::new();
    {
        let mut tx = app.store.config().await?;
        for mapping in mappings {
            owners.extend(registry::mapping_owner(&mut tx, mapping).await?);
        }
        for owner in owners {
            found.extend(registry::registered_by_id(&mut tx, owner).await?);
        }
    }
    let mut cleared = false;
    for found in &found {
        cleared |= clear(app, found).await?;
    }
    Ok(cleared)
}

/// Takes a context away if its maker left it half made. Returns whether it did.
async fn clear(app: &App, found: &Registered) -> Result<bool> {
    if found.state != State::BeingCreated || app.now_ms().saturating_sub(found.made) <= MAKER_MS {
        return Ok(false);
    }
    let maker = random::token()?;
    if !until_settled!(claim(app, found, &maker).await)? {
        return Ok(false);
    }
    take_back(app, found.id, &maker).await?;
    Ok(true)
}

async fn claim(app: &App, half_made: &Registered, maker: &str) -> Result<bool> {
    let mut tx = app.store.config_write().await?;
    let ours = registry::claim(&mut tx, half_made, maker, app.now_ms()).await?;
    tx.commit().await?;
    Ok(ours)
}

/// Where a context is being made.
pub(super) async fn half_made(app: &App, id: ContextId) -> Result<Place> {
    let mut tx = app.store.config().await?;
    let place = registry::by_id(&mut tx, id).await?;
    Ok(place.ok_or(Denied::ContextBusy { context: id })?)
}

/// Takes a half-made context away, in the shard first: as long as configdb knows it, this can be done again.
pub(super) async fn take_back(app: &App, id: ContextId, maker: &str) -> Result<()> {
    let registered = {
        let mut tx = app.store.config().await?;
        registry::registered_by_id(&mut tx, id).await?
    };
    let ours = registered.filter(|c| c.maker == maker && c.state == State::BeingCreated);
    let Some(registered) = ours else { return Ok(()) };
    until_settled!(empty(app, id, &registered).await)?;
    until_settled!(forget(app, &registered).await)
}

async fn empty(app: &App, id: ContextId, registered: &Registered) -> Result<()> {
    let made = {
        let mut tx = app.store.config().await?;
        let schemas = databases::schemas(&mut tx).await?;
        schemas.into_iter().any(|s| s.name == registered.schema && s.ready)
    };
    if !made {
        return Ok(());
    }
    let place = half_made(app, id).await?;
    let mut home = app.store.hold_home(&place).await?;
    if home.home().is_none_or(|home| home.born != place.born) {
        return Ok(());
    }
    for table in tables::all() {
        while home.delete_some(table, ROWS_AT_ONCE).await? {}
    }
    home.remove().await?;
    Ok(home.commit().await?)
}

async fn forget(app: &App, registered: &Registered) -> Result<()> {
    let mut tx = servers::hold(app).await?;
    if registry::give_up(&mut tx, registered.id, &registered.maker).await? {
        databases::count_contexts(&mut tx, &registered.schema, -1).await?;
        filestores::count_contexts(&mut tx, registered.filestore, -1).await?;
    }
    Ok(tx.commit().await?)
}
