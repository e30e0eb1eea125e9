//! Conditional requests (RFC 9110 §13): whether one goes ahead, given what is there now.
//!
//! Called by downloads and by every WebDAV method that changes something.

use http::header::{HeaderName, IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE};
use http::{HeaderMap, Method};

use super::Validators;

/// What the conditions amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The request goes ahead.
    Proceed,
    /// 304: the client has this already.
    NotModified,
    /// 412: what is there is not what the client thinks.
    Failed,
}

/// Evaluates the conditions in the order of RFC 9110 §13.2.2. `current` is `None` if there is nothing there yet.
pub(crate) fn evaluate(method: &Method, headers: &HeaderMap, current: Option<&Validators>) -> Verdict {
    let reads = *method == Method::GET || *method == Method::HEAD;
    let modified_after =
        |name: HeaderName| -> Option<bool> { Some(current?.modified_seconds() > date(headers, name)?) };
    if headers.contains_key(IF_MATCH) {
        if !current.is_some_and(|now| names(headers, IF_MATCH, &now.etag, Comparison::Strong)) {
            return Verdict::Failed;
        }
    } else if modified_after(IF_UNMODIFIED_SINCE) == Some(true) {
        return Verdict::Failed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        if current.is_some_and(|now| names(headers, IF_NONE_MATCH, &now.etag, Comparison::Weak)) {
            return if reads { Verdict::NotModified } else { Verdict::Failed };
        }
    } else if reads && modified_after(IF_MODIFIED_SINCE) == Some(false) {
        return Verdict::NotModified;
    }
    Verdict::Proceed
}

/// Whether a range may be served: without `If-Range` always, else only if it names just what is there.
pub(crate) fn range_applies(headers: &HeaderMap, current: &Validators) -> bool {
    let Some(condition) = headers.get(IF_RANGE) else { return true };
    if condition.to_str().is_ok_and(|text| text.trim() == current.etag) {
        return true;
    }
    date(headers, IF_RANGE) == Some(current.modified_seconds())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Comparison {
    /// `W/"x"` matches nothing.
    Strong,
    /// `W/"x"` matches `"x"`.
    Weak,
}

/// Whether a list of entity tags names this one, or any (`*`).
fn names(headers: &HeaderMap, name: HeaderName, etag: &str, comparison: Comparison) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    // Our tags have no comma in them, so a tag that a comma cuts in two could not have matched anyway.
    lines.flat_map(|line| line.split(',')).map(str::trim).any(|tag| {
        let weak = tag.strip_prefix("W/").filter(|_| comparison == Comparison::Weak);
        tag == "*" || weak.unwrap_or(tag) == etag
    })
}

/// A date header as seconds since the epoch; one that is malformed counts as absent (RFC 9110 §13.1.3).
fn date(headers: &HeaderMap, name: HeaderName) -> Option<i64> {
    let time = httpdate::parse_http_date(headers.get(name)?.to_str().ok()?).ok()?;
    let since = time.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_secs()).ok()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const THEN: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";
    const BEFORE: &str = "Sun, 06 Nov 1994 08:49:36 GMT";

    fn there() -> Validators {
        Validators { etag: "\"abc\"".to_owned(), modified_ms: 784_111_777_000 }
    }

    fn headers(lines: &[(HeaderName, &'static str)]) -> HeaderMap {
        lines.iter().map(|(name, value)| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn a_client_that_has_it_is_told_so() {
        let check = |lines: &[(HeaderName, &'static str)], expected| {
            assert_eq!(evaluate(&Method::GET, &headers(lines), Some(&there())), expected, "{lines:?}");
        };
        check(&[], Verdict::Proceed);
        check(&[(IF_NONE_MATCH, "\"abc\"")], Verdict::NotModified);
        check(&[(IF_NONE_MATCH, "W/\"abc\"")], Verdict::NotModified);
        check(&[(IF_NONE_MATCH, "\"x\", \"abc\"")], Verdict::NotModified);
        check(&[(IF_NONE_MATCH, "*")], Verdict::NotModified);
        check(&[(IF_NONE_MATCH, "\"x\"")], Verdict::Proceed);
        check(&[(IF_MODIFIED_SINCE, THEN)], Verdict::NotModified);
        check(&[(IF_MODIFIED_SINCE, BEFORE)], Verdict::Proceed);
        check(&[(IF_MODIFIED_SINCE, "yesterday")], Verdict::Proceed);
        // The tag decides alone where both are there.
        check(&[(IF_NONE_MATCH, "\"x\""), (IF_MODIFIED_SINCE, LATER)], Verdict::Proceed);
    }

    #[test]
    fn a_write_on_something_else_than_the_client_saw_is_stopped() {
        let check = |lines: &[(HeaderName, &'static str)], there: Option<&Validators>, expected| {
            assert_eq!(evaluate(&Method::PUT, &headers(lines), there), expected, "{lines:?}");
        };
        let now = there();
        check(&[(IF_MATCH, "\"abc\"")], Some(&now), Verdict::Proceed);
        check(&[(IF_MATCH, "*")], Some(&now), Verdict::Proceed);
        check(&[(IF_MATCH, "W/\"abc\"")], Some(&now), Verdict::Failed);
        check(&[(IF_MATCH, "\"x\"")], Some(&now), Verdict::Failed);
        check(&[(IF_MATCH, "*")], None, Verdict::Failed);
        check(&[(IF_NONE_MATCH, "*")], Some(&now), Verdict::Failed);
        check(&[(IF_NONE_MATCH, "*")], None, Verdict::Proceed);
        check(&[(IF_UNMODIFIED_SINCE, BEFORE)], Some(&now), Verdict::Failed);
        check(&[(IF_UNMODIFIED_SINCE, THEN)], Some(&now), Verdict::Proceed);
        check(&[(IF_MODIFIED_SINCE, THEN)], Some(&now), Verdict::Proceed);
    }

    #[test]
    fn a_range_is_of_what_the_client_saw_or_not_at_all() {
        let applies = |value| range_applies(&headers(&[(IF_RANGE, value)]), &there());
        assert!(applies("\"abc\"") && applies(THEN));
        assert!(!applies("\"x\"") && !applies("W/\"abc\"") && !applies(LATER));
        assert!(range_applies(&HeaderMap::new(), &there()));
    }
}
