//! Who asks: the session parameter and the secret cookie, which only together are a credential.
//!
//! Called by `router` for every action that is not public, and by the login actions for the cookies' names.
//!
//! Whoever has a neighbouring host (`evil.example.com` beside `mail.example.com`) can put cookies of our names into a browser,
//! and even before ours. So all values of a name are tried, and where the client came by TLS the secret is also in a cookie with
//! the prefix `__Host-`, which no other host can set; once it is there nothing else counts.

use std::net::IpAddr;

use zebu_app::sessions::{self, SignedIn};
use zebu_app::{App, Caller, Result};
use zebu_model::Refusal;

use crate::cookies::{self, Age};
use crate::reply::Reply;
use crate::request::Request;

/// Values of one cookie that are looked at; a browser of good will sends one.
const VALUES_MAX: usize = 8;

/// What the names of cookies begin with by which a device is known to the guard of passwords; they open nothing.
pub(crate) const DEVICE_COOKIE: &str = "zebu-device-";
/// How long a browser keeps one, seconds: half a year.
const DEVICE_SECONDS: u32 = 182 * 86_400;

/// The name of the cookie that holds the secret of this kind of client.
pub(crate) fn secret_cookie(client: &str) -> String {
    format!("open-xchange-secret-{}", sessions::cookie_hash(client))
}

/// The same where only this very host can have set it.
pub(crate) fn bound_cookie(client: &str) -> String {
    format!("__Host-{}", secret_cookie(client))
}

/// The name of the cookie that stands for a session in addresses without one. Clients expect it; no action here takes it.
pub(crate) fn public_cookie(client: &str) -> String {
    format!("open-xchange-public-session-{}", sessions::cookie_hash(client))
}

/// The name of the cookie that holds the session id of somebody who stays signed in.
pub(crate) fn session_cookie(client: &str) -> String {
    format!("open-xchange-session-{}", sessions::cookie_hash(client))
}

/// All values that a request has for a cookie.
pub(crate) fn values(request: &Request, name: &str) -> Vec<String> {
    cookies::all(&request.headers, name).take(VALUES_MAX).map(str::to_owned).collect()
}

/// The secrets that a request shows for a client. `strictly`: over TLS only those that this host alone can have set.
pub(crate) fn secrets(request: &Request, client: &str, strictly: bool) -> Vec<String> {
    if request.is_secure() {
        let bound = values(request, &bound_cookie(client));
        if strictly || !bound.is_empty() {
            return bound;
        }
    }
    values(request, &secret_cookie(client))
}

/// Where the client of a request is.
pub(crate) fn address(request: &Request) -> Option<IpAddr> {
    request.client("").address.parse().ok()
}

/// The caller of a request, or the session refusal that sends them to the login page.
pub(crate) async fn resume(request: &Request) -> Result<Caller> {
    let session = request.params.get("session").ok_or(Refusal::SessionMissing {})?;
    let secrets_of = |client: &str| secrets(request, client, false);
    let caller = sessions::resume(&request.app, session, &secrets_of, address(request)).await?;
    request.recognise(&caller);
    Ok(caller)
}

/// How long a browser keeps the cookies of a session: as long as that may rest, if its user stays signed in.
pub(crate) fn age(app: &App, stays: bool) -> Age {
    if !stays {
        return Age::Browser;
    }
    Age::Seconds(u32::try_from(sessions::long_seconds(app)).unwrap_or(u32::MAX))
}

/// Sets the cookies with a secret on an answer.
pub(crate) fn set_secret(reply: Reply, client: &str, secret: &str, age: Age, secure: bool) -> Reply {
    let bound = secure.then(|| cookies::set(&bound_cookie(client), secret, age, secure)).flatten();
    reply.with_cookie(cookies::set(&secret_cookie(client), secret, age, secure)).with_cookie(bound)
}

/// Sets the cookies of a session on an answer; with the session id itself among them if its user stays signed in.
pub(crate) fn set_cookies(reply: Reply, signed_in: &SignedIn, request: &Request) -> Reply {
    let (age, secure) = (age(&request.app, signed_in.stays), request.is_secure());
    let client = &signed_in.client;
    let public = signed_in.public.as_deref();
    let device = signed_in.device.as_ref().and_then(|(rest, value)| {
        let name = format!("{DEVICE_COOKIE}{rest}");
        cookies::set(&name, value, Age::Seconds(DEVICE_SECONDS), secure)
    });
    let reply = set_secret(reply.with_cookie(device), client, &signed_in.secret, age, secure)
        .with_cookie(public.and_then(|value| cookies::set(&public_cookie(client), value, age, secure)));
    if !signed_in.stays {
        return reply;
    }
    reply.with_cookie(cookies::set(&session_cookie(client), &signed_in.session, age, secure))
}

/// Sets the secret anew on the answer to a caller whose secret was renewed, unless the answer sets cookies anyway.
pub(crate) fn renew(reply: Reply, renewed: Option<Renewed>) -> Reply {
    match renewed.filter(|_| !reply.sets_cookies()) {
        Some(Renewed { client, secret, age, secure }) => set_secret(reply, &client, &secret, age, secure),
        None => reply,
    }
}

/// A secret that is to be set anew.
#[derive(Clone)]
pub(crate) struct Renewed {
    client: String,
    secret: String,
    age: Age,
    secure: bool,
}

impl Renewed {
    /// What is to be set on the answer to a request, if anything.
    pub(crate) fn of(caller: &Caller, request: &Request) -> Option<Renewed> {
        let (client, secret) = (caller.session_client()?.to_owned(), caller.renewed_secret()?.to_owned());
        let age = age(&request.app, caller.session_stays());
        Some(Renewed { client, secret, age, secure: request.is_secure() })
    }
}

/// Lets the browser keep the cookies of a request's session from now on.
pub(crate) fn keep_cookies(reply: Reply, request: &Request, caller: &Caller) -> Reply {
    let (age, secure) = (age(&request.app, true), request.is_secure());
    let client = caller.session_client().unwrap_or_default();
    let secret = caller.session_secret().unwrap_or_default();
    let reply = set_secret(reply, client, secret, age, secure);
    let public = public_cookie(client);
    let kept = cookies::get(&request.headers, &public);
    let reply = reply.with_cookie(kept.and_then(|value| cookies::set(&public, value, age, secure)));
    let session = request.params.get("session").unwrap_or_default();
    reply.with_cookie(cookies::set(&session_cookie(client), session, age, secure))
}

/// Has the browser forget the cookies of a session.
pub(crate) fn drop_cookies(reply: Reply, client: &str, secure: bool) -> Reply {
    let bound = secure.then(|| bound_cookie(client));
    [secret_cookie(client), public_cookie(client), session_cookie(client)]
        .into_iter()
        .chain(bound)
        .fold(reply, |reply, name| reply.with_cookie(cookies::set(&name, "", Age::Gone, secure)))
}
