//! `createcontext`. Until the last step the context is being created, so that nobody meets it half made; what was begun and
//! came to nothing is taken back, and what a maker left that died is made anew by whoever asks for it again.

use zebu_model::access::Access;
use zebu_model::{ContextId, account};
use zebu_store::Place;
use zebu_store::configdb::contexts::{self as registry, Registered, State};
use zebu_store::configdb::{databases, filestores};
use zebu_store::shard::tables;

use super::super::error::{Denied, Error, Result, field};
use super::super::users::Prepared;
use super::super::{AccessSpec, Made, servers};
use super::place::{Entered, Placed, enter};
use super::seed::seed;
use super::{NewContext, check_attributes, check_name, quota};
use crate::app::App;
use crate::random;
use crate::settle::until_settled;

/// How long whoever makes a context is believed to be at it, ms. Longer than making a schema on a slow server takes.
const MAKER_MS: i64 = 120_000;
/// Rows deleted a statement.
const ROWS_AT_ONCE: u32 = 1_000;
/// Mappings of one context.
const MAPPINGS_MAX: usize = 1_000;

/// Creates a context. `if_absent`: one of this id that is ready is no error.
pub async fn create(app: &App, new: &NewContext, if_absent: bool) -> Result<Made<ContextId>> {
    let id = new.id;
    if id.0 == 0 || i32::try_from(id.0).is_err() {
        let reason = format!("{id} is not from 1 to 2147483647");
        return Err(Denied::FieldInvalid { field: "contextid".to_owned(), reason }.into());
    }
    let name = new.name.clone().unwrap_or_else(|| id.to_string());
    check_name(&name)?;
    let quota = quota(new.quota_mb)?;
    check_attributes(&new.attributes)?;
    let mappings = mappings(new, &name)?;
    let access = access(app, new)?;
    if let Some(made) = standing(app, id, if_absent).await? {
        return Ok(made);
    }
    let admin = Prepared::of(app, &new.admin).await?;
    let maker = random::token()?;
    let entered = Entered { name: &name, mappings: &mappings, quota, maker: &maker };
    let placed = match until_settled!(enter(app, new, &entered).await) {
        // Somebody was quicker.
        Err(Error::Denied(Denied::ContextExists { .. })) if if_absent => {
            return standing(app, id, if_absent)
                .await?
                .ok_or_else(|| Denied::ContextBusy { context: id }.into());
        }
        other => other?,
    };
    match make(app, new, &placed, &admin, access, &maker).await {
        Ok(()) => {
            tracing::info!("Context {id} created on database {} in {}", placed.database, placed.schema);
            Ok(Made::now(id))
        }
        Err(error) => {
            if let Err(left) = take_back(app, id, &maker).await {
                tracing::warn!("context {id} could not be made and is left half made: {left}");
            }
            Err(error)
        }
    }
}

/// The mappings that lead to it: its id and its name too.
fn mappings(new: &NewContext, name: &str) -> Result<Vec<String>> {
    let given = new.mappings.iter().map(String::as_str).filter(|mapping| !mapping.is_empty());
    let mut all: Vec<String> = given.map(str::to_owned).collect();
    all.extend([new.id.to_string(), name.to_owned()]);
    all.sort();
    all.dedup();
    if all.len() > MAPPINGS_MAX {
        return Err(Denied::TooMany { field: "addmapping", limit: MAPPINGS_MAX }.into());
    }
    all.iter().try_for_each(|mapping| field("addmapping", account::mapping(mapping)))?;
    Ok(all)
}

fn access(app: &App, new: &NewContext) -> Result<Access> {
    let default = AccessSpec::combination(&app.config.operator.new_context_access).resolve(Access::NONE)?;
    Ok(new.access.resolve(default)?)
}

/// What there is under this id already: nothing, or one that is ready, or one whose maker left it: that is taken away.
async fn standing(app: &App, id: ContextId, if_absent: bool) -> Result<Option<Made<ContextId>>> {
    let found = {
        let mut tx = app.store.config().await?;
        registry::registered_by_id(&mut tx, id).await?
    };
    let Some(found) = found else { return Ok(None) };
    match found.state {
        State::Ready if if_absent => Ok(Some(Made::before(id))),
        State::BeingCreated if app.now_ms().saturating_sub(found.made) > MAKER_MS => {
            let maker = random::token()?;
            if !until_settled!(claim(app, &found, &maker).await)? {
                return Err(Denied::ContextExists { context: id }.into());
            }
            take_back(app, id, &maker).await?;
            Ok(None)
        }
        _ => Err(Denied::ContextExists { context: id }.into()),
    }
}

async fn claim(app: &App, half_made: &Registered, maker: &str) -> Result<bool> {
    let mut tx = app.store.config_write().await?;
    let ours = registry::claim(&mut tx, half_made, maker, app.now_ms()).await?;
    tx.commit().await?;
    Ok(ours)
}

async fn make(
    app: &App,
    new: &NewContext,
    placed: &Placed,
    admin: &Prepared,
    access: Access,
    maker: &str,
) -> Result<()> {
    if !placed.schema_ready {
        app.store.ensure_schema(placed.database, &placed.schema).await?;
        let mut tx = app.store.config_write().await?;
        databases::set_schema_ready(&mut tx, &placed.schema).await?;
        tx.commit().await?;
    }
    let place = half_made(app, new.id).await?;
    app.storage.filestore(&place).await?;
    until_settled!(seed(app, &place, new, admin, access).await)?;
    let mut tx = app.store.config_write().await?;
    if !registry::finish(&mut tx, new.id, maker).await? {
        // Whoever took over undoes what is here.
        return Err(Denied::ContextBusy { context: new.id }.into());
    }
    Ok(tx.commit().await?)
}

async fn half_made(app: &App, id: ContextId) -> Result<Place> {
    let mut tx = app.store.config().await?;
    let place = registry::by_id(&mut tx, id).await?;
    Ok(place.ok_or(Denied::ContextBusy { context: id })?)
}

/// Takes a half-made context away, in the shard first: as long as configdb knows it, this can be done again.
async fn take_back(app: &App, id: ContextId, maker: &str) -> Result<()> {
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
