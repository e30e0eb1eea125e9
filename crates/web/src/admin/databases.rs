//! Database servers: masters and their replicas.

use serde::Deserialize;
use serde_json::json;
use zebu_app::operator::Secret;
use zebu_app::operator::databases::{self, DatabaseChange, DatabaseRow, NewDatabase};

use super::asked::{Asked, Outcome};
use super::options::{Which, everything, named};
use super::reply::Reply;

/// The driver of the original, which its programs expect in this column.
const DRIVER: &str = "com.mysql.jdbc.Driver";

/// What is said of a database server, to register or to change it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    id: Option<i64>,
    name: Option<String>,
    hostname: Option<String>,
    dbuser: Option<String>,
    dbpasswd: Option<Secret>,
    /// Taken for the original's sake: there is one driver.
    #[allow(dead_code, reason = "taken and not used")]
    dbdriver: Option<String>,
    master: Option<bool>,
    masterid: Option<i64>,
    dbweight: Option<i64>,
    maxunit: Option<i64>,
    poolhardlimit: Option<bool>,
    poolinitial: Option<i64>,
    poolmax: Option<i64>,
    #[serde(default)]
    unchecked: bool,
    #[serde(default)]
    if_absent: bool,
}

/// `registerdatabase`.
pub(super) async fn register(asked: Asked) -> Outcome {
    let options: Options = asked.options.read()?;
    let usual = NewDatabase::default();
    let new = NewDatabase {
        name: options.name.unwrap_or_default(),
        hostname: options.hostname.unwrap_or(usual.hostname),
        login: options.dbuser.unwrap_or(usual.login),
        password: options.dbpasswd.unwrap_or_default(),
        master: options.master.unwrap_or(usual.master),
        master_id: options.masterid,
        weight: options.dbweight.unwrap_or(usual.weight),
        contexts_max: options.maxunit.unwrap_or(usual.contexts_max),
        pool_hard_limit: options.poolhardlimit.unwrap_or(usual.pool_hard_limit),
        pool_initial: options.poolinitial.unwrap_or(usual.pool_initial),
        pool_max: options.poolmax.unwrap_or(usual.pool_max),
        unchecked: options.unchecked,
    };
    let made = databases::register(&asked.app, &new, options.if_absent).await?;
    Ok(Reply::done("database", made.id, "registered"))
}

/// `changedatabase`. The name is the new one if the number says which; else it says which.
pub(super) async fn change(asked: Asked) -> Outcome {
    let options: Options = asked.options.read()?;
    let (which, name) = match options.id {
        Some(id) => (named(Some(id), None, "id or name")?, options.name),
        None => (named(None, options.name, "id or name")?, None),
    };
    let change = DatabaseChange {
        name,
        hostname: options.hostname,
        login: options.dbuser,
        password: options.dbpasswd,
        master: options.master,
        master_id: options.masterid,
        weight: options.dbweight,
        contexts_max: options.maxunit,
        pool_hard_limit: options.poolhardlimit,
        pool_initial: options.poolinitial,
        pool_max: options.poolmax,
        unchecked: options.unchecked,
    };
    let id = databases::change(&asked.app, &which, &change).await?;
    Ok(Reply::done("database", id, "changed"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default = "everything")]
    searchpattern: String,
}

/// `listdatabase`. The column of passwords is there and empty: they are shown to nobody.
pub(super) async fn list(asked: Asked) -> Outcome {
    let options: List = asked.options.read()?;
    let rows = databases::list(&asked.app, &options.searchpattern).await?.into_iter().map(cells);
    let columns = &[
        "id",
        "display_name",
        "url",
        "master",
        "masterid",
        "clusterweight",
        "maxUnits",
        "currentunits",
        "poolHardLimit",
        "poolMax",
        "poolInitial",
        "login",
        "password",
        "driver",
        "read_id",
        "scheme",
        // The original's end here.
        "role",
        "lag_ms",
        "trouble",
    ];
    Ok(Reply::table(columns, rows))
}

fn cells(row: DatabaseRow) -> Vec<serde_json::Value> {
    let schemas: Vec<String> = row.schemas.into_iter().map(|(name, _)| name).collect();
    vec![
        json!(row.id),
        json!(row.name),
        json!(row.url),
        json!(row.master),
        json!(row.master_id),
        json!(row.weight),
        json!(row.contexts_max),
        json!(row.contexts),
        json!(row.pool_hard_limit),
        json!(row.pool_max),
        json!(row.pool_initial),
        json!(row.login),
        json!(null),
        json!(DRIVER),
        json!(row.replica),
        json!(schemas.join(" ")),
        json!(row.role),
        json!(row.lag_ms),
        json!(Some(row.trouble).filter(|trouble| !trouble.is_empty())),
    ]
}

/// `unregisterdatabase`.
pub(super) async fn unregister(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    let id = databases::unregister(&asked.app, &which).await?;
    Ok(Reply::done("database", id, "unregistered"))
}
