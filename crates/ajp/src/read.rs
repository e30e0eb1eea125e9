//! A cursor over a payload. Every step says whether there was enough, and what for.

use crate::Error;
use crate::error::Field;

/// The length that stands for "no string"; nothing follows it.
pub(crate) const NULL: u16 = 0xFFFF;

/// What is left of a payload.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(payload: &'a [u8]) -> Self {
        Reader(payload)
    }

    pub(crate) fn byte(&mut self, field: Field) -> Result<u8, Error> {
        let (byte, rest) = self.0.split_first().ok_or(Error::Short(field))?;
        self.0 = rest;
        Ok(*byte)
    }

    /// A boolean is 0 or 1; who sends something else means something else.
    pub(crate) fn boolean(&mut self, field: Field) -> Result<bool, Error> {
        match self.byte(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Error::Malformed(field)),
        }
    }

    pub(crate) fn integer(&mut self, field: Field) -> Result<u16, Error> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(Error::Short(field))?;
        self.0 = rest;
        Ok(u16::from_be_bytes(*bytes))
    }

    /// The 16 bits that come next, without taking them.
    pub(crate) fn peek(&self) -> Option<u16> {
        self.0.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
    }

    pub(crate) fn bytes(&mut self, count: usize, field: Field) -> Result<&'a [u8], Error> {
        let (bytes, rest) = self.0.split_at_checked(count).ok_or(Error::Short(field))?;
        self.0 = rest;
        Ok(bytes)
    }

    /// A string, or that there is none.
    pub(crate) fn maybe_string(&mut self, field: Field) -> Result<Option<&'a [u8]>, Error> {
        let length = self.integer(field)?;
        if length == NULL {
            return Ok(None);
        }
        let bytes = self.bytes(usize::from(length), field)?;
        match self.byte(field)? {
            0 => Ok(Some(bytes)),
            _ => Err(Error::Terminator(field)),
        }
    }

    /// A string that must be there.
    pub(crate) fn string(&mut self, field: Field) -> Result<&'a [u8], Error> {
        self.maybe_string(field)?.ok_or(Error::Malformed(field))
    }

    /// Nothing may follow.
    pub(crate) fn end(self) -> Result<(), Error> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Trailing(self.0.len())) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const F: Field = Field::Uri;

    /// CVE-2026-33857: getters that looked one byte too far.
    #[test]
    fn a_getter_at_the_last_byte_reads_no_further() {
        let mut reader = Reader::new(&[1]);
        assert_eq!(reader.integer(F), Err(Error::Short(F)));
        assert_eq!(reader.byte(F), Ok(1));
        assert_eq!(reader.byte(F), Err(Error::Short(F)));
        assert_eq!(Reader::new(&[0, 1]).integer(F), Ok(1));
        assert_eq!(Reader::new(&[]).peek(), None);
        assert_eq!(Reader::new(&[7]).peek(), None);
    }

    /// CVE-2026-34032: a string whose terminator nobody looked at.
    #[test]
    fn a_string_ends_with_a_zero_that_is_there() {
        let check =
            |bytes: &[u8], expected| assert_eq!(Reader::new(bytes).maybe_string(F), expected, "{bytes:?}");
        check(&[0, 1, b'a', 0], Ok(Some(&b"a"[..])));
        check(&[0, 0, 0], Ok(Some(&b""[..])));
        check(&[0xFF, 0xFF], Ok(None));
        check(&[0, 1, b'a', b'b'], Err(Error::Terminator(F)));
        check(&[0, 1, b'a'], Err(Error::Short(F)));
        check(&[0, 2, b'a', 0], Err(Error::Short(F)));
        check(&[0], Err(Error::Short(F)));
        assert_eq!(Reader::new(&[0xFF, 0xFF]).string(F), Err(Error::Malformed(F)));
    }

    #[test]
    fn a_boolean_is_nothing_but_0_and_1() {
        assert_eq!(Reader::new(&[2]).boolean(F), Err(Error::Malformed(F)));
        assert_eq!(Reader::new(&[1]).boolean(F), Ok(true));
    }

    #[test]
    fn what_follows_the_end_is_counted() {
        assert_eq!(Reader::new(&[0; 3]).end(), Err(Error::Trailing(3)));
        assert_eq!(Reader::new(&[]).end(), Ok(()));
    }
}
