//! `POST login?action=login`: a name and a password for a session and its cookies.

use zebu_app::Result;
use zebu_app::sessions::{self, Credentials};

use super::{client_of, session_object};
use crate::reply::Reply;
use crate::request::Request;
use crate::session;

/// Form fields: `name` (`user` or `user@mapping`), `password`, `otp` (the code of a second factor; without one that is needed:
/// `LGI-0032`), `client`, `staySignedIn`; others are ignored.
pub(crate) async fn handle(mut request: Request) -> Result<Reply> {
    let form = request.form().await?;
    let credentials = Credentials { login: form.required("name")?, password: form.required("password")? };
    let client = request.client(client_of(&form));
    let (code, stays) = (form.get("otp"), form.is_true("staySignedIn"));
    let signed_in = sessions::login_with_code(&request.app, credentials, code, &client, stays).await?;
    request.recognise(&signed_in.caller);
    let reply = Reply::bare(session_object(&signed_in));
    Ok(session::set_cookies(reply, &signed_in, &request))
}
