//! The head of a request, as AJP has it. Beside the headers it says what HTTP has no word for: who the client is, and by which
//! TLS it came, in the attributes that Apache uses, in its order.

use std::io::Write as _;
use std::net::SocketAddr;

use http::header::{CONNECTION, EXPECT, HOST, UPGRADE};
use http::{HeaderName, request};
use zebu_ajp::Error;
use zebu_ajp::attribute::Attribute;
use zebu_ajp::framing::Framing;
use zebu_ajp::request::Forward;

use super::Terms;
use crate::client::Client;
use crate::headers::X_REQUEST_ID;
use crate::sticky;
use crate::upstream::Said;

/// Writes the packet behind what is in `out`, and says how the body travels.
///
/// # Errors
/// It does not fit a packet, or has something that the protocol cannot carry; then nothing was written.
pub(super) fn write(
    parts: &request::Parts,
    said: &Said<'_>,
    terms: &Terms,
    out: &mut Vec<u8>,
) -> Result<Framing, Error> {
    let is_ssl = said.client.is_some_and(Client::is_secure);
    let host = parts.headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let (server_name, server_port) = server(host, is_ssl);
    let marked = said.session.map(|id| format!("{}{}{id}", parts.uri.path(), sticky::PATH_PARAMETER));
    let forward = Forward {
        method: parts.method.as_str(),
        uri: marked.as_deref().unwrap_or(parts.uri.path()).as_bytes(),
        remote_address: said.client.and_then(|client| client.address.to_str().ok()),
        server_name,
        server_port,
        is_ssl,
        ..Forward::default()
    };
    let carried = parts.headers.iter().filter(|(name, _)| is_carried(name));
    let id_name = X_REQUEST_ID;
    let carried = carried.chain(said.request_id.map(|id| (&id_name, id)));
    let headers = carried.map(|(name, value)| (name.as_str(), value.as_bytes()));
    let (mut port, mut address) = (Text::<5>::default(), Text::<45>::default());
    let attributes = attributes(parts, said, terms, &mut port, &mut address);
    forward.write(headers, attributes.into_iter().flatten(), terms.size, out)
}

/// Name and port by which the client called us: those of its `Host`, the port of its scheme if that has none.
fn server(host: &str, is_ssl: bool) -> (&str, u16) {
    let usual = if is_ssl { 443 } else { 80 };
    match host.rsplit_once(':') {
        // What has a colon inside brackets only is an IPv6 address without a port.
        Some((name, port)) if !port.ends_with(']') => (name, port.parse().unwrap_or(usual)),
        _ => (host, usual),
    }
}

/// What is between the client and us stays here.
fn is_carried(name: &HeaderName) -> bool {
    ![&CONNECTION, &EXPECT, &UPGRADE].contains(&name)
}

fn attributes<'a>(
    parts: &'a request::Parts,
    said: &Said<'a>,
    terms: &'a Terms,
    port: &'a mut Text<5>,
    address: &'a mut Text<45>,
) -> [Option<Attribute<'a>>; 8] {
    let secret = Some(terms.secret.reveal()).filter(|secret| !secret.is_empty());
    let tls = said.client.and_then(Client::tls);
    let other = |name: &'static [u8], value: &'a [u8]| Attribute::Other { name, value: Some(value) };
    let local = said.client.and_then(|client| client.local);
    [
        secret.map(|secret| Attribute::Secret(secret.as_bytes())),
        parts.uri.query().map(|query| Attribute::Query(Some(query.as_bytes()))),
        said.route.map(|route| Attribute::Route(Some(route.as_bytes()))),
        tls.map(|tls| Attribute::SslCipher(Some(tls.cipher.as_bytes()))),
        tls.map(|tls| Attribute::SslKeySize(tls.key_bits)),
        said.client.map(|client| other(b"AJP_REMOTE_PORT", port.of(client.port))),
        local.map(|local: SocketAddr| other(b"AJP_LOCAL_ADDR", address.of(local.ip().to_canonical()))),
        tls.map(|tls| other(b"AJP_SSL_PROTOCOL", tls.protocol.as_bytes())),
    ]
}

/// A short text without an allocation.
struct Text<const LENGTH: usize> {
    bytes: [u8; LENGTH],
}

impl<const LENGTH: usize> Default for Text<LENGTH> {
    fn default() -> Self {
        Self { bytes: [0; LENGTH] }
    }
}

impl<const LENGTH: usize> Text<LENGTH> {
    /// What does not fit is cut; what is written here always fits.
    fn of(&mut self, value: impl std::fmt::Display) -> &[u8] {
        let mut rest = self.bytes.as_mut_slice();
        let _ = write!(rest, "{value}");
        let left = rest.len();
        self.bytes.get(..LENGTH - left).unwrap_or_default()
    }
}
