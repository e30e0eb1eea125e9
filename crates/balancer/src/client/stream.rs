//! A client's socket, telling [`Client`] what moves on it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::client::{Client, NOT, TUNNEL};
use crate::frames::Meter;
use crate::http1::Socket;
use crate::wire::write_vectored;

/// A client's socket, or what TLS makes of it, telling [`Client`] what moves.
pub(crate) struct ClientStream<S> {
    stream: S,
    client: Arc<Client>,
    /// Read before, to be read once more.
    ahead: Bytes,
    /// HTTP/2 only.
    meter: Option<Box<Meter>>,
}

impl<S> ClientStream<S> {
    /// For HTTP/1.1.
    pub(crate) fn http1(stream: S, client: Arc<Client>) -> Self {
        Self { stream, client, ahead: Bytes::new(), meter: None }
    }

    /// For HTTP/2; `empty_frames_max` in ten seconds.
    pub(crate) fn http2(stream: S, client: Arc<Client>, empty_frames_max: u32) -> Self {
        client.is_http2.store(true, Ordering::Relaxed);
        let meter = Some(Box::new(Meter::new(empty_frames_max, client.now())));
        Self { stream, client, ahead: Bytes::new(), meter }
    }

    /// The same stream, to be read from where `ahead` begins.
    pub(crate) fn after(mut self, ahead: Bytes) -> Self {
        if !ahead.is_empty() {
            // The client has begun to say something, behind what was answered.
            self.client.bytes_came();
            self.ahead = ahead;
        }
        self
    }

    fn came(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.client.bytes_came();
        let Some(meter) = &mut self.meter else { return Ok(()) };
        meter
            .read(bytes, self.client.now())
            .map_err(|_| io::Error::other("too many frames that carry nothing"))?;
        self.client.head_since.store(meter.head_since().unwrap_or(NOT), Ordering::Relaxed);
        Ok(())
    }

    fn went(&mut self, written: &Poll<io::Result<usize>>) {
        self.client.wrote(written.is_pending());
        if written.is_ready() && self.client.phase.load(Ordering::Relaxed) == TUNNEL {
            self.client.enter(TUNNEL);
        }
        if let (Some(meter), Poll::Ready(Ok(bytes))) = (&mut self.meter, written) {
            meter.wrote(*bytes);
        }
    }
}

impl<S: Socket> ClientStream<S> {
    /// Whether there is something to read, the end included. It may be wrong in saying so.
    pub(crate) fn poll_came(&self, cx: &mut Context<'_>) -> Poll<()> {
        if self.ahead.is_empty() { self.stream.poll_came(cx) } else { Poll::Ready(()) }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for ClientStream<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let part = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(part));
            return Poll::Ready(Ok(()));
        }
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if matches!(polled, Poll::Ready(Ok(()))) {
            self.came(buf.filled().get(before..).unwrap_or_default())?;
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for ClientStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.went(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = write_vectored(Pin::new(&mut self.stream), cx, bufs);
        self.went(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        // TLS takes what it is given into a buffer, and only here shows that the client takes none of it. Of a plain
        // socket, which has no such buffer, this says nothing.
        if self.client.is_secure() {
            self.client.wrote(flushed.is_pending());
        }
        flushed
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
