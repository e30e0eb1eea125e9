//! A body in chunks (RFC 9112 §7.1), taken apart strictly and without being copied. Sizes have digits alone, lines end as they must, and
//! extensions are read over.

use bytes::{Buf as _, Bytes, BytesMut};
use http::HeaderMap;

use super::answer::{self, HEADERS_MAX};

/// Bytes of the line before a chunk, its end included.
const LINE_BYTES_MAX: usize = 1_024;
/// Bytes of all trailers.
const TRAILERS_BYTES_MAX: usize = 16 * 1_024;

const LINE_END: &[u8; 2] = b"\r\n";

/// Where in the body we are.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Chunks(State);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Line,
    /// So many bytes of a chunk are still to come, and the end of its line.
    Data(u64),
    LineEnd,
    Trailers,
}

/// What comes next in a body.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Data(Bytes),
    Trailers(HeaderMap),
    End,
}

impl Chunks {
    pub(super) fn new() -> Self {
        Self(State::Line)
    }

    /// Takes the next piece out of what came; none if it is not complete. Not to be called behind its end.
    ///
    /// # Errors
    /// It is malformed.
    pub(super) fn take(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, String> {
        loop {
            match self.0 {
                State::Line => {
                    let Some(bytes) = line(input)? else { return Ok(None) };
                    let size = size(input.get(..bytes).unwrap_or_default()).ok_or("a chunk has no size")?;
                    input.advance(bytes);
                    self.0 = if size == 0 { State::Trailers } else { State::Data(size) };
                }
                State::Data(_) if input.is_empty() => return Ok(None),
                State::Data(left) => {
                    let bytes = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    let left = left - bytes as u64;
                    self.0 = if left == 0 { State::LineEnd } else { State::Data(left) };
                    return Ok(Some(Piece::Data(input.split_to(bytes).freeze())));
                }
                State::LineEnd => {
                    let Some(end) = input.get(..LINE_END.len()) else { return Ok(None) };
                    if end != LINE_END {
                        return Err("a chunk is longer than it says".to_owned());
                    }
                    input.advance(LINE_END.len());
                    self.0 = State::Line;
                }
                State::Trailers => return trailers(input),
            }
        }
    }
}

/// What follows the last byte of the last chunk, if there are no trailers.
const LAST: &[u8] = b"\r\n0\r\n\r\n";

impl Chunks {
    /// Whether the body is over with what came, when a chunk has just ended. Takes the end away then.
    pub(super) fn takes_the_end(&self, input: &mut BytesMut) -> bool {
        let is_over = self.0 == State::LineEnd && input.starts_with(LAST);
        if is_over {
            input.advance(LAST.len());
        }
        is_over
    }
}

/// Bytes of the first line, its end included.
fn line(input: &[u8]) -> Result<Option<usize>, &'static str> {
    let within = input.get(..input.len().min(LINE_BYTES_MAX)).unwrap_or_default();
    match within.iter().position(|byte| *byte == b'\n') {
        Some(at) => Ok(Some(at + 1)),
        None if input.len() >= LINE_BYTES_MAX => Err("the line before a chunk is too long"),
        None => Ok(None),
    }
}

/// The size in the line before a chunk.
fn size(line: &[u8]) -> Option<u64> {
    let line = line.strip_suffix(LINE_END)?;
    if line.contains(&b'\r') {
        return None;
    }
    let digits = line.split(|byte| *byte == b';').next()?.trim_ascii_end();
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_hexdigit) {
        return None;
    }
    u64::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}

