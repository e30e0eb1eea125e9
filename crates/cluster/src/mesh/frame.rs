//! Frames of a living connection: four bytes of length (of what follows the kind, little-endian), one of kind, then the body.
//!
//! Reading holds one frame and what arrived behind it; a length above the limit is refused before a byte of it is awaited.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes before the body.
pub(super) const HEAD_BYTES: usize = 5;
/// Bytes of a goodbye's reason, at most.
const BYE_BYTES_MAX: usize = 256;
/// Room made for reading at once.
const READ_BYTES: usize = 16 * 1024;

const PAYLOAD: u8 = 0;
const PING: u8 = 1;
const PONG: u8 = 2;
const BYE: u8 = 3;

/// A frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Frame {
    /// For whom the mesh is there.
    Payload(Bytes),
    /// Are you there? To be sent back.
    Ping(u64),
    /// The answer, with the number of the ping.
    Pong(u64),
    /// The other end closes, and says why.
    Bye(String),
}

/// Bytes that are no frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Malformed {
    #[error("it sent a frame of {bytes} bytes, frame_bytes_max is {max}")]
    TooLong { bytes: usize, max: usize },
    #[error("it sent a frame of unknown kind {0}")]
    Kind(u8),
    #[error("it sent a ping of {0} bytes")]
    Ping(usize),
}

impl Frame {
    /// Adds the frame to what is to be sent.
    pub(super) fn put(&self, out: &mut BytesMut) {
        match self {
            Self::Payload(body) => put(out, PAYLOAD, body),
            Self::Ping(number) => put(out, PING, &number.to_le_bytes()),
            Self::Pong(number) => put(out, PONG, &number.to_le_bytes()),
            Self::Bye(reason) => {
                let bytes = reason.as_bytes();
                put(out, BYE, bytes.get(..BYE_BYTES_MAX).unwrap_or(bytes));
            }
        }
    }
}

fn put(out: &mut BytesMut, kind: u8, body: &[u8]) {
    out.reserve(HEAD_BYTES + body.len());
    // Bodies are below 4 GiB: their limit is checked when they are given to the mesh.
    out.put_u32_le(u32::try_from(body.len()).unwrap_or(u32::MAX));
    out.put_u8(kind);
    out.put_slice(body);
}

/// Takes frames from bytes as they arrive.
#[derive(Debug)]
pub(super) struct Decoder {
    /// What has arrived and is no whole frame yet.
    pub(super) arrived: BytesMut,
    body_bytes_max: usize,
}

impl Decoder {
    pub(super) fn new(body_bytes_max: usize) -> Self {
        Self { arrived: BytesMut::new(), body_bytes_max }
    }

    /// The next whole frame; none if more must arrive, for which there is room then.
    pub(super) fn next(&mut self) -> Result<Option<Frame>, Malformed> {
        let mut head = self.arrived.as_ref();
        if head.len() < HEAD_BYTES {
            self.arrived.reserve(READ_BYTES);
            return Ok(None);
        }
        let (length, kind) = (head.get_u32_le() as usize, head.get_u8());
        let max = match kind {
            PAYLOAD => self.body_bytes_max,
            PING | PONG if length == 8 => 8,
            PING | PONG => return Err(Malformed::Ping(length)),
            BYE => BYE_BYTES_MAX,
            other => return Err(Malformed::Kind(other)),
        };
        if length > max {
            return Err(Malformed::TooLong { bytes: length, max });
        }
        if head.len() < length {
            // Not all of a long frame's room at once: that would let a few bytes claim it.
            self.arrived.reserve((length - head.len()).min(READ_BYTES));
            return Ok(None);
        }
        self.arrived.advance(HEAD_BYTES);
        let mut body = self.arrived.split_to(length).freeze();
        Ok(Some(match kind {
            PING => Frame::Ping(body.get_u64_le()),
            PONG => Frame::Pong(body.get_u64_le()),
            BYE => Frame::Bye(String::from_utf8_lossy(&body).escape_debug().collect()),
            _ => Frame::Payload(body),
        }))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames() -> impl Strategy<Value = Vec<Frame>> {
        let frame = prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200).prop_map(|body| Frame::Payload(body.into())),
            any::<u64>().prop_map(Frame::Ping),
            any::<u64>().prop_map(Frame::Pong),
            "[a-z ]{0,200}".prop_map(Frame::Bye),
        ];
        proptest::collection::vec(frame, 0..20)
    }

    fn decode(decoder: &mut Decoder, into: &mut Vec<Frame>) -> Result<(), Malformed> {
        while let Some(frame) = decoder.next()? {
            into.push(frame);
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn frames_arrive_whole_and_in_order_however_the_bytes_are_cut(frames in frames(), cut in 1usize..97) {
            let mut out = BytesMut::new();
            frames.iter().for_each(|frame| frame.put(&mut out));
            let mut decoder = Decoder::new(200);
            let mut found = Vec::new();
            for part in out.chunks(cut) {
                decoder.arrived.extend_from_slice(part);
                decode(&mut decoder, &mut found).unwrap();
            }
            prop_assert_eq!(found, frames);
            prop_assert!(decoder.arrived.is_empty());
        }

        #[test]
        fn no_bytes_make_the_decoder_panic_or_claim_memory(bytes in proptest::collection::vec(any::<u8>(), 0..2_000)) {
            let mut decoder = Decoder::new(1_000);
            for part in bytes.chunks(7) {
                decoder.arrived.extend_from_slice(part);
                if decode(&mut decoder, &mut Vec::new()).is_err() {
                    break;
                }
                prop_assert!(decoder.arrived.capacity() <= 4 * READ_BYTES);
            }
        }
    }

    #[test]
    fn a_frame_above_the_limit_is_refused_by_its_head_alone() {
        let mut decoder = Decoder::new(1_000);
        decoder.arrived.put_u32_le(1_001);
        decoder.arrived.put_u8(PAYLOAD);
        assert_eq!(decoder.next(), Err(Malformed::TooLong { bytes: 1_001, max: 1_000 }));
        let mut decoder = Decoder::new(1_000);
        decoder.arrived.put_u32_le(8);
        decoder.arrived.put_u8(9);
        assert_eq!(decoder.next(), Err(Malformed::Kind(9)));
    }
}
