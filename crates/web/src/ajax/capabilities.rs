//! `capabilities?action=all`: what this user finds here, so that a client shows no more.

use serde_json::json;
use zebu_app::{Result, cluster};

use crate::reply::Reply;
use crate::request::Call;

/// No parameters. `cluster` is among them for operators only.
pub(crate) async fn all(call: Call) -> Result<Reply> {
    let mut ids = vec!["infostore", "webdav"];
    if cluster::may_see(call.app(), &call.caller) {
        ids.push("cluster");
    }
    Ok(Reply::data(ids.into_iter().map(|id| json!({"id": id})).collect::<Vec<_>>()))
}
