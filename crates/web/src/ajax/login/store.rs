//! `login?action=store`: the user stays signed in, also after the browser was closed.

use zebu_app::{Result, sessions};

use crate::reply::Reply;
use crate::request::Call;
use crate::session;

/// No parameters besides the session.
pub(crate) async fn handle(call: Call) -> Result<Reply> {
    sessions::stay(call.app(), &call.caller).await?;
    Ok(session::keep_cookies(Reply::data(true), &call.request, &call.caller))
}
