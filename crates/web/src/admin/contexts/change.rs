//! `changecontext`.

use serde::Deserialize;
use zebu_app::operator::Named;
use zebu_app::operator::contexts::{self, ContextChange};
use zebu_app::operator::users::{self, UserChange};
use zebu_model::{ContextId, UserId};

use super::super::asked::{Asked, Outcome};
use super::super::options::named;
use super::super::person;
use super::super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    contextid: Option<u32>,
    contextname: Option<String>,
    newname: Option<String>,
    quota: Option<i64>,
    #[serde(default)]
    addmapping: Vec<String>,
    #[serde(default)]
    removemapping: Vec<String>,
}

/// `changecontext`. Preferences of the GUI are its administrator's, as in the original.
pub(in super::super) async fn change(asked: Asked) -> Outcome {
    let said = person::take::<Change>(asked.options)?;
    let own = said.own;
    let which = named(own.contextid.map(ContextId), own.contextname, "contextid or contextname")?;
    let change = ContextChange {
        name: own.newname,
        add_mappings: own.addmapping,
        remove_mappings: own.removemapping,
        quota_mb: own.quota,
        access: said.access,
        attributes: said.attributes,
        remove_attributes: said.remove_attributes,
    };
    let id = contexts::change(&asked.app, &which, &change).await?;
    let preferences = UserChange {
        attributes: said.preferences.set,
        remove_attributes: said.preferences.remove,
        ..UserChange::default()
    };
    if preferences != UserChange::default() {
        users::change(&asked.app, id, &Named::Id(UserId::ADMIN), &preferences).await?;
    }
    Ok(Reply::done("context", id.0, "changed"))
}
