//! Packets with a part of a request's body: a length of their own inside the packet's, and no type.

use crate::error::Field;
use crate::packet::Sender;
use crate::read::Reader;
use crate::{Error, PacketSize};

/// What stands before the data of a part: the head of the packet, and the length. The data follow, and nothing else: so they
/// can be sent from where they are.
///
/// `bytes` is at most [`PacketSize::body_bytes`]; 0 says that the body is over.
#[must_use]
pub fn head(bytes: u16) -> [u8; 6] {
    let [high, low] = Sender::Front.marks().to_be_bytes();
    // What fits a packet is less than 2^16 - 2.
    let [outer_high, outer_low] = bytes.saturating_add(2).to_be_bytes();
    let [inner_high, inner_low] = bytes.to_be_bytes();
    [high, low, outer_high, outer_low, inner_high, inner_low]
}

/// Writes as much of `data` as fits a packet behind what is in `out`, and says how much that was. Of no data, it writes
/// that the body is over.
pub fn write(data: &[u8], size: PacketSize, out: &mut Vec<u8>) -> u16 {
    let bytes = u16::try_from(data.len()).unwrap_or(u16::MAX).min(size.body_bytes());
    out.extend_from_slice(&head(bytes));
    out.extend_from_slice(data.get(..usize::from(bytes)).unwrap_or_default());
    bytes
}

/// The data of a part; none says that the body is over, in either of its two forms.
///
/// # Errors
/// The two lengths disagree (CVE-2026-34059: a reader that believed the inner one alone).
pub fn read(payload: &[u8]) -> Result<&[u8], Error> {
    if payload.is_empty() {
        return Ok(payload);
    }
    let mut reader = Reader::new(payload);
    let length = usize::from(reader.integer(Field::BodyLength)?);
    let data = reader.bytes(length, Field::BodyData)?;
    reader.end()?;
    Ok(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_body_has_two_lengths_that_agree() {
        assert_eq!(read(&[0, 2, b'a', b'b']), Ok(&b"ab"[..]));
        assert_eq!(read(&[]), Ok(&b""[..]));
        assert_eq!(read(&[0, 0]), Ok(&b""[..]));
        assert_eq!(read(&[0]), Err(Error::Short(Field::BodyLength)));
        assert_eq!(read(&[0, 2, b'a']), Err(Error::Short(Field::BodyData)));
        assert_eq!(read(&[0xFF, 0xFF, b'a']), Err(Error::Short(Field::BodyData)));
        assert_eq!(read(&[0, 0, b'a']), Err(Error::Trailing(1)));
    }

    #[test]
    fn a_part_is_written_as_web_servers_do() {
        let mut out = Vec::new();
        assert_eq!(write(b"", PacketSize::default(), &mut out), 0);
        assert_eq!(out, [0x12, 0x34, 0, 2, 0, 0]);
        out.clear();
        assert_eq!(write(&[7; 10_000], PacketSize::default(), &mut out), 8_186);
        assert_eq!((out.len(), &out[..6]), (8_192, &[0x12, 0x34, 0x1F, 0xFC, 0x1F, 0xFA][..]));
        let most = PacketSize::new(65_536).unwrap();
        out.clear();
        assert_eq!(write(&[7; 70_000], most, &mut out), 65_530);
        assert_eq!((out.len(), &out[..6]), (65_536, &[0x12, 0x34, 0xFF, 0xFC, 0xFF, 0xFA][..]));
    }
}
