//! One HTTP/2 connection of a client: `[web.h2]`, and all requests on it in one task.
//!
//! hyper would spawn each request as a task of its own. Here they are polled inside the connection's, as with HTTP/1.1: a
//! client that leaves takes all of them along, and the limits of `patience` reach them without timers. What waits for the
//! client alone (a body that does not come, an answer that it does not take) is judged here for each request by itself: the
//! others on the connection are not to suffer for one.

use std::convert::Infallible;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use http::header::COOKIE;
use http::{HeaderMap, HeaderValue, Request};
use hyper::body::Incoming;
use hyper::rt::Executor;
use hyper::server::conn::http2::Builder;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::client::{Client, ClientStream, Waits};
use crate::patience::{Ms, TICK_MS};
use crate::tier::Tier;
use crate::{Error, within};

/// Requests that a client may take back before we have looked at them; then it floods (the "rapid reset").
const RESETS_PENDING_MAX: usize = 32;
/// Faults of a client in single requests that we answer by a reset; then the connection ends.
const RESETS_OWN_MAX: usize = 128;
/// Bytes of the table of header fields that a client may refer back to: what RFC 9113 begins with.
const HEADER_TABLE_BYTES: u32 = 4_096;

/// `[web.h2]`. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Http2Config {
    /// Requests under way on one connection; more are refused, and a client may send them again. Default 128, from 1 to
    /// 10,000.
    pub streams_max: u32,
    /// Bytes of one request's body that may have come and not be passed on yet. Default 262,144, from 65,535 to
    /// 16,777,216.
    pub stream_window_bytes: u32,
    /// The same for all requests of a connection together: what one connection's uploads may hold in memory. Default
    /// 1,048,576, from 65,535 to 67,108,864.
    pub connection_window_bytes: u32,
    /// Bytes of one answer that may be taken from a node and not be taken by the client. Default 262,144, from 16,384 to
    /// 16,777,216.
    pub send_buffer_bytes: usize,
    /// Frames that carry nothing (pings, settings, resets, priorities, empty ones, unknown ones) a client may send in ten
    /// seconds; then its connection is closed. Default 1,000, from 50 to 1,000,000.
    pub empty_frames_max: u32,
}

impl Default for Http2Config {
    fn default() -> Self {
        Self {
            streams_max: 128,
            stream_window_bytes: 256 * 1024,
            connection_window_bytes: 1024 * 1024,
            send_buffer_bytes: 256 * 1024,
            empty_frames_max: 1_000,
        }
    }
}

impl Http2Config {
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub(crate) fn check(&self) -> Result<(), Error> {
        /// The window that every connection begins with (RFC 9113 §6.9.2): less cannot be said in time.
        const WINDOW_MIN: usize = 65_535;
        within("h2.streams_max", self.streams_max as usize, 1, 10_000)?;
        within("h2.stream_window_bytes", self.stream_window_bytes as usize, WINDOW_MIN, 16 * 1024 * 1024)?;
        let connection = self.connection_window_bytes as usize;
        within("h2.connection_window_bytes", connection, WINDOW_MIN, 64 * 1024 * 1024)?;
        within("h2.send_buffer_bytes", self.send_buffer_bytes, 16 * 1024, 16 * 1024 * 1024)?;
        within("h2.empty_frames_max", self.empty_frames_max as usize, 50, 1_000_000)
    }
}

/// What hyper wants to run beside the connection, until the connection takes it.
#[derive(Clone, Default)]
struct Begun(Arc<Mutex<Vec<Exchange>>>);

type Exchange = Pin<Box<dyn Future<Output = ()> + Send>>;

impl<F: Future<Output = ()> + Send + 'static> Executor<F> for Begun {
    fn execute(&self, future: F) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(Box::pin(future));
    }
}

impl Begun {
    fn take(&self) -> Vec<Exchange> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// One request and its answer.
struct Stream {
    exchange: Exchange,
    client: Arc<Client>,
    stall_ms: Ms,
    /// What it waits for the client for.
    waits: Waits,
    waker: Option<Waker>,
}

impl Future for Stream {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let me = &mut *self;
        match &mut me.waker {
            Some(waker) => waker.clone_from(cx.waker()),
            none => *none = Some(cx.waker().clone()),
        }
        // While it is polled, what bodies tell the client's record is told of this request.
        me.client.exchange_waits(me.waits);
        let polled = me.exchange.as_mut().poll(cx);
        me.waits = me.client.exchange_waits(Waits::NONE);
        if polled.is_pending()
            && let Some(reason) = me.waits.stalled(me.client.now(), me.stall_ms)
        {
            // What is dropped is reset.
            tracing::debug!(client = ?me.client.address, reason, "request given up");
            return Poll::Ready(());
        }
        polled
    }
}

