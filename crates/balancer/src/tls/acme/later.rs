//! When the server said to come again: `Retry-After` of its last answer (RFC 8555 §6.6 and §7.5.1, RFC 9110 §10.2.3).
//!
//! Within an order `instant_acme` goes by it while it asks again; what is kept here is for who asks once the order has failed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::{DATE, HeaderName, RETRY_AFTER};

/// What the last answer said, known to who heard it and to who waits.
#[derive(Debug, Clone, Default)]
pub(super) struct Later(Arc<Mutex<Option<Duration>>>);

impl Later {
    /// A new question: what was said before is over.
    pub(super) fn forget(&self) {
        self.set(None);
    }

    /// Takes in what an answer says.
    pub(super) fn hear(&self, headers: &HeaderMap) {
        self.set(wait(headers));
    }

    /// How long the last answer said to wait, if it did.
    pub(super) fn said(&self) -> Option<Duration> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, wait: Option<Duration>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = wait;
    }
}

/// Seconds, or a date: that is compared with the server's own clock, and nothing without it.
fn wait(headers: &HeaderMap) -> Option<Duration> {
    let text = |name: HeaderName| headers.get(name)?.to_str().ok();
    let said = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = said.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let now = httpdate::parse_http_date(text(DATE)?).ok()?;
    httpdate::parse_http_date(said).ok()?.duration_since(now).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_read_as_seconds_or_as_a_date_by_the_servers_own_clock() {
        let check = |retry_after: &str, date: Option<&str>, expected: Option<u64>| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, retry_after.parse().unwrap());
            if let Some(date) = date {
                headers.insert(DATE, date.parse().unwrap());
            }
            assert_eq!(wait(&headers), expected.map(Duration::from_secs), "{retry_after}");
        };
        check("120", None, Some(120));
        check(" 0 ", None, Some(0));
        check("Thu, 26 Nov 2026 12:01:00 GMT", None, None);
        check("Thu, 26 Nov 2026 12:01:00 GMT", Some("Thu, 26 Nov 2026 11:01:00 GMT"), Some(3_600));
        check("Thu, 26 Nov 2026 12:01:00 GMT", Some("Thu, 26 Nov 2026 12:02:00 GMT"), None);
        check("soon", None, None);
        check("-1", None, None);
        assert_eq!(wait(&HeaderMap::new()), None);
    }
}
