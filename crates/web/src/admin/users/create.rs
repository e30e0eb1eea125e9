//! `createuser`, one or many.

use serde::Deserialize;
use serde_json::{Map, Value};
use zebu_app::operator::users::{self, NewUser};
use zebu_model::ContextId;

use super::super::asked::{Asked, Outcome};
use super::super::imports::{self, Rows};
use super::super::options::Options;
use super::super::person::{self, PERSON, Person};
use super::super::refused::Refused;
use super::super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Create {
    contextid: u32,
    #[serde(default)]
    if_absent: bool,
}

/// `createuser`.
pub(in super::super) async fn create(mut asked: Asked) -> Outcome {
    let mut options = asked.take_options();
    let new: Person = options.take_part(PERSON)?;
    let said = person::take::<Create>(options)?;
    let context = ContextId(said.own.contextid);
    let attributes = said.user_attributes();
    let new = new.user(said.access, said.fields, attributes);
    let made = users::create(&asked.app, context, &new, said.own.if_absent).await?;
    Ok(Reply::done_in("user", made.id.0, context, "created"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Import {
    contextid: u32,
    rows: Vec<Map<String, Value>>,
    first: usize,
    #[serde(default)]
    if_absent: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

/// A user of a row, which names no context of its own.
fn described(mut row: Options) -> Result<NewUser, Refused> {
    let new: Person = row.take_part(PERSON)?;
    let said = person::take::<Nothing>(row)?;
    let attributes = said.user_attributes();
    Ok(new.user(said.access, said.fields, attributes))
}

/// `createuser/rows`: some lines of a file.
pub(in super::super) async fn import(asked: Asked) -> Outcome {
    let import: Import = asked.options.read()?;
    let rows = Rows::new(import.first, import.rows, described)?;
    let context = ContextId(import.contextid);
    let done = users::import(&asked.app, context, rows.items(), import.if_absent, &imports::unwatched).await;
    rows.reply(done)
}
