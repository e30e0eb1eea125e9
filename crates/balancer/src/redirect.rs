//! Sending clients of a plain listener to https. Called by `tier`; pure.
//!
//! `GET` and `HEAD` are answered 301, which every client knows; everything else 308, after which a client repeats the same
//! request with its body instead of making a `GET` of it (RFC 9110 §15.4).

use bytes::Bytes;
use http::header::{CACHE_CONTROL, HOST, LOCATION};
use http::{HeaderValue, Method, Response, StatusCode, request};

use crate::fault::Fault;

/// The port that addresses of https leave out.
const USUAL_PORT: u16 = 443;
/// So long a client may go by it without asking again, seconds: an hour, should TLS be given up again.
const KEPT: HeaderValue = HeaderValue::from_static("max-age=3600");

/// Where an admitted request is to be sent instead: the same host and target, by https at `port`.
///
/// # Errors
/// [`Fault::Malformed`] if the host cannot be part of an address.
pub(crate) fn to_https(parts: &request::Parts, port: u16) -> Result<Response<Bytes>, Fault> {
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let authority: http::uri::Authority = host.parse().map_err(|_| Fault::Malformed("bad host"))?;
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let location = match port {
        USUAL_PORT => format!("https://{}{target}", authority.host()),
        port => format!("https://{}:{port}{target}", authority.host()),
    };
    let location = HeaderValue::try_from(location).map_err(|_| Fault::Malformed("bad path"))?;
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    let mut response = Response::new(Bytes::new());
    *response.status_mut() =
        if reads { StatusCode::MOVED_PERMANENTLY } else { StatusCode::PERMANENT_REDIRECT };
    response.headers_mut().insert(LOCATION, location);
    response.headers_mut().insert(CACHE_CONTROL, KEPT);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(method: &str, host: &'static str, target: &str, port: u16, expected: (u16, &str)) {
        let request = Request::builder().method(method).uri(target).header(HOST, host).body(()).unwrap();
        let response = to_https(&request.into_parts().0, port).unwrap();
        let location = response.headers()[LOCATION].to_str().unwrap();
        assert_eq!((response.status().as_u16(), location), expected);
    }

    #[test]
    fn the_same_target_at_the_same_host_and_no_body_is_lost() {
        check("GET", "a.example", "/x?y=1", 443, (301, "https://a.example/x?y=1"));
        check("HEAD", "a.example:8080", "/", 443, (301, "https://a.example/"));
        check("POST", "a.example:8080", "/ajax/login", 8443, (308, "https://a.example:8443/ajax/login"));
        check("PROPFIND", "[::1]:80", "/infostore", 443, (308, "https://[::1]/infostore"));
    }

    #[test]
    fn a_host_that_is_none_is_refused() {
        for host in ["", "a b", "a/b"] {
            let request = Request::builder().uri("/").header(HOST, host).body(()).unwrap();
            assert!(to_https(&request.into_parts().0, 443).is_err(), "{host}");
        }
    }
}
