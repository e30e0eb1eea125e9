//! What came back for a request, and what it means for whoever counts: done, or in which way it failed. Pure.

use super::wire::{Broken, Got};
use bytes::Bytes;
use http::header::CONTENT_TYPE;
use serde_json::Value;

/// Codes that say: nothing was done, try again. Of a web tier that reached no node, of a node whose database is busy or away.
const NOTHING_DONE: [&str; 5] = ["WEB-0001", "WEB-0002", "WEB-0009", "WEB-0010", "DBP-0001"];
/// Codes that say: it may have been done. Of a web tier that lost its node, of a node that lost its database or file store.
const MAYBE_DONE: [&str; 4] = ["WEB-0003", "WEB-0004", "DBP-0003", "FLS-0001"];
/// Codes that say: there is no such session, or it is not this client's.
const SIGNED_OUT: [&str; 5] = ["SES-0201", "SES-0203", "SES-0204", "SES-0205", "SES-0206"];
/// The name of a file is taken. Names are used once: the first attempt was carried out, and somebody made a second.
const NAME_TAKEN: &str = "IFO-0441";

/// What came back.
#[derive(Debug)]
pub(crate) enum Reply {
    /// The data of an answer and its timestamp, 0 without one.
    Done(Value, i64),
    /// A file.
    File(Bytes),
    Failed(Failed),
}

/// It was not done, or nobody knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failed {
    pub(crate) way: Way,
    /// Status, code and sentence; empty without an answer.
    pub(crate) said: String,
}

/// The ways to fail that are told apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    Broken(Broken),
    /// An answer says that nothing was done.
    NothingDone,
    /// An answer says that it may have been done.
    MaybeDone,
    /// A status from 500 up that says neither.
    Unsaid,
    SignedOut,
    /// It was carried out twice.
    Twice,
    /// Anything else: nobody may be answered that here.
    Strange,
}

impl Way {
    /// Whether the request may have been carried out.
    pub(crate) fn may_be_done(self) -> bool {
        match self {
            Way::Broken(Broken::Refused | Broken::NotReached) | Way::NothingDone | Way::SignedOut => false,
            Way::Broken(Broken::Reset | Broken::CutOff | Broken::TimedOut)
            | Way::MaybeDone
            | Way::Unsaid
            | Way::Twice
            | Way::Strange => true,
        }
    }
}

impl Reply {
    pub(crate) fn of(got: Result<Got, Broken>) -> Self {
        let got = match got {
            Ok(got) => got,
            Err(broken) => return Reply::Failed(Failed { way: Way::Broken(broken), said: String::new() }),
        };
        let kind = got.headers.get(CONTENT_TYPE).map_or(&b""[..], |kind| kind.as_bytes());
        if got.status == 200 && !kind.starts_with(b"application/json") {
            return Reply::File(got.body);
        }
        let Ok(answer) = serde_json::from_slice::<Value>(&got.body) else {
            return Reply::Failed(Failed::said(got.status, &String::from_utf8_lossy(&got.body)));
        };
        if let Some(error) = answer.get("error") {
            let code = answer.get("code").and_then(Value::as_str).unwrap_or("no code");
            return Reply::Failed(Failed::said(got.status, &format!("{code} {error}")));
        }
        if got.status != 200 {
            return Reply::Failed(Failed::said(got.status, &answer.to_string()));
        }
        let timestamp = answer.get("timestamp").and_then(Value::as_i64).unwrap_or(0);
        // A sign-in is answered without the envelope.
        let data = answer.get("data").cloned().unwrap_or(answer);
        Reply::Done(data, timestamp)
    }

    /// The data, or what was said instead.
    pub(crate) fn data(self) -> Result<Value, Failed> {
        match self {
            Reply::Done(data, _) => Ok(data),
            Reply::File(bytes) => Err(Failed::said(200, &String::from_utf8_lossy(&bytes))),
            Reply::Failed(failed) => Err(failed),
        }
    }
}

impl Failed {
    fn said(status: u16, text: &str) -> Self {
        let has = |codes: &[&str]| codes.iter().any(|code| text.contains(code));
        let way = if has(&NOTHING_DONE) {
            Way::NothingDone
        } else if has(&MAYBE_DONE) {
            Way::MaybeDone
        } else if has(&SIGNED_OUT) {
            Way::SignedOut
        } else if has(&[NAME_TAKEN]) {
            Way::Twice
        } else if status >= 500 {
            Way::Unsaid
        } else {
            Way::Strange
        };
        let words: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let said = format!("{status} {}", words.chars().take(120).collect::<String>());
        Self { way, said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};

    fn way(status: u16, kind: &'static str, body: &'static str) -> Option<Way> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(kind))]);
        match Reply::of(Ok(Got { status, headers, body: Bytes::from_static(body.as_bytes()) })) {
            Reply::Failed(failed) => Some(failed.way),
            _ => None,
        }
    }

    #[test]
    fn ways_to_fail_are_told_apart_by_what_is_said() {
        let json = "application/json; charset=utf-8";
        assert_eq!(way(200, json, r#"{"data":[1],"timestamp":7}"#), None);
        assert_eq!(way(200, "application/octet-stream", "bytes"), None);
        assert_eq!(way(503, json, r#"{"error":"x","code":"WEB-0001"}"#), Some(Way::NothingDone));
        assert_eq!(way(502, json, r#"{"error":"x","code":"WEB-0003"}"#), Some(Way::MaybeDone));
        assert_eq!(way(502, "text/plain", "lost (WEB-0003, request 1)"), Some(Way::MaybeDone));
        assert_eq!(way(503, "text/html", "<html>Service Unavailable"), Some(Way::Unsaid));
        assert_eq!(way(200, json, r#"{"error":"x","code":"SES-0203"}"#), Some(Way::SignedOut));
        assert_eq!(way(200, json, r#"{"error":"x","code":"IFO-0441"}"#), Some(Way::Twice));
        assert_eq!(way(200, json, r#"{"error":"x","code":"FLD-0003"}"#), Some(Way::Strange));
        assert_eq!(way(404, "text/html", "nothing here"), Some(Way::Strange));
    }

    #[test]
    fn what_was_never_sent_was_not_done() {
        for broken in [Broken::Refused, Broken::NotReached] {
            assert!(!Way::Broken(broken).may_be_done());
        }
        for broken in [Broken::Reset, Broken::CutOff, Broken::TimedOut] {
            assert!(Way::Broken(broken).may_be_done());
        }
    }
}
