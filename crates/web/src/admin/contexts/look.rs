//! Looking at contexts: `listcontext` and its like, `existscontext`, `getschemaname` and other single facts.

use serde::Deserialize;
use serde_json::{Value, json};
use zebu_app::operator::contexts::{self, ContextFilter, ContextRow};
use zebu_app::operator::{Named, databases};
use zebu_model::access::Flag;

use super::super::asked::{Asked, Outcome};
use super::super::options::{self, everything};
use super::super::refused::Refused;
use super::super::reply::Reply;
use super::Which;

/// Sizes are bytes inside and MB for operators.
const MB: u64 = 1 << 20;

const COLUMNS: &[&str] = &[
    "id",
    "filestore_id",
    "filestore_name",
    "enabled",
    "max_quota",
    "used_quota",
    "name",
    "lmappings",
    "read_pool",
    "write_pool",
    "scheme",
    "state",
    "reason",
    "server",
];

fn cells(row: ContextRow) -> Vec<Value> {
    vec![
        json!(row.id.0),
        json!(row.filestore),
        json!(format!("{}_ctx_store", row.id)),
        json!(row.enabled),
        json!(row.quota.map_or(Value::from(-1), |bytes| Value::from(bytes / MB))),
        json!(row.used.map(|bytes| bytes / MB)),
        json!(row.name),
        json!(row.mappings.join(",")),
        json!(row.read_database),
        json!(row.database),
        json!(row.schema),
        json!(row.state),
        json!(row.reason),
        json!(row.server),
    ]
}

async fn table(asked: &Asked, filter: ContextFilter) -> Outcome {
    let rows = contexts::list(&asked.app, &filter).await?;
    Ok(Reply::table(COLUMNS, rows.into_iter().map(cells)))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct List {
    #[serde(default = "everything")]
    searchpattern: String,
    #[serde(default)]
    omit_usage: bool,
}

/// `listcontext`. Sizes in MB.
pub(in super::super) async fn list(mut asked: Asked) -> Outcome {
    let options: List = asked.take_options().read()?;
    let filter = ContextFilter {
        pattern: options.searchpattern,
        with_usage: !options.omit_usage,
        ..ContextFilter::default()
    };
    table(&asked, filter).await
}

/// `listcontextsbydatabase`.
pub(in super::super) async fn list_by_database(mut asked: Asked) -> Outcome {
    let which = asked.take_options().read::<options::Which>()?.named()?;
    let all = databases::list(&asked.app, "*").await?;
    let is_meant = |row: &databases::DatabaseRow| match &which {
        Named::Id(id) => row.id == *id,
        Named::Name(name) => row.name == *name,
    };
    let found = all.into_iter().find(is_meant);
    let found = found.ok_or_else(|| Refused::invalid("There is no such database."))?;
    table(&asked, ContextFilter { database: Some(found.id), ..ContextFilter::default() }).await
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OnStore {
    id: i64,
}

/// `listcontextsbyfilestore`.
pub(in super::super) async fn list_by_filestore(mut asked: Asked) -> Outcome {
    let options: OnStore = asked.take_options().read()?;
    table(&asked, ContextFilter { filestore: Some(options.id), ..ContextFilter::default() }).await
}

/// `existscontext`.
pub(in super::super) async fn exists(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    let exists = contexts::exists(&asked.app, &which).await?;
    Ok(Reply::existence(&format!("context {which}"), exists))
}

/// `getschemaname`.
pub(in super::super) async fn schema_name(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    Ok(Reply::lines([contexts::schema_name(&asked.app, &which).await?]))
}

/// `getadminid`.
pub(in super::super) async fn admin_id(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    Ok(Reply::lines([contexts::admin_id(&asked.app, &which).await?.to_string()]))
}

/// `getaccesscombinationnameforcontext`: `null` if no combination is exactly that.
pub(in super::super) async fn combination(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    let name = contexts::combination_of(&asked.app, &which).await?;
    Ok(Reply::lines([name.unwrap_or("null").to_owned()]))
}

/// `getmoduleaccessforcontext`: a line for each flag.
pub(in super::super) async fn module_access(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    let access = contexts::access_of(&asked.app, &which).await?;
    let line = |flag: &Flag| format!("{} {}", flag.option(), if access.has(*flag) { "on" } else { "off" });
    Ok(Reply::lines(Flag::ALL.iter().map(line)))
}
