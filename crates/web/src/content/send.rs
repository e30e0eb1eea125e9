//! Sending a file: from an opened version to a response that streams it.

use std::sync::Arc;

use futures_util::StreamExt;
use http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, LAST_MODIFIED, RANGE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use zebu_app::files::Opened;
use zebu_app::{App, Result};
use zebu_model::file::Content;

use super::conditions::{Verdict, evaluate, range_applies};
use super::range::Wanted;
use super::{disposition, mime, range};
use crate::body::{self, Outgoing, StreamError};

/// How a browser is to treat a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Presentation {
    /// Save it.
    Attachment,
    /// Show it, if it is of a kind that cannot do harm.
    Inline,
}

/// What tells one state of a resource from another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Validators {
    /// Quoted, strong.
    pub(crate) etag: String,
    /// Ms since the epoch.
    pub(crate) modified_ms: i64,
}

/// Digits of a digest that make an entity tag: 128 bits tell all states apart, and some clients have little room.
const ETAG_DIGITS: usize = 32;

/// The entity tag of a content, quoted; `blake3` in hex.
pub(crate) fn etag(blake3: &str) -> String {
    format!("\"{}\"", blake3.get(..ETAG_DIGITS).unwrap_or(blake3))
}

impl Validators {
    /// Those of a version: its digest, and when it was made.
    pub(crate) fn of(content: &Content) -> Validators {
        Validators { etag: etag(&content.blake3), modified_ms: content.created }
    }

    pub(crate) fn modified_seconds(&self) -> i64 {
        self.modified_ms.div_euclid(1_000)
    }

    /// For `Last-Modified`.
    pub(crate) fn http_date(&self) -> String {
        let since = std::time::Duration::from_secs(u64::try_from(self.modified_seconds()).unwrap_or(0));
        httpdate::fmt_http_date(std::time::UNIX_EPOCH + since)
    }
}

/// The response for a version: all of it, a range, or only its head.
pub(crate) async fn send(
    app: &Arc<App>,
    method: &Method,
    headers: &HeaderMap,
    request_id: &str,
    opened: &Opened,
    presentation: Presentation,
) -> Result<Response<Outgoing>> {
    let content = &opened.content;
    let validators = Validators::of(content);
    let mut response = match evaluate(method, headers, Some(&validators)) {
        Verdict::NotModified => with_status(StatusCode::NOT_MODIFIED),
        Verdict::Failed => return Ok(with_status(StatusCode::PRECONDITION_FAILED)),
        Verdict::Proceed => {
            let asked = headers.get(RANGE).and_then(|value| value.to_str().ok());
            let asked = asked.filter(|_| *method == Method::GET && range_applies(headers, &validators));
            bytes(app, method, request_id, opened, &range::read(asked, content.size)).await?
        }
    };
    describe(response.headers_mut(), content, &validators, presentation);
    Ok(response)
}

async fn bytes(
    app: &Arc<App>,
    method: &Method,
    request_id: &str,
    opened: &Opened,
    wanted: &Wanted,
) -> Result<Response<Outgoing>> {
    let size = opened.content.size;
    let (status, part) = match wanted {
        Wanted::Whole => (StatusCode::OK, None),
        Wanted::Part(part) => (StatusCode::PARTIAL_CONTENT, Some(part.clone())),
        Wanted::Nothing => {
            let mut response = with_status(StatusCode::RANGE_NOT_SATISFIABLE);
            response.headers_mut().insert(CONTENT_RANGE, text(&format!("bytes */{size}")));
            return Ok(response);
        }
    };
    let mut response = with_status(status);
    let length = part.as_ref().map_or(size, |part| part.end - part.start);
    if let Some(part) = &part {
        let last = part.end.saturating_sub(1);
        let range = format!("bytes {}-{last}/{size}", part.start);
        response.headers_mut().insert(CONTENT_RANGE, text(&range));
    }
    response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from(length));
    if *method != Method::HEAD {
        let request_id = request_id.to_owned();
        let pieces = opened.read(app, part).await?.map(move |piece| {
            piece.map_err(|error| {
                // The head is out: all that is left is to break off, and to say here why.
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(request_id, %error, cause, "a download broke off");
                StreamError::from(error)
            })
        });
        *response.body_mut() = body::streamed(pieces);
    }
    Ok(response)
}

