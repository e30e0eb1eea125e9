//! The socket of an AJP connection: whole packets come in, bytes go out. All of it may be broken off between two awaits and
//! gone on with later.

use std::io;
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zebu_ajp::{PacketSize, Sender, answer, packet};

/// What is smaller is copied beside what else goes out; what is larger is sent from where it is.
const COPIED_BYTES_MAX: usize = 4 * 1024;

/// How long a front may take to close after it was told that this was all.
const LINGER: Duration = Duration::from_secs(20);

/// Why a connection is over.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    /// The front has closed it, where that is its right.
    #[error("the front has closed it")]
    Gone,
    #[error("the node stops, and nothing was under way on it")]
    Idle,
    #[error("{0}")]
    Broken(#[from] io::Error),
    #[error("the front sent nothing, or took nothing, for too long")]
    Stalled,
    #[error("{0}")]
    Protocol(#[from] zebu_ajp::Error),
    #[error("the answer broke off: {0}")]
    Answer(String),
}

/// A connection's socket and buffers.
#[derive(Debug)]
pub(super) struct Wire {
    stream: TcpStream,
    input: BytesMut,
    /// What is to be sent next.
    pub(super) output: Vec<u8>,
    /// How much of it is out.
    sent: usize,
    size: PacketSize,
}

impl Wire {
    pub(super) fn new(stream: TcpStream, size: PacketSize) -> Wire {
        Wire { stream, input: BytesMut::new(), output: Vec::new(), sent: 0, size }
    }

    /// The next packet, with its head of four bytes; none if the front has closed between two.
    pub(super) async fn packet(&mut self) -> Result<Option<Bytes>, Ended> {
        loop {
            let whole = packet::first(Sender::Front, &self.input, self.size)?.map(|packet| packet.bytes);
            if let Some(bytes) = whole {
                return Ok(Some(self.input.split_to(bytes).freeze()));
            }
            self.input.reserve(self.size.bytes());
            if self.stream.read_buf(&mut self.input).await? == 0 {
                let cut = io::Error::from(io::ErrorKind::UnexpectedEof);
                return if self.input.is_empty() { Ok(None) } else { Err(cut.into()) };
            }
        }
    }

    /// The same for the first packet of a request: it may take its time to begin, but not to come.
    pub(super) async fn first_packet(
        &mut self,
        idle: Duration,
        stall: Duration,
    ) -> Result<Option<Bytes>, Ended> {
        if self.input.is_empty() {
            self.input.reserve(self.size.bytes());
            // One that rested for long enough ends like one that was closed: nobody waits for anything.
            let begun = timeout(idle, self.stream.read_buf(&mut self.input)).await;
            if begun.unwrap_or(Ok(0))? == 0 {
                return Ok(None);
            }
        }
        timeout(stall, self.packet()).await.map_err(|_| Ended::Stalled)?
    }

    /// Sends what there is to send.
    pub(super) async fn flush(&mut self, stall: Duration) -> Result<(), Ended> {
        while let Some(rest) = self.output.get(self.sent..).filter(|rest| !rest.is_empty()) {
            let written = timeout(stall, self.stream.write(rest)).await.map_err(|_| Ended::Stalled)??;
            self.sent += written;
        }
        self.output.clear();
        self.sent = 0;
        Ok(())
    }

    /// Sends a part of an answer's body, behind what is to be sent before it. Not to be broken off.
    pub(super) async fn chunks(&mut self, mut data: Bytes, stall: Duration) -> Result<(), Ended> {
        let most = usize::from(self.size.chunk_bytes());
        while data.has_remaining() {
            let part = data.split_to(data.len().min(most));
            if part.len() <= COPIED_BYTES_MAX {
                answer::chunk(&part, self.size, &mut self.output);
                continue;
            }
            self.output.extend_from_slice(&answer::chunk_head(u16::try_from(part.len()).unwrap_or(u16::MAX)));
            let before = self.output.get(self.sent..).unwrap_or_default();
            let mut all = Buf::chain(before, part).chain(&answer::CHUNK_TAIL[..]);
            // Each write anew: who takes a little now and then is slow, not gone.
            while all.has_remaining() {
                timeout(stall, self.stream.write_buf(&mut all)).await.map_err(|_| Ended::Stalled)??;
            }
            self.output.clear();
            self.sent = 0;
        }
        if self.output.len() > COPIED_BYTES_MAX { self.flush(stall).await } else { Ok(()) }
    }

    /// Closes after what was sent. What the front is still sending is read first: else the system would throw our answer away with
    /// it.
    pub(super) async fn close(mut self) {
        if self.stream.shutdown().await.is_err() {
            return;
        }
        let rest = async {
            loop {
                self.input.clear();
                self.input.reserve(self.size.bytes());
                if !self.stream.read_buf(&mut self.input).await.is_ok_and(|bytes| bytes > 0) {
                    return;
                }
            }
        };
        timeout(LINGER, rest).await.unwrap_or_default();
    }
}
