//! `createcontext`, one or many.

use serde::Deserialize;
use serde_json::{Map, Value};
use zebu_app::operator::Named;
use zebu_app::operator::contexts::{self, NewContext};
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
    contextname: Option<String>,
    quota: i64,
    #[serde(default)]
    addmapping: Vec<String>,
    destination_store_id: Option<i64>,
    destination_database_id: Option<i64>,
    #[serde(default)]
    if_absent: bool,
}

/// The context that options describe, and whether one that is there already will do.
fn described(mut options: Options) -> Result<(NewContext, bool), Refused> {
    let admin: Person = options.take_part(PERSON)?;
    let said = person::take::<Create>(options)?;
    let own = said.own;
    let new = NewContext {
        id: ContextId(own.contextid),
        name: own.contextname,
        mappings: own.addmapping,
        quota_mb: own.quota,
        admin: admin.user(Default::default(), said.fields, said.preferences.set),
        access: said.access,
        filestore: own.destination_store_id,
        database: own.destination_database_id.map(Named::Id),
        attributes: said.attributes,
    };
    Ok((new, own.if_absent))
}

/// `createcontext`.
pub(in super::super) async fn create(asked: Asked) -> Outcome {
    let (new, if_absent) = described(asked.options)?;
    let made = contexts::create(&asked.app, &new, if_absent).await?;
    Ok(Reply::done("context", made.id.0, "created"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Import {
    rows: Vec<Map<String, Value>>,
    first: usize,
    #[serde(default)]
    if_absent: bool,
}

/// `createcontext/rows`: some lines of a file.
pub(in super::super) async fn import(asked: Asked) -> Outcome {
    let import: Import = asked.options.read()?;
    let rows = Rows::new(import.first, import.rows, |row| described(row).map(|(new, _)| new))?;
    let done = contexts::import(&asked.app, rows.items(), import.if_absent, &imports::unwatched).await;
    rows.reply(done)
}
