//! A connection that speaks HTTP/2 with prior knowledge, as balancers do to nodes.

use std::convert::Infallible;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use http::header::{CONNECTION, HOST};
use http::{HeaderValue, Request};
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::sync::watch;
use tokio::time::interval;

use crate::body::Incoming;
use crate::resting::Watched;
use crate::server::{Limits, Service};
use crate::source::Source;

/// Requests under way at once on one connection; a balancer opens another for more.
const STREAMS_MAX: u32 = 256;
/// Bytes of a body that may be on their way to us, of one request and of all on a connection: memory that others decide on.
const STREAM_WINDOW_BYTES: u32 = 256 * 1024;
const CONNECTION_WINDOW_BYTES: u32 = 2 * 1024 * 1024;
/// Bytes of an answer that wait to be sent.
const SEND_BYTES_MAX: usize = 128 * 1024;

/// What is under way on a connection.
#[derive(Default)]
struct Busy {
    now: AtomicUsize,
    so_far: AtomicU64,
}

/// Serves a connection to its end; one that rested for `idle_ms_max` is closed.
pub(crate) async fn serve(
    service: Arc<Service>,
    limits: Limits,
    stream: Watched,
    source: Source,
    mut stopping: watch::Receiver<bool>,
) {
    let busy = Arc::new(Busy::default());
    let answer = service_fn(|request: Request<hyper::body::Incoming>| {
        let (service, busy) = (Arc::clone(&service), Arc::clone(&busy));
        async move {
            busy.now.fetch_add(1, Ordering::Relaxed);
            busy.so_far.fetch_add(1, Ordering::Relaxed);
            let mut response = Box::pin(service.serve(with_host(request).map(Incoming::Http), source)).await;
            // It has no place in this protocol; a connection that ends says so by itself.
            response.headers_mut().remove(CONNECTION);
            busy.now.fetch_sub(1, Ordering::Relaxed);
            Ok::<_, Infallible>(response)
        }
    });
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS_MAX)
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_send_buf_size(SEND_BYTES_MAX)
        .max_header_list_size(u32::try_from(limits.header_bytes_max).unwrap_or(u32::MAX))
        .keep_alive_interval(Duration::from_millis(limits.idle_ms_max))
        .keep_alive_timeout(Duration::from_millis(limits.stall_ms_max));
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), answer));
    let mut looks = interval(Duration::from_millis(limits.idle_ms_max));
    // The first one is at once.
    looks.tick().await;
    let (mut seen, mut is_ending) = (u64::MAX, false);
    let ended = loop {
        tokio::select! {
            ended = &mut connection => break ended,
            // A sender that is gone means the same as one that says stop.
            () = async { drop(stopping.wait_for(|stop| *stop).await) }, if !is_ending => {
                is_ending = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = looks.tick(), if !is_ending => {
                let so_far = busy.so_far.load(Ordering::Relaxed);
                is_ending = busy.now.load(Ordering::Relaxed) == 0 && so_far == seen;
                seen = so_far;
                if is_ending {
                    connection.as_mut().graceful_shutdown();
                }
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(client = %source.address, %error, "an HTTP/2 connection ended early");
    }
}

/// The host that was asked for, where HTTP/1 has it.
fn with_host(mut request: Request<hyper::body::Incoming>) -> Request<hyper::body::Incoming> {
    let authority = request.uri().authority().map(|authority| HeaderValue::from_str(authority.as_str()));
    if let Some(Ok(host)) = authority.filter(|_| !request.headers().contains_key(HOST)) {
        request.headers_mut().insert(HOST, host);
    }
    request
}
