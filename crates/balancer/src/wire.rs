//! What is done to sockets below the protocols.

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll};

use socket2::SockRef;
use tokio::io::AsyncWrite;
use tokio::net::TcpStream;

/// A vectored write, unless there is but one buffer, as for every request and for most of a stream: the plain
/// system call is cheaper.
pub(crate) fn write_vectored<S: AsyncWrite>(
    stream: Pin<&mut S>,
    cx: &mut Context<'_>,
    bufs: &[IoSlice<'_>],
) -> Poll<io::Result<usize>> {
    match bufs {
        [one] => stream.poll_write(cx, one),
        _ => stream.poll_write_vectored(cx, bufs),
    }
}

/// Whether there is nothing to read, not even the end: as it must be on an idle connection.
pub(crate) fn is_quiet(stream: &TcpStream) -> bool {
    let peeked = SockRef::from(stream).peek(&mut [MaybeUninit::uninit()]);
    peeked.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock)
}
