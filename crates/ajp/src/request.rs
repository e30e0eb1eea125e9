//! What a front sends first: a request, or a question whether anybody is there.

use crate::attribute::{self, Attribute, Attributes};
use crate::error::Field;
use crate::framing::{Framing, Seen};
use crate::header::{self, Header, Headers};
use crate::method;
use crate::packet::{Sender, typed};
use crate::read::Reader;
use crate::text::{is_target, visible};
use crate::write::Writer;
use crate::{Error, PacketSize};

const FORWARD: u8 = 2;
const SHUTDOWN: u8 = 7;
const OLD_PING: u8 = 8;
const PING: u8 = 10;

/// A first packet, read. `Forward` borrows from it.
#[derive(Clone, Copy, Debug)]
#[allow(clippy::large_enum_variant, reason = "nobody keeps one: it is looked at where it lies")]
pub enum Incoming<'a> {
    /// FORWARD_REQUEST.
    Forward(Request<'a>),
    /// CPING: answer with [`crate::answer::pong`].
    Ping,
    /// SHUTDOWN: whoever reaches the port could stop a node. Refuse it, say so in the log, close.
    Shutdown,
    /// PING of an older protocol. Refuse it likewise.
    OldPing,
}

/// A request, checked to its last byte.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// In capitals as a rule; a token.
    pub method: &'a str,
    /// `HTTP/1.1`
    pub protocol: &'a str,
    /// The path, still encoded; begins with `/`, or is `*`. May have `;jsessionid=`.
    pub uri: &'a [u8],
    /// What followed the `?`.
    pub query: Option<&'a [u8]>,
    /// The client's address, as the front says.
    pub remote_address: Option<&'a str>,
    /// The client's name, if the front looked it up.
    pub remote_host: Option<&'a str>,
    /// The name by which the client called the front.
    pub server_name: &'a str,
    /// And the port.
    pub server_port: u16,
    /// Whether the client came by TLS, as the front says.
    pub is_ssl: bool,
    /// What front and container both know.
    pub secret: Option<&'a [u8]>,
    /// Its body.
    pub framing: Framing,
    /// Its headers; the names that have codes are in lower case.
    pub headers: Headers<'a>,
    /// All attributes, those above too.
    pub attributes: Attributes<'a>,
}

impl<'a> Incoming<'a> {
    /// Reads a packet that is the first of an exchange.
    ///
    /// # Errors
    /// Anything that is not exactly one of the four messages.
    pub fn read(payload: &'a [u8]) -> Result<Incoming<'a>, Error> {
        let (kind, reader) = typed(payload)?;
        let alone = match kind {
            FORWARD => return Request::read(reader).map(Incoming::Forward),
            PING => Incoming::Ping,
            SHUTDOWN => Incoming::Shutdown,
            OLD_PING => Incoming::OldPing,
            other => return Err(Error::Type(other)),
        };
        reader.end()?;
        Ok(alone)
    }
}

impl<'a> Request<'a> {
    fn read(mut reader: Reader<'a>) -> Result<Request<'a>, Error> {
        let coded = method::name(reader.byte(Field::Method)?)?;
        let protocol = visible(reader.string(Field::Protocol)?).filter(|text| text.starts_with("HTTP/"));
        let protocol = protocol.ok_or(Error::Malformed(Field::Protocol))?;
        let uri = reader.string(Field::Uri)?;
        if !is_path(uri) {
            return Err(Error::Malformed(Field::Uri));
        }
        let mut maybe = |field| {
            let text = reader.maybe_string(field)?;
            text.map(|text| visible(text).ok_or(Error::Malformed(field))).transpose()
        };
        let remote_address = maybe(Field::RemoteAddress)?;
        let remote_host = maybe(Field::RemoteHost)?;
        let server_name = maybe(Field::ServerName)?.unwrap_or_default();
        let server_port = reader.integer(Field::ServerPort)?;
        let is_ssl = reader.boolean(Field::IsSsl)?;
        let mut seen = Seen::default();
        let headers = Headers::check(Sender::Front, &mut reader, |header| seen.see(header))?;
        let mut named = Named::default();
        let attributes = Attributes::check(&mut reader, |attribute| named.see(attribute))?;
        reader.end()?;
        Ok(Request {
            method: named.method(coded)?,
            protocol,
            uri,
            query: named.query,
            remote_address,
            remote_host,
            server_name,
            server_port,
            is_ssl,
            secret: named.secret,
            framing: seen.framing(),
            headers,
            attributes,
        })
    }
}

fn is_path(uri: &[u8]) -> bool {
    uri == b"*" || uri.starts_with(b"/") && is_target(uri) && !uri.contains(&b'?')
}

/// The attributes that a request has fields for. Of each kind but the named ones there may be one.
#[derive(Default)]
struct Named<'a> {
    query: Option<&'a [u8]>,
    secret: Option<&'a [u8]>,
    method: Option<&'a str>,
    kinds: Kinds,
}

/// Which kinds there have been.
#[derive(Default)]
struct Kinds(u16);

impl Kinds {
    /// True if it was not in it.
    fn insert(&mut self, kind: u8) -> bool {
        let bit = 1_u16.checked_shl(u32::from(kind)).unwrap_or(0);
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        is_new
    }
}

impl<'a> Named<'a> {
    fn see(&mut self, attribute: Attribute<'a>) -> Result<(), Error> {
        let kind = match attribute {
            Attribute::Other { .. } => return Ok(()),
            Attribute::Context(_) => 1,
            Attribute::ServletPath(_) => 2,
            Attribute::RemoteUser(_) => 3,
            Attribute::AuthType(_) => 4,
            Attribute::Route(_) => 6,
            Attribute::SslCertificate(_) => 7,
            Attribute::SslCipher(_) => 8,
            Attribute::SslSession(_) => 9,
            Attribute::SslKeySize(_) => 11,
            Attribute::Query(query) => {
                self.query = query;
                5
            }
            Attribute::Secret(secret) => {
                self.secret = Some(secret);
                12
            }
            Attribute::StoredMethod(method) => {
                self.method = Some(method);
                13
            }
        };
        if self.kinds.insert(kind) { Ok(()) } else { Err(Error::Twice(Field::AttributeCode)) }
    }

