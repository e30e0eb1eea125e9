//! Every error the web tier itself answers with: code, status, sentence. Search for the code here.
//!
//! | code | status | when |
//! |---|---|---|
//! | `WEB-0001` | 503, `Retry-After: 1` | no member is up, or none could be reached; nothing was sent |
//! | `WEB-0002` | 502 | the request could not be sent; it was not carried out |
//! | `WEB-0003` | 502 | the member was lost after it had (part of) the request; it may have been carried out |
//! | `WEB-0004` | 504 | the member did not answer in `response_timeout_ms`; it may have been carried out |
//! | `WEB-0005` | 400 | the request is malformed; the sentence says how |
//! | `WEB-0006` | 405 | the method does not exist here |
//! | `WEB-0007` | 404 | no such file of the web client |
//! | `WEB-0008` | 400 | the request's body broke off |
//! | `WEB-0009` | 503, `Retry-After: 1` | the session's own member cannot take it, and it may go to no other (`nofailover`); nothing was sent |
//! | `WEB-0010` | 503, `Retry-After: 1` | every member has as many requests as it may (`max`); nothing was sent |
//! | `WEB-0011` | 429, `Retry-After` | the client's address, or all of its context together, sends more than it may; nothing was sent |
//! | `WEB-0012` | 431 | the request's line and headers fit no packet of the member, which is spoken to by AJP (`ProxyIOBufferSize`); nothing was sent |
//! | `WEB-0013` | 501 | a WebSocket was asked for, and the member is spoken to by AJP, which cannot carry it; nothing was sent |
//!
//! Under `/ajax/` the body is the envelope of the HTTP API, elsewhere plain text. Heads that cannot be parsed
//! at all never get here: hyper answers 400, 414 or 431 without a body and closes the connection.

use bytes::Bytes;
use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::rates::TooFast;
use crate::request_id::RequestId;
use crate::routes;

