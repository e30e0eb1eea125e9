//! One connection of a client from its first byte to its last: handshake, protocol, and how long it is borne with.
//!
//! `server` spawns [`serve`] for each accepted connection. hyper speaks HTTP; one alarm a connection serves all limits.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::io::ReadBuf;
use tokio::net::TcpStream;

use crate::client::Client;
use crate::listen::Scheme;
use crate::patience::{TICK_MS, Verdict, judge};
use crate::tier::Tier;
use crate::{http1, http2, tls};

/// How a client that speaks HTTP/2 without being asked begins. No method of HTTP/1.1 begins so.
const HTTP2_BEGINS: &[u8; 3] = b"PRI";

/// Why a connection ended early.
enum End {
    Http(hyper::Error),
    /// Before a request could come.
    Early(io::Error),
    Handshake(io::Error),
    /// It was told to leave, and had asked nothing yet.
    Left,
    Impatience(&'static str),
}

/// Serves a connection to its end. Dropping the future closes it, and what it was doing at a member.
pub(crate) async fn serve(tier: Arc<Tier>, stream: TcpStream, client: Arc<Client>) {
    let mut talk = pin!(talk(&tier, stream, &client));
    let mut alarm = pin!(tokio::time::sleep(Duration::from_millis(TICK_MS)));
    let end = std::future::poll_fn(|cx| {
        client.waker.register(cx.waker());
        loop {
            client.look_at_the_clock();
            if let Poll::Ready(end) = talk.as_mut().poll(cx) {
                return Poll::Ready(end);
            }
            match judge(&client.sight(), client.now(), &tier.live.limits()) {
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
    let client = &client.address;
    match end {
        Ok(()) | Err(End::Left) => {}
        Err(End::Http(error)) if error.is_parse() => {
            tracing::info!(?client, cause = %error, "refused a malformed request");
        }
        Err(End::Http(error)) => tracing::debug!(?client, cause = %error, "connection broke"),
        Err(End::Early(error)) => tracing::debug!(?client, cause = %error, "connection broke early"),
        Err(End::Handshake(error)) => tracing::info!(?client, cause = %error, "no TLS with a client"),
        Err(End::Impatience(reason)) => tracing::debug!(?client, reason, "connection closed"),
    }
}

async fn talk(tier: &Arc<Tier>, stream: TcpStream, client: &Arc<Client>) -> Result<(), End> {
    match client.scheme {
        // HTTP/1.1 stays where it is; what is bigger is put aside, so that an idle connection is small.
        Scheme::Http if !begins_http2(&stream, client).await? => {
            http1::serve(tier, stream, client).await.map_err(End::Http)
        }
        Scheme::Http => Box::pin(http2::serve(tier, stream, client)).await.map_err(End::Http),
        Scheme::Https => Box::pin(secure(tier, stream, client)).await,
    }
}

async fn secure(tier: &Arc<Tier>, stream: TcpStream, client: &Arc<Client>) -> Result<(), End> {
    // A listener for TLS does not come to be without it.
    let Some(tls) = &tier.tls else { return Err(End::Left) };
    let mut handshake = pin!(tls.acceptor.accept(stream));
    let stream = std::future::poll_fn(|cx| {
        if client.leaves_at_once() {
            return Poll::Ready(Err(End::Left));
        }
        handshake.as_mut().poll(cx).map_err(End::Handshake)
    })
    .await?;
    if let Some(agreed) = tls::Agreed::of(&stream) {
        client.agrees(agreed);
    }
    if tls::chose_http2(&stream) {
        http2::serve(tier, stream, client).await.map_err(End::Http)
    } else {
        http1::serve(tier, stream, client).await.map_err(End::Http)
    }
}

/// Looks at the first bytes without taking them. A client of HTTP/2 sends far more than three at once; one that does not
/// is answered as if it spoke HTTP/1.1, and closed.
async fn begins_http2(stream: &TcpStream, client: &Client) -> Result<bool, End> {
    std::future::poll_fn(|cx| {
        if client.leaves_at_once() {
            return Poll::Ready(Err(End::Left));
        }
        let mut first = [0; HTTP2_BEGINS.len()];
        let peeked = stream.poll_peek(cx, &mut ReadBuf::new(&mut first));
        peeked.map_ok(|_| first == *HTTP2_BEGINS).map_err(End::Early)
    })
    .await
}
