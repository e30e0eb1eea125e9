//! WebDAV: the files of a context as a network drive (RFC 4918), under `/infostore/`.

use http::{Method, Response, StatusCode};

use crate::body;
use crate::edge::Served;
use crate::request::Request;

pub(crate) fn serves(_method: &Method, path: &str) -> bool {
    path == "/infostore" || path.starts_with("/infostore/")
}

pub(crate) async fn answer(_request: Request) -> Served {
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
    Served::plain(response, ("dav", ""))
}
