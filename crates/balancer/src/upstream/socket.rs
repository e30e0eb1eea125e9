//! The socket of a connection to a member: what is to be sent, and what has come and was not used yet. `http` and `ajp` say what it
//! means.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::wire;

/// Bytes read at once as long as little comes; an idle connection keeps no more.
const READ_BYTES: usize = 8 * 1024;

/// The socket and its buffers.
pub(super) struct Socket {
    stream: TcpStream,
    /// What is to be sent, of which `sent` bytes are.
    output: Vec<u8>,
    sent: usize,
    /// What is to be sent behind it, from where it is.
    part: Bytes,
    /// What is to be sent behind that.
    tail: &'static [u8],
    /// What came.
    pub(super) input: BytesMut,
    /// How much is read at once.
    read_bytes: usize,
    read_bytes_max: usize,
    written: u64,
    /// Nothing was found that speaks against using it again.
    is_good: bool,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, read_bytes_max: usize) -> Self {
        Self {
            stream,
            output: Vec::new(),
            sent: 0,
            part: Bytes::new(),
            tail: b"",
            input: BytesMut::new(),
            read_bytes: READ_BYTES,
            read_bytes_max,
            written: 0,
            is_good: true,
        }
    }

    /// The same, driven by the runtime of the thread that calls.
    ///
    /// # Errors
    /// The system has no file descriptor left.
    pub(super) fn moved(self) -> io::Result<Self> {
        let stream = TcpStream::from_std(self.stream.into_std()?)?;
        Ok(Self { stream, ..self })
    }

    /// The bare socket, and what came and was not used.
    pub(super) fn into_parts(self) -> (TcpStream, Bytes) {
        (self.stream, self.input.freeze())
    }

    /// Bytes written since the connection was made.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    pub(super) fn is_good(&self) -> bool {
        self.is_good
    }

    /// It is not to be used again.
    pub(super) fn give_up(&mut self) {
        self.is_good = false;
    }

    /// Whether nothing came, not even the end, as far as the kernel knows.
    pub(super) fn is_quiet(&self) -> bool {
        self.input.is_empty() && wire::is_quiet(&self.stream)
    }

    /// Whether nothing came, not even the end, as far as the runtime knows. Also forgets the task that waited for it.
    pub(super) fn is_at_rest(&self) -> bool {
        let mut nobody = Context::from_waker(Waker::noop());
        loop {
            match self.stream.poll_read_ready(&mut nobody) {
                Poll::Pending => return self.input.is_empty(),
                Poll::Ready(Err(_)) => return false,
                // It may be wrong; asking the socket sets that right.
                Poll::Ready(Ok(())) => {
                    let read = self.stream.try_read(&mut [0]);
                    if !read.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock) {
                        return false;
                    }
                }
            }
        }
    }

    /// What is sent next. Only to be begun anew when all is sent.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        self.output.clear();
        self.sent = 0;
        &mut self.output
    }

    /// Sends a part behind what is to be sent, between two pieces of its framing. Only if [`takes_part`](Self::takes_part).
    pub(super) fn queue(&mut self, head: &[u8], part: Bytes, tail: &'static [u8]) {
        if self.sent == self.output.len() {
            self.output();
        }
        self.output.extend_from_slice(head);
        self.part = part;
        self.tail = tail;
    }

    /// Whether no part of a body waits to be sent.
    pub(super) fn takes_part(&self) -> bool {
        self.part.is_empty() && self.tail.is_empty()
    }

    /// Whether nothing waits to be sent.
    pub(super) fn is_all_sent(&self) -> bool {
        self.sent == self.output.len() && self.takes_part()
    }

    /// Writes what there is to write.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, String> {
        loop {
            let output = self.output.get(self.sent..).unwrap_or_default();
            let pieces = [output, self.part.as_ref(), self.tail];
            let mut bufs = [IoSlice::new(&[]); 3];
            let mut count = 0;
            for (buf, piece) in bufs.iter_mut().zip(pieces.into_iter().filter(|piece| !piece.is_empty())) {
                *buf = IoSlice::new(piece);
                count += 1;
            }
            let bufs = bufs.get(..count).unwrap_or_default();
            if bufs.is_empty() {
                return Ok(Poll::Ready(()));
            }
            let Poll::Ready(written) = wire::write_vectored(Pin::new(&mut self.stream), cx, bufs) else {
                return Ok(Poll::Pending);
            };
            match written {
                Ok(0) => return Err(broken(&io::ErrorKind::WriteZero.into())),
                Ok(bytes) => self.count(bytes),
                Err(error) => return Err(broken(&error)),
            }
        }
    }

    fn count(&mut self, bytes: usize) {
        self.written += bytes as u64;
        let of_output = bytes.min(self.output.len() - self.sent);
        self.sent += of_output;
        let of_part = (bytes - of_output).min(self.part.len());
        self.part.advance(of_part);
        self.tail = self.tail.get(bytes - of_output - of_part..).unwrap_or_default();
    }

    /// Reads what comes next; false if it is the end.
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, String>> {
        // Most often nobody holds what came before any more, and it is the same memory again.
        if self.input.capacity() - self.input.len() < self.read_bytes / 2 {
            self.input.reserve(self.read_bytes);
        }
        let read = pin!(self.stream.read_buf(&mut self.input));
        match ready!(read.poll(cx)) {
            Ok(bytes) => {
                if bytes > 0 && self.input.len() >= self.read_bytes {
                    self.read_bytes = (self.read_bytes * 2).min(self.read_bytes_max.max(READ_BYTES));
                }
                Poll::Ready(Ok(bytes > 0))
            }
            Err(error) => Poll::Ready(Err(broken(&error))),
        }
    }

    /// Gives back what an idle connection need not keep.
    pub(super) fn rest(&mut self) {
        if self.read_bytes > READ_BYTES && self.input.is_empty() {
            self.input = BytesMut::new();
            self.read_bytes = READ_BYTES;
        }
        if self.output.capacity() > READ_BYTES && self.output.len() == self.sent {
            self.output = Vec::new();
            self.sent = 0;
        }
    }
}

/// What is said of a connection that the member has closed.
pub(super) const CLOSED: &str = "the member closed the connection";

fn broken(error: &io::Error) -> String {
    format!("the connection broke: {error}")
}
