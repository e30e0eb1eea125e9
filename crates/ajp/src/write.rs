//! A packet being written at the end of a buffer. It never leaves half a packet there: one that does not fit is taken back.

use crate::packet::Sender;
use crate::read::NULL;
use crate::size::HEAD_BYTES;
use crate::{Error, PacketSize};

/// A packet under way. Once something did not fit, all that follows is ignored.
#[derive(Debug)]
pub(crate) struct Writer<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    size: PacketSize,
    failed: Option<Error>,
}

impl<'a> Writer<'a> {
    pub(crate) fn begin(sender: Sender, size: PacketSize, out: &'a mut Vec<u8>) -> Self {
        let start = out.len();
        out.extend_from_slice(&sender.marks().to_be_bytes());
        out.extend_from_slice(&[0, 0]);
        Writer { out, start, size, failed: None }
    }

    /// Refuses what was to be written.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.failed.get_or_insert(error);
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        let room = self.size.bytes() - (self.out.len() - self.start);
        if bytes.len() > room {
            self.refuse(Error::TooLarge { limit: self.size.bytes() });
        }
        if self.failed.is_none() {
            self.out.extend_from_slice(bytes);
        }
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.bytes(&[byte]);
    }

    pub(crate) fn integer(&mut self, integer: u16) {
        self.bytes(&integer.to_be_bytes());
    }

    /// A string. `longest` is the length that it must stay below, for lengths that would mean something else.
    pub(crate) fn string_below(&mut self, bytes: &[u8], longest: u16) {
        match u16::try_from(bytes.len()) {
            Ok(length) if length < longest => {
                self.integer(length);
                self.bytes(bytes);
                self.byte(0);
            }
            _ => self.refuse(Error::TooLarge { limit: self.size.bytes() }),
        }
    }

    pub(crate) fn string(&mut self, bytes: &[u8]) {
        self.string_below(bytes, NULL);
    }

    pub(crate) fn maybe_string(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.string(bytes),
            None => self.integer(NULL),
        }
    }

    /// Where the next byte goes, to put something there later.
    pub(crate) fn place(&self) -> usize {
        self.out.len()
    }

    /// Puts a number where one was written before.
    pub(crate) fn put(&mut self, place: usize, integer: u16) {
        if let Some(bytes) = self.out.get_mut(place..).and_then(|rest| rest.first_chunk_mut()) {
            *bytes = integer.to_be_bytes();
        }
    }

    /// The packet is whole, or it was never there.
    pub(crate) fn end(mut self) -> Result<(), Error> {
        if let Some(error) = self.failed {
            self.out.truncate(self.start);
            return Err(error);
        }
        let payload = self.out.len() - self.start - HEAD_BYTES;
        // `bytes` has kept it to the packet size.
        self.put(self.start + 2, u16::try_from(payload).unwrap_or(u16::MAX));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_leaves_nothing_behind() {
        let mut out = b"before".to_vec();
        let size = PacketSize::default();
        let mut writer = Writer::begin(Sender::Front, size, &mut out);
        writer.bytes(&[7; 8_188]);
        writer.end().unwrap();
        assert_eq!(out.len(), 6 + 8_192);
        assert_eq!(out[6..10], [0x12, 0x34, 0x1F, 0xFC]);
        let mut writer = Writer::begin(Sender::Front, size, &mut out);
        writer.bytes(&[7; 8_189]);
        writer.byte(1);
        assert_eq!(writer.end(), Err(Error::TooLarge { limit: 8_192 }));
        assert_eq!(out.len(), 6 + 8_192);
    }
}
