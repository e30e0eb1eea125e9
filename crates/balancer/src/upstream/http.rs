//! HTTP/1.1 with a member, by hyper.

use std::error::Error as _;
use std::fmt::Write as _;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use http::{Request, Response};
use http_body::{Body as _, Frame};
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Impatience;
use crate::retry::Failure;
use crate::upload::Upload;
use crate::wire::{Traffic, Wire};

/// An open connection.
pub(super) struct Link {
    sender: SendRequest<Upload>,
    connection: Connection<TokioIo<Wire>, Upload>,
    traffic: Arc<Traffic>,
}

impl Link {
    pub(super) async fn new(stream: TcpStream, http: &Builder) -> Result<Self, String> {
        let (wire, traffic) = Wire::new(stream);
        let shaken = http.handshake(TokioIo::new(wire)).await;
        let (sender, connection) = shaken.map_err(|error| describe(&error))?;
        Ok(Self { sender, connection, traffic })
    }

    /// Sends a request and waits for the head of the answer. `impatience` is asked whenever there is nothing
    /// to do but wait; it is given the bytes written so far, a sign of life while an upload runs.
    pub(super) fn exchange(
        &mut self,
        request: Request<Upload>,
        mut impatience: impl FnMut(u64) -> Option<Impatience>,
    ) -> impl Future<Output = Result<Response<Incoming>, Failure>> {
        let Self { sender, connection, traffic } = self;
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
                    Some(impatience) => Poll::Ready(Err(impatience.into())),
                    None => Poll::Pending,
                }
            })
            .await
        }
    }

    /// The next part of an answer's body.
    pub(super) fn poll_body(
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
    pub(super) fn into_wire(self) -> (Wire, Bytes) {
        let parts = self.connection.into_parts();
        (parts.io.into_inner(), parts.read_buf)
    }

    /// Whether the member has not closed the connection as far as the kernel knows.
    pub(super) fn is_open(&mut self) -> bool {
        self.traffic.doubt();
        self.rest()
    }

    /// Lets the connection finish its last exchange; whether it can carry another. Also forgets the task that
    /// drove it before, which would otherwise be woken when a member closes an idle connection.
    pub(super) fn rest(&mut self) -> bool {
        let mut idle = Context::from_waker(Waker::noop());
        Pin::new(&mut self.connection).poll(&mut idle).is_pending() && self.sender.is_ready()
    }
}

/// An error with its causes, which hyper keeps apart.
pub(super) fn describe(error: &hyper::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        // Writing to a string cannot fail.
        let _ = write!(text, ": {error}");
        cause = error.source();
    }
    text
}
