//! HTTP/1.1 with a client, request after request.
//!
//! hyper keeps two buffers and room for an answer under way for as long as it has a connection, most of which say nothing most of the
//! time. So one that has been idle for [`REST_AFTER_MS`](crate::patience::REST_AFTER_MS) is taken from hyper and rests: a socket and what
//! is known of its client. Its next byte brings it back.

use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::client::{Client, ClientStream};
use crate::tier::Tier;

/// What a client's stream is above: a socket that says when something has come.
pub(crate) trait Socket: AsyncRead + AsyncWrite + Unpin + Send + 'static {
    /// Whether there is something to read, the end included. It may be wrong in saying so.
    fn poll_came(&self, cx: &mut Context<'_>) -> Poll<()>;
}

impl Socket for TcpStream {
    fn poll_came(&self, cx: &mut Context<'_>) -> Poll<()> {
        // Of an error the next read tells.
        self.poll_read_ready(cx).map(|_| ())
    }
}

impl Socket for TlsStream<TcpStream> {
    fn poll_came(&self, cx: &mut Context<'_>) -> Poll<()> {
        // What came before was read to its end: hyper waited for more.
        self.get_ref().0.poll_came(cx)
    }
}

/// Why hyper does not have the connection any more.
enum Pause {
    /// HTTP is over: closed, or it goes on in another protocol.
    Over,
    Rests,
}

/// Serves a connection to its end.
///
/// # Errors
/// Why it ended early.
pub(crate) async fn serve<S: Socket>(tier: &Arc<Tier>, stream: S, client: &Arc<Client>) -> hyper::Result<()> {
    let mut stream = ClientStream::http1(stream, client.clone());
    loop {
        let service = service_fn(|request| {
            let answer = tier.clone().answer(client.clone(), request);
            async move { Ok::<_, Infallible>(answer.await) }
        });
        let mut http = tier.server_http.serve_connection(TokioIo::new(stream), service);
        let mut told_to_leave = false;
        let pause = poll_fn(|cx| {
            if !told_to_leave && client.leaves_at_once() {
                told_to_leave = true;
                Pin::new(&mut http).graceful_shutdown();
            }
            match Pin::new(&mut http).poll(cx) {
                Poll::Ready(ended) => Poll::Ready(ended.map(|()| Pause::Over)),
                // What hyper could write is written: the client takes what it is sent.
                Poll::Pending if client.may_rest() => Poll::Ready(Ok(Pause::Rests)),
                Poll::Pending => Poll::Pending,
            }
        });
        let pause = pause.await?;
        let parts = http.into_parts();
        stream = parts.io.into_inner().after(parts.read_buf);
        match (pause, client.take_tunnel()) {
            (Pause::Over, None) => return Ok(()),
            (Pause::Over, Some(tunnel)) => {
                Box::pin(tunnel.run(client, stream)).await;
                return Ok(());
            }
            (Pause::Rests, _) => {}
        }
        if !rest(tier, &stream, client).await {
            // A client that has gone needs no farewell.
            let _ = stream.shutdown().await;
            return Ok(());
        }
    }
}

/// Waits for the next byte; false if the connection is to end first.
async fn rest<S: Socket>(tier: &Tier, stream: &ClientStream<S>, client: &Client) -> bool {
    let _counted = Resting::count(&tier.counts.resting);
    poll_fn(|cx| {
        if client.leaves_at_once() {
            return Poll::Ready(false);
        }
        stream.poll_came(cx).map(|()| true)
    })
    .await
}

/// A connection that rests, counted until it does no more, however that comes.
struct Resting<'a>(&'a AtomicU64);

impl<'a> Resting<'a> {
    fn count(resting: &'a AtomicU64) -> Self {
        resting.fetch_add(1, Ordering::Relaxed);
        Self(resting)
    }
}

impl Drop for Resting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
