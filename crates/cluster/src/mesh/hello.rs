//! The three messages before a connection lives, and how they are judged. Before the first frame, in this order:
//!
//! | message | from | says |
//! |---|---|---|
//! | greeting | who was dialled | who it is |
//! | answer | who dialled | who it is, and whether it only wants to hear what is told (`watchers`); or why it goes away |
//! | verdict | who was dialled | that the connection lives, or why not |
//!
//! Each is two bytes of length (big-endian), then at most [`BYTES_MAX`] bytes: the magic, the kind, and what belongs to it.
//! Names are sent with their length in one byte.

use std::sync::Arc;

use bytes::{Buf, BufMut, Bytes};

use crate::authority::Name;

/// Protocol versions that this program speaks. Two ends speak the highest that both can.
pub(super) const VERSIONS: (u16, u16) = (1, 1);
/// Bytes of one message, at most.
pub(super) const BYTES_MAX: usize = 1_024;
/// Bytes of an incarnation, at most.
pub(super) const INCARNATION_BYTES_MAX: usize = 64;

const MAGIC: &[u8; 8] = b"ZEBUMESH";
const HELLO: u8 = 1;
const WELCOME: u8 = 2;
const REFUSAL: u8 = 3;
const WATCH: u8 = 4;

/// Who an end says that it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hello {
    /// The lowest and the highest version it speaks.
    pub(super) versions: (u16, u16),
    pub(super) cluster: Name,
    pub(super) node: Name,
    pub(super) incarnation: Arc<str>,
}

/// Why an end goes away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum Reason {
    Version,
    Cluster,
    /// Another name than its certificate's.
    Name,
    /// A life that is over, or not the one that is registered.
    Incarnation,
    /// The other end is this very node.
    Myself,
    /// Another process has this node's name.
    Taken,
    /// There is a connection, or one is being made the other way.
    Duplicate,
    /// The node is about to stop.
    Stopping,
}

const CODES: [(Reason, u8); 8] = [
    (Reason::Version, 1),
    (Reason::Cluster, 2),
    (Reason::Name, 3),
    (Reason::Incarnation, 4),
    (Reason::Myself, 5),
    (Reason::Taken, 6),
    (Reason::Duplicate, 7),
    (Reason::Stopping, 8),
];

/// One message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Message {
    Hello(Hello),
    /// Who it is, and that it is no member: it wants to hear what this node tells.
    Watch(Hello),
    Welcome,
    /// With a sentence for the other end's log.
    Refusal(Reason, String),
}

/// Bytes that are no message of a handshake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("what answers does not speak the mesh's protocol")]
    Magic,
    #[error("its handshake has {0} bytes, at most {BYTES_MAX} are possible")]
    TooLong(usize),
    #[error("its handshake cannot be read: {0}")]
    Field(&'static str),
}

impl Message {
    /// The message with its length.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let mut body = Vec::from(&MAGIC[..]);
        match self {
            Self::Hello(hello) | Self::Watch(hello) => {
                body.put_u8(if matches!(self, Self::Watch(_)) { WATCH } else { HELLO });
                body.put_u16(hello.versions.0);
                body.put_u16(hello.versions.1);
                for text in [hello.cluster.as_str(), hello.node.as_str(), &hello.incarnation] {
                    put_text(&mut body, text);
                }
            }
            Self::Welcome => body.put_u8(WELCOME),
            Self::Refusal(reason, sentence) => {
                body.put_u8(REFUSAL);
                let code = CODES.iter().find(|(known, _)| known == reason).map_or(0, |(_, code)| *code);
                body.put_u8(code);
                put_text(&mut body, sentence);
            }
        }
        let mut bytes = Vec::new();
        // A message has three texts of at most 255 bytes.
        bytes.put_u16(u16::try_from(body.len()).unwrap_or(0));
        bytes.extend_from_slice(&body);
        bytes
    }

    /// A message from what stood behind its length.
    pub(super) fn parse(body: &[u8]) -> Result<Self, Malformed> {
        let mut body = body.strip_prefix(MAGIC.as_slice()).ok_or(Malformed::Magic)?;
        let message = match body.try_get_u8() {
            Ok(kind @ (HELLO | WATCH)) => {
                let version = |body: &mut &[u8]| body.try_get_u16().map_err(|_| Malformed::Field("versions"));
                let versions = (version(&mut body)?, version(&mut body)?);
                let cluster = name(&mut body, "cluster")?;
                let node = name(&mut body, "node")?;
                let incarnation: Arc<str> = text(&mut body, "incarnation")?.into();
                if incarnation.is_empty() || incarnation.len() > INCARNATION_BYTES_MAX {
                    return Err(Malformed::Field("incarnation"));
                }
                // What a later version adds behind may be ignored.
                let hello = Hello { versions, cluster, node, incarnation };
                return Ok(if kind == WATCH { Self::Watch(hello) } else { Self::Hello(hello) });
            }
            Ok(WELCOME) => Self::Welcome,
            Ok(REFUSAL) => {
                let code = body.try_get_u8().map_err(|_| Malformed::Field("reason"))?;
                let reason = CODES.iter().find(|(_, known)| *known == code).map(|(reason, _)| *reason);
                let sentence = text(&mut body, "reason")?.escape_debug().to_string();
                Self::Refusal(reason.ok_or(Malformed::Field("reason"))?, sentence)
            }
            _ => return Err(Malformed::Field("kind")),
        };
        Ok(message)
    }
}

