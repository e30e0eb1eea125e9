//! Streams of events that rest: their connections are taken from hyper once the head of the answer is out.
//!
//! hyper keeps two buffers of 8 KiB for each connection as long as it lasts, and a stream of events lasts for days. So `server` asks
//! [`Watch`] after each poll of a connection whether a resting body stands in it with its head written; if so it takes the socket
//! back, and a [`Resting`] writes the rest (chunked, RFC 9112 section 7.1) with nothing but the piece under way in memory. The
//! connection ends with the answer, which says so.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Method, Response, Version};
use http_body_util::BodyExt;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::body::{self, Outgoing};

const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// The mark of an answer whose body mostly rests, among its extensions.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rests;

/// What is known of one connection that hyper serves: whether its socket can be taken.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// The body that rests, taken out of the answer that hyper writes.
    body: Mutex<Option<Outgoing>>,
    /// Bytes written when it was taken out.
    written_then: AtomicU64,
    written: AtomicU64,
    /// The last write did not take everything: hyper has more.
    blocked: AtomicBool,
}

/// A socket that tells its watch what is written.
#[derive(Debug)]
pub(crate) struct Watched {
    stream: TcpStream,
    /// Read before it was watched.
    ahead: Bytes,
    watch: Arc<Watch>,
}

/// An answer that rests, on a socket of its own.
#[derive(Debug)]
pub(crate) struct Resting {
    stream: TcpStream,
    /// None once its end is written.
    body: Option<Outgoing>,
    stall: Duration,
}

/// The client has gone, or the body broke off.
struct Broken;

impl Watch {
    /// Whether the answer to such a request may be taken over: its body is chunked, as HTTP/1.0 does not know.
    pub(crate) fn may(method: &Method, version: Version) -> bool {
        *method == Method::GET && version == Version::HTTP_11
    }

    /// Takes out the body of an answer that rests; hyper gets one in its place that never says anything.
    pub(crate) fn take(&self, mut response: Response<Outgoing>) -> Response<Outgoing> {
        let rests = response.extensions().get::<Rests>().is_some();
        if !rests || response.headers().contains_key(CONTENT_LENGTH) {
            return response;
        }
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        let body = std::mem::replace(response.body_mut(), body::streamed(stream::pending()));
        self.written_then.store(self.written.load(Ordering::Relaxed), Ordering::Relaxed);
        *self.body.lock().unwrap_or_else(PoisonError::into_inner) = Some(body);
        response
    }

    /// The body that rests, if hyper has written everything before it. To be asked after a poll that left hyper waiting: it has
    /// written all that it has then, unless the socket did not take it.
    pub(crate) fn detach(&self) -> Option<Outgoing> {
        let head_is_out = self.written.load(Ordering::Relaxed) > self.written_then.load(Ordering::Relaxed);
        if !head_is_out || self.blocked.load(Ordering::Relaxed) {
            return None;
        }
        self.body.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

impl Watched {
    pub(crate) fn new(stream: TcpStream, ahead: Bytes, watch: Arc<Watch>) -> Watched {
        Watched { stream, ahead, watch }
    }

    pub(crate) fn into_stream(self) -> TcpStream {
        self.stream
    }

    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        self.watch.blocked.store(written.is_pending(), Ordering::Relaxed);
        if let Poll::Ready(Ok(bytes)) = written {
            self.watch.written.fetch_add(*bytes as u64, Ordering::Relaxed);
        }
    }
}

impl Resting {
    /// `stall`: how long the client may take to make room for a piece.
    pub(crate) fn new(stream: TcpStream, body: Outgoing, stall: Duration) -> Resting {
        Resting { stream, body: Some(body), stall }
    }