fn trailers(input: &mut BytesMut) -> Result<Option<Piece>, String> {
    if input.starts_with(LINE_END) {
        input.advance(LINE_END.len());
        return Ok(Some(Piece::End));
    }
    let end = answer::end_of_head(input).filter(|bytes| *bytes <= TRAILERS_BYTES_MAX);
    let Some(bytes) = end else {
        let is_too_long = input.len() >= TRAILERS_BYTES_MAX;
        return if is_too_long { Err("its trailers are too long".to_owned()) } else { Ok(None) };
    };
    let text = input.split_to(bytes).freeze();
    let mut lines = [httparse::EMPTY_HEADER; HEADERS_MAX];
    let parsed = httparse::parse_headers(&text, &mut lines);
    match parsed.map_err(|error| format!("its trailers are malformed: {error}"))? {
        httparse::Status::Complete((end, lines)) if end == text.len() => {
            answer::headers(&text, lines).map(|trailers| Some(Piece::Trailers(trailers)))
        }
        _ => Err("its trailers end in two places".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A body, its trailers, and what is left behind it.
    type Read = (Vec<u8>, Option<HeaderMap>, Vec<u8>);

    /// What a body says if it comes in pieces of so many bytes.
    fn read(text: &[u8], pieces: usize) -> Result<Read, String> {
        let (mut chunks, mut input) = (Chunks::new(), BytesMut::new());
        let (mut data, mut coming) = (Vec::new(), text.chunks(pieces));
        loop {
            match chunks.take(&mut input)? {
                Some(Piece::Data(part)) => data.extend_from_slice(&part),
                Some(Piece::End) => return Ok((data, None, rest(&input, coming))),
                Some(Piece::Trailers(trailers)) => return Ok((data, Some(trailers), rest(&input, coming))),
                None => input.extend_from_slice(coming.next().ok_or("it is not whole")?),
            }
        }
    }

    fn rest(input: &[u8], coming: std::slice::Chunks<'_, u8>) -> Vec<u8> {
        [input, &coming.collect::<Vec<_>>().concat()].concat()
    }

    #[test]
    fn chunks_become_a_body_however_they_are_cut() {
        let text = b"5\r\nhello\r\n6 ;ext=\"1\"\r\n world\r\n00A\r\n0123456789\r\n0\r\n\r\nnext";
        for pieces in 1..text.len() {
            let (data, trailers, rest) = read(text, pieces).unwrap();
            assert_eq!((data.as_slice(), trailers), (&b"hello world0123456789"[..], None));
            assert_eq!(rest, b"next");
        }
    }

    #[test]
    fn trailers_come_behind_the_body() {
        let text = b"1\r\nx\r\n0\r\nX-Sum: 7\r\nx-sum: 8\r\n\r\nnext";
        for pieces in 1..text.len() {
            let (data, trailers, rest) = read(text, pieces).unwrap();
            assert_eq!((data.as_slice(), rest.as_slice()), (&b"x"[..], &b"next"[..]));
            let trailers = trailers.unwrap();
            assert_eq!(trailers.get_all("x-sum").iter().collect::<Vec<_>>(), ["7", "8"]);
        }
    }

    #[test]
    fn what_is_not_said_exactly_is_refused() {
        for (text, reason) in [
            ("\r\n", "no size"),
            ("x\r\n", "no size"),
            ("-1\r\n", "no size"),
            ("+1\r\n", "no size"),
            ("0x1\r\n", "no size"),
            (" 1\r\n", "no size"),
            ("1\nx\r\n", "no size"),
            ("1;a\rb\r\nx\r\n", "no size"),
            ("10000000000000000\r\n", "no size"),
            ("1\r\nxy\r\n", "longer"),
            ("1\r\nx\n\n", "longer"),
            ("0\r\nbad\r\n\r\n", "malformed"),
            ("0\r\na: b\n\nc: d\r\n\r\n", "two places"),
            ("0\r\na: b\r\n", "not whole"),
            ("5\r\nhell", "not whole"),
        ] {
            let refused = read(text.as_bytes(), 3).expect_err(text);
            assert!(refused.contains(reason), "{text:?}: {refused}");
        }
    }

    #[test]
    fn lines_and_trailers_have_limits() {
        let line = |length: usize| format!("1;{}\r\nx\r\n0\r\n\r\n", "a".repeat(length - 4));
        assert!(read(line(LINE_BYTES_MAX).as_bytes(), 100).is_ok());
        assert!(read(line(LINE_BYTES_MAX + 1).as_bytes(), 100).unwrap_err().contains("too long"));
        let trailers = |length: usize| format!("0\r\na: {}\r\n\r\n", "a".repeat(length - 7));
        assert!(read(trailers(TRAILERS_BYTES_MAX).as_bytes(), 100).is_ok());
        assert!(read(trailers(TRAILERS_BYTES_MAX + 1).as_bytes(), 100).unwrap_err().contains("too long"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_and_none_are_made_up(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok((data, _, rest)) = read(&bytes, 7) {
                prop_assert!(data.len() + rest.len() < bytes.len());
            }
        }

        #[test]
        fn what_was_put_in_chunks_comes_out(parts in proptest::collection::vec("[a-z\r\n]{1,40}", 0..8), cut in 1usize..50) {
            let mut text: String = parts.iter().map(|part| format!("{:x}\r\n{part}\r\n", part.len())).collect();
            text.push_str("0\r\n\r\n");
            let (data, _, rest) = read(text.as_bytes(), cut).unwrap();
            prop_assert_eq!(data, parts.concat().into_bytes());
            prop_assert!(rest.is_empty());
        }
    }
}
