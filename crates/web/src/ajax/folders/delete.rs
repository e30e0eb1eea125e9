//! `folders?action=delete`: folders with all that is below them.

use serde_json::Value;
use zebu_app::{Error, Result, folders};
use zebu_model::{FolderId, Version};

use crate::ajax::ids::{Id, bounded};
use crate::reply::Reply;
use crate::request::Call;

/// Parameters: `timestamp` (newer folders are not deleted; without it any is), `failOnError`. Body: ids. Answers those
/// that were not deleted; with `failOnError` the first of them is an error instead.
pub(crate) async fn handle(mut call: Call) -> Result<Reply> {
    let seen = call.params().parsed("timestamp")?.map(Version);
    let strict = call.params().is_true("failOnError");
    let ids: Vec<Id<FolderId>> = bounded(call.request.json().await?)?;
    let mut left: Vec<Value> = Vec::new();
    let mut version = seen.unwrap_or_default();
    for Id(id) in ids {
        match folders::delete(call.app(), &call.caller, id, seen).await {
            Ok(now) => version = version.max(now),
            Err(Error::Refused(_)) if !strict => left.push(id.to_string().into()),
            Err(error) => return Err(error),
        }
    }
    Ok(Reply::versioned(left, version))
}
