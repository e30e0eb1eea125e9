//! One connection to a member, driven by whoever uses it.
//!
//! hyper's usual way is to spawn each client connection as a task of its own and talk to it through channels.
//! Here the connection is polled inside the task of the client it serves: no task, no hand-over between
//! threads, no wake-up that only says "poll me again"; a client that leaves takes its exchange with it, and
//! an idle connection is nothing but a socket in a list. The price is that nobody notices a close while it is
//! idle; [`Upstream::rest`] looks when it is taken, and again when the pool is swept.

use std::error::Error as _;
use std::fmt::Write as _;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::patience::Ms;
use crate::retry::Failure;
use crate::upload::Upload;
use crate::wire::{Traffic, Wire};

/// An open connection to a member, carrying at most one request.
pub(crate) struct Upstream {
    sender: SendRequest<Upload>,
    connection: Connection<TokioIo<Wire>, Upload>,
    traffic: Arc<Traffic>,
    /// It has served a request before.
    pub(crate) reused: bool,
    /// When it was put into the pool.
    pub(crate) idle_since: Ms,
}

/// Why a wait for the head of an answer is cut short.
#[derive(Debug)]
pub(crate) enum Impatience {
    MemberSilent,
    TimedOut,
}

/// No connection could be made.
#[derive(Debug)]
pub(crate) struct ConnectError {
    pub(crate) reason: String,
    pub(crate) blame: Blame,
}

/// What a failed connect says about the member.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Blame {
    /// Its machine answered: nobody is listening.
    Refused,
    /// Nothing answered.
    Silent,
    /// Nothing: the cause is on this machine (no file descriptors, no ports, no memory).
    Ours,
}

/// What a member's parameters say about its sockets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Tuning {
    pub(crate) keepalive: bool,
    /// 0: the system's choice.
    pub(crate) receive_buffer_bytes: u32,
}

impl Tuning {
    /// Hints to the kernel; a connection without them still works.
    fn apply(self, stream: &TcpStream) {
        let socket = SockRef::from(stream);
        if self.keepalive {
            let _ = socket.set_keepalive(true);
        }
        if self.receive_buffer_bytes > 0 {
            let _ = socket.set_recv_buffer_size(self.receive_buffer_bytes as usize);
        }
    }
}

impl Upstream {
    /// Connects to `host:port`.
    pub(crate) async fn connect(
        address: &str,
        http: &Builder,
        patience: Duration,
        tuning: Tuning,
    ) -> Result<Box<Self>, ConnectError> {
        let connected = tokio::time::timeout(patience, TcpStream::connect(address)).await;
        let stream = match connected {
            Ok(Ok(stream)) => stream,
            Ok(Err(error)) => return Err(ConnectError { blame: blame(&error), reason: error.to_string() }),
            Err(_) => {
                let reason = format!("no connection within {} ms", patience.as_millis());
                return Err(ConnectError { blame: Blame::Silent, reason });
            }
        };
        // Only a hint to the kernel; a connection without it still works.
        let _ = stream.set_nodelay(true);
        tuning.apply(&stream);
        let (wire, traffic) = Wire::new(stream);
        match http.handshake(TokioIo::new(wire)).await {
            Ok((sender, connection)) => {
                Ok(Box::new(Self { sender, connection, traffic, reused: false, idle_since: 0 }))
            }
            Err(error) => Err(ConnectError { reason: describe(&error), blame: Blame::Refused }),
        }
    }

