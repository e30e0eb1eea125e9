//! File stores.

use serde::Deserialize;
use serde_json::json;
use zebu_app::operator::filestores::{self, FilestoreChange, NewFilestore};

use super::asked::{Asked, Outcome};
use super::options::everything;
use super::reply::Reply;

/// Sizes are bytes inside and MB for operators.
const MB: i64 = 1 << 20;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Register {
    storepath: String,
    storesize: Option<i64>,
    maxcontexts: Option<i64>,
    #[serde(default)]
    if_absent: bool,
}

/// `registerfilestore`.
pub(super) async fn register(asked: Asked) -> Outcome {
    let options: Register = asked.options.read()?;
    let usual = NewFilestore::at(&options.storepath);
    let new = NewFilestore {
        size_mb: options.storesize.unwrap_or(usual.size_mb),
        contexts_max: options.maxcontexts.unwrap_or(usual.contexts_max),
        ..usual
    };
    let made = filestores::register(&asked.app, &new, options.if_absent).await?;
    Ok(Reply::done("filestore", made.id, "registered"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct List {
    #[serde(default = "everything")]
    searchpattern: String,
    #[serde(default)]
    omit_usage: bool,
}

/// `listfilestore`. Sizes in MB.
pub(super) async fn list(asked: Asked) -> Outcome {
    let options: List = asked.options.read()?;
    let stores = filestores::list(&asked.app, &options.searchpattern, !options.omit_usage).await?;
    let rows = stores.into_iter().map(|store| {
        vec![
            json!(store.id),
            json!(store.url),
            json!(store.size / MB),
            json!(store.reserved / MB),
            json!(store.used.map(|bytes| bytes / MB.unsigned_abs())),
            json!(store.contexts_max),
            json!(store.contexts),
        ]
    });
    let columns = &["id", "uri", "size", "reserved", "used", "maxcontexts", "currentcontexts"];
    Ok(Reply::table(columns, rows))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    id: i64,
    storepath: Option<String>,
    storesize: Option<i64>,
    maxcontexts: Option<i64>,
}

/// `changefilestore`.
pub(super) async fn change(asked: Asked) -> Outcome {
    let options: Change = asked.options.read()?;
    let change = FilestoreChange {
        url: options.storepath,
        size_mb: options.storesize,
        contexts_max: options.maxcontexts,
    };
    filestores::change(&asked.app, options.id, &change).await?;
    Ok(Reply::done("filestore", options.id, "changed"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    id: i64,
}

/// `unregisterfilestore`.
pub(super) async fn unregister(asked: Asked) -> Outcome {
    let options: Which = asked.options.read()?;
    filestores::unregister(&asked.app, options.id).await?;
    Ok(Reply::done("filestore", options.id, "unregistered"))
}
