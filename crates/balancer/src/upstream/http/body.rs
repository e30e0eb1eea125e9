//! The body of an answer while it comes.

use bytes::BytesMut;
use http_body::SizeHint;

use super::chunks::{Chunks, Piece};

/// What of it is still to come.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Coming(Left);

#[derive(Debug, PartialEq, Eq)]
enum Left {
    Nothing,
    Exact(u64),
    Chunked(Chunks),
    UntilClose,
}

impl Coming {
    pub(super) fn nothing() -> Self {
        Self(Left::Nothing)
    }

    pub(super) fn exact(bytes: u64) -> Self {
        Self(if bytes == 0 { Left::Nothing } else { Left::Exact(bytes) })
    }

    pub(super) fn chunked(chunks: Chunks) -> Self {
        Self(Left::Chunked(chunks))
    }

    pub(super) fn until_close() -> Self {
        Self(Left::UntilClose)
    }

    pub(super) fn is_until_close(&self) -> bool {
        self.0 == Left::UntilClose
    }

    /// Whether all of it came.
    pub(crate) fn is_ended(&self) -> bool {
        self.0 == Left::Nothing
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self.0 {
            Left::Nothing => SizeHint::with_exact(0),
            Left::Exact(left) => SizeHint::with_exact(left),
            Left::Chunked(_) | Left::UntilClose => SizeHint::default(),
        }
    }

    /// Takes the next piece out of what came; none if more must come first. Its end is looked for at once, so that the connection is free
    /// as soon as it is.
    ///
    /// # Errors
    /// It is malformed.
    pub(super) fn take(&mut self, input: &mut BytesMut) -> Result<Option<Piece>, String> {
        let piece = match &mut self.0 {
            Left::Nothing => Some(Piece::End),
            _ if input.is_empty() => None,
            Left::Exact(left) => {
                let bytes = usize::try_from(*left).unwrap_or(usize::MAX).min(input.len());
                *left -= bytes as u64;
                Some(Piece::Data(input.split_to(bytes).freeze()))
            }
            Left::Chunked(chunks) => chunks.take(input)?,
            Left::UntilClose => Some(Piece::Data(input.split().freeze())),
        };
        let is_over = match (&piece, &self.0) {
            (Some(Piece::End | Piece::Trailers(_)), _) | (_, Left::Exact(0)) => true,
            // Behind the last chunk there is nothing else as a rule.
            (Some(Piece::Data(_)), Left::Chunked(chunks)) => chunks.takes_the_end(input),
            _ => false,
        };
        if is_over {
            self.0 = Left::Nothing;
        }
        Ok(piece)
    }

    /// The member has closed the connection.
    ///
    /// # Errors
    /// Something is missing.
    pub(super) fn close(&mut self) -> Result<(), &'static str> {
        match self.0 {
            Left::Nothing | Left::UntilClose => {
                self.0 = Left::Nothing;
                Ok(())
            }
            Left::Exact(_) | Left::Chunked(_) => Err("the member closed the connection within its answer"),
        }
    }
}
