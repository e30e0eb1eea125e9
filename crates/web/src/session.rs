//! Who asks: the session parameter and the secret cookie, which only together are a credential.
//!
//! Called by `router` for every action that is not public, and by the login actions for the cookies' names.

use zebu_app::sessions::{self, SignedIn};
use zebu_app::{Caller, Result};
use zebu_model::Refusal;

use crate::cookies::{self, Age};
use crate::reply::Reply;
use crate::request::Request;

/// How long a browser keeps the cookies of somebody who stays signed in, seconds: a week, as the original.
const STAY_SECONDS: u32 = 7 * 24 * 3_600;

/// The name of the cookie that holds the secret of this kind of client.
pub(crate) fn secret_cookie(client: &str) -> String {
    format!("open-xchange-secret-{}", sessions::cookie_hash(client))
}

/// The name of the cookie that stands for a session in addresses without one. Clients expect it; no action here takes it.
pub(crate) fn public_cookie(client: &str) -> String {
    format!("open-xchange-public-session-{}", sessions::cookie_hash(client))
}

/// The name of the cookie that holds the session id of somebody who stays signed in.
pub(crate) fn session_cookie(client: &str) -> String {
    format!("open-xchange-session-{}", sessions::cookie_hash(client))
}

/// The caller of a request, or the session refusal that sends them to the login page.
pub(crate) async fn resume(request: &Request) -> Result<Caller> {
    let session = request.params.get("session").ok_or(Refusal::SessionMissing {})?;
    let secret_of = |client: &str| cookies::get(&request.headers, &secret_cookie(client)).map(str::to_owned);
    let caller = sessions::resume(&request.app, session, &secret_of).await?;
    request.recognise(&caller);
    Ok(caller)
}

/// Sets the cookies of a session on an answer; with the session id itself among them if its user stays signed in.
pub(crate) fn set_cookies(reply: Reply, signed_in: &SignedIn, secure: bool) -> Reply {
    let age = if signed_in.stays { Age::Seconds(STAY_SECONDS) } else { Age::Browser };
    let client = &signed_in.client;
    let public = signed_in.public.as_deref();
    let reply = reply
        .with_cookie(cookies::set(&secret_cookie(client), &signed_in.secret, age, secure))
        .with_cookie(public.and_then(|value| cookies::set(&public_cookie(client), value, age, secure)));
    if !signed_in.stays {
        return reply;
    }
    reply.with_cookie(cookies::set(&session_cookie(client), &signed_in.session, age, secure))
}

/// Renews the cookies of a request's session for a week, from the values the request came with.
pub(crate) fn keep_cookies(reply: Reply, request: &Request, client: &str) -> Reply {
    let age = Age::Seconds(STAY_SECONDS);
    let secure = request.is_secure();
    let mut reply = reply;
    for name in [secret_cookie(client), public_cookie(client)] {
        let kept = cookies::get(&request.headers, &name);
        reply = reply.with_cookie(kept.and_then(|value| cookies::set(&name, value, age, secure)));
    }
    let session = request.params.get("session").unwrap_or_default();
    reply.with_cookie(cookies::set(&session_cookie(client), session, age, secure))
}

/// Has the browser forget the cookies of a session.
pub(crate) fn drop_cookies(reply: Reply, client: &str, secure: bool) -> Reply {
    [secret_cookie(client), public_cookie(client), session_cookie(client)]
        .into_iter()
        .fold(reply, |reply, name| reply.with_cookie(cookies::set(&name, "", Age::Gone, secure)))
}
