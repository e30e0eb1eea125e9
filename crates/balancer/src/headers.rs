//! Which headers cross the web tier, in both directions.
//!
//! Called by `admit` and `answer`. Hop-by-hop headers (RFC 9110 §7.6.1) and what `Connection` names end here;
//! so does everything by which a client could pose as somebody else.

use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderMap, HeaderName};

/// The client's address, as the node may believe it.
pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
/// The host the client asked for.
pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
/// `http` or `https`.
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// The id made here for each request.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What a node says with its last answers: it is about to stop.
pub(crate) const X_ZEBU_DRAINING: HeaderName = HeaderName::from_static("x-zebu-draining");
/// What a node answers a check with: how busy it is, in hundredths.
pub(crate) const X_ZEBU_LOAD: HeaderName = HeaderName::from_static("x-zebu-load");
/// What a node is asked to say with its answer: `tenant`.
pub(crate) const X_ZEBU_ASKS: HeaderName = HeaderName::from_static("x-zebu-asks");
/// Whose context an answer is about, if that was asked.
pub(crate) const X_ZEBU_TENANT: HeaderName = HeaderName::from_static("x-zebu-tenant");

/// Headers between web tier and node; nobody outside may send them.
const INTERNAL_PREFIX: &str = "x-zebu-";
/// What proxies say about the client; only ours counts.
const FORWARDED_PREFIX: &str = "x-forwarded-";

/// Takes out of a request's headers what must not reach a node.
pub(crate) fn clean_request(headers: &mut HeaderMap) {
    let is_claim = |name: &HeaderName| {
        let name = name.as_str();
        match name.as_bytes().first() {
            Some(b'f') => name == "forwarded",
            Some(b'x') => {
                name == "x-real-ip"
                    || name == "x-request-id"
                    || name.starts_with(FORWARDED_PREFIX)
                    || name.starts_with(INTERNAL_PREFIX)
            }
            _ => false,
        }
    };
    remove(headers, |name| is_hop_by_hop(name) || is_claim(name));
}

/// Takes out of an answer's headers what concerned only the connection to the node.
pub(crate) fn clean_answer(headers: &mut HeaderMap) {
    remove(headers, is_hop_by_hop);
}

/// Whether a header that is a list has a token in it.
pub(crate) fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// Whether an answer is a stream of server-sent events.
pub(crate) fn are_of_events(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("text/event-stream"))
}

fn is_hop_by_hop(name: &HeaderName) -> bool {
    matches!(
        name.as_str(),
        "connection"
            | "keep-alive"
            | "proxy-authenticate"
            | "proxy-authorization"
            | "proxy-connection"
            | "te"
            | "trailer"
            | "transfer-encoding"
            | "upgrade"
    )
}

/// Almost every request passes here with nothing to remove, and almost every other one with `Connection:
/// keep-alive` alone: neither allocates.
fn remove(headers: &mut HeaderMap, unwanted: impl Fn(&HeaderName) -> bool) {
    remove_named_by_connection(headers);
    while let Some(name) = headers.keys().find(|name| unwanted(name)).cloned() {
        headers.remove(name);
    }
}

fn remove_named_by_connection(headers: &mut HeaderMap) {
    let lines = headers.get_all(CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let tokens = lines.flat_map(|line| line.split(',')).map(str::trim);
    let named = tokens
        .filter(|token| !token.eq_ignore_ascii_case("keep-alive") && !token.eq_ignore_ascii_case("close"));
    // `Host` is no connection's property; without it the request could not be sent on.
    let named: Vec<HeaderName> =
        named.filter_map(|name| name.parse().ok()).filter(|name| name != HOST).collect();
    for name in named {
        headers.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn map(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn names(headers: &HeaderMap) -> Vec<&str> {
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        names
    }

    #[test]
    fn what_concerns_one_connection_ends_here() {
        let lines = [
            ("host", "h"),
            ("connection", "keep-alive, X-Private"),
            ("connection", "close ,host"),
            ("keep-alive", "timeout=5"),
            ("x-private", "1"),
            ("te", "trailers"),
            ("trailer", "x"),
            ("transfer-encoding", "chunked"),
            ("upgrade", "websocket"),
            ("proxy-authorization", "Basic x"),
            ("proxy-connection", "keep-alive"),
            ("accept", "*/*"),
            ("depth", "1"),
            ("cookie", "a=b"),
        ];
        let mut request = map(&lines);
        clean_request(&mut request);
        assert_eq!(names(&request), ["accept", "cookie", "depth", "host"]);
        let mut answer = map(&lines);
        clean_answer(&mut answer);
        assert_eq!(names(&answer), ["accept", "cookie", "depth", "host"]);
    }

    #[test]
    fn no_client_can_pose_as_a_proxy_or_a_node() {
        let mut request = map(&[
            ("x-forwarded-for", "1.2.3.4"),
            ("x-forwarded-for", "5.6.7.8"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-port", "1"),
            ("forwarded", "for=1.2.3.4"),
            ("x-real-ip", "1.2.3.4"),
            ("x-request-id", "forged"),
            ("x-zebu-draining", "1"),
            ("x-zebu", "kept: another name"),
        ]);
        clean_request(&mut request);
        assert_eq!(names(&request), ["x-zebu"]);
    }

    #[test]
    fn an_answer_keeps_what_the_node_says_of_itself() {
        let mut answer = map(&[("x-zebu-version", "1"), ("set-cookie", "a=1"), ("set-cookie", "b=2")]);
        clean_answer(&mut answer);
        assert_eq!(answer.get_all("set-cookie").iter().count(), 2);
        assert_eq!(names(&answer), ["set-cookie", "x-zebu-version"]);
    }
}
