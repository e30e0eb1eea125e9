//! `listuser`, `existsuser`.

use serde::Deserialize;
use serde_json::{Value, json};
use zebu_app::operator::users::{self, UserRow};
use zebu_model::access::Flag;
use zebu_model::{ContextId, UserId, person};

use super::super::asked::{Asked, Outcome};
use super::super::options::{everything, named};
use super::super::reply::Reply;

/// The first columns; behind them come the contact fields, the attributes in one, and the flags of module access. The column
/// of passwords is there and empty.
const FIRST: &[&str] = &[
    "id",
    "username",
    "displayname",
    "givenname",
    "surname",
    "email",
    "password",
    "language",
    "timezone",
    "mailenabled",
    "groups",
];

fn columns() -> Vec<&'static str> {
    let fields = person::FIELDS.iter().map(|(name, _)| *name);
    let flags = Flag::ALL.iter().map(|flag| flag.option());
    FIRST.iter().copied().chain(fields).chain(["attributes"]).chain(flags).collect()
}

fn cells(row: &UserRow) -> Vec<Value> {
    let groups: Vec<String> = row.groups.iter().map(ToString::to_string).collect();
    let first = [
        json!(row.id.0),
        json!(row.login),
        json!(row.display_name),
        json!(row.given_name),
        json!(row.surname),
        json!(row.email),
        Value::Null,
        json!(row.language),
        json!(row.timezone),
        json!(row.enabled),
        json!(groups.join(",")),
    ];
    let fields = person::FIELDS.iter().map(|(name, _)| json!(row.fields.get(*name)));
    let attributes = row.fields.iter().filter(|(name, _)| name.contains('/'));
    let attributes: Vec<String> = attributes.map(|(name, value)| format!("{name}={value}")).collect();
    let attributes = if attributes.is_empty() { Value::Null } else { json!(attributes.join(" ")) };
    let flags = Flag::ALL.iter().map(|flag| json!(row.access.has(*flag)));
    first.into_iter().chain(fields).chain([attributes]).chain(flags).collect()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    contextid: u32,
    #[serde(default = "everything")]
    searchpattern: String,
    #[serde(default)]
    ignorecase: bool,
}

/// `listuser`.
pub(in super::super) async fn list(asked: Asked) -> Outcome {
    let options: List = asked.options.read()?;
    let context = ContextId(options.contextid);
    let rows = users::list(&asked.app, context, &options.searchpattern, options.ignorecase).await?;
    Ok(Reply::table(&columns(), rows.iter().map(cells)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    contextid: u32,
    userid: Option<u32>,
    username: Option<String>,
}

/// `existsuser`.
pub(in super::super) async fn exists(asked: Asked) -> Outcome {
    let options: Which = asked.options.read()?;
    let context = ContextId(options.contextid);
    let which = named(options.userid.map(UserId), options.username, "userid or username")?;
    let exists = users::exists(&asked.app, context, &which).await?;
    Ok(Reply::existence(&format!("user {which} in context {context}"), exists))
}
