//! Answers of WebDAV: a status alone, or XML.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response, StatusCode};

use crate::body::{self, Outgoing};

/// A status without a body.
pub(super) fn status(status: StatusCode) -> Response<Outgoing> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = status;
    response
}

/// A status with XML.
pub(super) fn xml(status: StatusCode, content: Outgoing) -> Response<Outgoing> {
    let mut response = Response::new(content);
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("application/xml; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    response
}

/// 201 for something new, 204 for something replaced.
pub(super) fn stored(is_new: bool) -> Response<Outgoing> {
    status(if is_new { StatusCode::CREATED } else { StatusCode::NO_CONTENT })
}
