//! Packets out of what came, parts of a body into packets.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use zebu_ajp::{PacketSize, Sender, body, packet};

use super::super::socket::{CLOSED, Socket};

/// The head of a packet.
pub(super) const HEAD_BYTES: usize = 4;

/// The next packet, with its head.
pub(super) fn poll_next(
    socket: &mut Socket,
    size: PacketSize,
    cx: &mut Context<'_>,
) -> Poll<Result<Bytes, String>> {
    loop {
        let found = packet::first(Sender::Container, &socket.input, size);
        if let Some(packet) = found.map_err(|error| error.to_string())? {
            let bytes = packet.bytes;
            return Poll::Ready(Ok(socket.input.split_to(bytes).freeze()));
        }
        if !ready!(socket.poll_read(cx))? {
            return Poll::Ready(Err(CLOSED.to_owned()));
        }
    }
}

/// Sends a part of a request's body; none says that it is over.
pub(super) fn queue(socket: &mut Socket, part: Bytes) {
    let head = body::head(u16::try_from(part.len()).unwrap_or(u16::MAX));
    socket.queue(&head, part, b"");
}
