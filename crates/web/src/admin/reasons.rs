//! Reasons: why contexts are disabled.

use serde::Deserialize;
use serde_json::json;
use zebu_app::operator::reasons;

use super::asked::{Asked, Outcome};
use super::options::everything;
use super::reply::Reply;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Create {
    reason: String,
}

/// `createreason`.
pub(super) async fn create(asked: Asked) -> Outcome {
    let options: Create = asked.options.read()?;
    let id = reasons::create(&asked.app, &options.reason).await?;
    Ok(Reply::done("reason", id, "created"))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    #[serde(default = "everything")]
    searchpattern: String,
}

/// `listreason`.
pub(super) async fn list(asked: Asked) -> Outcome {
    let options: List = asked.options.read()?;
    let reasons = reasons::list(&asked.app, &options.searchpattern).await?;
    Ok(Reply::table(&["id", "text"], reasons.into_iter().map(|r| vec![json!(r.id), json!(r.text)])))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    reasonid: i64,
}

/// `deletereason`.
pub(super) async fn delete(asked: Asked) -> Outcome {
    let options: Which = asked.options.read()?;
    reasons::delete(&asked.app, options.reasonid).await?;
    Ok(Reply::done("reason", options.reasonid, "deleted"))
}
