//! `disablecontext`, `enablecontext`, and the same for all contexts.

use serde::Deserialize;
use zebu_app::operator::contexts;
use zebu_model::ContextId;

use super::super::asked::{Asked, Outcome};
use super::super::options::named;
use super::super::reply::Reply;
use super::Which;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Disable {
    contextid: Option<u32>,
    contextname: Option<String>,
    reason: Option<i64>,
}

/// `disablecontext`.
pub(in super::super) async fn disable(asked: Asked) -> Outcome {
    let options: Disable = asked.options.read()?;
    let which = named(options.contextid.map(ContextId), options.contextname, "contextid or contextname")?;
    let id = contexts::disable(&asked.app, &which, options.reason).await?;
    Ok(Reply::done("context", id.0, "disabled"))
}

/// `enablecontext`.
pub(in super::super) async fn enable(asked: Asked) -> Outcome {
    let which = asked.options.read::<Which>()?.named()?;
    let id = contexts::enable(&asked.app, &which).await?;
    Ok(Reply::done("context", id.0, "enabled"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DisableAll {
    reason: Option<i64>,
}

/// `disableallcontexts`.
pub(in super::super) async fn disable_all(asked: Asked) -> Outcome {
    let options: DisableAll = asked.options.read()?;
    let count = contexts::disable_all(&asked.app, options.reason).await?;
    Ok(Reply::sentence(format!("{count} contexts disabled")))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EnableAll {}

/// `enableallcontexts`.
pub(in super::super) async fn enable_all(asked: Asked) -> Outcome {
    let EnableAll {} = asked.options.read()?;
    let count = contexts::enable_all(&asked.app).await?;
    Ok(Reply::sentence(format!("{count} contexts enabled")))
}
