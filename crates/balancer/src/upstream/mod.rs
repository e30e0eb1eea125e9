//! One connection to a member, driven by whoever uses it.
//!
//! It is polled inside the task of the client it serves: no task of its own, no hand-over between threads, no wake-up that only says
//! "poll me again"; a client that leaves takes its exchange with it, and an idle connection is nothing but a socket in a list. The price is that nobody notices a close while it is
//! idle; [`Upstream::rest`] looks when it is taken, and again when the pool is swept.
//!
//! What is spoken over it is the member's: [`http`] or [`ajp`].

pub(crate) mod ajp;
pub(crate) mod http;
mod said;
mod socket;

use std::io;
use std::task::{Context, Poll};
use std::time::Duration;

use ::http::Response;
use ::http::request::Parts;
use bytes::Bytes;
use futures_util::future::Either;
use http_body::{Frame, SizeHint};
use socket2::SockRef;
use tokio::net::TcpStream;

use crate::patience::Ms;
use crate::retry::Failure;
use crate::upload::Upload;
pub(crate) use said::Said;

/// An open connection to a member, carrying at most one request.
pub(crate) struct Upstream {
    link: Link,
    /// The thread that it was made on, which drives its socket (`lanes`).
    pub(crate) lane: usize,
    /// It has served a request before.
    pub(crate) reused: bool,
    /// When it was put into the pool.
    pub(crate) idle_since: Ms,
}

#[allow(clippy::large_enum_variant, reason = "an Upstream is in a box already")]
enum Link {
    Http(http::Link),
    Ajp(ajp::Link),
}

/// What is spoken to a member.
#[derive(Debug, Clone)]
pub(crate) enum Speech {
    Http(http::Terms),
    Ajp(ajp::Terms),
}

/// The body of an answer, while it comes.
pub(crate) enum Coming {
    Http(http::Coming),
    Ajp(ajp::Coming),
}

/// Why a wait for the head of an answer is cut short.
#[derive(Debug)]
pub(crate) enum Impatience {
    MemberSilent,
    TimedOut,
}

impl From<Impatience> for Failure {
    fn from(impatience: Impatience) -> Self {
        match impatience {
            Impatience::MemberSilent => Self::MemberSilent,
            Impatience::TimedOut => Self::TimedOut,
        }
    }
}

