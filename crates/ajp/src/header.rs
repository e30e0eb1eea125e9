//! Headers: names that are codes or strings, values that are strings. Each direction has codes of its own.

use crate::Error;
use crate::error::Field;
use crate::packet::Sender;
use crate::read::Reader;
use crate::text::{is_token, is_value};
use crate::write::Writer;

/// Names of request headers with a code: the first one is `A001`.
pub const REQUEST: [&str; 14] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "authorization",
    "connection",
    "content-type",
    "content-length",
    "cookie",
    "cookie2",
    "host",
    "pragma",
    "referer",
    "user-agent",
];

/// Names of answer headers with a code: the first one is `A001`.
pub const ANSWER: [&str; 11] = [
    "content-type",
    "content-language",
    "content-length",
    "date",
    "last-modified",
    "location",
    "set-cookie",
    "set-cookie2",
    "servlet-engine",
    "status",
    "www-authenticate",
];

/// The high byte of a code. A name that is a string must be shorter than this would be as a length.
const CODED: u16 = 0xA000;

/// A header: its name as it came, in lower case where it came as a code, and its value.
pub type Header<'a> = (&'a str, &'a [u8]);

fn table(sender: Sender) -> &'static [&'static str] {
    match sender {
        Sender::Front => &REQUEST,
        Sender::Container => &ANSWER,
    }
}

/// One header, checked.
fn read<'a>(sender: Sender, reader: &mut Reader<'a>) -> Result<Header<'a>, Error> {
    let start = reader.peek().ok_or(Error::Short(Field::HeaderName))?;
    let name = if start >= CODED {
        let code = reader.integer(Field::HeaderName)?;
        let index = usize::from(code.wrapping_sub(CODED)).checked_sub(1);
        let name = index.and_then(|index| table(sender).get(index)).copied();
        name.ok_or(Error::Code { field: Field::HeaderName, code })?
    } else {
        let name = reader.string(Field::HeaderName)?;
        let name = Some(name).filter(|name| is_token(name)).and_then(|name| std::str::from_utf8(name).ok());
        name.ok_or(Error::Malformed(Field::HeaderName))?
    };
    let value = reader.string(Field::HeaderValue)?;
    if is_value(value) { Ok((name, value)) } else { Err(Error::Malformed(Field::HeaderValue)) }
}

/// Headers that have been checked, one by one.
#[derive(Clone, Copy, Debug)]
pub struct Headers<'a> {
    sender: Sender,
    left: u16,
    reader: Reader<'a>,
}

impl<'a> Headers<'a> {
    /// Reads the count and all headers, gives each to `see`, and leaves the reader behind them.
    pub(crate) fn check(
        sender: Sender,
        reader: &mut Reader<'a>,
        mut see: impl FnMut(Header<'a>) -> Result<(), Error>,
    ) -> Result<Headers<'a>, Error> {
        let left = reader.integer(Field::HeaderCount)?;
        let headers = Headers { sender, left, reader: *reader };
        for _ in 0..left {
            see(read(sender, reader)?)?;
        }
        Ok(headers)
    }
}

impl<'a> Iterator for Headers<'a> {
    type Item = Header<'a>;

    fn next(&mut self) -> Option<Header<'a>> {
        self.left = self.left.checked_sub(1)?;
        // Checked before it was made: there is always one.
        read(self.sender, &mut self.reader).ok()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (usize::from(self.left), Some(usize::from(self.left)))
    }
}

/// Writes the count and the headers; each is given to `see` first.
pub(crate) fn write<'h>(
    sender: Sender,
    headers: impl IntoIterator<Item = Header<'h>>,
    writer: &mut Writer<'_>,
    mut see: impl FnMut(Header<'h>) -> Result<(), Error>,
) {
    let place = writer.place();
    writer.integer(0);
    let mut count: u16 = 0;
    for (name, value) in headers {
        let seen = match (is_token(name.as_bytes()), is_value(value)) {
            (false, _) => Err(Error::Malformed(Field::HeaderName)),
            (_, false) => Err(Error::Malformed(Field::HeaderValue)),
            _ => see((name, value)),
        };
        if let Err(error) = seen {
            return writer.refuse(error);
        }
        match table(sender).iter().position(|known| known.eq_ignore_ascii_case(name)) {
            Some(index) => writer.integer(CODED + 1 + u16::try_from(index).unwrap_or(0)),
            None => writer.string_below(name.as_bytes(), CODED),
        }
        writer.string(value);
        // As many as that fit no packet, so the packet has been refused by then.
        count = count.saturating_add(1);
    }
    writer.put(place, count);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_the_header_that_it_is_known_as_in_its_direction() {
        let check = |sender, code: u16, expected: Option<&str>| {
            let bytes = [&code.to_be_bytes()[..], &[0, 1, b'v', 0]].concat();
            let found = read(sender, &mut Reader::new(&bytes));
            let unknown = Error::Code { field: Field::HeaderName, code };
            assert_eq!(found, expected.map(|name| (name, &b"v"[..])).ok_or(unknown), "{code:04x}");
        };
        let requests = [
            (0xA001, "accept"),
            (0xA002, "accept-charset"),
            (0xA003, "accept-encoding"),
            (0xA004, "accept-language"),
            (0xA005, "authorization"),
            (0xA006, "connection"),
            (0xA007, "content-type"),
            (0xA008, "content-length"),
            (0xA009, "cookie"),
            (0xA00A, "cookie2"),
            (0xA00B, "host"),
            (0xA00C, "pragma"),
            (0xA00D, "referer"),
            (0xA00E, "user-agent"),
        ];
        let answers = [
            (0xA001, "content-type"),
            (0xA002, "content-language"),
            (0xA003, "content-length"),
            (0xA004, "date"),
            (0xA005, "last-modified"),
            (0xA006, "location"),
            (0xA007, "set-cookie"),
            (0xA008, "set-cookie2"),
            (0xA009, "servlet-engine"),
            (0xA00A, "status"),
            (0xA00B, "www-authenticate"),
        ];
        assert_eq!((requests.len(), answers.len()), (REQUEST.len(), ANSWER.len()));
        requests.iter().for_each(|(code, name)| check(Sender::Front, *code, Some(name)));
        answers.iter().for_each(|(code, name)| check(Sender::Container, *code, Some(name)));
        for unknown in [0xA000, 0xA00F, 0xA0FF, 0xA100, 0xFFFF] {
            check(Sender::Front, unknown, None);
        }
        check(Sender::Container, 0xA00C, None);
    }

    #[test]
    fn a_header_that_could_become_two_is_refused() {
        let check = |name: &[u8], value: &[u8], expected| {
            let string = |text: &[u8]| [&[0, text.len() as u8][..], text, &[0]].concat();
            let bytes = [string(name), string(value)].concat();
            assert_eq!(
                read(Sender::Front, &mut Reader::new(&bytes)).map(|_| ()),
                expected,
                "{name:?} {value:?}"
            );
        };
        check(b"x-a", b"b\tc", Ok(()));
        check(b"x-a", "\u{e4}".as_bytes(), Ok(()));
        for value in [&b"a\r\nb"[..], b"a\nb", b"a\0b", b"\x7f"] {
            check(b"x-a", value, Err(Error::Malformed(Field::HeaderValue)));
        }
        for name in [&b""[..], b"x a", b"x:a", b"x\r\na", b" x", b"x\0"] {
            check(name, b"v", Err(Error::Malformed(Field::HeaderName)));
        }
    }
}
