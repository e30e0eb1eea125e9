//! Servers: clusters of nodes.

use serde::Deserialize;
use serde_json::json;
use zebu_app::operator::servers;

use super::asked::{Asked, Outcome};
use super::options::{Which, everything};
use super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Register {
    name: String,
    #[serde(default)]
    if_absent: bool,
}

/// `registerserver`.
pub(super) async fn register(asked: Asked) -> Outcome {
    let options: Register = asked.options.read()?;
    let made = servers::register(&asked.app, &options.name, options.if_absent).await?;
    Ok(Reply::done("server", made.id, "registered"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default = "everything")]
    searchpattern: String,
}

/// `listserver`.
pub(super) async fn list(asked: Asked) -> Outcome {
    let options: List = asked.options.read()?;
    let servers = servers::list(&asked.app, &options.searchpattern).await?;
    Ok(Reply::table(&["id", "name"], servers.into_iter().map(|s| vec![json!(s.id), json!(s.name)])))
}

/// `unregisterserver`.
pub(super) async fn unregister(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    let id = servers::unregister(&asked.app, &which).await?;
    Ok(Reply::done("server", id, "unregistered"))
}
