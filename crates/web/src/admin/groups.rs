//! Groups of a context. Its administrator asks.

use serde::Deserialize;
use serde_json::json;
use zebu_app::operator::Named;
use zebu_app::operator::groups::{self, GroupChange, NewGroup};
use zebu_model::{ContextId, GroupId, UserId};

use super::asked::{Asked, Outcome};
use super::options::{everything, named};
use super::reply::Reply;

fn users(ids: Vec<u32>) -> Vec<Named<UserId>> {
    ids.into_iter().map(|id| Named::Id(UserId(id))).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Create {
    contextid: u32,
    name: String,
    displayname: String,
    #[serde(default)]
    addmembers: Vec<u32>,
    #[serde(default)]
    if_absent: bool,
}

/// `creategroup`.
pub(super) async fn create(asked: Asked) -> Outcome {
    let options: Create = asked.options.read()?;
    let context = ContextId(options.contextid);
    let members = users(options.addmembers);
    let new = NewGroup { name: options.name, display_name: options.displayname, members };
    let made = groups::create(&asked.app, context, &new, options.if_absent).await?;
    Ok(Reply::done_in("group", made.id.0, context, "created"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    contextid: u32,
    #[serde(default = "everything")]
    searchpattern: String,
}

/// `listgroup`.
pub(super) async fn list(asked: Asked) -> Outcome {
    let options: List = asked.options.read()?;
    let rows = groups::list(&asked.app, ContextId(options.contextid), &options.searchpattern).await?;
    let rows = rows.into_iter().map(|row| {
        let members: Vec<String> = row.members.iter().map(ToString::to_string).collect();
        vec![json!(row.id.0), json!(row.name), json!(row.display_name), json!(members.join(","))]
    });
    Ok(Reply::table(&["id", "name", "displayname", "members"], rows))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    contextid: u32,
    groupid: Option<u32>,
    name: Option<String>,
    displayname: Option<String>,
    #[serde(default)]
    addmembers: Vec<u32>,
    #[serde(default)]
    removemembers: Vec<u32>,
}

/// `changegroup`. The name is the new one if the number says which; else it says which.
pub(super) async fn change(asked: Asked) -> Outcome {
    let options: Change = asked.options.read()?;
    let context = ContextId(options.contextid);
    let (which, name) = match options.groupid {
        Some(id) => (Named::Id(GroupId(id)), options.name),
        None => (named(None, options.name, "groupid or name")?, None),
    };
    let change = GroupChange {
        name,
        display_name: options.displayname,
        add_members: users(options.addmembers),
        remove_members: users(options.removemembers),
    };
    let id = groups::change(&asked.app, context, &which, &change).await?;
    Ok(Reply::done_in("group", id.0, context, "changed"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    contextid: u32,
    groupid: Option<u32>,
    name: Option<String>,
}

/// `deletegroup`.
pub(super) async fn delete(asked: Asked) -> Outcome {
    let options: Which = asked.options.read()?;
    let context = ContextId(options.contextid);
    let which = named(options.groupid.map(GroupId), options.name, "groupid or name")?;
    let id = groups::delete(&asked.app, context, &which).await?;
    Ok(Reply::done_in("group", id.0, context, "deleted"))
}