/// What a response says about the file, whatever part of it is sent.
fn describe(headers: &mut HeaderMap, content: &Content, validators: &Validators, presentation: Presentation) {
    let shown = presentation == Presentation::Inline && mime::is_safe_to_show(&content.mime);
    let kind = if shown { "inline" } else { "attachment" };
    let mut mime = mime::sent(&content.mime).to_owned();
    if shown && mime.eq_ignore_ascii_case("text/plain") {
        // Without a charset browsers guess one of the last century.
        mime.push_str("; charset=utf-8");
    }
    headers.insert(CONTENT_TYPE, text(&mime));
    headers.insert(CONTENT_DISPOSITION, disposition::header(kind, &content.name));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if !(shown && mime::is_pdf(&mime)) {
        headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    }
    let policy = HeaderName::from_static("cross-origin-resource-policy");
    headers.insert(policy, HeaderValue::from_static("same-origin"));
    // A browser may keep it, but has to ask each time: rights may be withdrawn.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(ETAG, text(&validators.etag));
    headers.insert(LAST_MODIFIED, text(&validators.http_date()));
}

fn with_status(status: StatusCode) -> Response<Outgoing> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = status;
    response
}

/// Header values made of our own digits and words.
fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use zebu_model::UserId;

    use super::*;

    fn described(mime: &str, presentation: Presentation) -> HeaderMap {
        let content = Content {
            version: 1,
            name: "a.txt".to_owned(),
            mime: mime.to_owned(),
            size: 3,
            md5: String::new(),
            blake3: "abc".to_owned(),
            key: String::new(),
            comment: String::new(),
            created_by: UserId(3),
            created: 784_111_777_999,
        };
        let mut headers = HeaderMap::new();
        describe(&mut headers, &content, &Validators::of(&content), presentation);
        headers
    }

    #[test]
    fn a_page_somebody_uploaded_never_runs_here() {
        for mime in ["text/html", "image/svg+xml", "application/xhtml+xml", "nonsense"] {
            let headers = described(mime, Presentation::Inline);
            assert!(headers[CONTENT_DISPOSITION].to_str().unwrap().starts_with("attachment;"), "{mime}");
            assert!(headers[CONTENT_SECURITY_POLICY].to_str().unwrap().starts_with("sandbox"), "{mime}");
            assert_eq!(headers[X_CONTENT_TYPE_OPTIONS], "nosniff");
        }
        assert_eq!(described("nonsense", Presentation::Inline)[CONTENT_TYPE], "application/octet-stream");
    }

    #[test]
    fn what_is_harmless_is_shown_when_asked_for() {
        let disposition = |headers: &HeaderMap| headers[CONTENT_DISPOSITION].to_str().unwrap().to_owned();
        assert!(disposition(&described("image/png", Presentation::Inline)).starts_with("inline;"));
        assert!(disposition(&described("image/png", Presentation::Attachment)).starts_with("attachment;"));
        assert_eq!(described("text/plain", Presentation::Inline)[CONTENT_TYPE], "text/plain; charset=utf-8");
        assert!(!described("application/pdf", Presentation::Inline).contains_key(CONTENT_SECURITY_POLICY));
    }

    #[test]
    fn the_date_is_the_versions_to_the_second() {
        let headers = described("text/plain", Presentation::Attachment);
        assert_eq!(
            (&headers[LAST_MODIFIED], &headers[ETAG]),
            (
                &HeaderValue::from_static("Sun, 06 Nov 1994 08:49:37 GMT"),
                &HeaderValue::from_static("\"abc\"")
            )
        );
    }
}