    /// Sends a request and waits for the head of the answer. `impatience` is asked whenever there is nothing
    /// to do but wait; it is given the bytes written so far, a sign of life while an upload runs.
    pub(crate) fn exchange(
        &mut self,
        request: Request<Upload>,
        mut impatience: impl FnMut(u64) -> Option<Impatience>,
    ) -> impl Future<Output = Result<Response<Incoming>, Failure>> {
        let Self { sender, connection, traffic, .. } = self;
        let written_before = traffic.written();
        // Handed over before the future begins, so that the future need not carry the request.
        let answer = sender.try_send_request(request);
        async move {
            let mut answer = pin!(answer);
            std::future::poll_fn(|cx| {
                let ended = Pin::new(&mut *connection).poll(cx);
                match answer.as_mut().poll(cx) {
                    Poll::Ready(Ok(response)) => return Poll::Ready(Ok(response)),
                    Poll::Ready(Err(mut error)) => {
                        let unsent = error.take_message().is_some() || traffic.written() == written_before;
                        let cause = describe(error.error());
                        let failure = if unsent { Failure::NotSent(cause) } else { Failure::Lost(cause) };
                        return Poll::Ready(Err(failure));
                    }
                    Poll::Pending => {}
                }
                if ended.is_ready() {
                    return Poll::Ready(Err(Failure::Lost("connection ended".into())));
                }
                match impatience(traffic.written() - written_before) {
                    Some(Impatience::MemberSilent) => Poll::Ready(Err(Failure::MemberSilent)),
                    Some(Impatience::TimedOut) => Poll::Ready(Err(Failure::TimedOut)),
                    None => Poll::Pending,
                }
            })
            .await
        }
    }

    /// The next part of an answer's body.
    pub(crate) fn poll_body(
        &mut self,
        body: &mut Incoming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        if let ready @ Poll::Ready(_) = Pin::new(&mut *body).poll_frame(cx) {
            return ready;
        }
        // When the connection ends, hyper tells the body so: the poll after it is never pending then.
        let _ = Pin::new(&mut self.connection).poll(cx);
        Pin::new(body).poll_frame(cx)
    }

    /// The bare connection, when the exchange has ended in another protocol, and what came right behind it.
    pub(crate) fn into_wire(self) -> (Wire, Bytes) {
        let parts = self.connection.into_parts();
        (parts.io.into_inner(), parts.read_buf)
    }

    /// Whether the member has not closed the connection as far as the kernel knows.
    pub(crate) fn is_open(&mut self) -> bool {
        self.traffic.doubt();
        self.rest()
    }

    /// Lets the connection finish its last exchange; whether it can carry another. Also forgets the task that
    /// drove it before, which would otherwise be woken when a member closes an idle connection.
    pub(crate) fn rest(&mut self) -> bool {
        let mut idle = Context::from_waker(Waker::noop());
        Pin::new(&mut self.connection).poll(&mut idle).is_pending() && self.sender.is_ready()
    }
}

fn blame(error: &io::Error) -> Blame {
    // Linux's ENOMEM, ENFILE, EMFILE, EADDRNOTAVAIL.
    if error.raw_os_error().is_some_and(|code| [12, 23, 24, 99].contains(&code)) {
        return Blame::Ours;
    }
    match error.kind() {
        io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
            Blame::Silent
        }
        _ => Blame::Refused,
    }
}

/// An error with its causes, which hyper keeps apart.
fn describe(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    async fn connect(address: &str) -> Result<Box<Upstream>, ConnectError> {
        Upstream::connect(address, &Builder::new(), Duration::from_secs(10), Tuning::default()).await
    }

    #[tokio::test]
    async fn sockets_are_tuned_as_the_member_says() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        Tuning { keepalive: true, receive_buffer_bytes: 65_536 }.apply(&stream);
        let socket = SockRef::from(&stream);
        assert!(socket.keepalive().unwrap());
        // The kernel doubles what it is told, for its own bookkeeping.
        assert!((65_536..=131_072).contains(&socket.recv_buffer_size().unwrap()));
    }

    #[tokio::test]
    async fn a_close_that_the_runtime_has_not_seen_yet_is_seen_when_asked_for() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let connected = connect(&address).await;
        let mut upstream = connected.ok().unwrap();
        let (peer, _) = listener.accept().unwrap();
        assert!(upstream.rest() && upstream.is_open());
        drop(peer);
        // Nothing was awaited since: the runtime had no chance to look at its sockets.
        assert!(upstream.rest(), "known only to the kernel");
        assert!(!upstream.is_open());
    }

    #[tokio::test]
    async fn a_refused_connection_is_the_members_fault() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        drop(listener);
        let connected = connect(&address).await;
        assert_eq!(connected.err().unwrap().blame, Blame::Refused);
        let none_left = io::Error::from_raw_os_error(24);
        assert_eq!(blame(&none_left), Blame::Ours, "no file descriptors left here");
        assert_eq!(blame(&io::ErrorKind::HostUnreachable.into()), Blame::Silent);
    }
}