/// What a wait for the head of an answer has come to, when so many bytes of the request are written: with none of them nothing was sent.
fn waited<T>(
    polled: Poll<Result<T, String>>,
    written: u64,
    impatience: &mut impl FnMut(u64) -> Option<Impatience>,
) -> Poll<Result<T, Failure>> {
    match polled {
        Poll::Ready(Ok(head)) => Poll::Ready(Ok(head)),
        Poll::Ready(Err(cause)) if written == 0 => Poll::Ready(Err(Failure::NotSent(cause))),
        Poll::Ready(Err(cause)) => Poll::Ready(Err(Failure::Lost(cause))),
        Poll::Pending => match impatience(written) {
            Some(impatience) => Poll::Ready(Err(impatience.into())),
            None => Poll::Pending,
        },
    }
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
        speech: &Speech,
        patience: Duration,
        tuning: Tuning,
        lane: usize,
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
        let link = match speech {
            Speech::Http(terms) => Link::Http(http::Link::new(stream, *terms)),
            Speech::Ajp(terms) => Link::Ajp(ajp::Link::new(stream, terms.clone())),
        };
        Ok(Box::new(Self { link, lane, reused: false, idle_since: 0 }))
    }

    /// Sends a request and waits for the head of the answer. `impatience` is asked whenever there is nothing
    /// to do but wait; it is given the bytes written so far, a sign of life while an upload runs. `said` is told beside the
    /// head.
    pub(crate) fn exchange<'a, I>(
        &'a mut self,
        parts: &Parts,
        upload: Upload,
        said: &Said<'_>,
        impatience: I,
    ) -> impl Future<Output = Result<Response<Coming>, Failure>> + use<'a, I>
    where
        I: FnMut(u64) -> Option<Impatience>,
    {
        match &mut self.link {
            Link::Http(link) => {
                let answer = link.exchange(parts, upload, said, impatience);
                Either::Left(async { answer.await.map(|response| response.map(Coming::Http)) })
            }
            Link::Ajp(link) => {
                let answer = link.exchange(parts, upload, said, impatience);
                Either::Right(async { answer.await.map(|response| response.map(Coming::Ajp)) })
            }
        }
    }

    /// Asks the member whether it is there, if there is a way to ask it before a request; it has so long to answer.
    pub(crate) async fn ping(&mut self, patience: Duration) -> Result<(), Failure> {
        match &mut self.link {
            Link::Http(_) => Ok(()),
            Link::Ajp(link) => link.ping(patience).await,
        }
    }

    /// The next part of an answer's body.
    pub(crate) fn poll_body(
        &mut self,
        body: &mut Coming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        match (&mut self.link, body) {
            (Link::Http(link), Coming::Http(body)) => link.poll_body(body, cx),
            (Link::Ajp(link), Coming::Ajp(body)) => link.poll_body(body, cx),
            _ => Poll::Ready(Some(Err("the body is of another connection".to_owned()))),
        }
    }

    /// The bare connection, when the exchange has ended in another protocol, and what came right behind it. Only of HTTP.
    pub(crate) fn into_parts(self) -> Option<(TcpStream, Bytes)> {
        match self.link {
            Link::Http(link) => Some(link.into_parts()),
            Link::Ajp(_) => None,
        }
    }

    /// The same, driven by the thread that calls from now on, which is this one.
    ///
    /// # Errors
    /// The system has no file descriptor left.
    pub(crate) fn moved(self, lane: usize) -> io::Result<Self> {
        let link = match self.link {
            Link::Http(link) => Link::Http(link.moved()?),
            Link::Ajp(link) => Link::Ajp(link.moved()?),
        };
        Ok(Self { link, lane, ..self })
    }

    /// Whether the member has not closed the connection as far as the kernel knows.
    pub(crate) fn is_open(&mut self) -> bool {
        match &mut self.link {
            Link::Http(link) => link.is_open(),
            Link::Ajp(link) => link.is_open(),
        }
    }

    /// Lets the connection finish its last exchange; whether it is worth keeping. Also forgets the task that
    /// drove it before, which would otherwise be woken when a member closes an idle connection.
    pub(crate) fn rest(&mut self) -> bool {
        match &mut self.link {
            Link::Http(link) => link.rest(),
            Link::Ajp(link) => link.rest(),
        }
    }

    /// Whether it can carry a request now.
    pub(crate) fn is_ready(&mut self) -> bool {
        self.rest()
            && match &self.link {
                Link::Http(_) => true,
                Link::Ajp(link) => link.is_idle(),
            }
    }
}

impl Coming {
    /// Whether all of it came.
    pub(crate) fn is_end_stream(&self) -> bool {
        match self {
            Self::Http(body) => body.is_ended(),
            Self::Ajp(body) => body.is_ended(),
        }
    }

    /// Whether all that the client is to have came, though the member has not said yet that this was all.
    pub(crate) fn is_all_there(&self) -> bool {
        match self {
            Self::Http(_) => false,
            Self::Ajp(body) => body.is_all_there(),
        }
    }

    pub(crate) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http(body) => body.size_hint(),
            Self::Ajp(body) => body.size_hint(),
        }
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

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    async fn connect(address: &str) -> Result<Box<Upstream>, ConnectError> {
        let terms = http::Terms { head_bytes_max: 8_192, read_bytes_max: 8_192 };
        Upstream::connect(address, &Speech::Http(terms), Duration::from_secs(10), Tuning::default(), 0).await
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
