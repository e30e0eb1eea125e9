//! How long a body is, as the headers say: once, in digits, or not at all. Whatever could be understood in two ways is
//! refused: two readers of one message would disagree on where it ends.

use crate::Error;
use crate::error::Field;
use crate::header::Header;

/// The body of a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Framing {
    /// There is none, and no body packet.
    #[default]
    None,
    /// So many bytes, more than 0. The front sends the first packet unasked.
    Length(u64),
    /// Nobody knows yet. The front sends nothing unasked; an empty packet ends it.
    Chunked,
}

/// What has been seen of it so far.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    length: Option<u64>,
    chunked: bool,
}

impl Seen {
    pub(crate) fn see(&mut self, (name, value): Header<'_>) -> Result<(), Error> {
        if name.eq_ignore_ascii_case("content-length") {
            if self.length.is_some() {
                return Err(Error::Twice(Field::ContentLength));
            }
            self.length = Some(length(value)?);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if self.chunked {
                return Err(Error::Twice(Field::TransferEncoding));
            }
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Error::Malformed(Field::TransferEncoding));
            }
            self.chunked = true;
        } else {
            return Ok(());
        }
        // CVE-2022-26377 and CVE-2022-36760: with both, front and container count differently.
        if self.chunked && self.length.is_some() { Err(Error::Twice(Field::ContentLength)) } else { Ok(()) }
    }

    pub(crate) fn framing(&self) -> Framing {
        match self.length {
            _ if self.chunked => Framing::Chunked,
            None | Some(0) => Framing::None,
            Some(length) => Framing::Length(length),
        }
    }

    /// Of an answer, which has no transfer encoding in this protocol.
    pub(crate) fn answer(&self) -> Result<Option<u64>, Error> {
        if self.chunked { Err(Error::Malformed(Field::TransferEncoding)) } else { Ok(self.length) }
    }
}

/// Digits and nothing else: no sign, no space, no list.
fn length(value: &[u8]) -> Result<u64, Error> {
    let digits = Some(value).filter(|value| !value.is_empty() && value.iter().all(u8::is_ascii_digit));
    let text = digits.and_then(|digits| std::str::from_utf8(digits).ok());
    text.and_then(|text| text.parse().ok()).ok_or(Error::Malformed(Field::ContentLength))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(headers: &[(&str, &str)]) -> Result<Framing, Error> {
        let mut seen = Seen::default();
        headers.iter().try_for_each(|(name, value)| seen.see((name, value.as_bytes())))?;
        Ok(seen.framing())
    }

    #[test]
    fn a_body_has_one_length_or_comes_in_chunks() {
        assert_eq!(seen(&[("host", "a")]), Ok(Framing::None));
        assert_eq!(seen(&[("content-length", "0")]), Ok(Framing::None));
        assert_eq!(seen(&[("Content-Length", "18446744073709551615")]), Ok(Framing::Length(u64::MAX)));
        assert_eq!(seen(&[("transfer-encoding", "Chunked")]), Ok(Framing::Chunked));
    }

    /// CVE-2022-26377, CVE-2022-36760: bytes of a body were read as the next message.
    #[test]
    fn smuggling_shaped_lengths_and_encodings_are_refused() {
        for value in ["", "+1", "-1", " 1", "1 ", "1,1", "0x10", "1e3", "18446744073709551616", "\u{661}"] {
            assert_eq!(
                seen(&[("content-length", value)]),
                Err(Error::Malformed(Field::ContentLength)),
                "{value}"
            );
        }
        for value in
            ["", "identity", "gzip, chunked", "chunked, chunked", "chunked;a=b", " chunked", "chun\u{212a}ed"]
        {
            let refused = Err(Error::Malformed(Field::TransferEncoding));
            assert_eq!(seen(&[("transfer-encoding", value)]), refused, "{value}");
        }
        let length = ("content-length", "5");
        let chunked = ("transfer-encoding", "chunked");
        assert_eq!(seen(&[length, length]), Err(Error::Twice(Field::ContentLength)));
        assert_eq!(seen(&[chunked, chunked]), Err(Error::Twice(Field::TransferEncoding)));
        assert_eq!(seen(&[length, chunked]), Err(Error::Twice(Field::ContentLength)));
        assert_eq!(seen(&[chunked, ("content-length", "0")]), Err(Error::Twice(Field::ContentLength)));
    }
}