    /// A method has a code or a name, and not both: they could differ.
    fn method(&self, coded: Option<&'static str>) -> Result<&'a str, Error> {
        match (coded, self.method) {
            (Some(method), None) | (None, Some(method)) => Ok(method),
            (None, None) => Err(Error::Malformed(Field::Method)),
            (Some(_), Some(_)) => Err(Error::Twice(Field::Method)),
        }
    }
}

/// A request to be sent.
#[derive(Clone, Copy, Debug)]
pub struct Forward<'a> {
    /// Any token; one that has no code travels as an attribute.
    pub method: &'a str,
    /// `HTTP/1.1`
    pub protocol: &'a str,
    /// The path, encoded, without query.
    pub uri: &'a [u8],
    /// The client's address.
    pub remote_address: Option<&'a str>,
    /// The client's name, if it is known.
    pub remote_host: Option<&'a str>,
    /// The name by which the client called us.
    pub server_name: &'a str,
    /// And the port.
    pub server_port: u16,
    /// Whether the client came by TLS.
    pub is_ssl: bool,
}

impl Default for Forward<'_> {
    fn default() -> Self {
        Forward {
            method: "GET",
            protocol: "HTTP/1.1",
            uri: b"/",
            remote_address: None,
            remote_host: None,
            server_name: "",
            server_port: 80,
            is_ssl: false,
        }
    }
}

impl Forward<'_> {
    /// Writes it behind what is in `out`, with its headers and attributes (the name of a method without code is added), and
    /// says how its body travels.
    ///
    /// # Errors
    /// [`Error::TooLarge`] if it does not fit a packet: answer the client 431. Anything else if a reader as strict as this
    /// crate's would refuse it; then nothing was written.
    pub fn write<'h>(
        &self,
        headers: impl IntoIterator<Item = Header<'h>>,
        attributes: impl IntoIterator<Item = Attribute<'h>>,
        size: PacketSize,
        out: &mut Vec<u8>,
    ) -> Result<Framing, Error> {
        let mut writer = Writer::begin(Sender::Front, size, out);
        let code = method::code(self.method);
        writer.byte(FORWARD);
        writer.byte(code);
        writer.string(self.protocol.as_bytes());
        writer.string(self.uri);
        writer.maybe_string(self.remote_address.map(str::as_bytes));
        writer.maybe_string(self.remote_host.map(str::as_bytes));
        writer.string(self.server_name.as_bytes());
        writer.integer(self.server_port);
        writer.byte(u8::from(self.is_ssl));
        self.check(&mut writer);
        let mut seen = Seen::default();
        header::write(Sender::Front, headers, &mut writer, |header| seen.see(header));
        if code == method::STORED {
            Attribute::StoredMethod(self.method).write(&mut writer);
        }
        for attribute in attributes {
            match attribute {
                Attribute::StoredMethod(_) => writer.refuse(Error::Twice(Field::Method)),
                attribute => attribute.write(&mut writer),
            }
        }
        writer.byte(attribute::END);
        writer.end()?;
        Ok(seen.framing())
    }

    fn check(&self, writer: &mut Writer<'_>) {
        let visible = |text: Option<&str>| text.is_none_or(|text| visible(text.as_bytes()).is_some());
        let wrong = if !self.protocol.starts_with("HTTP/") || !visible(Some(self.protocol)) {
            Field::Protocol
        } else if !is_path(self.uri) {
            Field::Uri
        } else if !visible(self.remote_address) {
            Field::RemoteAddress
        } else if !visible(self.remote_host) {
            Field::RemoteHost
        } else if !visible(Some(self.server_name)) {
            Field::ServerName
        } else {
            return;
        };
        writer.refuse(Error::Malformed(wrong));
    }
}

/// CPING: writes the question whether the container is there; [`crate::answer::Message::Pong`] answers it.
pub fn ping(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0x12, 0x34, 0, 1, PING]);
}
