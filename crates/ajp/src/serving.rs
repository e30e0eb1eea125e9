//! The body of a request as a container gets it: which packet is on its way, and how much may be in it.

use crate::framing::Framing;
use crate::{Error, PacketSize, body};

/// A request's body under way to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Upload {
    left: Framing,
    /// A packet is on its way, unasked or asked for.
    is_due: bool,
    size: PacketSize,
}

impl Upload {
    /// The body of a request.
    #[must_use]
    pub fn new(framing: Framing, size: PacketSize) -> Upload {
        Upload { left: framing, is_due: matches!(framing, Framing::Length(_)), size }
    }

    /// Whether all of it was there.
    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.left == Framing::None
    }

    /// Whether the next packet is a part of it. If not, and it has not ended, [`Self::ask`].
    #[must_use]
    pub fn is_due(&self) -> bool {
        self.is_due
    }

    /// How many bytes to ask for; `None` if a packet is on its way or nothing is left. After it a packet is due.
    pub fn ask(&mut self) -> Option<u16> {
        if self.is_due || self.is_ended() {
            return None;
        }
        self.is_due = true;
        Some(self.most())
    }

    /// The most that the next packet may have.
    fn most(&self) -> u16 {
        match self.left {
            Framing::None => 0,
            Framing::Chunked => self.size.body_bytes(),
            Framing::Length(left) => u16::try_from(left).unwrap_or(u16::MAX).min(self.size.body_bytes()),
        }
    }

    /// The data of a packet; none at the end of a body whose length was not announced.
    ///
    /// # Errors
    /// [`Error::BodyLength`] if it breaks off or is longer than announced; [`Error::Order`] if none was due.
    pub fn receive<'a>(&mut self, payload: &'a [u8]) -> Result<&'a [u8], Error> {
        if !self.is_due {
            return Err(Error::Order("a part of a body came that nobody asked for"));
        }
        let data = body::read(payload)?;
        let (bytes, most) = (data.len() as u64, self.most());
        if bytes > u64::from(most) {
            return Err(Error::BodyLength { bytes, limit: u64::from(most) });
        }
        self.left = match self.left {
            Framing::Length(limit) if bytes == 0 => return Err(Error::BodyLength { bytes, limit }),
            Framing::Length(left) if left > bytes => Framing::Length(left - bytes),
            Framing::Chunked if bytes > 0 => Framing::Chunked,
            _ => Framing::None,
        };
        self.is_due = false;
        Ok(data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn part(bytes: u16) -> Vec<u8> {
        [&bytes.to_be_bytes()[..], &vec![7; usize::from(bytes)]].concat()
    }

    #[test]
    fn the_first_part_of_a_known_length_comes_unasked_and_others_are_asked_for() {
        let mut upload = Upload::new(Framing::Length(10_000), PacketSize::default());
        assert!(upload.is_due());
        assert_eq!(upload.ask(), None);
        assert_eq!(upload.receive(&part(8_186)).unwrap().len(), 8_186);
        assert_eq!((upload.is_due(), upload.ask(), upload.ask()), (false, Some(1_814), None));
        assert_eq!(upload.receive(&part(1_814)).unwrap().len(), 1_814);
        assert_eq!((upload.is_ended(), upload.ask()), (true, None));
        assert!(matches!(upload.receive(&part(1)), Err(Error::Order(_))));
    }

    #[test]
    fn of_a_chunked_body_every_part_is_asked_for_until_an_empty_one_comes() {
        let mut upload = Upload::new(Framing::Chunked, PacketSize::default());
        assert!(!upload.is_due());
        assert!(matches!(upload.receive(&part(1)), Err(Error::Order(_))));
        for end in [&[][..], &[0, 0]] {
            let mut upload = upload;
            assert_eq!(upload.ask(), Some(8_186));
            assert_eq!(upload.receive(&part(5)).unwrap().len(), 5);
            assert_eq!(upload.ask(), Some(8_186));
            assert_eq!(upload.receive(end), Ok(&[][..]));
            assert_eq!((upload.is_ended(), upload.ask()), (true, None));
        }
    }

    /// The shape of CVE-2022-26377: bytes beyond a body's length would be the next request.
    #[test]
    fn more_than_announced_and_less_than_announced_are_refused() {
        let upload = Upload::new(Framing::Length(5), PacketSize::default());
        assert_eq!(upload.clone().receive(&part(6)), Err(Error::BodyLength { bytes: 6, limit: 5 }));
        assert_eq!(upload.clone().receive(&[]), Err(Error::BodyLength { bytes: 0, limit: 5 }));
        let mut none = Upload::new(Framing::None, PacketSize::default());
        assert!(none.is_ended() && none.receive(&part(1)).is_err());
    }
}
