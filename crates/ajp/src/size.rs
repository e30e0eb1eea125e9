//! How large a packet may be. Both sides must be told the same: the protocol does not negotiate.

use crate::Error;

/// The head of a packet: two marks and a length.
pub(crate) const HEAD_BYTES: usize = 4;

/// The largest whole packet that a connection has, head included: 8192 (what everybody has by default) to 65536 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacketSize(usize);

impl PacketSize {
    /// What web servers and containers have unless told otherwise.
    pub const LEAST: usize = 8_192;
    /// What a length of 16 bits allows, rounded as web servers do.
    pub const MOST: usize = 65_536;

    /// A size in bytes.
    ///
    /// # Errors
    /// [`Error::Size`] outside of 8192 to 65536.
    pub fn new(bytes: usize) -> Result<PacketSize, Error> {
        if (Self::LEAST..=Self::MOST).contains(&bytes) {
            Ok(PacketSize(bytes))
        } else {
            Err(Error::Size(bytes))
        }
    }

    /// In bytes, head included.
    #[must_use]
    pub fn bytes(self) -> usize {
        self.0
    }

    /// The longest payload.
    #[must_use]
    pub fn payload_bytes(self) -> usize {
        self.0 - HEAD_BYTES
    }

    /// The most of a request's body in one packet: 8186 of 8192.
    #[must_use]
    pub fn body_bytes(self) -> u16 {
        // A packet's payload fits 16 bits, and so does what is less.
        u16::try_from(self.0 - 6).unwrap_or(u16::MAX)
    }

    /// The most of an answer's body in one packet: 8184 of 8192.
    #[must_use]
    pub fn chunk_bytes(self) -> u16 {
        u16::try_from(self.0 - 8).unwrap_or(u16::MAX)
    }
}

impl Default for PacketSize {
    fn default() -> Self {
        PacketSize(Self::LEAST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_is_within_what_both_sides_can_have() {
        let default = PacketSize::default();
        assert_eq!((default.body_bytes(), default.chunk_bytes()), (8_186, 8_184));
        let most = PacketSize::new(65_536).unwrap();
        assert_eq!((most.payload_bytes(), most.body_bytes(), most.chunk_bytes()), (65_532, 65_530, 65_528));
        assert_eq!(PacketSize::new(8_191), Err(Error::Size(8_191)));
        assert_eq!(PacketSize::new(65_537), Err(Error::Size(65_537)));
    }
}
