//! The first bytes of a connection: who is behind it (the PROXY protocol, versions 1 and 2), and whether it speaks HTTP/2 (with
//! prior knowledge, RFC 9113 section 3.3) or HTTP/1.
//!
//! `server` calls it once for each connection. PROXY is believed of trusted peers; from anybody else its bytes are no HTTP, and
//! the connection is closed.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

use crate::Networks;
use crate::source::Source;

const H2: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const V1: &[u8] = b"PROXY ";
const V2: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";
/// The longest line of version 1, its end included.
const V1_BYTES_MAX: usize = 107;
/// The head of version 2: signature, command, family, length.
const V2_HEAD_BYTES: usize = 16;
/// What may follow it: addresses, and what the peer adds to them.
const V2_BYTES_MAX: usize = 4 * 1024;
/// Read at once.
const READ_BYTES: usize = 1024;
/// What version 2 says of TLS, and the bit that the client came by it.
const TLV_TLS: u8 = 0x20;
const CLIENT_TLS: u8 = 0x01;

/// A connection whose first bytes are known.
#[derive(Debug)]
pub(crate) struct Opened {
    /// Who is behind it.
    pub(crate) source: Source,
    /// Whether it speaks HTTP/2.
    pub(crate) is_h2: bool,
    /// What was read of it and is not ours.
    pub(crate) ahead: Bytes,
}

/// Reads as much as is needed to know.
///
/// # Errors
/// The connection ended, or its PROXY header is malformed or not believed.
pub(crate) async fn open(stream: &mut TcpStream, peer: IpAddr, trusted: &Networks) -> io::Result<Opened> {
    let mut read = BytesMut::new();
    let mut source = Source::direct(peer);
    let mut may_be_proxied = trusted.contains(peer);
    loop {
        match look(&read, may_be_proxied)? {
            Look::More => {
                read.reserve(READ_BYTES);
                if stream.read_buf(&mut read).await? == 0 {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
            }
            Look::Proxied { bytes, of } => {
                read.advance(bytes);
                source = of.unwrap_or(source);
                // There is one, before anything else.
                may_be_proxied = false;
            }
            Look::Http { is_h2 } => return Ok(Opened { source, is_h2, ahead: read.freeze() }),
        }
    }
}

/// What bytes at the front of a connection are.
#[derive(Debug, PartialEq)]
enum Look {
    More,
    /// So many of them say who is behind it; nobody else in the case of health checks and of what has no address.
    Proxied {
        bytes: usize,
        of: Option<Source>,
    },
    Http {
        is_h2: bool,
    },
}

fn look(read: &[u8], may_be_proxied: bool) -> io::Result<Look> {
    let begins = |mark: &[u8]| read.starts_with(mark);
    let may_begin = |mark: &[u8]| mark.starts_with(read);
    if may_be_proxied && begins(V1) {
        return version_1(read);
    }
    if may_be_proxied && begins(V2) {
        return version_2(read);
    }
    if begins(H2) {
        return Ok(Look::Http { is_h2: true });
    }
    if may_begin(H2) || may_be_proxied && (may_begin(V1) || may_begin(V2)) {
        return Ok(Look::More);
    }
    Ok(Look::Http { is_h2: false })
}

fn version_1(read: &[u8]) -> io::Result<Look> {
    let line = read.get(..read.len().min(V1_BYTES_MAX)).unwrap_or_default();
    let Some(end) = line.windows(2).position(|two| two == b"\r\n") else {
        return if read.len() < V1_BYTES_MAX { Ok(Look::More) } else { Err(malformed()) };
    };
    let text =
        line.get(V1.len()..end).and_then(|line| std::str::from_utf8(line).ok()).ok_or_else(malformed)?;
    let words: Vec<&str> = text.split(' ').collect();
    let of = match words.as_slice() {
        ["UNKNOWN", ..] => None,
        ["TCP4", source, target, ports @ ..] => Some(pair::<Ipv4Addr>(source, target, ports)?),
        ["TCP6", source, target, ports @ ..] => Some(pair::<Ipv6Addr>(source, target, ports)?),
        _ => return Err(malformed()),
    };
    Ok(Look::Proxied { bytes: end + 2, of: of.map(Source::direct) })
}

/// The client of a line of version 1, all of which must be right.
fn pair<A: std::str::FromStr + Into<IpAddr>>(
    source: &str,
    target: &str,
    ports: &[&str],
) -> io::Result<IpAddr> {
    let address = |text: &str| text.parse::<A>().map_err(|_| malformed());
    let [from, to] = ports else { return Err(malformed()) };
    let are_ports = [from, to].iter().all(|port| port.parse::<u16>().is_ok());
    address(target)?;
    if are_ports { address(source).map(Into::into) } else { Err(malformed()) }
}

fn version_2(read: &[u8]) -> io::Result<Look> {
    let Some((head, rest)) = read.split_at_checked(V2_HEAD_BYTES) else { return Ok(Look::More) };
    let [.., command, family, high, low] = head else { return Err(malformed()) };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > V2_BYTES_MAX {
        return Err(malformed());
    }
    let Some(said) = rest.get(..length) else { return Ok(Look::More) };
    let of = match (*command, *family) {
        // A health check of the peer itself.
        (0x20, _) => None,
        (0x21, 0x11) => Some(client::<4>(said, 12)?),
        (0x21, 0x21) => Some(client::<16>(said, 36)?),
        (0x21, _) => None,
        _ => return Err(malformed()),
    };
    Ok(Look::Proxied { bytes: V2_HEAD_BYTES + length, of })
}

/// The client of a header of version 2: an address of `N` bytes at the front of `addresses` bytes, and then what else is said.
fn client<const N: usize>(said: &[u8], addresses: usize) -> io::Result<Source>
where
    IpAddr: From<[u8; N]>,
{
    let (address, _) = said.split_first_chunk::<N>().ok_or_else(malformed)?;
    let mut more = said.get(addresses..).ok_or_else(malformed)?;
    let mut source = Source::direct(IpAddr::from(*address));
    while let Some(([kind, high, low], rest)) = more.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let (value, after) = rest.split_at_checked(length).ok_or_else(malformed)?;
        if *kind == TLV_TLS {
            source.is_secure = value.first().is_some_and(|client| client & CLIENT_TLS != 0);
        }
        more = after;
    }
    if more.is_empty() { Ok(source) } else { Err(malformed()) }
}

fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "the PROXY header is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxied(address: &str, is_secure: bool) -> Option<Source> {
        Some(Source { is_secure, ..Source::direct(address.parse().unwrap()) })
    }

    /// What every beginning of `bytes` must be undecided about, and all of it says.
    fn decided(bytes: &[u8], trusted: bool) -> Look {
        let decides = (0..=bytes.len()).find(|end| look(&bytes[..*end], trusted).unwrap() != Look::More);
        look(&bytes[..decides.expect("a decision")], trusted).unwrap()
    }

    fn v2(command: u8, family: u8, said: &[u8]) -> Vec<u8> {
        [V2, &[command, family], &(said.len() as u16).to_be_bytes(), said].concat()
    }

    #[test]
    fn http_is_told_from_what_begins_like_it() {
        for line in [
            "GET / HTTP/1.1",
            "PUT / HTTP/1.1",
            "PROPFIND / HTTP/1.1",
            "PRIVATE / HTTP/1.1",
            "PROX / HTTP/1.1",
        ] {
            for trusted in [true, false] {
                assert_eq!(decided(line.as_bytes(), trusted), Look::Http { is_h2: false }, "{line}");
            }
        }
        assert_eq!(decided(H2, false), Look::Http { is_h2: true });
        assert_eq!(decided(H2, true), Look::Http { is_h2: true });
    }

    #[test]
    fn both_versions_name_the_client() {
        let check = |bytes: &[u8], of| {
            assert_eq!(decided(bytes, true), Look::Proxied { bytes: bytes.len(), of });
        };
        check(b"PROXY TCP4 192.0.2.1 10.0.0.1 56324 443\r\n", proxied("192.0.2.1", false));
        check(b"PROXY TCP6 2001:db8::1 ::1 56324 443\r\n", proxied("2001:db8::1", false));
        check(b"PROXY UNKNOWN\r\n", None);
        check(b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n", None);
        let v4 = [192, 0, 2, 1, 10, 0, 0, 1, 0xDC, 4, 1, 0xBB];
        check(&v2(0x21, 0x11, &v4), proxied("192.0.2.1", false));
        let tls = [&v4[..], &[0x04, 0, 1, 0, 0x20, 0, 5, 1, 0, 0, 0, 0]].concat();
        check(&v2(0x21, 0x11, &tls), proxied("192.0.2.1", true));
        let no_tls = [&v4[..], &[0x20, 0, 5, 0, 0, 0, 0, 0]].concat();
        check(&v2(0x21, 0x11, &no_tls), proxied("192.0.2.1", false));
        let mut v6 = [0; 36];
        v6[15] = 1;
        check(&v2(0x21, 0x21, &v6), proxied("::1", false));
        check(&v2(0x20, 0x00, &[]), None);
        check(&v2(0x21, 0x31, &[0; 216]), None);
    }

    #[test]
    fn what_is_malformed_ends_the_connection() {
        let long = [V1, &[b'a'; 107]].concat();
        let cases: [&[u8]; 9] = [
            b"PROXY TCP4 192.0.2.1 10.0.0.1 56324\r\n",
            b"PROXY TCP4 192.0.2.1 10.0.0.1 56324 443 1\r\n",
            b"PROXY TCP4 ::1 10.0.0.1 1 2\r\n",
            b"PROXY TCP4 192.0.2.1 10.0.0.1 1 65536\r\n",
            b"PROXY \r\n",
            &long,
            &v2(0x22, 0x11, &[0; 12]),
            &v2(0x21, 0x11, &[0; 11]),
            &v2(0x21, 0x11, &[0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x20, 0, 9]),
        ];
        for bytes in cases {
            assert!(look(bytes, true).is_err(), "{bytes:?}");
        }
        let mut endless = v2(0x21, 0x11, &[]);
        endless[14] = 0xFF;
        assert!(look(&endless, true).is_err());
    }

    #[test]
    fn of_a_stranger_it_is_no_http() {
        assert_eq!(decided(b"PROXY TCP4 192.0.2.1 10.0.0.1 1 2\r\n", false), Look::Http { is_h2: false });
        assert_eq!(decided(&v2(0x20, 0, &[]), false), Look::Http { is_h2: false });
    }
}
