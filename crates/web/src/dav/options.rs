//! OPTIONS: what there is. Windows' network drive asks the server's root first and looks for `MS-Author-Via`.

use http::header::{ALLOW, CONTENT_LENGTH};
use http::{HeaderName, HeaderValue, Response, StatusCode};

use super::{METHODS, reply};
use crate::body::Outgoing;

/// The same for everybody: it says nothing about what is stored.
pub(super) fn handle() -> Response<Outgoing> {
    let mut response = reply::status(StatusCode::OK);
    let headers = response.headers_mut();
    headers.insert(HeaderName::from_static("dav"), HeaderValue::from_static("1, 2"));
    headers.insert(HeaderName::from_static("ms-author-via"), HeaderValue::from_static("DAV"));
    headers.extend(HeaderValue::from_str(&METHODS.join(", ")).ok().map(|all| (ALLOW, all)));
    headers.insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
    response
}
