//! The first look at a request: is it one we serve, and what of it may go on?
//!
//! Called by `tier` for every request. Framing is hyper's: it refuses folded headers, differing lengths, bad
//! chunks, and of a request with both `Content-Length` and `Transfer-Encoding` it keeps the latter and closes
//! the connection afterwards, so that no byte can be taken for a second request (RFC 9112 §6.1). Everything
//! is written anew towards the node; nothing of the client's own framing reaches it.

use http::header::{HOST, HeaderMap};
use http::uri::{PathAndQuery, Uri};
use http::{HeaderValue, Method, Version, request};

use crate::fault::Fault;
use crate::sticky::{self, Unmarked};

/// Puts a request's target into the form nodes see: path and query only, no session id in the path. Returns
/// that session id.
///
/// # Errors
/// [`Fault::Method`] for methods that concern proxies, [`Fault::Malformed`] without exactly one host (RFC
/// 9112 §3.2).
pub(crate) fn admit(parts: &mut request::Parts, own_host: &HeaderValue) -> Result<Option<String>, Fault> {
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        return Err(Fault::Method { allow: "GET, HEAD, POST, PUT, DELETE, OPTIONS" });
    }
    // The host in an absolute target counts, whatever the header says (RFC 9112 §3.2.2).
    if let Some(authority) = parts.uri.authority() {
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| Fault::Malformed("bad host"))?;
        parts.headers.insert(HOST, host);
        let path = parts.uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        parts.uri = Uri::from(path);
    }
    check_host(&mut parts.headers, parts.version, own_host)?;
    parts.version = Version::HTTP_11;

    let Some(Unmarked { path, id }) = sticky::take_from_path(parts.uri.path()) else { return Ok(None) };
    let target = match parts.uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path,
    };
    parts.uri = target.parse().map_err(|_| Fault::Malformed("bad path"))?;
    Ok(id)
}

fn check_host(headers: &mut HeaderMap, version: Version, own_host: &HeaderValue) -> Result<(), Fault> {
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (Some(_), None) => Ok(()),
        (Some(_), Some(_)) => Err(Fault::Malformed("more than one Host header")),
        (None, _) if version == Version::HTTP_11 => Err(Fault::Malformed("no Host header")),
        (None, _) => {
            // HTTP/1.0 had none; the node is spoken to in HTTP/1.1 and needs one.
            headers.insert(HOST, own_host.clone());
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn parts(method: &str, uri: &str, version: Version, hosts: &[&'static str]) -> request::Parts {
        let mut request = Request::builder().method(method).uri(uri).version(version);
        for host in hosts {
            request = request.header(HOST, *host);
        }
        request.body(()).unwrap().into_parts().0
    }

    fn own() -> HeaderValue {
        HeaderValue::from_static("own:80")
    }

    #[test]
    fn a_request_names_exactly_one_host() {
        let check = |version, hosts: &[&'static str], expected: Option<&str>| {
            let mut parts = parts("GET", "/", version, hosts);
            let admitted = admit(&mut parts, &own());
            assert_eq!(admitted.is_ok(), expected.is_some(), "{version:?} {hosts:?}");
            if let Some(host) = expected {
                assert_eq!(parts.headers[HOST], host);
                assert_eq!(parts.version, Version::HTTP_11);
            }
        };
        check(Version::HTTP_11, &["a"], Some("a"));
        check(Version::HTTP_11, &[], None);
        check(Version::HTTP_11, &["a", "a"], None);
        check(Version::HTTP_10, &[], Some("own:80"));
        check(Version::HTTP_10, &["a", "b"], None);
    }

    #[test]
    fn an_absolute_target_becomes_a_path_and_its_host_counts() {
        let mut parts = parts("GET", "http://real:81/ajax/x?a=b", Version::HTTP_11, &["forged"]);
        assert_eq!(admit(&mut parts, &own()), Ok(None));
        assert_eq!(parts.uri, "/ajax/x?a=b");
        assert_eq!(parts.headers[HOST], "real:81");
    }

    #[test]
    fn the_session_id_leaves_the_path_and_the_query_stays() {
        let mut parts =
            parts("GET", "/ajax/login;jsessionid=x.OX-2?action=a;jsessionid=b", Version::HTTP_11, &["h"]);
        assert_eq!(admit(&mut parts, &own()), Ok(Some("x.OX-2".into())));
        assert_eq!(parts.uri, "/ajax/login?action=a;jsessionid=b");
    }

    #[test]
    fn methods_for_proxies_are_not_ours() {
        for method in ["CONNECT", "TRACE"] {
            let mut parts = parts(method, "/", Version::HTTP_11, &["h"]);
            assert!(matches!(admit(&mut parts, &own()), Err(Fault::Method { .. })));
        }
    }
}
