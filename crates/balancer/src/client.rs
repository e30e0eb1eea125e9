//! One connection of a client: hyper serves it, this module decides how long.
//!
//! `server` spawns [`serve`] for each accepted connection. What the connection is doing is kept in
//! [`Client`], written from inside (socket, bodies, requests) and judged by `patience` on each poll; one
//! alarm serves all limits.

use std::convert::Infallible;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use http::HeaderValue;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::Instant;

use crate::patience::{Ms, Phase, Sight, TICK_MS, Verdict, judge};
use crate::tier::Tier;
use crate::wire::write_vectored;

/// "Not waiting" in the fields that say since when.
const NOT: Ms = Ms::MAX;

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;

/// What is known of a client's connection. Relaxed atomics: all writers but `leave` run in the connection's
/// own task.
#[derive(Debug)]
pub(crate) struct Client {
    started: Instant,
    /// Counts the connections of this server.
    pub(crate) number: u64,
    /// The client's address, as nodes are told it.
    pub(crate) address: HeaderValue,
    now: AtomicU64,
    phase: AtomicU8,
    since: AtomicU64,
    upload_waits_since: AtomicU64,
    blocks_since: AtomicU64,
    leaving: AtomicBool,
    waker: AtomicWaker,
}

impl Client {
    /// `started`: when the server started, the origin of all times here.
    pub(crate) fn new(number: u64, peer: SocketAddr, started: Instant) -> Arc<Self> {
        let address = peer.ip().to_canonical().to_string();
        let client = Self {
            started,
            number,
            // An address is always a valid header value; the fallback only spares a panic path.
            address: HeaderValue::try_from(address).unwrap_or_else(|_| HeaderValue::from_static("")),
            now: AtomicU64::new(0),
            phase: AtomicU8::new(HEAD),
            since: AtomicU64::new(0),
            upload_waits_since: AtomicU64::new(NOT),
            blocks_since: AtomicU64::new(NOT),
            leaving: AtomicBool::new(false),
            waker: AtomicWaker::new(),
        };
        client.look_at_the_clock();
        client.since.store(client.now(), Ordering::Relaxed);
        Arc::new(client)
    }

    /// The time this connection's task was last polled: everything one poll does happens at one time, and a
    /// request asks for it a dozen times.
    pub(crate) fn now(&self) -> Ms {
        self.now.load(Ordering::Relaxed)
    }

    fn look_at_the_clock(&self) {
        let now = Ms::try_from(self.started.elapsed().as_millis()).unwrap_or(Ms::MAX);
        self.now.store(now, Ordering::Relaxed);
    }

    /// Ends the connection as soon as no request is under way on it.
    pub(crate) fn leave(&self) {
        self.leaving.store(true, Ordering::Release);
        self.waker.wake();
    }

    /// Whether the connection is to end.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire)
    }

    /// Since when it has been idle, if it is.
    pub(crate) fn idle_since(&self) -> Option<Ms> {
        let idle = self.phase.load(Ordering::Relaxed) == IDLE && !self.leaving.load(Ordering::Relaxed);
        idle.then(|| self.since.load(Ordering::Relaxed))
    }

    pub(crate) fn request_begins(&self) {
        self.enter(BUSY);
    }

    pub(crate) fn request_ends(&self) {
        self.upload_waits_since.store(NOT, Ordering::Relaxed);
        self.enter(IDLE);
    }

    /// A body is awaited from the client.
    pub(crate) fn upload_waits(&self) {
        if self.upload_waits_since.load(Ordering::Relaxed) == NOT {
            self.upload_waits_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Something of the body came.
    pub(crate) fn upload_moves(&self) {
        self.upload_waits_since.store(NOT, Ordering::Relaxed);
    }

    fn enter(&self, phase: u8) {
        self.phase.store(phase, Ordering::Relaxed);
        self.since.store(self.now(), Ordering::Relaxed);
    }

    fn bytes_came(&self) {
        if self.phase.load(Ordering::Relaxed) == IDLE {
            self.enter(HEAD);
        }
    }

    fn wrote(&self, written: &Poll<io::Result<usize>>) {
        let waits = self.blocks_since.load(Ordering::Relaxed) != NOT;
        if written.is_ready() && waits {
            self.blocks_since.store(NOT, Ordering::Relaxed);
        } else if written.is_pending() && !waits {
            self.blocks_since.store(self.now(), Ordering::Relaxed);
        }
    }

    fn sight(&self) -> Sight {
        let since = |field: &AtomicU64| Some(field.load(Ordering::Relaxed)).filter(|since| *since != NOT);
        Sight {
            phase: match self.phase.load(Ordering::Relaxed) {
                IDLE => Phase::Idle,
                HEAD => Phase::Head,
                _ => Phase::Busy,
            },
            since: self.since.load(Ordering::Relaxed),
            upload_waits_since: since(&self.upload_waits_since),
            client_blocks_since: since(&self.blocks_since),
        }
    }
}

/// Serves a connection to its end. Dropping the future closes it, and what it was doing at a member.
pub(crate) async fn serve(tier: Arc<Tier>, stream: TcpStream, client: Arc<Client>) {
    let service = service_fn(|request| {
        let answer = tier.clone().answer(client.clone(), request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let io = TokioIo::new(ClientStream { stream, client: client.clone() });
    let mut http = pin!(tier.server_http.serve_connection(io, service));
    let mut alarm = pin!(tokio::time::sleep(Duration::from_millis(TICK_MS)));
    let mut told_to_leave = false;
    let end = std::future::poll_fn(|cx| {
        client.waker.register(cx.waker());
        loop {
            client.look_at_the_clock();
            if !told_to_leave && client.leaving.load(Ordering::Acquire) {
                told_to_leave = true;
                http.as_mut().graceful_shutdown();
            }
            if let Poll::Ready(end) = http.as_mut().poll(cx) {
                return Poll::Ready(end.map_err(End::Http));
            }
            match judge(&client.sight(), client.now(), &tier.limits) {
                Verdict::Close(reason) => return Poll::Ready(Err(End::Impatience(reason))),
                Verdict::LookAgainAt(at) => {
                    let at = client.started + Duration::from_millis(at);
                    if alarm.is_elapsed() || alarm.deadline() > at {
                        alarm.as_mut().reset(at);
                    }
                }
            }
            // When the alarm rings, whatever waits inside is polled again: that is its tick.
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
    match end {
        Ok(()) => {}
        Err(End::Http(error)) if error.is_parse() => {
            tracing::info!(client = ?client.address, cause = %error, "refused a malformed request");
        }
        Err(End::Http(error)) => {
            tracing::debug!(client = ?client.address, cause = %error, "connection broke")
        }
        Err(End::Impatience(reason)) => {
            tracing::debug!(client = ?client.address, reason, "connection closed")
        }
    }
}

enum End {
    Http(hyper::Error),
    Impatience(&'static str),
}

/// The client's socket, telling [`Client`] what moves.
#[derive(Debug)]
struct ClientStream {
    stream: TcpStream,
    client: Arc<Client>,
}

impl AsyncRead for ClientStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        if matches!(polled, Poll::Ready(Ok(()))) {
            self.client.bytes_came();
        }
        polled
    }
}

impl AsyncWrite for ClientStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.client.wrote(&written);
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = write_vectored(Pin::new(&mut self.stream), cx, bufs);
        self.client.wrote(&written);
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
