//! An exchange as a front sees it: what the container may send now, what it waits for, and whether the connection is good
//! for another request. A container that is broken or hostile must not confuse one client's answer with another's.

use crate::answer::{Head, Message};
use crate::framing::Framing;
use crate::{Error, PacketSize};

/// A request that was sent, and its answer so far.
#[derive(Clone, Copy, Debug)]
pub struct Asking {
    size: PacketSize,
    upload: Upload,
    /// So many bytes of the body, at most, go into the packet that the container waits for.
    due: Option<u16>,
    answer: Progress,
    is_head: bool,
}

/// What is left of the request's body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Upload {
    Left(Framing),
    /// All was sent; who asks once more is told that it is over.
    Spent,
    /// It was said that it is over; there is no more to say.
    Closed {
        /// And it was.
        whole: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Waiting,
    Body { left: Option<u64> },
    Ended { reuse: bool },
}

/// What a packet of the container turned out to be.
#[derive(Clone, Copy, Debug)]
pub enum Answer<'a> {
    /// The answer's head: status and headers.
    Head(Head<'a>),
    /// Some of its body; not empty.
    Chunk(&'a [u8]),
    /// Pass on to the client what is there.
    Flush,
    /// The container waits for a part of the request's body: [`Asking::due`].
    Wanted,
    /// The answer is whole.
    End,
}

impl Asking {
    /// For a request that was just written: its method, and what [`crate::request::Forward::write`] said of its body.
    #[must_use]
    pub fn new(method: &str, framing: Framing, size: PacketSize) -> Asking {
        let (upload, due) = match framing {
            Framing::None => (Upload::Spent, None),
            Framing::Length(left) => (Upload::Left(framing), Some(part(left, size))),
            Framing::Chunked => (Upload::Left(framing), None),
        };
        Asking { size, upload, due, answer: Progress::Waiting, is_head: method == "HEAD" }
    }

    /// How many bytes of the body may be in the packet that the container waits for; `None` if it waits for none. Of a body
    /// whose length was announced the first part is due at once. 0 means that the end is to be said.
    #[must_use]
    pub fn due(&self) -> Option<u16> {
        self.due
    }

    /// A part of the body was sent; 0 bytes say that it is over. To say so before its end makes the container give the
    /// request up, and the connection is not used again.
    ///
    /// # Errors
    /// [`Error::Order`] or [`Error::BodyLength`] if that part was not due: close.
    pub fn sent(&mut self, bytes: u16) -> Result<(), Error> {
        let due = self.due.take().ok_or(Error::Order("a part of a body was sent that nobody asked for"))?;
        if bytes > due {
            return Err(Error::BodyLength { bytes: u64::from(bytes), limit: u64::from(due) });
        }
        self.upload = match self.upload {
            Upload::Left(Framing::Length(_)) if bytes == 0 => Upload::Closed { whole: false },
            _ if bytes == 0 => Upload::Closed { whole: true },
            Upload::Left(Framing::Length(left)) => match left.saturating_sub(u64::from(bytes)) {
                0 => Upload::Spent,
                left => Upload::Left(Framing::Length(left)),
            },
            other => other,
        };
        Ok(())
    }

    /// What a packet is, if it may come now.
    ///
    /// # Errors
    /// Anything that a container must not send at this moment: close, and if the client has had a part of the answer, let it
    /// see that the rest is missing.
    pub fn receive<'a>(&mut self, payload: &'a [u8]) -> Result<Answer<'a>, Error> {
        match (Message::read(payload)?, self.answer) {
            (_, Progress::Ended { .. }) => Err(Error::Order("a message came after the end of an answer")),
            (Message::Pong, _) => Err(Error::Order("a pong came in the middle of an answer")),
            (Message::Wanted(most), _) => self.wanted(most),
            (Message::Head(head), Progress::Waiting) => {
                self.answer = Progress::Body { left: self.announced(&head) };
                Ok(Answer::Head(head))
            }
            (Message::Head(_), _) => Err(Error::Order("a second head came for one answer")),
            (Message::Chunk(_), Progress::Waiting) => Err(Error::Order("a body came before its head")),
            (Message::End { .. }, Progress::Waiting) => Err(Error::Order("an answer ended before its head")),
            (Message::Chunk([]), _) => Ok(Answer::Flush),
            (Message::Chunk(data), Progress::Body { left }) => {
                let bytes = data.len() as u64;
                let left =
                    left.map(|limit| limit.checked_sub(bytes).ok_or(Error::BodyLength { bytes, limit }));
                self.answer = Progress::Body { left: left.transpose()? };
                Ok(Answer::Chunk(data))
            }
            (Message::End { .. }, Progress::Body { left: Some(limit @ 1..) }) => {
                Err(Error::BodyLength { bytes: 0, limit })
            }
            (Message::End { reuse }, Progress::Body { .. }) => {
                self.answer = Progress::Ended { reuse };
                Ok(Answer::End)
            }
        }
    }

    /// Whether another request may be sent on this connection: the container says so, and all of this one is out of the way.
    #[must_use]
    pub fn may_reuse(&self) -> bool {
        self.answer == Progress::Ended { reuse: true } && self.due.is_none() && self.is_sent()
    }

    /// How many bytes of the answer's body must come yet, if that was announced or there is none. Before its head nothing was.
    #[must_use]
    pub fn left(&self) -> Option<u64> {
        match self.answer {
            Progress::Body { left } => left,
            Progress::Waiting => None,
            Progress::Ended { .. } => Some(0),
        }
    }

    /// Whether nothing is missing but the container's word that this was all, or that is there too.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.left() == Some(0) && self.due.is_none() && self.is_sent()
    }

    fn is_sent(&self) -> bool {
        matches!(self.upload, Upload::Spent | Upload::Closed { whole: true })
    }

    fn wanted<'a>(&mut self, most: u16) -> Result<Answer<'a>, Error> {
        if self.due.is_some() {
            return Err(Error::Order("a part of a body was asked for twice"));
        }
        let room = self.size.body_bytes().min(most);
        self.due = Some(match self.upload {
            Upload::Closed { .. } => return Err(Error::Order("a body was asked for after its end")),
            Upload::Spent | Upload::Left(Framing::None) => 0,
            // Who asks for nothing would be told that the body is over.
            _ if room == 0 => return Err(Error::Order("no bytes of a body were asked for")),
            Upload::Left(Framing::Length(left)) => part(left, self.size).min(room),
            Upload::Left(Framing::Chunked) => room,
        });
        Ok(Answer::Wanted)
    }

    /// How much of a body must follow a head.
    fn announced(&self, head: &Head<'_>) -> Option<u64> {
        if self.is_head || matches!(head.status, 204 | 304) { Some(0) } else { head.content_length }
    }
}

fn part(left: u64, size: PacketSize) -> u16 {
    u16::try_from(left).unwrap_or(u16::MAX).min(size.body_bytes())
}
