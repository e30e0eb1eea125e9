//! Resources of a context. Its administrator asks.

use serde::Deserialize;
use serde_json::json;
use zebu_app::operator::Named;
use zebu_app::operator::resources::{self, NewResource, ResourceChange};
use zebu_model::ContextId;

use super::asked::{Asked, Outcome};
use super::options::{everything, named};
use super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Create {
    contextid: u32,
    name: String,
    displayname: String,
    email: String,
    #[serde(default)]
    description: String,
    available: Option<bool>,
    #[serde(default)]
    if_absent: bool,
}

/// `createresource`.
pub(super) async fn create(asked: Asked) -> Outcome {
    let options: Create = asked.options.read()?;
    let context = ContextId(options.contextid);
    let new = NewResource {
        name: options.name,
        display_name: options.displayname,
        email: options.email,
        description: options.description,
        available: options.available.unwrap_or(true),
    };
    let made = resources::create(&asked.app, context, &new, options.if_absent).await?;
    Ok(Reply::done_in("resource", made.id, context, "created"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    contextid: u32,
    #[serde(default = "everything")]
    searchpattern: String,
}

/// `listresource`.
pub(super) async fn list(asked: Asked) -> Outcome {
    let options: List = asked.options.read()?;
    let rows = resources::list(&asked.app, ContextId(options.contextid), &options.searchpattern).await?;
    let rows = rows.into_iter().map(|row| {
        vec![
            json!(row.id),
            json!(row.name),
            json!(row.display_name),
            json!(row.email),
            json!(row.description),
            json!(row.available),
        ]
    });
    Ok(Reply::table(&["id", "name", "displayname", "email", "description", "available"], rows))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    contextid: u32,
    resourceid: Option<u32>,
    name: Option<String>,
    displayname: Option<String>,
    email: Option<String>,
    description: Option<String>,
    available: Option<bool>,
}

/// `changeresource`. The name is the new one if the number says which; else it says which.
pub(super) async fn change(asked: Asked) -> Outcome {
    let options: Change = asked.options.read()?;
    let context = ContextId(options.contextid);
    let (which, name) = match options.resourceid {
        Some(id) => (Named::Id(id), options.name),
        None => (named(None, options.name, "resourceid or name")?, None),
    };
    let change = ResourceChange {
        name,
        display_name: options.displayname,
        email: options.email,
        description: options.description,
        available: options.available,
    };
    let id = resources::change(&asked.app, context, &which, &change).await?;
    Ok(Reply::done_in("resource", id, context, "changed"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    contextid: u32,
    resourceid: Option<u32>,
    name: Option<String>,
}

/// `deleteresource`.
pub(super) async fn delete(asked: Asked) -> Outcome {
    let options: Which = asked.options.read()?;
    let context = ContextId(options.contextid);
    let which = named(options.resourceid, options.name, "resourceid or name")?;
    let id = resources::delete(&asked.app, context, &which).await?;
    Ok(Reply::done_in("resource", id, context, "deleted"))
}