/// Why a request got an answer of our own instead of a node's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fault {
    NoMember,
    NotSent,
    MaybeDone,
    TimedOut,
    Malformed(&'static str),
    Method { allow: &'static str },
    NoSuchFile,
    BodyBroken,
    OwnMemberGone,
    AllBusy,
    TooFast(TooFast),
    HeadTooLarge(usize),
    NoTunnel,
}

impl Fault {
    pub(crate) fn code(&self) -> &'static str {
        match self {
            Self::NoMember => "WEB-0001",
            Self::NotSent => "WEB-0002",
            Self::MaybeDone => "WEB-0003",
            Self::TimedOut => "WEB-0004",
            Self::Malformed(_) => "WEB-0005",
            Self::Method { .. } => "WEB-0006",
            Self::NoSuchFile => "WEB-0007",
            Self::BodyBroken => "WEB-0008",
            Self::OwnMemberGone => "WEB-0009",
            Self::AllBusy => "WEB-0010",
            Self::TooFast(_) => "WEB-0011",
            Self::HeadTooLarge(_) => "WEB-0012",
            Self::NoTunnel => "WEB-0013",
        }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::NoMember | Self::OwnMemberGone | Self::AllBusy => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotSent | Self::MaybeDone => StatusCode::BAD_GATEWAY,
            Self::TimedOut => StatusCode::GATEWAY_TIMEOUT,
            Self::TooFast(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::HeadTooLarge(_) => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::NoTunnel => StatusCode::NOT_IMPLEMENTED,
            Self::Malformed(_) | Self::BodyBroken => StatusCode::BAD_REQUEST,
            Self::Method { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Self::NoSuchFile => StatusCode::NOT_FOUND,
        }
    }

    fn sentence(&self) -> String {
        match self {
            Self::NoMember => {
                "No server is available at the moment. Nothing was sent. Please try again.".into()
            }
            Self::NotSent => {
                "The request was not sent to a server. Nothing was done. Please try again.".into()
            }
            Self::MaybeDone => {
                "The connection to the server was lost. The request may have been done: please check \
                                before you repeat it."
                    .into()
            }
            Self::TimedOut => {
                "The server did not answer in time. The request may have been done: please check \
                               before you repeat it."
                    .into()
            }
            Self::Malformed(how) => format!("Bad request: {how}."),
            Self::Method { .. } => "This method is not possible here.".into(),
            Self::NoSuchFile => "Not found.".into(),
            Self::BodyBroken => "The body of the request broke off.".into(),
            Self::OwnMemberGone => {
                "The server of this session is not available at the moment. Nothing was sent. Please try again.".into()
            }
            Self::TooFast(TooFast { tenant, retry_s }) => {
                let whose = if *tenant { "all users of your organisation together" } else { "your address" };
                format!("Too many requests from {whose}. Nothing was done. Please try again in {retry_s} s.")
            }
            Self::HeadTooLarge(limit) => format!(
                "The request's line and headers are too large: with what goes with them they must fit {limit} bytes. \
                 Nothing was sent."
            ),
            Self::NoTunnel => {
                "The server is reached in a way that cannot carry a WebSocket. Nothing was sent.".into()
            }
            Self::AllBusy => "All servers are busy. Nothing was sent. Please try again.".into(),
        }
    }

    /// Name and number of the category of the HTTP API.
    fn category(&self) -> (&'static str, u8) {
        match self {
            Self::NoMember | Self::NotSent | Self::OwnMemberGone | Self::AllBusy | Self::TooFast(_) => {
                ("TRY_AGAIN", 4)
            }
            Self::MaybeDone | Self::TimedOut => ("SERVICE_DOWN", 5),
            Self::BodyBroken => ("CONNECTIVITY", 6),
            Self::Malformed(_)
            | Self::Method { .. }
            | Self::NoSuchFile
            | Self::HeadTooLarge(_)
            | Self::NoTunnel => ("USER_INPUT", 1),
        }
    }

    /// The answer for a request to `path`; never cached.
    pub(crate) fn response(&self, path: &str, id: &RequestId) -> Response<Bytes> {
        let (content_type, body) = if routes::speaks_json(path) {
            ("application/json; charset=utf-8", self.envelope(id))
        } else {
            let text = format!("{} ({}, request {id})\n", self.sentence(), self.code());
            ("text/plain; charset=utf-8", text)
        };
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = self.status();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        match self {
            Self::NoMember | Self::OwnMemberGone | Self::AllBusy => {
                headers.insert(RETRY_AFTER, HeaderValue::from_static("1"));
            }
            Self::TooFast(too_fast) => {
                headers.insert(RETRY_AFTER, HeaderValue::from(too_fast.retry_s));
            }
            Self::Method { allow } => {
                headers.insert(ALLOW, HeaderValue::from_static(allow));
            }
            _ => {}
        }
        response
    }

    fn envelope(&self, id: &RequestId) -> String {
        #[derive(Serialize)]
        struct Envelope<'a> {
            error: String,
            error_params: [&'a str; 0],
            error_id: &'a str,
            code: &'a str,
            categories: &'a str,
            category: u8,
        }
        let (categories, category) = self.category();
        let envelope = Envelope {
            error: self.sentence(),
            error_params: [],
            error_id: id.as_str(),
            code: self.code(),
            categories,
            category,
        };
        // Strings and numbers always serialise; the fallback only spares a panic path.
        serde_json::to_string(&envelope).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request_id::RequestIds;

    #[test]
    fn the_http_api_gets_its_envelope() {
        let id = RequestIds::new().unwrap().next();
        let response = Fault::NoMember.response("/ajax/login", &id);
        assert_eq!(response.status(), 503);
        assert_eq!(response.headers()[RETRY_AFTER], "1");
        assert_eq!(response.headers()[CONTENT_TYPE], "application/json; charset=utf-8");
        let body: serde_json::Value = serde_json::from_slice(response.body()).unwrap();
        assert_eq!(body["code"], "WEB-0001");
        assert_eq!(body["category"], 4);
        assert_eq!(body["categories"], "TRY_AGAIN");
        assert_eq!(body["error_params"], serde_json::json!([]));
        assert_eq!(body["error_id"], id.as_str());
    }

    #[test]
    fn everybody_else_gets_text_with_code_and_request_id() {
        let id = RequestIds::new().unwrap().next();
        let response = Fault::MaybeDone.response("/infostore/a", &id);
        let body = String::from_utf8(response.body().to_vec()).unwrap();
        assert!(
            body.contains("may have been done") && body.contains("WEB-0003") && body.contains(id.as_str())
        );
    }
}