/// The length of the message that follows.
pub(super) fn length(head: [u8; 2]) -> Result<usize, Malformed> {
    let length = usize::from(u16::from_be_bytes(head));
    if length > BYTES_MAX { Err(Malformed::TooLong(length)) } else { Ok(length) }
}

/// The version that both ends speak, if there is one.
pub(super) fn version_of(one: (u16, u16), other: (u16, u16)) -> Option<u16> {
    let highest = one.1.min(other.1);
    (highest >= one.0.max(other.0)).then_some(highest)
}

fn put_text(body: &mut Vec<u8>, text: &str) {
    let bytes = Bytes::copy_from_slice(text.as_bytes());
    let bytes = bytes.slice(..bytes.len().min(usize::from(u8::MAX)));
    body.put_u8(u8::try_from(bytes.len()).unwrap_or(0));
    body.put_slice(&bytes);
}

fn text(body: &mut &[u8], field: &'static str) -> Result<String, Malformed> {
    let wrong = Malformed::Field(field);
    let length = usize::from(body.try_get_u8().map_err(|_| wrong.clone())?);
    let (bytes, rest) = body.split_at_checked(length).ok_or(wrong)?;
    *body = rest;
    // A sentence that was cut in the middle of a character is still one.
    Ok(String::from_utf8_lossy(bytes).into_owned())
}

fn name(body: &mut &[u8], field: &'static str) -> Result<Name, Malformed> {
    Name::new(field, &text(body, field)?).map_err(|_| Malformed::Field(field))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello() -> Hello {
        let name = |text| Name::new("name", text).unwrap();
        Hello { versions: (1, 3), cluster: name("oxserver"), node: name("OX-1"), incarnation: "a1b2".into() }
    }

    #[test]
    fn messages_come_back_as_they_were() {
        let mut all = vec![Message::Hello(hello()), Message::Watch(hello()), Message::Welcome];
        all.extend(CODES.map(|(reason, _)| Message::Refusal(reason, "because of this".to_owned())));
        for message in all {
            let bytes = message.bytes();
            assert_eq!(length([bytes[0], bytes[1]]), Ok(bytes.len() - 2));
            assert_eq!(Message::parse(&bytes[2..]), Ok(message));
        }
    }

    #[test]
    fn another_protocol_is_recognised_and_a_long_one_is_not_awaited() {
        assert_eq!(Message::parse(b"HTTP/1.1 400 Bad Request"), Err(Malformed::Magic));
        assert_eq!(length(*b"HT"), Err(Malformed::TooLong(18_516)));
    }

    #[test]
    fn a_name_that_could_be_misread_is_refused() {
        let mut bytes = Message::Hello(hello()).bytes();
        let at = bytes.iter().position(|byte| *byte == b'O').unwrap();
        bytes[at] = b'\n';
        assert_eq!(Message::parse(&bytes[2..]), Err(Malformed::Field("node")));
    }

    #[test]
    fn versions_meet_at_the_highest_that_both_speak() {
        let check = |one, other, expected| {
            assert_eq!(version_of(one, other), expected);
            assert_eq!(version_of(other, one), expected);
        };
        check((1, 1), (1, 1), Some(1));
        check((1, 3), (2, 5), Some(3));
        check((1, 1), (2, 3), None);
    }

    proptest! {
        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400), magic: bool) {
            let whole = if magic { [MAGIC.as_slice(), &bytes].concat() } else { bytes };
            let _ = Message::parse(&whole);
        }

        #[test]
        fn a_message_that_was_cut_or_changed_is_refused_or_another_message(at in 0usize..60, byte: u8, cut in 0usize..60) {
            let mut bytes = Message::Hello(hello()).bytes().split_off(2);
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(cut.max(1));
            let _ = Message::parse(&bytes);
        }
    }
}
