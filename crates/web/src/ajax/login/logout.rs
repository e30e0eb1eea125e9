//! `login?action=logout`: ends the session, on every node, before it is answered.

use serde_json::json;
use zebu_app::{Result, sessions};

use crate::reply::Reply;
use crate::request::Call;
use crate::session;

/// No parameters besides the session.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    sessions::logout(call.app(), &call.caller).await?;
    let client = call.caller.session_client().unwrap_or_default();
    Ok(session::drop_cookies(Reply::bare(json!({})), client, call.request.is_secure()))
}
