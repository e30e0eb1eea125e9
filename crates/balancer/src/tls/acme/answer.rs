//! The answer to the server's question (RFC 8555 §8.3), on plain listeners, before a redirect and before any member. Called by `tier`.

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{HeaderValue, Method, Response};

use super::AcmeConfig;
use super::folder::{Folder, is_token};
use crate::fault::Fault;

const PREFIX: &str = "/.well-known/acme-challenge/";

/// What is asked for, if this is such a question and there is ACME here.
pub(crate) fn token_of<'a>(config: &AcmeConfig, path: &'a str) -> Option<&'a str> {
    path.strip_prefix(PREFIX).filter(|_| config.is_on())
}

/// The answer for this token.
///
/// # Errors
/// [`Fault::Method`], or [`Fault::NoSuchFile`] for a token of no order that is under way.
pub(crate) async fn answer(
    config: &AcmeConfig,
    method: &Method,
    token: &str,
) -> Result<Response<Bytes>, Fault> {
    if method != Method::GET && method != Method::HEAD {
        return Err(Fault::Method { allow: "GET, HEAD" });
    }
    if !is_token(token) {
        return Err(Fault::NoSuchFile);
    }
    let (folder, token) = (Folder::new(&config.folder), token.to_owned());
    // Every time from the folder: another web tier may have put it there a moment ago.
    let found = tokio::task::spawn_blocking(move || folder.find_answer(&token)).await;
    let answer = found.ok().flatten().ok_or(Fault::NoSuchFile)?;
    let mut response = Response::new(Bytes::from(answer));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if method == Method::HEAD {
        *response.body_mut() = Bytes::new();
    }
    Ok(response)
}
