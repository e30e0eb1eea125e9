//! HTTP/1.1 with a member.
//!
//! Written for a proxy's task: the head is written from the client's own, without a copy of it, what comes is passed on from where it was
//! read, and all happens in the task of the client. On any doubt about an answer the connection is not used again.
//!
//! | file | what it does |
//! |---|---|
//! | `request` | the head of a request and its body, as they are sent |
//! | `answer` | the head of an answer |
//! | `body`, `chunks` | its body |

mod answer;
mod body;
mod chunks;
mod request;

use std::io;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::request::Parts;
use http::{Method, Response, StatusCode};
use http_body::Frame;
use tokio::net::TcpStream;

use super::socket::{CLOSED, Socket};
use super::{Impatience, Said, waited};
use crate::retry::Failure;
use crate::upload::Upload;
use answer::Head;
pub(crate) use body::Coming;
use chunks::Piece;
use request::{Length, Sending};

/// Limits of what is spoken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// Bytes of the head of an answer.
    pub(crate) head_bytes_max: usize,
    /// Bytes read at once while an answer streams.
    pub(crate) read_bytes_max: usize,
}

/// An open connection.
pub(super) struct Link {
    socket: Socket,
    terms: Terms,
    /// The exchange under way.
    exchange: Option<Exchange>,
}

struct Exchange {
    method: Method,
    sending: Sending,
    /// Why nothing more can be sent. The answer may be there already, and is waited for.
    cut: Option<String>,
    /// As the head of the answer says, the connection may be used again.
    keeps: bool,
}

impl Link {
    pub(super) fn new(stream: TcpStream, terms: Terms) -> Self {
        Self { socket: Socket::new(stream, terms.read_bytes_max), terms, exchange: None }
    }

    /// As [`Socket::moved`].
    pub(super) fn moved(self) -> io::Result<Self> {
        Ok(Self { socket: self.socket.moved()?, ..self })
    }

    /// As [`super::Upstream::exchange`].
    pub(super) fn exchange<'a, I>(
        &'a mut self,
        parts: &Parts,
        upload: Upload,
        said: &Said<'_>,
        mut impatience: I,
    ) -> impl Future<Output = Result<Response<Coming>, Failure>> + use<'a, I>
    where
        I: FnMut(u64) -> Option<Impatience>,
    {
        // Written into the buffer before the future begins, so that the future need not hold the request.
        let length = Length::of(&upload);
        request::write(parts, said, length, self.socket.output());
        let (method, sending) = (parts.method.clone(), Sending::new(upload, length));
        self.exchange = Some(Exchange { method, sending, cut: None, keeps: false });
        let written_before = self.socket.written();
        std::future::poll_fn(move |cx| {
            let polled = self.poll_head(cx);
            waited(polled, self.socket.written() - written_before, &mut impatience)
        })
    }

    /// Sends, and reads until there is the head of the answer.
    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<Response<Coming>, String>> {
        loop {
            self.send(cx)?;
            let Some(exchange) = &mut self.exchange else {
                return Poll::Ready(Err("nothing was asked".to_owned()));
            };
            let head = answer::take(&mut self.socket.input, &exchange.method, self.terms.head_bytes_max)?;
            let Some(Head { response, keeps }) = head else {
                if !ready!(self.poll_read(cx))? {
                    return Poll::Ready(Err(self.why_closed()));
                }
                continue;
            };
            match response.status() {
                StatusCode::CONTINUE => exchange.sending.wanted(),
                // What goes before the answer is between the member and us.
                status if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS => {}
                _ => {
                    exchange.keeps = keeps;
                    if response.body().is_ended() {
                        self.end();
                    }
                    return Poll::Ready(Ok(response));
                }
            }
        }
    }

    /// The next part of an answer's body.
    pub(super) fn poll_body(
        &mut self,
        body: &mut Coming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        if body.is_ended() {
            return Poll::Ready(None);
        }
        loop {
            self.send(cx)?;
            if let Some(piece) = body.take(&mut self.socket.input)? {
                if body.is_ended() {
                    self.end();
                }
                return Poll::Ready(match piece {
                    Piece::Data(data) => Some(Ok(Frame::data(data))),
                    Piece::Trailers(trailers) => Some(Ok(Frame::trailers(trailers))),
                    Piece::End => None,
                });
            }
            if !ready!(self.poll_read(cx))? {
                body.close()?;
                self.socket.give_up();
                return Poll::Ready(None);
            }
        }
    }

    /// As [`Socket::poll_read`]; what broke the sending is the cause of what follows from it.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<bool, String>> {
        let read = ready!(self.socket.poll_read(cx));
        Poll::Ready(read.map_err(|cause| self.exchange.as_mut().and_then(|e| e.cut.take()).unwrap_or(cause)))
    }

    fn why_closed(&mut self) -> String {
        self.exchange.as_mut().and_then(|exchange| exchange.cut.take()).unwrap_or_else(|| CLOSED.to_owned())
    }

    /// Sends what there is to send, and takes from the request's body what has come, as far as both go. The first part of a body that is
    /// there already goes with the head.
    ///
    /// # Errors
    /// The client's body broke off.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<(), String> {
        let Some(exchange) = &mut self.exchange else { return Ok(()) };
        if exchange.cut.is_some() {
            return Ok(());
        }
        let Exchange { sending, cut, .. } = exchange;
        loop {
            let takes_more = self.socket.takes_part() && !sending.is_over();
            let took = takes_more && sending.poll_part(&mut self.socket, cx)?;
            match self.socket.poll_write(cx) {
                Ok(Poll::Ready(())) if !took && self.socket.takes_part() => return Ok(()),
                Ok(Poll::Ready(())) => {}
                Ok(Poll::Pending) => return Ok(()),
                Err(cause) => {
                    self.socket.give_up();
                    *cut = Some(cause);
                    return Ok(());
                }
            }
        }
    }

    /// An answer is whole: the connection is free, or of no use any more.
    fn end(&mut self) {
        let is_free =
            self.exchange.take().is_some_and(|exchange| exchange.keeps && exchange.sending.is_over());
        if !is_free || !self.socket.is_all_sent() {
            self.socket.give_up();
        }
    }

    /// The bare connection, when the exchange has ended in another protocol, and what came right behind it.
    pub(super) fn into_parts(self) -> (TcpStream, Bytes) {
        self.socket.into_parts()
    }

    /// As [`super::Upstream::is_open`].
    pub(super) fn is_open(&mut self) -> bool {
        self.rest() && self.socket.is_quiet()
    }

    /// Whether it can carry another request.
    pub(super) fn rest(&mut self) -> bool {
        self.socket.rest();
        self.exchange.is_none() && self.socket.is_good() && self.socket.is_at_rest()
    }
}
