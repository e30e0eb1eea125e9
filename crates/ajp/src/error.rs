//! What can be wrong with a message. All of it means the same to whoever holds the connection: close it.

use std::fmt;

/// Why a message is not believed, or cannot be written. Holds no bytes of the message: it may be logged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A packet that begins with other marks than those of its sender.
    #[error("a packet begins with 0x{0:04x}: it is no AJP13 of this direction")]
    Marks(u16),
    /// A packet that says to be longer than agreed.
    #[error("a packet says to have {bytes} bytes: the limit is {limit}")]
    PacketLength {
        /// With its head of 4 bytes.
        bytes: usize,
        /// The packet size.
        limit: usize,
    },
    /// A length inside a packet that leads past its end.
    #[error("a message ends before its {0}")]
    Short(Field),
    /// A string without its final zero.
    #[error("the {0} does not end with a zero byte")]
    Terminator(Field),
    /// Bytes after the end of a message.
    #[error("{0} bytes follow the end of a message")]
    Trailing(usize),
    /// A message type that this side never gets, or not now.
    #[error("a message of type {0} does not belong here")]
    Type(u8),
    /// A code that the protocol does not have.
    #[error("0x{code:04x} is no code of a {field}")]
    Code {
        /// What it was to be a code of.
        field: Field,
        /// The code.
        code: u16,
    },
    /// A value that cannot be what it was sent as.
    #[error("the {0} is malformed")]
    Malformed(Field),
    /// A value that was sent twice and has room for one.
    #[error("there is more than one {0}")]
    Twice(Field),
    /// A message at a moment when the protocol has none of its kind.
    #[error("{0}")]
    Order(&'static str),
    /// A body that is longer or shorter than announced or asked for.
    #[error("a part of a body has {bytes} bytes: {limit} were due")]
    BodyLength {
        /// What came.
        bytes: u64,
        /// The most, or the number, that was due.
        limit: u64,
    },
    /// A message that does not fit one packet: there is no second one.
    #[error("the message does not fit a packet of {limit} bytes")]
    TooLarge {
        /// The packet size.
        limit: usize,
    },
    /// A packet size that could not work.
    #[error("a packet size of {0} bytes: it must be from 8192 to 65536")]
    Size(usize),
}

/// A part of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "each is named after what it is")]
pub enum Field {
    Type,
    Method,
    Protocol,
    Uri,
    Query,
    RemoteAddress,
    RemoteHost,
    ServerName,
    ServerPort,
    IsSsl,
    HeaderCount,
    HeaderName,
    HeaderValue,
    ContentLength,
    TransferEncoding,
    AttributeCode,
    AttributeName,
    AttributeValue,
    Secret,
    BodyLength,
    BodyData,
    Status,
    StatusMessage,
    Reuse,
}

impl fmt::Display for Field {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Field::Type => "type",
            Field::Method => "method",
            Field::Protocol => "protocol",
            Field::Uri => "path",
            Field::Query => "query",
            Field::RemoteAddress => "client's address",
            Field::RemoteHost => "client's name",
            Field::ServerName => "server name",
            Field::ServerPort => "server port",
            Field::IsSsl => "TLS flag",
            Field::HeaderCount => "number of headers",
            Field::HeaderName => "header name",
            Field::HeaderValue => "header value",
            Field::ContentLength => "content length",
            Field::TransferEncoding => "transfer encoding",
            Field::AttributeCode => "attribute",
            Field::AttributeName => "attribute name",
            Field::AttributeValue => "attribute value",
            Field::Secret => "secret",
            Field::BodyLength => "length of a part of the body",
            Field::BodyData => "part of the body",
            Field::Status => "status",
            Field::StatusMessage => "status message",
            Field::Reuse => "reuse flag",
        })
    }
}
