//! WebDAV: the files of a context as a network drive (RFC 4918, class 2), below `/infostore/`.
//!
//! `edge` calls [`answer`]; one file a method. Every request brings its name and password (Basic), there is no session.
//! Which refusal becomes which status is in `failure`, and nowhere else.

mod conditions;
mod copy;
mod delete;
mod failure;
mod get;
mod listing;
mod lock;
mod locks;
mod mkcol;
mod options;
mod place;
mod propfind;
mod proppatch;
mod put;
mod relocate;
mod reply;
mod shown;
mod transfer;
mod unlock;
mod visit;

use http::{Method, Response};

use crate::body::Outgoing;
use crate::edge::Served;
use crate::origin;
use crate::request::Request;
use failure::Failure;
use visit::Visit;

/// The methods there are, with the names the log has for them.
const METHODS: [&str; 12] = [
    "OPTIONS",
    "GET",
    "HEAD",
    "PUT",
    "DELETE",
    "MKCOL",
    "COPY",
    "MOVE",
    "PROPFIND",
    "PROPPATCH",
    "LOCK",
    "UNLOCK",
];

/// Whether a request is for this module: everything below `/infostore`, and what Windows asks the root before it goes
/// there.
pub(crate) fn serves(method: &Method, path: &str) -> bool {
    let root = path == "/" && (*method == Method::OPTIONS || method.as_str() == "PROPFIND");
    root || path == "/infostore" || path.starts_with("/infostore/")
}

/// Answers a request.
pub(crate) async fn answer(request: Request) -> Served {
    let method = METHODS.into_iter().find(|name| request.method == *name).unwrap_or_default();
    let path = request.uri.path().to_owned();
    match dispatch(method, request).await {
        Ok(response) => Served::plain(response, ("dav", method)),
        Err(failure) => Served {
            what: ("dav", method),
            code: failure.code(),
            cause: failure.cause(),
            response: failure.response(&path),
        },
    }
}

async fn dispatch(method: &str, request: Request) -> Result<Response<Outgoing>, Failure> {
    // Before it knows the password a client asks what it may do.
    if method == "OPTIONS" {
        return Ok(options::handle());
    }
    if !["GET", "HEAD", "PROPFIND"].contains(&method) {
        origin::check(&request)?;
    }
    let visit = Visit::of(request).await?;
    match method {
        "GET" | "HEAD" => get::handle(visit).await,
        "PUT" => put::handle(visit).await,
        "DELETE" => delete::handle(visit).await,
        "MKCOL" => mkcol::handle(visit).await,
        "COPY" => copy::handle(visit).await,
        "MOVE" => relocate::handle(visit).await,
        "PROPFIND" => propfind::handle(visit).await,
        "PROPPATCH" => proppatch::handle(visit).await,
        "LOCK" => lock::handle(visit).await,
        "UNLOCK" => unlock::handle(visit).await,
        _ => Err(Failure::not_allowed()),
    }
}
