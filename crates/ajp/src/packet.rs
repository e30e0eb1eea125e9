//! Packets: two marks that say who sent it, a length, a payload.

use crate::read::Reader;
use crate::size::HEAD_BYTES;
use crate::{Error, PacketSize};

/// Who sends a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A web server or balancer: `12 34`.
    Front,
    /// A node or servlet container: `41 42`.
    Container,
}

impl Sender {
    /// The two bytes that its packets begin with.
    #[must_use]
    pub fn marks(self) -> u16 {
        match self {
            Sender::Front => 0x1234,
            Sender::Container => 0x4142,
        }
    }
}

/// A whole packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'a> {
    /// What is in it.
    pub payload: &'a [u8],
    /// How many bytes of the buffer it takes, head included.
    pub bytes: usize,
}

/// The packet at the front of a buffer; `None` if more bytes must come first.
///
/// # Errors
/// [`Error::Marks`] as soon as the first byte is wrong, [`Error::PacketLength`] as soon as the length is there: nothing is
/// waited for in vain, and no more than a packet is ever kept.
pub fn first(sender: Sender, buffer: &[u8], size: PacketSize) -> Result<Option<Packet<'_>>, Error> {
    let [mark, _] = sender.marks().to_be_bytes();
    let Some(begin) = buffer.first() else { return Ok(None) };
    if *begin != mark {
        return Err(Error::Marks(u16::from(*begin) << 8 | u16::from(buffer.get(1).copied().unwrap_or(0))));
    }
    let Some((head, rest)) = buffer.split_first_chunk::<HEAD_BYTES>() else { return Ok(None) };
    let [high, low, length @ ..] = *head;
    let marks = u16::from_be_bytes([high, low]);
    if marks != sender.marks() {
        return Err(Error::Marks(marks));
    }
    let length = usize::from(u16::from_be_bytes(length));
    // The head counts (CVE-2026-28780: a check that forgot its four bytes).
    let bytes = HEAD_BYTES + length;
    if bytes > size.bytes() {
        return Err(Error::PacketLength { bytes, limit: size.bytes() });
    }
    Ok(rest.get(..length).map(|payload| Packet { payload, bytes }))
}

/// The type of a message, and what follows it.
pub(crate) fn typed(payload: &[u8]) -> Result<(u8, Reader<'_>), Error> {
    let mut reader = Reader::new(payload);
    let kind = reader.byte(crate::error::Field::Type)?;
    Ok((kind, reader))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn front(buffer: &[u8]) -> Result<Option<Packet<'_>>, Error> {
        first(Sender::Front, buffer, PacketSize::default())
    }

    #[test]
    fn a_packet_is_found_when_it_is_whole() {
        let ping = [0x12, 0x34, 0, 1, 10, 0xEE];
        for end in 0..5 {
            assert_eq!(front(&ping[..end]), Ok(None), "{end}");
        }
        assert_eq!(front(&ping), Ok(Some(Packet { payload: &[10], bytes: 5 })));
        assert_eq!(front(&[0x12, 0x34, 0, 0]), Ok(Some(Packet { payload: &[], bytes: 4 })));
    }

    #[test]
    fn both_marks_count_and_those_of_the_other_direction_are_wrong() {
        assert_eq!(front(&[0x12, 0x35, 0, 0]), Err(Error::Marks(0x1235)));
        assert_eq!(front(b"AB\0\x01\x09"), Err(Error::Marks(0x4142)));
        assert_eq!(front(b"G"), Err(Error::Marks(0x4700)));
        assert_eq!(first(Sender::Container, &[0x12, 0x34], PacketSize::default()), Err(Error::Marks(0x1234)));
    }

    /// CVE-2026-28780: the length was compared with the packet size without the four bytes of the head.
    #[test]
    fn a_length_that_forgets_the_head_is_refused_before_its_bytes_arrive() {
        let head = |length: u16| [&[0x12, 0x34][..], &length.to_be_bytes()].concat();
        assert_eq!(front(&head(8_188)), Ok(None));
        for length in [8_189, 8_192, 65_535] {
            let bytes = usize::from(length) + 4;
            assert_eq!(front(&head(length)), Err(Error::PacketLength { bytes, limit: 8_192 }));
        }
    }
}
