//! Messages as bytes: a letter, then numbers of eight bytes, big end first. The mesh's frames say where one ends, and its
//! handshake which version is spoken.

use bytes::{BufMut, Bytes, BytesMut};

use crate::ScopeKey;
use crate::core::{Hold, Message, Version, WriteId};

/// Bytes that are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes came that are no message of this protocol")]
pub(super) struct Malformed {
    bytes: usize,
}

pub(super) fn encode(message: &Message) -> Bytes {
    let mut out = BytesMut::with_capacity(64);
    match message {
        Message::Hello => out.put_u8(b'H'),
        Message::Welcome => out.put_u8(b'W'),
        Message::Ask => out.put_u8(b'A'),
        Message::Grant { holds } => {
            out.put_u8(b'G');
            out.put_u64(holds.len() as u64);
            holds.iter().for_each(|hold| put_hold(&mut out, hold));
        }
        Message::Hold(hold) => {
            out.put_u8(b'h');
            put_hold(&mut out, hold);
        }
        Message::Ack { write } => {
            out.put_u8(b'a');
            out.put_u64(write.0);
        }
        Message::Release { write, version } => {
            out.put_u8(if version.is_some() { b'r' } else { b'R' });
            out.put_u64(write.0);
            version.iter().for_each(|version| out.put_i64(version.0));
        }
        Message::Leave => out.put_u8(b'L'),
    }
    out.freeze()
}

fn put_hold(out: &mut BytesMut, hold: &Hold) {
    out.put_u64(hold.write.0);
    out.put_u64(hold.scopes.len() as u64);
    for scope in &hold.scopes {
        out.put_u64(scope.space);
        out.put_i64(scope.kind);
        out.put_i64(scope.id);
    }
}

pub(super) fn decode(payload: &[u8]) -> Result<Message, Malformed> {
    let malformed = Malformed { bytes: payload.len() };
    let mut rest = payload;
    let message = take_message(&mut rest).ok_or(malformed)?;
    if rest.is_empty() { Ok(message) } else { Err(malformed) }
}

fn take_message(rest: &mut &[u8]) -> Option<Message> {
    let (letter, numbers) = rest.split_first()?;
    *rest = numbers;
    Some(match letter {
        b'H' => Message::Hello,
        b'W' => Message::Welcome,
        b'A' => Message::Ask,
        b'G' => Message::Grant { holds: take_many(rest, take_hold)? },
        b'h' => Message::Hold(take_hold(rest)?),
        b'a' => Message::Ack { write: WriteId(take(rest)?) },
        b'r' => {
            let write = WriteId(take(rest)?);
            Message::Release { write, version: Some(Version(take(rest)?.cast_signed())) }
        }
        b'R' => Message::Release { write: WriteId(take(rest)?), version: None },
        b'L' => Message::Leave,
        _ => return None,
    })
}

fn take_hold(rest: &mut &[u8]) -> Option<Hold> {
    Some(Hold { write: WriteId(take(rest)?), scopes: take_many(rest, take_scope)? })
}

fn take_scope(rest: &mut &[u8]) -> Option<ScopeKey> {
    Some(ScopeKey { space: take(rest)?, kind: take(rest)?.cast_signed(), id: take(rest)?.cast_signed() })
}

/// As many as are announced, and no room made for more than came.
fn take_many<T>(rest: &mut &[u8], one: impl Fn(&mut &[u8]) -> Option<T>) -> Option<Vec<T>> {
    let count = take(rest)?;
    let mut many = Vec::new();
    for _ in 0..count {
        many.push(one(rest)?);
    }
    Some(many)
}

fn take(rest: &mut &[u8]) -> Option<u64> {
    let (number, after) = rest.split_first_chunk::<8>()?;
    *rest = after;
    Some(u64::from_be_bytes(*number))
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};

    use super::*;

    fn holds() -> impl Strategy<Value = Hold> {
        let scope = any::<(u64, i64, i64)>().prop_map(|(space, kind, id)| ScopeKey { space, kind, id });
        (any::<u64>(), vec(scope, 0..4)).prop_map(|(write, scopes)| Hold { write: WriteId(write), scopes })
    }

    fn messages() -> impl Strategy<Value = Message> {
        let plain = [Message::Hello, Message::Welcome, Message::Ask, Message::Leave];
        prop_oneof![
            (0..plain.len()).prop_map(move |at| plain[at].clone()),
            vec(holds(), 0..4).prop_map(|holds| Message::Grant { holds }),
            holds().prop_map(Message::Hold),
            any::<u64>().prop_map(|write| Message::Ack { write: WriteId(write) }),
            (any::<u64>(), prop_oneof![Just(None), any::<i64>().prop_map(Some)]).prop_map(
                |(write, version)| {
                    Message::Release { write: WriteId(write), version: version.map(Version) }
                }
            ),
        ]
    }

    proptest! {
        #[test]
        fn what_is_sent_is_what_comes(message in messages()) {
            assert_eq!(decode(&encode(&message)), Ok(message));
        }

        #[test]
        fn no_bytes_do_harm(bytes in vec(any::<u8>(), 0..80)) {
            if let Ok(message) = decode(&bytes) {
                assert_eq!(encode(&message), bytes);
            }
        }

        #[test]
        fn half_a_message_is_none(message in messages(), cut in any::<proptest::sample::Index>()) {
            let bytes = encode(&message);
            assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
        }
    }
}
