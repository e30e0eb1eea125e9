//! The socket of an AJP connection to a member: bytes go out, whole packets come in.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use zebu_ajp::{PacketSize, Sender, body, packet};

use crate::wire;

/// The head of a packet.
pub(super) const HEAD_BYTES: usize = 4;

/// Bytes read at once as long as little comes; an idle connection keeps no more.
const READ_BYTES: usize = 8 * 1024;

/// The socket and its buffers.
pub(super) struct Socket {
    stream: TcpStream,
    size: PacketSize,
    /// What is to be sent, of which `sent` bytes are.
    output: Vec<u8>,
    sent: usize,
    /// What is to be sent behind it, from where it is.
    part: Bytes,
    input: BytesMut,
    /// How much is read at once.
    read_bytes: usize,
    read_bytes_max: usize,
    written: u64,
    /// Nothing was found that speaks against using it again.
    is_good: bool,
}

impl Socket {
    pub(super) fn new(stream: TcpStream, size: PacketSize, read_bytes_max: usize) -> Self {
        Self {
            stream,
            size,
            output: Vec::new(),
            sent: 0,
            part: Bytes::new(),
            input: BytesMut::new(),
            read_bytes: READ_BYTES,
            read_bytes_max,
            written: 0,
            is_good: true,
        }
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

    /// What is sent next. Only to be added to when all is sent.
    pub(super) fn output(&mut self) -> &mut Vec<u8> {
        self.output.clear();
        self.sent = 0;
        &mut self.output
    }

    /// Sends a part of a request's body; none says that it is over.
    pub(super) fn queue(&mut self, part: Bytes) {
        let head = body::head(u16::try_from(part.len()).unwrap_or(u16::MAX));
        self.output().extend_from_slice(&head);
        self.part = part;
    }

    /// Writes what there is to write.
    pub(super) fn poll_write(&mut self, cx: &mut Context<'_>) -> Result<Poll<()>, String> {
        loop {
            let output = self.output.get(self.sent..).unwrap_or_default();
            if output.is_empty() && self.part.is_empty() {
                return Ok(Poll::Ready(()));
            }
            let both = [IoSlice::new(output), IoSlice::new(&self.part)];
            let bufs = if self.part.is_empty() { both.get(..1).unwrap_or_default() } else { &both };
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
        self.part.advance((bytes - of_output).min(self.part.len()));
    }

    /// The next packet, with its head.
    pub(super) fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<Result<Bytes, String>> {
        loop {
            let found = packet::first(Sender::Container, &self.input, self.size);
            if let Some(packet) = found.map_err(|error| error.to_string())? {
                let bytes = packet.bytes;
                return Poll::Ready(Ok(self.input.split_to(bytes).freeze()));
            }
            ready!(self.poll_read(cx))?;
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        if self.input.capacity() == self.input.len() {
            self.input.reserve(self.read_bytes);
        }
        let read = pin!(self.stream.read_buf(&mut self.input));
        match ready!(read.poll(cx)) {
            Ok(0) => Poll::Ready(Err("the member closed the connection".to_owned())),
            Ok(_) => {
                if self.input.len() >= self.read_bytes {
                    self.read_bytes = (self.read_bytes * 2).min(self.read_bytes_max.max(READ_BYTES));
                }
                Poll::Ready(Ok(()))
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

fn broken(error: &io::Error) -> String {
    format!("the connection broke: {error}")
}
