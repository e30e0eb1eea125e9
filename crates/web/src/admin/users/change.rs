//! `changeuser`, `changeaccessglobal`.

use serde::Deserialize;
use zebu_app::operator::Secret;
use zebu_app::operator::users::{self, AccessFilter, UserChange};
use zebu_model::{ContextId, UserId};

use super::super::asked::{Asked, Outcome};
use super::super::options::named;
use super::super::person;
use super::super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    contextid: u32,
    userid: Option<u32>,
    username: Option<String>,
    displayname: Option<String>,
    givenname: Option<String>,
    surname: Option<String>,
    password: Option<Secret>,
    email: Option<String>,
    language: Option<String>,
    timezone: Option<String>,
    mailenabled: Option<bool>,
}

/// `changeuser`.
pub(in super::super) async fn change(asked: Asked) -> Outcome {
    let said = person::take::<Change>(asked.options)?;
    let attributes = said.user_attributes();
    let own = said.own;
    let context = ContextId(own.contextid);
    let which = named(own.userid.map(UserId), own.username, "userid or username")?;
    let change = UserChange {
        display_name: own.displayname,
        given_name: own.givenname,
        surname: own.surname,
        email: own.email,
        password: own.password,
        password_hash: None,
        language: own.language,
        timezone: own.timezone,
        enabled: own.mailenabled,
        access: said.access,
        fields: said.fields,
        attributes,
        remove_attributes: said.remove_attributes.into_iter().chain(said.preferences.remove).collect(),
    };
    let id = users::change(&asked.app, context, &which, &change).await?;
    Ok(Reply::done_in("user", id.0, context, "changed"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Everywhere {
    contextid: u32,
    filter: Option<String>,
}

/// `changeaccessglobal`.
pub(in super::super) async fn change_access(mut asked: Asked) -> Outcome {
    let mut options = asked.take_options();
    let access = options.take_access()?;
    let options: Everywhere = options.read()?;
    let filter = options.filter.map_or(AccessFilter::All, AccessFilter::Combination);
    let context = ContextId(options.contextid);
    let count = users::change_access(&asked.app, context, &filter, &access).await?;
    Ok(Reply::sentence(format!("module access of {count} users in context {context} changed")))
}
