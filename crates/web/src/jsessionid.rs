//! `JSESSIONID=<id>.<route>`: how an answer tells the web tier (or any other balancer) which node to ask next time.
//!
//! Called by `edge` for every answer of the HTTP API and WebDAV. It says nothing about who somebody is.

use http::{HeaderMap, HeaderValue};

use crate::cookies::{self, Age};
use crate::request_id;

const NAME: &str = "JSESSIONID";
/// Longest id part that is kept; ours have 32 characters, servlet containers' a few more.
const ID_CHARS_MAX: usize = 64;

/// The cookie to set, or `None` if the request shows this node's route already.
pub(crate) fn cookie(headers: &HeaderMap, route: &str, secure: bool) -> Option<HeaderValue> {
    let mut kept = None;
    for value in cookies::all(headers, NAME) {
        let (id, shown) = value.rsplit_once('.').unwrap_or((value, ""));
        if shown == route {
            return None;
        }
        kept = kept.or(Some(id).filter(|id| is_well_formed(id)));
    }
    let id = kept.map_or_else(request_id::new, str::to_owned);
    cookies::set(NAME, &format!("{id}.{route}"), Age::Browser, secure)
}

fn is_well_formed(id: &str) -> bool {
    !id.is_empty() && id.len() <= ID_CHARS_MAX && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

#[cfg(test)]
mod tests {
    use http::header::COOKIE;

    use super::*;

    fn set(sent: &'static str) -> Option<String> {
        let mut headers = HeaderMap::new();
        headers.insert(COOKIE, HeaderValue::from_static(sent));
        cookie(&headers, "OX-1", false).map(|value| value.to_str().unwrap().to_owned())
    }

    #[test]
    fn a_request_that_shows_our_route_gets_no_cookie() {
        assert_eq!(set("JSESSIONID=abc.OX-1"), None);
        assert_eq!(set("JSESSIONID=abc.OX-2; JSESSIONID=def.OX-1"), None);
    }

    #[test]
    fn the_id_is_kept_when_the_route_changes() {
        assert!(set("JSESSIONID=abc.OX-2").unwrap().starts_with("JSESSIONID=abc.OX-1; "));
        assert!(set("JSESSIONID=abc").unwrap().starts_with("JSESSIONID=abc.OX-1; "));
    }

    #[test]
    fn without_a_usable_id_there_is_a_new_one() {
        for sent in ["a=b", "JSESSIONID=", "JSESSIONID=.OX-2", "JSESSIONID=<x>.OX-2"] {
            let value = set(sent).unwrap();
            let id = value.strip_prefix("JSESSIONID=").unwrap().split_once(".OX-1;").unwrap().0.to_owned();
            assert_eq!(id.len(), 32, "{value}");
        }
    }
}
