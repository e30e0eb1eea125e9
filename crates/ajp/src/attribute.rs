//! What a front adds to a request beside its headers.

use crate::Error;
use crate::error::Field;
use crate::read::Reader;
use crate::text::{is_target, is_token, is_value};
use crate::write::Writer;

/// The byte after the last attribute.
pub(crate) const END: u8 = 0xFF;

/// One attribute. Values may be missing where the protocol has "no string".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attribute<'a> {
    /// `01`: of servlets; nobody uses it.
    Context(Option<&'a [u8]>),
    /// `02`: of servlets; nobody uses it.
    ServletPath(Option<&'a [u8]>),
    /// `03`: whom the front has recognised.
    RemoteUser(Option<&'a [u8]>),
    /// `04`: how it has.
    AuthType(Option<&'a [u8]>),
    /// `05`: what followed the `?`, without it.
    Query(Option<&'a [u8]>),
    /// `06`: the route that the client's `JSESSIONID` had, which need not be the container's.
    Route(Option<&'a [u8]>),
    /// `07`: the client's certificate, PEM.
    SslCertificate(Option<&'a [u8]>),
    /// `08`
    SslCipher(Option<&'a [u8]>),
    /// `09`
    SslSession(Option<&'a [u8]>),
    /// `0A`: anything under any name. A container should take only those it knows.
    Other {
        /// Its name.
        name: &'a [u8],
        /// Its value.
        value: Option<&'a [u8]>,
    },
    /// `0B`: bits of the TLS key; the one attribute that is a number.
    SslKeySize(u16),
    /// `0C`: what front and container both know.
    Secret(&'a [u8]),
    /// `0D`: the name of a method that has no code.
    StoredMethod(&'a str),
}

impl<'a> Attribute<'a> {
    /// Reads one; `None` at the end of all.
    fn read(reader: &mut Reader<'a>) -> Result<Option<Attribute<'a>>, Error> {
        let code = reader.byte(Field::AttributeCode)?;
        let mut value = || -> Result<Option<&'a [u8]>, Error> {
            let value = reader.maybe_string(Field::AttributeValue)?;
            if value.is_none_or(is_pem_or_value) {
                Ok(value)
            } else {
                Err(Error::Malformed(Field::AttributeValue))
            }
        };
        Ok(Some(match code {
            0x01 => Attribute::Context(value()?),
            0x02 => Attribute::ServletPath(value()?),
            0x03 => Attribute::RemoteUser(value()?),
            0x04 => Attribute::AuthType(value()?),
            0x05 => Attribute::Query(target(value()?)?),
            0x06 => Attribute::Route(value()?),
            0x07 => Attribute::SslCertificate(value()?),
            0x08 => Attribute::SslCipher(value()?),
            0x09 => Attribute::SslSession(value()?),
            0x0A => {
                let name = reader.string(Field::AttributeName)?;
                if !is_value(name) || name.is_empty() {
                    return Err(Error::Malformed(Field::AttributeName));
                }
                let value = reader.maybe_string(Field::AttributeValue)?;
                if !value.is_none_or(is_value) {
                    return Err(Error::Malformed(Field::AttributeValue));
                }
                Attribute::Other { name, value }
            }
            0x0B => Attribute::SslKeySize(reader.integer(Field::AttributeValue)?),
            0x0C => Attribute::Secret(reader.string(Field::Secret)?),
            0x0D => {
                let name = reader.string(Field::Method)?;
                let name =
                    Some(name).filter(|name| is_token(name)).and_then(|name| std::str::from_utf8(name).ok());
                Attribute::StoredMethod(name.ok_or(Error::Malformed(Field::Method))?)
            }
            END => return Ok(None),
            code => return Err(Error::Code { field: Field::AttributeCode, code: u16::from(code) }),
        }))
    }

    /// Writes it, if what it holds may stand in a message.
    pub(crate) fn write(&self, writer: &mut Writer<'_>) {
        let mut text = |code: u8, value: Option<&[u8]>| {
            writer.byte(code);
            writer.maybe_string(value);
            if !value.is_none_or(is_pem_or_value) {
                writer.refuse(Error::Malformed(Field::AttributeValue));
            }
        };
        match *self {
            Attribute::Context(value) => text(0x01, value),
            Attribute::ServletPath(value) => text(0x02, value),
            Attribute::RemoteUser(value) => text(0x03, value),
            Attribute::AuthType(value) => text(0x04, value),
            Attribute::Query(value) => match target(value) {
                Ok(value) => text(0x05, value),
                Err(error) => writer.refuse(error),
            },
            Attribute::Route(value) => text(0x06, value),
            Attribute::SslCertificate(value) => text(0x07, value),
            Attribute::SslCipher(value) => text(0x08, value),
            Attribute::SslSession(value) => text(0x09, value),
            Attribute::Other { name, value } => {
                writer.byte(0x0A);
                writer.string(name);
                writer.maybe_string(value);
                if name.is_empty() || !is_value(name) || !value.is_none_or(is_value) {
                    writer.refuse(Error::Malformed(Field::AttributeName));
                }
            }
            Attribute::SslKeySize(bits) => {
                writer.byte(0x0B);
                writer.integer(bits);
            }
            Attribute::Secret(secret) => {
                writer.byte(0x0C);
                writer.string(secret);
            }
            Attribute::StoredMethod(name) => {
                writer.byte(0x0D);
                writer.string(name.as_bytes());
                if !is_token(name.as_bytes()) {
                    writer.refuse(Error::Malformed(Field::Method));
                }
            }
        }
    }
}

/// A certificate has lines; nothing else has.
fn is_pem_or_value(bytes: &[u8]) -> bool {
    is_value(bytes)
        || bytes.starts_with(b"-----BEGIN ")
            && bytes.iter().all(|byte| byte.is_ascii_graphic() || matches!(byte, b' ' | b'\r' | b'\n'))
}

fn target(value: Option<&[u8]>) -> Result<Option<&[u8]>, Error> {
    if value.is_none_or(is_target) { Ok(value) } else { Err(Error::Malformed(Field::Query)) }
}

/// Attributes that have been checked, one by one.
#[derive(Clone, Copy, Debug)]
pub struct Attributes<'a>(Reader<'a>);

impl<'a> Attributes<'a> {
    /// Reads all of them, gives each to `see`, and leaves the reader behind the byte that ends them.
    pub(crate) fn check(
        reader: &mut Reader<'a>,
        mut see: impl FnMut(Attribute<'a>) -> Result<(), Error>,
    ) -> Result<Attributes<'a>, Error> {
        let attributes = Attributes(*reader);
        while let Some(attribute) = Attribute::read(reader)? {
            see(attribute)?;
        }
        Ok(attributes)
    }
}

impl<'a> Iterator for Attributes<'a> {
    type Item = Attribute<'a>;

    fn next(&mut self) -> Option<Attribute<'a>> {
        // Checked before it was made.
        Attribute::read(&mut self.0).ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Result<Option<Attribute<'_>>, Error> {
        Attribute::read(&mut Reader::new(bytes))
    }

    #[test]
    fn each_code_is_the_attribute_that_it_is_known_as() {
        let v = Some(&b"v"[..]);
        let known: [(&[u8], Attribute<'_>); 13] = [
            (&[0x01, 0, 1, b'v', 0], Attribute::Context(v)),
            (&[0x02, 0, 1, b'v', 0], Attribute::ServletPath(v)),
            (&[0x03, 0, 1, b'v', 0], Attribute::RemoteUser(v)),
            (&[0x04, 0, 1, b'v', 0], Attribute::AuthType(v)),
            (&[0x05, 0, 1, b'v', 0], Attribute::Query(v)),
            (&[0x06, 0, 1, b'v', 0], Attribute::Route(v)),
            (&[0x07, 0, 1, b'v', 0], Attribute::SslCertificate(v)),
            (&[0x08, 0, 1, b'v', 0], Attribute::SslCipher(v)),
            (&[0x09, 0, 1, b'v', 0], Attribute::SslSession(v)),
            (&[0x0A, 0, 1, b'n', 0, 0, 1, b'v', 0], Attribute::Other { name: b"n", value: v }),
            (&[0x0B, 0x08, 0x00], Attribute::SslKeySize(2_048)),
            (&[0x0C, 0, 1, b'v', 0], Attribute::Secret(b"v")),
            (&[0x0D, 0, 1, b'v', 0], Attribute::StoredMethod("v")),
        ];
        for (bytes, attribute) in known {
            assert_eq!(read(bytes), Ok(Some(attribute)));
        }
        assert_eq!(read(&[0xFF]), Ok(None));
        for code in (0x0E..0xFF).chain([0]) {
            let unknown = Error::Code { field: Field::AttributeCode, code: u16::from(code) };
            assert_eq!(read(&[code, 0, 1, b'v', 0]), Err(unknown));
        }
    }

    /// An early container read one string of the two and took the second for the next attribute.
    #[test]
    fn a_request_attribute_has_a_name_and_a_value() {
        let name_only = [0x0A, 0, 1, b'n', 0, 0xFF];
        assert_eq!(read(&name_only), Err(Error::Short(Field::AttributeValue)));
        let without_value = [0x0A, 0, 1, b'n', 0, 0xFF, 0xFF];
        assert_eq!(read(&without_value), Ok(Some(Attribute::Other { name: b"n", value: None })));
    }

    #[test]
    fn lines_are_for_certificates_and_for_nothing_else() {
        let pem = b"-----BEGIN CERTIFICATE-----\nMII=\n-----END CERTIFICATE-----\n";
        let bytes = [&[0x07, 0, pem.len() as u8][..], pem, &[0]].concat();
        assert_eq!(read(&bytes), Ok(Some(Attribute::SslCertificate(Some(pem)))));
        assert_eq!(read(&[0x03, 0, 2, b'a', b'\n', 0]), Err(Error::Malformed(Field::AttributeValue)));
        assert_eq!(read(&[0x05, 0, 3, b'a', b' ', b'b', 0]), Err(Error::Malformed(Field::Query)));
        assert_eq!(read(&[0x0D, 0, 3, b'A', b' ', b'B', 0]), Err(Error::Malformed(Field::Method)));
    }
}
