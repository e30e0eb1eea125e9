//! An answer, read in full.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// Status, headers and body of an answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

impl Answer {
    /// A header's value, empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as JSON.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    /// `data` of an envelope; the test fails if that is an error.
    pub fn data(&self) -> Value {
        let mut envelope = self.json();
        assert!(envelope.get("error").is_none(), "refused: {envelope}");
        envelope["data"].take()
    }

    /// `timestamp` of the envelope.
    #[must_use]
    pub fn timestamp(&self) -> i64 {
        self.json()["timestamp"].as_i64().unwrap_or_else(|| panic!("no timestamp: {self:?}"))
    }

    /// The code of the error in the envelope; empty if it is none.
    #[must_use]
    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// How many database statements the node says it cost.
    #[must_use]
    pub fn statements(&self) -> u64 {
        self.header("x-zebu-statements").parse().unwrap()
    }
}
