//! `login?action=autologin`: goes on with the session whose cookies `store` set.

use zebu_app::{Result, sessions};
use zebu_model::Refusal;

use super::{client_of, session_object};
use crate::reply::Reply;
use crate::request::Request;
use crate::{cookies, session};

/// Parameter: `client`, which says whose cookies. Without them: `SES-0203`.
pub(crate) async fn handle(request: Request) -> Result<Reply> {
    let client = client_of(&request.params);
    let cookie = |name: String| cookies::get(&request.headers, &name).ok_or(Refusal::AutologinUnknown {});
    let session_id = cookie(session::session_cookie(client))?;
    let secret = cookie(session::secret_cookie(client))?;
    let signed_in = sessions::autologin(&request.app, session_id, secret).await?;
    request.recognise(&signed_in.caller);
    let reply = Reply::bare(session_object(&signed_in));
    Ok(session::set_cookies(reply, &signed_in, request.is_secure()))
}
