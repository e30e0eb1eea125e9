//! `/ajax/sessionmanagement`: a user's own sessions, to look at and to end. Named and shaped as the original's later versions have it.

use serde_json::{Value, json};
use zebu_app::Result;
use zebu_app::sessions::{self, OwnSession};

use crate::ajax::ids::bounded;
use crate::reply::Reply;
use crate::request::Call;
use crate::session;

/// `all`: the sessions, the one used last first. No parameters.
pub(crate) async fn all(call: Call) -> Result<Reply> {
    let own = sessions::own(call.app(), &call.caller).await?;
    Ok(Reply::data(own.iter().map(object).collect::<Vec<_>>()))
}

/// `delete`: ends some. Body: an array of `sessionId`s; those that are not (or no longer) the user's are left out. Ending
/// one's own is signing out.
pub(crate) async fn delete(mut call: Call) -> Result<Reply> {
    let handles = bounded(call.request.json::<Vec<String>>().await?)?;
    let ended = sessions::end_own(call.app(), &call.caller, &handles).await?;
    let reply = Reply::data(ended);
    let own = call.caller.session_handle().unwrap_or_default();
    if !handles.iter().any(|handle| handle == own) {
        return Ok(reply);
    }
    let client = call.caller.session_client().unwrap_or_default();
    Ok(session::drop_cookies(reply, client, call.request.is_secure()))
}

/// `clear`: ends all but the one that asks. No parameters.
pub(crate) async fn clear(call: Call) -> Result<Reply> {
    Ok(Reply::data(sessions::end_others(call.app(), &call.caller).await?))
}

fn object(session: &OwnSession) -> Value {
    json!({
        "sessionId": session.handle,
        "client": session.client,
        "userAgent": session.user_agent,
        "ipAddress": session.address,
        "loginTime": session.created,
        "lastActive": session.used,
        "staySignedIn": session.stays,
        "current": session.is_this,
    })
}
