//! `createresource`, `changeresource`, `deleteresource`, `listresource`: what can be booked.

use serde::{Deserialize, Serialize};
use zebu_model::{ContextId, Scope, account};
use zebu_store::shard::resources::{self as statements, Resource};
use zebu_store::shard::sequences::{self, Sequence};
use zebu_store::{Place, Plan, Tx, WriteTx};

use super::error::{Denied, Result, field};
use super::{Made, Named, fits, place};
use crate::app::App;
use crate::settle::until_settled;

/// A resource to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewResource {
    /// Short name, unique in the context.
    pub name: String,
    /// The name people see.
    pub display_name: String,
    /// Its address, unique in the context.
    pub email: String,
    /// Free text.
    #[serde(default)]
    pub description: String,
    /// Whether it can be booked. Default true.
    #[serde(default = "yes")]
    pub available: bool,
}

fn yes() -> bool {
    true
}

/// What is to change of a resource; what is not said stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ResourceChange {
    /// Another short name.
    pub name: Option<String>,
    /// Another name for people to see.
    pub display_name: Option<String>,
    /// Another address.
    pub email: Option<String>,
    /// Another text.
    pub description: Option<String>,
    /// Whether it can be booked.
    pub available: Option<bool>,
}

/// A resource in a listing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResourceRow {
    /// Its id.
    pub id: u32,
    /// Short name.
    pub name: String,
    /// The name people see.
    pub display_name: String,
    /// Its address.
    pub email: String,
    /// Free text.
    pub description: String,
    /// Whether it can be booked.
    pub available: bool,
}

fn check(r: &Resource) -> std::result::Result<(), Denied> {
    field("name", account::name(&r.name))?;
    field("displayname", account::name(&r.display_name))?;
    field("email", account::email(&r.email))?;
    field("description", account::description(&r.description))
}

/// Refuses names and addresses that another resource has.
async fn check_free(tx: &mut Tx, r: &Resource) -> Result<()> {
    if statements::by_name(tx, &r.name).await?.is_some_and(|other| other.id != r.id) {
        return Err(Denied::ResourceTaken { name: r.name.clone() }.into());
    }
    if statements::by_email(tx, &r.email).await?.is_some_and(|other| other.id != r.id) {
        return Err(Denied::ResourceEmailTaken { email: r.email.clone() }.into());
    }
    Ok(())
}

async fn write(app: &App, place: &Place) -> Result<WriteTx> {
    Ok(app.write(place, Plan::changing([Scope::Principals])).await?)
}

/// Creates a resource. `if_absent`: one of this name is no error.
pub async fn create(app: &App, context: ContextId, new: &NewResource, if_absent: bool) -> Result<Made<u32>> {
    let resource = Resource {
        id: 0,
        name: new.name.clone(),
        display_name: new.display_name.clone(),
        email: new.email.clone(),
        description: new.description.clone(),
        available: new.available,
    };
    check(&resource)?;
    let place = place(app, context).await?;
    until_settled!(attempt(app, &place, &resource, if_absent).await)
}

async fn attempt(app: &App, place: &Place, new: &Resource, if_absent: bool) -> Result<Made<u32>> {
    let mut tx = write(app, place).await?;
    if let Some(known) = statements::by_name(&mut tx, &new.name).await?.filter(|_| if_absent) {
        return Ok(Made::before(known.id));
    }
    check_free(&mut tx, new).await?;
    let id = sequences::take(&mut tx, Sequence::Principals, 1).await?;
    statements::insert(&mut tx, &Resource { id, ..new.clone() }).await?;
    tx.commit().await?;
    Ok(Made::now(id))
}

async fn find(tx: &mut Tx, which: &Named<u32>) -> Result<Resource> {
    let found = match which {
        Named::Id(id) => statements::by_id(tx, *id).await?,
        Named::Name(name) => statements::by_name(tx, name).await?,
    };
    Ok(found.ok_or_else(|| Denied::ResourceUnknown { resource: which.to_string() })?)
}

/// Changes a resource. Returns its id.
pub async fn change(
    app: &App,
    context: ContextId,
    which: &Named<u32>,
    change: &ResourceChange,
) -> Result<u32> {
    let place = place(app, context).await?;
    until_settled!(alter(app, &place, which, change).await)
}

async fn alter(app: &App, place: &Place, which: &Named<u32>, change: &ResourceChange) -> Result<u32> {
    let mut tx = write(app, place).await?;
    let mut resource = find(&mut tx, which).await?;
    for (value, new) in [
        (&mut resource.name, &change.name),
        (&mut resource.display_name, &change.display_name),
        (&mut resource.email, &change.email),
        (&mut resource.description, &change.description),
    ] {
        if let Some(new) = new {
            value.clone_from(new);
        }
    }
    resource.available = change.available.unwrap_or(resource.available);
    check(&resource)?;
    check_free(&mut tx, &resource).await?;
    statements::update(&mut tx, &resource).await?;
    tx.commit().await?;
    Ok(resource.id)
}

/// Deletes a resource. Returns its id.
pub async fn delete(app: &App, context: ContextId, which: &Named<u32>) -> Result<u32> {
    let place = place(app, context).await?;
    until_settled!(remove(app, &place, which).await)
}

async fn remove(app: &App, place: &Place, which: &Named<u32>) -> Result<u32> {
    let mut tx = write(app, place).await?;
    let resource = find(&mut tx, which).await?;
    statements::delete(&mut tx, resource.id).await?;
    tx.commit().await?;
    Ok(resource.id)
}

/// The resources whose name, display name, address or id a pattern fits, by id.
pub async fn list(app: &App, context: ContextId, pattern: &str) -> Result<Vec<ResourceRow>> {
    let mut tx = app.read(&place(app, context).await?).await?;
    let all = statements::all(&mut tx).await?;
    let fitting =
        all.into_iter().filter(|r| fits(pattern, &[&r.name, &r.display_name, &r.email, &r.id.to_string()]));
    let rows = fitting.map(|r| ResourceRow {
        id: r.id,
        name: r.name,
        display_name: r.display_name,
        email: r.email,
        description: r.description,
        available: r.available,
    });
    Ok(rows.collect())
}
