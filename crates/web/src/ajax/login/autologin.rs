//! `login?action=autologin`: goes on with the session whose cookies `store` set.

use zebu_app::{Result, sessions};

use super::{client_of, session_object};
use crate::reply::Reply;
use crate::request::Request;
use crate::session;

/// Parameter: `client`, which says whose cookies. Without them: `SES-0203`.
pub(crate) async fn handle(request: Request) -> Result<Reply> {
    let client = client_of(&request.params);
    let ids = session::values(&request, &session::session_cookie(client));
    let secrets = session::secrets(&request, client, true);
    let signed_in = sessions::autologin(&request.app, &ids, &secrets, session::address(&request)).await?;
    request.recognise(&signed_in.caller);
    let reply = Reply::bare(session_object(&signed_in));
    Ok(session::set_cookies(reply, &signed_in, &request))
}
