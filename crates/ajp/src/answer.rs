//! What a container sends.

use crate::error::Field;
use crate::framing::Seen;
use crate::header::{self, Header, Headers};
use crate::packet::{Sender, typed};
use crate::text::is_value;
use crate::write::Writer;
use crate::{Error, PacketSize};

const CHUNK: u8 = 3;
const HEAD: u8 = 4;
const END: u8 = 5;
const WANTED: u8 = 6;
const PONG: u8 = 9;

/// Statuses: of an answer, not of an interim word, which this protocol has not.
const STATUS: std::ops::RangeInclusive<u16> = 200..=999;

/// What follows the data of a chunk.
pub const CHUNK_TAIL: [u8; 1] = [0];

/// A packet of a container, read.
#[derive(Clone, Copy, Debug)]
pub enum Message<'a> {
    /// SEND_HEADERS.
    Head(Head<'a>),
    /// SEND_BODY_CHUNK; an empty one asks to pass on what is there.
    Chunk(&'a [u8]),
    /// GET_BODY_CHUNK: at most so many bytes of the request's body.
    Wanted(u16),
    /// END_RESPONSE, and whether the container keeps the connection.
    End {
        /// If not, close it.
        reuse: bool,
    },
    /// CPONG.
    Pong,
}

/// The head of an answer.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    /// 200 to 999.
    pub status: u16,
    /// The words beside it; often none.
    pub message: &'a [u8],
    /// The length of the body, if it was announced.
    pub content_length: Option<u64>,
    /// Its headers; the names that have codes are in lower case.
    pub headers: Headers<'a>,
}

impl<'a> Message<'a> {
    /// Reads a packet. Whether it may come at this moment, [`crate::asking::Asking`] knows.
    ///
    /// # Errors
    /// Anything that is not exactly one of the five messages.
    pub fn read(payload: &'a [u8]) -> Result<Message<'a>, Error> {
        let (kind, mut reader) = typed(payload)?;
        let message = match kind {
            CHUNK => {
                let length = usize::from(reader.integer(Field::BodyLength)?);
                let data = reader.bytes(length, Field::BodyData)?;
                if reader.byte(Field::BodyData)? != 0 {
                    return Err(Error::Terminator(Field::BodyData));
                }
                Message::Chunk(data)
            }
            HEAD => {
                let status = reader.integer(Field::Status)?;
                let message = reader.maybe_string(Field::StatusMessage)?.unwrap_or_default();
                if !STATUS.contains(&status) {
                    return Err(Error::Malformed(Field::Status));
                }
                if !is_value(message) {
                    return Err(Error::Malformed(Field::StatusMessage));
                }
                let mut seen = Seen::default();
                let headers = Headers::check(Sender::Container, &mut reader, |header| seen.see(header))?;
                Message::Head(Head { status, message, content_length: seen.answer()?, headers })
            }
            END => Message::End { reuse: reader.boolean(Field::Reuse)? },
            WANTED => Message::Wanted(reader.integer(Field::BodyLength)?),
            PONG => Message::Pong,
            other => return Err(Error::Type(other)),
        };
        reader.end()?;
        Ok(message)
    }
}

/// Writes the head of an answer behind what is in `out`. There is exactly one for each request.
///
/// # Errors
/// [`Error::TooLarge`] if it does not fit a packet; anything else if a strict reader would refuse it. Then nothing was written.
pub fn head<'h>(
    status: u16,
    message: &str,
    headers: impl IntoIterator<Item = Header<'h>>,
    size: PacketSize,
    out: &mut Vec<u8>,
) -> Result<(), Error> {
    let mut writer = Writer::begin(Sender::Container, size, out);
    writer.byte(HEAD);
    writer.integer(status);
    writer.string(message.as_bytes());
    if !STATUS.contains(&status) {
        writer.refuse(Error::Malformed(Field::Status));
    }
    if !is_value(message.as_bytes()) {
        writer.refuse(Error::Malformed(Field::StatusMessage));
    }
    let mut seen = Seen::default();
    header::write(Sender::Container, headers, &mut writer, |header| seen.see(header));
    if let Err(error) = seen.answer() {
        writer.refuse(error);
    }
    writer.end()
}

/// What stands before the data of a chunk; [`CHUNK_TAIL`] follows them. So they can be sent from where they are.
///
/// `bytes` is at most [`PacketSize::chunk_bytes`]; a chunk without data asks the front to pass on what it has.
#[must_use]
pub fn chunk_head(bytes: u16) -> [u8; 7] {
    let [high, low] = Sender::Container.marks().to_be_bytes();
    // Type, length and tail; what fits a packet is less than 2^16 - 4.
    let [outer_high, outer_low] = bytes.saturating_add(4).to_be_bytes();
    let [inner_high, inner_low] = bytes.to_be_bytes();
    [high, low, outer_high, outer_low, CHUNK, inner_high, inner_low]
}

/// Writes as much of `data` as fits a packet behind what is in `out`, and says how much that was.
pub fn chunk(data: &[u8], size: PacketSize, out: &mut Vec<u8>) -> u16 {
    let bytes = u16::try_from(data.len()).unwrap_or(u16::MAX).min(size.chunk_bytes());
    out.extend_from_slice(&chunk_head(bytes));
    out.extend_from_slice(data.get(..usize::from(bytes)).unwrap_or_default());
    out.extend_from_slice(&CHUNK_TAIL);
    bytes
}

/// Asks for at most so many bytes of the request's body.
pub fn ask(bytes: u16, out: &mut Vec<u8>) {
    out.extend_from_slice(b"AB\0\x03");
    out.push(WANTED);
    out.extend_from_slice(&bytes.to_be_bytes());
}

/// Ends an answer. With `reuse` the connection is good for another request: say so only if all of this one was read.
pub fn end(reuse: bool, out: &mut Vec<u8>) {
    out.extend_from_slice(b"AB\0\x02");
    out.extend_from_slice(&[END, u8::from(reuse)]);
}

/// Answers a CPING.
pub fn pong(out: &mut Vec<u8>) {
    out.extend_from_slice(b"AB\0\x01");
    out.push(PONG);
}
