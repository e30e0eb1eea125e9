//! A request of a front, as HTTP has it. Header values are not copied: they stay in the packet that they came in.

use std::net::IpAddr;

use bytes::{BufMut, Bytes, BytesMut};
use http::header::{CONNECTION, EXPECT, FORWARDED, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use zebu_ajp::request::Request as Forwarded;

use crate::body::Incoming;
use crate::source::{Source, X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO};

/// A parameter of paths that says the route where cookies do not travel; the front has looked at it.
const SESSION_PARAMETER: &[u8] = b";jsessionid=";

/// The request without its body; refused if HTTP could not have carried it.
pub(super) fn translate(
    packet: &Bytes,
    forwarded: &Forwarded<'_>,
    body: Incoming,
) -> Result<Request<Incoming>, StatusCode> {
    let mut request = Request::new(body);
    *request.method_mut() =
        Method::from_bytes(forwarded.method.as_bytes()).map_err(|_| StatusCode::BAD_REQUEST)?;
    *request.uri_mut() = target(packet, forwarded).ok_or(StatusCode::BAD_REQUEST)?;
    *request.headers_mut() = headers(packet, forwarded).ok_or(StatusCode::BAD_REQUEST)?;
    Ok(request)
}

/// The client, as the front says. One whose address is no address (a socket file) is taken for the front itself.
pub(super) fn source(forwarded: &Forwarded<'_>, front: IpAddr) -> Source {
    let address = forwarded.remote_address.and_then(|address| address.parse().ok());
    Source { is_secure: forwarded.is_ssl, ..Source::direct(address.unwrap_or(front)) }
}

fn target(packet: &Bytes, forwarded: &Forwarded<'_>) -> Option<Uri> {
    let (path, after) = without_session(forwarded.uri);
    if after.is_empty() && forwarded.query.is_none() {
        return Uri::from_maybe_shared(packet.slice_ref(path)).ok();
    }
    let query = forwarded.query.unwrap_or_default();
    let mut whole = BytesMut::with_capacity(path.len() + after.len() + 1 + query.len());
    whole.put_slice(path);
    whole.put_slice(after);
    if forwarded.query.is_some() {
        whole.put_u8(b'?');
        whole.put_slice(query);
    }
    Uri::from_maybe_shared(whole.freeze()).ok()
}

/// What stands before the session parameter, and what after it.
fn without_session(path: &[u8]) -> (&[u8], &[u8]) {
    let starts = |window: &[u8]| window.eq_ignore_ascii_case(SESSION_PARAMETER);
    let Some((before, rest)) =
        path.windows(SESSION_PARAMETER.len()).position(starts).and_then(|at| path.split_at_checked(at))
    else {
        return (path, &[]);
    };
    let value = rest.get(SESSION_PARAMETER.len()..).unwrap_or_default();
    let end = value.iter().position(|byte| matches!(byte, b'/' | b';')).unwrap_or(value.len());
    (before, value.get(end..).unwrap_or_default())
}

fn headers(packet: &Bytes, forwarded: &Forwarded<'_>) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(forwarded.headers.size_hint().0);
    for (name, value) in forwarded.headers {
        let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
        if is_carried(&name) {
            headers.append(name, HeaderValue::from_maybe_shared(packet.slice_ref(value)).ok()?);
        }
    }
    if !headers.contains_key(HOST) && !forwarded.server_name.is_empty() {
        let host = format!("{}:{}", forwarded.server_name, forwarded.server_port);
        headers.insert(HOST, HeaderValue::from_str(&host).ok()?);
    }
    Some(headers)
}

/// What is between client and front stays there; where the client is the message says itself, and `Expect` was answered.
fn is_carried(name: &HeaderName) -> bool {
    let hop = [&CONNECTION, &EXPECT, &TE, &TRAILER, &TRANSFER_ENCODING, &UPGRADE, &FORWARDED];
    let said = [X_FORWARDED_FOR, X_FORWARDED_HOST, X_FORWARDED_PROTO];
    !hop.contains(&name)
        && !said.contains(name)
        && !matches!(name.as_str(), "keep-alive" | "proxy-connection")
}

#[cfg(test)]
mod tests {
    use zebu_ajp::attribute::Attribute;
    use zebu_ajp::request::{Forward, Incoming as Message};
    use zebu_ajp::{PacketSize, Sender, packet};

    use super::*;

    fn translated(
        forward: Forward<'_>,
        headers: &[(&str, &[u8])],
        query: Option<&[u8]>,
    ) -> (Request<Incoming>, Source) {
        let mut out = Vec::new();
        let attributes = query.map(|query| Attribute::Query(Some(query)));
        forward.write(headers.iter().copied(), attributes, PacketSize::default(), &mut out).unwrap();
        let bytes = Bytes::from(out);
        let packet = packet::first(Sender::Front, &bytes, PacketSize::default()).unwrap().unwrap();
        let Message::Forward(request) = Message::read(packet.payload).unwrap() else { panic!() };
        let front = [10, 0, 0, 1].into();
        (translate(&bytes, &request, Incoming::Empty).unwrap(), source(&request, front))
    }

    #[test]
    fn the_front_s_word_on_the_client_counts_and_the_client_s_own_does_not() {
        let forward = Forward {
            remote_address: Some("192.0.2.1"),
            is_ssl: true,
            server_name: "a.example",
            ..Forward::default()
        };
        let headers: [(&str, &[u8]); 7] = [
            ("x-forwarded-for", b"6.6.6.6"),
            ("X-Forwarded-Proto", b"http"),
            ("forwarded", b"for=6.6.6.6"),
            ("connection", b"keep-alive"),
            ("expect", b"100-continue"),
            ("transfer-encoding", b"chunked"),
            ("X-Own", b"1"),
        ];
        let (request, source) = translated(forward, &headers, None);
        assert_eq!(source, Source { address: [192, 0, 2, 1].into(), is_secure: true });
        let names: Vec<_> = request.headers().keys().map(HeaderName::as_str).collect();
        assert_eq!(names, ["x-own", "host"]);
        assert_eq!(request.headers()[HOST], "a.example:80");
        let (_, unknown) = translated(Forward { remote_address: None, ..Forward::default() }, &[], None);
        assert_eq!(unknown, Source::direct([10, 0, 0, 1].into()));
    }

    #[test]
    fn path_and_query_come_together_and_the_session_parameter_is_left_out() {
        let check = |uri: &[u8], query: Option<&[u8]>, expected: &str| {
            let (request, _) = translated(Forward { uri, ..Forward::default() }, &[], query);
            assert_eq!(request.uri().to_string(), expected);
        };
        check(b"/ajax/login", None, "/ajax/login");
        check(b"/ajax/login", Some(b"action=login"), "/ajax/login?action=login");
        check(b"/ajax/login;jsessionid=1.OX-1", Some(b"a=b"), "/ajax/login?a=b");
        check(b"/a;JSessionID=1.OX-1/b;c", None, "/a/b;c");
        check(b"/a", Some(b""), "/a?");
    }
}
