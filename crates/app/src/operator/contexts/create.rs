//! `createcontext`. Until the last step the context is being created, so that nobody meets it half made; what was begun and
//! came to nothing is taken back, and what a maker left that died is made anew by whoever asks for it again.

use zebu_model::access::Access;
use zebu_model::{ContextId, account};
use zebu_store::configdb::contexts as registry;
use zebu_store::configdb::databases;

use super::super::error::{Denied, Error, Result, field};
use super::super::users::Prepared;
use super::super::{AccessSpec, Made};
use super::left::{clear_mappings, half_made, standing, take_back};
use super::place::{Entered, Placed, enter};
use super::seed::seed;
use super::{NewContext, check_attributes, check_name, quota};
use crate::app::App;
use crate::random;
use crate::settle::until_settled;

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
    let Some(placed) = placed(app, new, &entered, if_absent).await? else { return Ok(Made::before(id)) };
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

/// Enters it, if need be when what a dead maker left of its id, its name or its mappings is out of the way. `None`: somebody
/// else made it meanwhile, and that is no error.
async fn placed(
    app: &App,
    new: &NewContext,
    entered: &Entered<'_>,
    if_absent: bool,
) -> Result<Option<Placed>> {
    match until_settled!(enter(app, new, entered).await) {
        Err(Error::Denied(Denied::ContextExists { .. })) => {
            if standing(app, new.id, if_absent).await?.is_some() {
                return Ok(None);
            }
        }
        Err(Error::Denied(taken @ (Denied::ContextNameTaken { .. } | Denied::MappingTaken { .. }))) => {
            if !clear_mappings(app, entered.mappings).await? {
                return Err(taken.into());
            }
        }
        other => return other.map(Some),
    }
    until_settled!(enter(app, new, entered).await).map(Some)
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