/// Serves a connection that speaks HTTP/2 to its end.
pub(crate) async fn serve<S>(tier: &Arc<Tier>, stream: S, client: &Arc<Client>) -> Result<(), hyper::Error>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let begun = Begun::default();
    let service = service_fn(|mut request: Request<Incoming>| {
        join_cookies(request.headers_mut());
        let answer = tier.clone().answer(client.clone(), request);
        async move { Ok::<_, Infallible>(answer.await) }
    });
    let io = TokioIo::new(ClientStream::http2(stream, client.clone(), tier.config.h2.empty_frames_max));
    let mut http = pin!(builder(tier, begun.clone()).serve_connection(io, service));
    let mut streams = FuturesUnordered::new();
    let mut nudged = client.now();
    let mut told_to_leave = false;
    std::future::poll_fn(|cx| {
        let leaves = client.is_leaving() && !told_to_leave;
        if leaves {
            told_to_leave = true;
            http.as_mut().graceful_shutdown();
        }
        if leaves || client.now() >= nudged.saturating_add(TICK_MS) {
            nudged = client.now();
            streams.iter().for_each(Stream::nudge);
        }
        if let Poll::Ready(end) = http.as_mut().poll(cx) {
            return Poll::Ready(end);
        }
        streams.extend(begun.take().into_iter().map(|exchange| Stream::new(exchange, client, tier)));
        while let Poll::Ready(Some(())) = streams.poll_next_unpin(cx) {}
        Poll::Pending
    })
    .await
}

impl Stream {
    fn new(exchange: Exchange, client: &Arc<Client>, tier: &Tier) -> Self {
        Self {
            exchange,
            client: client.clone(),
            stall_ms: tier.live.limits().stall_ms,
            waits: Waits::NONE,
            waker: None,
        }
    }

    /// Has it polled, though nothing has happened but time.
    fn nudge(&self) {
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
    }
}

fn builder(tier: &Tier, begun: Begun) -> Builder<Begun> {
    let config = &tier.config.h2;
    let mut http = Builder::new(begun);
    http.max_concurrent_streams(config.streams_max)
        .initial_stream_window_size(config.stream_window_bytes)
        .initial_connection_window_size(config.connection_window_bytes)
        .max_send_buf_size(config.send_buffer_bytes)
        .max_header_list_size(u32::try_from(tier.config.header_bytes_max).unwrap_or(u32::MAX))
        .header_table_size(HEADER_TABLE_BYTES)
        .max_pending_accept_reset_streams(RESETS_PENDING_MAX)
        .max_local_error_reset_streams(RESETS_OWN_MAX);
    http
}

/// HTTP/2 may cut the cookies into one field each; HTTP/1.1 may not (RFC 9113 §8.2.3).
fn join_cookies(headers: &mut HeaderMap) {
    if headers.get_all(COOKIE).iter().nth(1).is_none() {
        return;
    }
    let crumbs: Vec<&[u8]> = headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes).collect();
    // What was a value in parts is one when it is whole; the fallback only spares a panic path.
    if let Ok(whole) = HeaderValue::from_bytes(&crumbs.join(&b"; "[..])) {
        headers.insert(COOKIE, whole);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_in_crumbs_become_one_header() {
        let mut headers = HeaderMap::new();
        join_cookies(&mut headers);
        assert!(headers.is_empty());
        for crumb in ["a=1", "b=2", "JSESSIONID=x.OX-1"] {
            headers.append(COOKIE, HeaderValue::from_static(crumb));
        }
        join_cookies(&mut headers);
        let cookies: Vec<_> = headers.get_all(COOKIE).iter().collect();
        assert_eq!(cookies, ["a=1; b=2; JSESSIONID=x.OX-1"]);
    }

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_field() {
        let check = |change: fn(&mut Http2Config), named: &str| {
            let mut config = Http2Config::default();
            change(&mut config);
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        };
        check(|c| c.streams_max = 0, "h2.streams_max");
        check(|c| c.stream_window_bytes = 1_000, "h2.stream_window_bytes");
        check(|c| c.connection_window_bytes = 1_000, "h2.connection_window_bytes");
        check(|c| c.send_buffer_bytes = 1, "h2.send_buffer_bytes");
        check(|c| c.empty_frames_max = 1, "h2.empty_frames_max");
        assert!(Http2Config::default().check().is_ok());
    }
}
