//! Where a request comes from: the client's address, and whether it came by TLS. A listener finds it out before `edge` sees the
//! request; what strangers say about it in headers is taken out.

use std::net::{IpAddr, SocketAddr};

use http::header::FORWARDED;
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::Networks;

pub(crate) const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
pub(crate) const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
pub(crate) const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// The client, as far as it is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Source {
    /// Its address: that of the nearest hop that is not trusted.
    pub(crate) address: IpAddr,
    /// Whether it came by TLS.
    pub(crate) is_secure: bool,
}

impl Source {
    /// Somebody who is connected to us without anybody in between that we know of.
    pub(crate) fn direct(address: IpAddr) -> Source {
        Source { address: address.to_canonical(), is_secure: false }
    }

    /// Who is behind a connection of `self`, by the headers of a request. They are believed if the connection is a trusted peer's,
    /// and taken out: afterwards only `X-Forwarded-Host` may be there, and then it is true.
    ///
    /// `X-Forwarded-*` goes before `Forwarded` (RFC 7239): a peer must take out what it does not set itself.
    pub(crate) fn behind(self, headers: &mut HeaderMap, trusted: &Networks) -> Source {
        let is_trusted = trusted.contains(self.address);
        if !is_trusted {
            forget(headers);
            return self;
        }
        let mut source = self;
        if headers.contains_key(X_FORWARDED_FOR) || headers.contains_key(X_FORWARDED_PROTO) {
            let hops = headers.get_all(X_FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
            let hops: Vec<&str> = hops.flat_map(|line| line.split(',')).collect();
            source.walk(hops.into_iter().rev().map(address), trusted);
            let proto = headers.get_all(X_FORWARDED_PROTO).iter().next_back();
            if let Some(proto) =
                proto.and_then(|value| value.to_str().ok()).and_then(|line| line.rsplit(',').next())
            {
                source.is_secure = proto.trim().eq_ignore_ascii_case("https");
            }
            headers.remove(FORWARDED);
        } else if let Some(value) = headers.get_all(FORWARDED).iter().next_back().cloned() {
            headers.remove(FORWARDED);
            source.by_forwarded(value.to_str().unwrap_or_default(), headers, trusted);
        }
        headers.remove(X_FORWARDED_FOR);
        headers.remove(X_FORWARDED_PROTO);
        source
    }

    /// Goes from hop to hop, the nearest first, as long as they are trusted and say who was before them.
    fn walk(&mut self, hops: impl Iterator<Item = Option<IpAddr>>, trusted: &Networks) {
        for hop in hops {
            let Some(address) = hop else { return };
            self.address = address.to_canonical();
            if !trusted.contains(address) {
                return;
            }
        }
    }

    fn by_forwarded(&mut self, line: &str, headers: &mut HeaderMap, trusted: &Networks) {
        let hops: Vec<Hop<'_>> = line.rsplit(',').map(Hop::read).collect();
        self.walk(hops.iter().map(|hop| hop.by.and_then(address)), trusted);
        let Some(nearest) = hops.first() else { return };
        if let Some(proto) = nearest.proto {
            self.is_secure = proto.eq_ignore_ascii_case("https");
        }
        if let Some(Ok(host)) = nearest.host.map(HeaderValue::from_str) {
            headers.insert(X_FORWARDED_HOST, host);
        }
    }
}

/// Takes out all that is said about where a request comes from.
pub(crate) fn forget(headers: &mut HeaderMap) {
    for name in [X_FORWARDED_FOR, X_FORWARDED_PROTO, X_FORWARDED_HOST, FORWARDED] {
        headers.remove(name);
    }
}

/// One element of `Forwarded`.
#[derive(Default)]
struct Hop<'a> {
    by: Option<&'a str>,
    proto: Option<&'a str>,
    host: Option<&'a str>,
}

impl<'a> Hop<'a> {
    fn read(element: &'a str) -> Hop<'a> {
        let mut hop = Hop::default();
        for pair in element.split(';') {
            let Some((name, value)) = pair.trim().split_once('=') else { continue };
            let value = Some(value.trim().trim_matches('"'));
            match name.trim().to_ascii_lowercase().as_str() {
                "for" => hop.by = value,
                "proto" => hop.proto = value,
                "host" => hop.host = value,
                _ => {}
            }
        }
        hop
    }
}

/// An address with or without a port, IPv6 in brackets or not.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|socket| socket.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn behind(peer: &str, headers: &[(&'static str, &'static str)]) -> (String, bool, HeaderMap) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let trusted = Networks::try_from(vec!["10.0.0.0/8".to_owned(), "::1".to_owned()]).unwrap();
        let source = Source::direct(peer.parse().unwrap()).behind(&mut map, &trusted);
        (source.address.to_string(), source.is_secure, map)
    }

    #[test]
    fn a_stranger_is_believed_nothing() {
        let said = [
            ("x-forwarded-for", "1.1.1.1"),
            ("x-forwarded-proto", "https"),
            ("x-forwarded-host", "evil"),
            ("forwarded", "for=1.1.1.1;proto=https;host=evil"),
            ("host", "a"),
        ];
        let (address, is_secure, left) = behind("192.0.2.1", &said);
        assert_eq!((address.as_str(), is_secure), ("192.0.2.1", false));
        assert_eq!(left.keys().map(HeaderName::as_str).collect::<Vec<_>>(), ["host"]);
    }

    #[test]
    fn the_nearest_hop_that_is_not_trusted_is_the_client() {
        let check = |headers: &[(&'static str, &'static str)], expected: &str, secure: bool| {
            let (address, is_secure, left) = behind("10.0.0.1", headers);
            assert_eq!((address.as_str(), is_secure), (expected, secure), "{headers:?}");
            assert!(!left.contains_key(X_FORWARDED_FOR) && !left.contains_key(FORWARDED));
        };
        check(&[], "10.0.0.1", false);
        check(&[("x-forwarded-for", "192.0.2.1")], "192.0.2.1", false);
        check(&[("x-forwarded-for", "6.6.6.6, 192.0.2.1")], "192.0.2.1", false);
        check(&[("x-forwarded-for", "6.6.6.6, 192.0.2.1, 10.9.9.9")], "192.0.2.1", false);
        check(&[("x-forwarded-for", "6.6.6.6"), ("x-forwarded-for", "192.0.2.1")], "192.0.2.1", false);
        check(&[("x-forwarded-for", "6.6.6.6, nonsense, 10.9.9.9")], "10.9.9.9", false);
        check(&[("x-forwarded-for", "[2001:db8::1]:4711")], "2001:db8::1", false);
        check(&[("x-forwarded-proto", "https")], "10.0.0.1", true);
        check(&[("x-forwarded-proto", "https, http")], "10.0.0.1", false);
        check(
            &[("forwarded", "for=6.6.6.6, for=\"[2001:db8::1]:80\";proto=https;host=a.example")],
            "2001:db8::1",
            true,
        );
        check(&[("forwarded", "For=192.0.2.1; Proto=HTTPS, for=10.1.1.1")], "192.0.2.1", false);
        check(&[("forwarded", "for=unknown, for=10.1.1.1")], "10.1.1.1", false);
        check(
            &[("forwarded", "for=6.6.6.6;proto=https"), ("x-forwarded-for", "192.0.2.1")],
            "192.0.2.1",
            false,
        );
        let (_, _, left) = behind("::1", &[("forwarded", "for=192.0.2.1;host=a.example")]);
        assert_eq!(left[X_FORWARDED_HOST], "a.example");
    }
}
