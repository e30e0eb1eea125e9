//! What an action of the HTTP API answers, and how that becomes an HTTP response.
//!
//! Handlers make a [`Reply`]; `edge` renders it, or the error that came instead. Refusals travel with status 200 as
//! the API has it; failures with 503, so that a balancer can tell the difference.

use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, SET_COOKIE, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, Response, StatusCode};
use serde_json::{Map, Value, json};
use zebu_app::Error;
use zebu_model::Version;

use crate::body::{self, Outgoing};

/// The answer of one action.
#[derive(Debug)]
pub(crate) struct Reply {
    content: Content,
    cookies: Vec<HeaderValue>,
}

#[derive(Debug)]
enum Content {
    Data { data: Value, timestamp: Option<Version> },
    Bare(Value),
    Response(Response<Outgoing>),
}

/// What an answer looks like to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// A JSON object.
    Json,
    /// An HTML page that hands the JSON object to this function of the page around it: how forms of old browsers
    /// upload. The name is one of ours.
    Callback(&'static str),
}

impl Reply {
    /// `{"data": …}`.
    pub(crate) fn data(data: impl Into<Value>) -> Reply {
        Reply { content: Content::Data { data: data.into(), timestamp: None }, cookies: Vec::new() }
    }

    /// `{"data": …, "timestamp": …}`.
    pub(crate) fn versioned(data: impl Into<Value>, version: Version) -> Reply {
        let content = Content::Data { data: data.into(), timestamp: Some(version) };
        Reply { content, cookies: Vec::new() }
    }

    /// An object without envelope.
    pub(crate) fn bare(object: Value) -> Reply {
        Reply { content: Content::Bare(object), cookies: Vec::new() }
    }

    /// A response that is no JSON at all.
    pub(crate) fn response(response: Response<Outgoing>) -> Reply {
        Reply { content: Content::Response(response), cookies: Vec::new() }
    }

    /// The same with a cookie.
    pub(crate) fn with_cookie(mut self, cookie: Option<HeaderValue>) -> Reply {
        self.cookies.extend(cookie);
        self
    }

    /// Whether it sets a cookie.
    pub(crate) fn sets_cookies(&self) -> bool {
        !self.cookies.is_empty()
    }

    /// The HTTP response.
    pub(crate) fn render(self, shape: &Shape) -> Response<Outgoing> {
        let mut response = match self.content {
            Content::Response(response) => response,
            Content::Bare(object) => respond(StatusCode::OK, &object, shape),
            Content::Data { data, timestamp } => {
                // Put together by hand: the macro would copy the data, which may be long.
                let timestamp = timestamp.map(|version| ("timestamp".to_owned(), version.0.into()));
                let envelope: Map<_, _> = [("data".to_owned(), data)].into_iter().chain(timestamp).collect();
                respond(StatusCode::OK, &envelope.into(), shape)
            }
        };
        for cookie in self.cookies {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }
}

/// The error envelope.
pub(crate) fn render_error(error: &Error, request_id: &str, shape: &Shape) -> Response<Outgoing> {
    let status = if error.is_refusal() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let category = error.category();
    let object = json!({
        "error": error.to_string(),
        "error_params": [],
        "error_id": request_id,
        "error_desc": description(error),
        "code": error.code(),
        "categories": category.name(),
        "category": category.number(),
    });
    let mut response = respond(status, &object, shape);
    if error.is_transient() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

/// The technical words: for a refusal its name and fields, which are the client's own. What is behind a failure stays
/// in the log.
fn description(error: &Error) -> String {
    match error {
        Error::Refused(refusal) => format!("{refusal:?}"),
        other => format!("{} (see the server's log for the error_id)", other.code()),
    }
}

fn respond(status: StatusCode, object: &Value, shape: &Shape) -> Response<Outgoing> {
    let json = object.to_string();
    let (content_type, text) = match shape {
        Shape::Json => ("application/json; charset=utf-8", json),
        Shape::Callback(function) => ("text/html; charset=utf-8", callback_page(function, &json)),
    };
    let mut response = Response::new(body::full(text));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

/// JSON inside a script of a page: everything that HTML or JavaScript would take for more than text is escaped. In
/// JSON these characters occur in strings only, so the escapes mean the same.
fn callback_page(function: &str, json: &str) -> String {
    let mut safe = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => safe.push_str(&format!("\\u{:04x}", u32::from(c))),
            other => safe.push(other),
        }
    }
    format!(
        "<!DOCTYPE html><html><head><meta charset=\"utf-8\"><script>(parent[\"{function}\"] || window.opener && \
         window.opener[\"{function}\"])({safe})</script></head></html>"
    )
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;
    use zebu_model::{FolderId, Refusal};

    use super::*;

    #[test]
    fn nothing_in_a_name_can_end_the_script() {
        let page = callback_page("callback_new", r#"{"data":"</script><script>alert(1)//\u2028"}"#);
        assert_eq!(page.matches("</script>").count(), 1);
        assert!(page.contains(r#"({"data":"\u003c/script\u003e\u003cscript\u003ealert(1)//"#), "{page}");
        assert_eq!(callback_page("f", "\"\u{2028}&\"").matches("\\u2028\\u0026").count(), 1);
    }

    #[tokio::test]
    async fn a_refusal_is_an_answer_and_a_failure_is_not() {
        let refused: Error = Refusal::FolderNotVisible { folder: FolderId(42) }.into();
        let response = render_error(&refused, "id", &Shape::Json);
        assert_eq!(response.status(), 200);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        let envelope: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(envelope["code"], "FLD-0003");
        assert_eq!(envelope["categories"], "PERMISSION_DENIED");
        assert_eq!((&envelope["category"], &envelope["error_id"]), (&json!(3), &json!("id")));

        let failed = Error::Internal("the password of the database is hunter2".to_owned());
        let response = render_error(&failed, "id", &Shape::Json);
        assert_eq!(response.status(), 503);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert!(!String::from_utf8_lossy(&body).contains("hunter2"));
    }
}