    /// Writes the pieces as they come until there are no more, the client has gone, or it takes none for too long.
    pub(crate) async fn serve(self) {
        let Resting { mut stream, mut body, stall } = self;
        while let Some(piece) = next(&mut stream, &mut body).await {
            let Ok(piece) = piece else { return };
            if !matches!(timeout(stall, stream.write_all(&piece)).await, Ok(Ok(()))) {
                return;
            }
        }
        // Whoever has gone needs no end.
        let _ = timeout(stall, stream.shutdown()).await;
    }
}

/// What to write next: a chunk, at the end of the body the last one, and then nothing. An error if the client has gone or the body
/// breaks off: without the last chunk nobody takes a part for the whole.
async fn next(stream: &mut TcpStream, body: &mut Option<Outgoing>) -> Option<Result<Bytes, Broken>> {
    loop {
        let mut frame = pin!(body.as_mut()?.frame());
        let found = poll_fn(|cx| match gone(stream, cx) {
            true => Poll::Ready(Some(Err(Broken))),
            false => frame.as_mut().poll(cx).map(|frame| frame.map(|frame| frame.map_err(|_| Broken))),
        });
        match found.await {
            Some(Ok(frame)) => match frame.into_data() {
                // An empty chunk would be the last one.
                Ok(data) if !data.is_empty() => return Some(Ok(chunk(&data))),
                _ => {}
            },
            Some(Err(broken)) => return Some(Err(broken)),
            None => {
                *body = None;
                return Some(Ok(Bytes::from_static(LAST_CHUNK)));
            }
        }
    }
}

fn chunk(data: &[u8]) -> Bytes {
    let mut chunk = format!("{:x}\r\n", data.len()).into_bytes();
    chunk.extend_from_slice(data);
    chunk.extend_from_slice(b"\r\n");
    chunk.into()
}

/// Whether the client has closed. What it sends is not read as a request: the answer said that it is the last.
fn gone(stream: &mut TcpStream, cx: &mut Context<'_>) -> bool {
    let mut space = [0; 64];
    loop {
        let mut some = ReadBuf::new(&mut space);
        match Pin::new(&mut *stream).poll_read(cx, &mut some) {
            Poll::Ready(Ok(())) if !some.filled().is_empty() => {}
            Poll::Ready(_) => return true,
            Poll::Pending => return false,
        }
    }
}

impl AsyncRead for Watched {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.ahead.is_empty() {
            let part = self.ahead.len().min(buf.remaining());
            buf.put_slice(&self.ahead.split_to(part));
            if self.ahead.is_empty() {
                // The memory behind it is given back.
                self.ahead = Bytes::new();
            }
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Watched {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.wrote(&written);
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt;
    use tokio::net::TcpListener;

    use super::*;

    /// A body, served to a client that is given back with the service.
    async fn served(body: Outgoing, stall_ms: u64) -> (TcpStream, impl Future<Output = ()>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        (client, Resting::new(stream, body, Duration::from_millis(stall_ms)).serve())
    }

    fn pieces(pieces: Vec<Result<&'static str, &'static str>>) -> Outgoing {
        let pieces = pieces.into_iter().map(|piece| Ok(Bytes::from_static(piece?.as_bytes())));
        body::streamed(stream::iter(pieces))
    }

    async fn said(body: Outgoing) -> String {
        let (mut client, serving) = served(body, 60_000).await;
        let mut said = String::new();
        let (_, read) = tokio::join!(serving, client.read_to_string(&mut said));
        read.unwrap();
        said
    }

    #[tokio::test]
    async fn pieces_become_chunks_and_only_an_answer_that_is_whole_has_a_last_one() {
        let whole = said(pieces(vec![Ok("0123456789abcdef!"), Ok(""), Ok("x")])).await;
        assert_eq!(whole, "11\r\n0123456789abcdef!\r\n1\r\nx\r\n0\r\n\r\n");
        assert_eq!(said(pieces(vec![Ok("a"), Err("the database is away")])).await, "1\r\na\r\n");
    }

    #[tokio::test]
    async fn a_client_that_has_gone_ends_a_stream_that_says_nothing() {
        let (client, serving) = served(body::streamed(stream::pending()), 60_000).await;
        drop(client);
        serving.await;
    }

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up() {
        let piece = Bytes::from(vec![b'x'; 1 << 20]);
        let (_client, serving) =
            served(body::streamed(stream::repeat_with(move || Ok(piece.clone()))), 50).await;
        serving.await;
    }

    #[test]
    fn only_an_answer_that_says_so_and_has_no_length_is_taken_over() {
        let answer = |rests: bool, length: Option<&'static str>| {
            let mut response = Response::new(body::empty());
            if rests {
                response.extensions_mut().insert(Rests);
            }
            length.map(|length| {
                response.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static(length))
            });
            response
        };
        for (rests, length, taken) in [(true, None, true), (true, Some("5"), false), (false, None, false)] {
            let watch = Watch::default();
            let closes = watch.take(answer(rests, length)).headers().contains_key(CONNECTION);
            assert_eq!(closes, taken);
            assert!(watch.detach().is_none(), "not before the head is written");
            watch.written.store(1, Ordering::Relaxed);
            watch.blocked.store(true, Ordering::Relaxed);
            assert!(watch.detach().is_none(), "not before all of it is written");
            watch.blocked.store(false, Ordering::Relaxed);
            assert_eq!(watch.detach().is_some(), taken);
        }
        assert!(!Watch::may(&Method::GET, Version::HTTP_10) && !Watch::may(&Method::HEAD, Version::HTTP_11));
    }
}
