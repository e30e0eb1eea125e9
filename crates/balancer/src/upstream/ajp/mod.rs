//! AJP13 with a member: a Tomcat, or a node of ours.
//!
//! One request at a time is on a connection. Everything happens in the task of the client: what is due of the request's body
//! is taken from it and sent, what comes is passed on packet by packet, without being copied. Both go on at once, and either
//! waits for nobody but its own side. `zebu_ajp` says what may come when; on any doubt the connection is not used again.
//!
//! | file | what it does |
//! |---|---|
//! | `request` | the head of a request, as AJP has it |
//! | `answer` | the head of an answer, as HTTP has it |
//! | `packets` | packets in, parts of a body out |

mod answer;
mod packets;
mod request;

use std::io;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use http_body::{Body as _, Frame, SizeHint};
use tokio::net::TcpStream;
use zebu_ajp::PacketSize;
use zebu_ajp::answer::Message;
use zebu_ajp::asking::{Answer, Asking};

use super::socket::Socket;
use super::{Impatience, Said, waited};
use crate::params::value::Secret;
use crate::retry::Failure;
use crate::upload::Upload;

/// What both ends were told, and how much is read at once.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) secret: Secret,
    pub(crate) size: PacketSize,
    /// Bytes read at once while an answer streams.
    pub(crate) read_bytes_max: usize,
}

/// An open connection.
pub(crate) struct Link {
    socket: Socket,
    terms: Terms,
    /// The exchange under way.
    exchange: Option<Exchange>,
}

struct Exchange {
    asking: Asking,
    /// The request's body, as far as it was not sent.
    upload: Upload,
    /// What was taken of it, and fits no packet yet.
    taken: Bytes,
    /// Something of it was taken.
    is_begun: bool,
    /// All of it was.
    is_over: bool,
}

/// The body of an answer that is coming.
pub(crate) struct Coming {
    /// Bytes that must come yet, if that was announced.
    left: Option<u64>,
    ended: bool,
}

/// Something of an answer.
enum Event {
    Head(Response<Coming>),
    Data(Bytes),
    End,
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
        let begun = self.begin(parts, upload, said);
        async move {
            begun?;
            let written_before = self.socket.written();
            std::future::poll_fn(|cx| {
                let polled = self.poll_event(cx).map(|event| match event? {
                    Event::Head(response) => Ok(response),
                    Event::Data(_) | Event::End => Err("no head came before the body".to_owned()),
                });
                waited(polled, self.socket.written() - written_before, &mut impatience)
            })
            .await
        }
    }

    /// Puts the head of a request into the buffer.
    fn begin(&mut self, parts: &Parts, upload: Upload, said: &Said<'_>) -> Result<(), Failure> {
        let size = self.terms.size;
        let framing =
            request::write(parts, said, &self.terms, self.socket.output()).map_err(|error| match error {
                zebu_ajp::Error::TooLarge { limit } => Failure::HeadTooLarge(limit),
                error => Failure::Unspeakable(error.to_string()),
            })?;
        let asking = Asking::new(parts.method.as_str(), framing, size);
        self.exchange =
            Some(Exchange { asking, upload, taken: Bytes::new(), is_begun: false, is_over: false });
        Ok(())
    }

    /// CPING, and nothing but CPONG is an answer.
    pub(super) async fn ping(&mut self, patience: Duration) -> Result<(), Failure> {
        zebu_ajp::request::ping(self.socket.output());
        let answered = tokio::time::timeout(patience, std::future::poll_fn(|cx| self.poll_pong(cx))).await;
        answered
            .unwrap_or_else(|_| Err(format!("none within {} ms", patience.as_millis())))
            .map_err(Failure::NoPong)
    }

    fn poll_pong(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), String>> {
        // What is left to write is written when the socket is ready again: this is polled again then.
        let _ = self.socket.poll_write(cx)?;
        let Poll::Ready(packet) = packets::poll_next(&mut self.socket, self.terms.size, cx) else {
            return Poll::Pending;
        };
        Poll::Ready(match Message::read(payload(&packet?)) {
            Ok(Message::Pong) => Ok(()),
            Ok(_) => Err("something else came".to_owned()),
            Err(error) => Err(error.to_string()),
        })
    }

    /// The next part of an answer's body.
    pub(super) fn poll_body(
        &mut self,
        body: &mut Coming,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, String>>> {
        if body.ended {
            return Poll::Ready(None);
        }
        let Poll::Ready(event) = self.poll_event(cx) else { return Poll::Pending };
        match event {
            Ok(Event::Data(data)) => {
                body.left = body.left.map(|left| left.saturating_sub(data.len() as u64));
                // The end is behind it as a rule; then the connection is free as soon as the client has the body.
                if body.left == Some(0) {
                    body.ended = matches!(self.poll_event(cx), Poll::Ready(Ok(Event::End)));
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Ok(Event::End) => {
                body.ended = true;
                Poll::Ready(None)
            }
            Ok(Event::Head(_)) => Poll::Ready(Some(Err("a second head came".to_owned()))),
            Err(cause) => Poll::Ready(Some(Err(cause))),
        }
    }

    /// Sends what is due and reads what comes, until there is something of the answer.
    fn poll_event(&mut self, cx: &mut Context<'_>) -> Poll<Result<Event, String>> {
        loop {
            self.send(cx)?;
            let Poll::Ready(packet) = packets::poll_next(&mut self.socket, self.terms.size, cx) else {
                return Poll::Pending;
            };
            let packet = packet?;
            let Some(exchange) = &mut self.exchange else {
                return Poll::Ready(Err("something came that nobody had asked for".to_owned()));
            };
            let answer = exchange.asking.receive(payload(&packet)).map_err(|error| error.to_string())?;
            return Poll::Ready(Ok(match answer {
                Answer::Head(head) => {
                    let left = exchange.asking.left();
                    let mut response = answer::response(&packet, &head)?;
                    *response.body_mut() = Coming { left, ended: false };
                    if left == Some(0) {
                        let ended = matches!(self.poll_event(cx), Poll::Ready(Ok(Event::End)));
                        response.body_mut().ended = ended;
                    }
                    Event::Head(response)
                }
                Answer::Chunk(data) => Event::Data(packet.slice_ref(data)),
                // What comes is passed on at once anyway.
                Answer::Flush | Answer::Wanted => continue,
                Answer::End => {
                    self.end();
                    Event::End
                }
            }));
        }
    }

    /// An answer is whole: the connection is free, or of no use any more.
    fn end(&mut self) {
        let reusable = self.exchange.take().is_some_and(|exchange| exchange.asking.may_reuse());
        if !reusable {
            self.socket.give_up();
        }
    }

    /// Writes what is to be written, and takes from the request's body what is due, as far as both go.
    fn send(&mut self, cx: &mut Context<'_>) -> Result<(), String> {
        loop {
            if self.socket.poll_write(cx)?.is_pending() {
                return Ok(());
            }
            // Taken only when the head is out: until then the request may go elsewhere.
            let Some(exchange) = &mut self.exchange else { return Ok(()) };
            let Some(due) = exchange.asking.due() else { return exchange.look_ahead(cx) };
            if due > 0 && !exchange.take(cx)? {
                return Ok(());
            }
            let bytes = u16::try_from(exchange.taken.len()).unwrap_or(u16::MAX).min(due);
            let part = exchange.taken.split_to(bytes.into());
            exchange.asking.sent(bytes).map_err(|error| error.to_string())?;
            packets::queue(&mut self.socket, part);
        }
    }

    /// As [`super::Upstream::is_open`].
    pub(super) fn is_open(&mut self) -> bool {
        self.rest() && self.is_idle() && self.socket.is_quiet()
    }

    pub(super) fn is_idle(&self) -> bool {
        self.exchange.is_none() && self.socket.is_good()
    }

    /// Whether it can carry another request, or will as soon as the member has said that this one is over.
    pub(super) fn rest(&mut self) -> bool {
        let mut idle = Context::from_waker(Waker::noop());
        let polled = self.poll_event(&mut idle);
        let is_over = match &polled {
            Poll::Ready(Ok(Event::End)) => true,
            Poll::Ready(_) => false,
            Poll::Pending => self.exchange.as_ref().is_none_or(Exchange::is_answered),
        };
        if !is_over {
            self.socket.give_up();
        }
        self.socket.rest();
        is_over && self.socket.is_good()
    }
}

impl Exchange {
    /// Takes the next piece of a body once it has begun, whether the member wants it or not: who reads nothing of a client does
    /// not see it leave either.
    fn look_ahead(&mut self, cx: &mut Context<'_>) -> Result<(), String> {
        if self.is_begun { self.take(cx).map(drop) } else { Ok(()) }
    }

    /// Has something of the body at hand, or its end; whether there was either.
    fn take(&mut self, cx: &mut Context<'_>) -> Result<bool, String> {
        self.is_begun = true;
        while self.taken.is_empty() && !self.is_over {
            let Poll::Ready(frame) = std::pin::Pin::new(&mut self.upload).poll_frame(cx) else {
                return Ok(false);
            };
            match frame.transpose().map_err(|error| format!("the client's body broke off: {error}"))? {
                None => self.is_over = true,
                // Trailers have no place in this protocol.
                Some(frame) => self.taken = frame.into_data().unwrap_or_default(),
            }
        }
        Ok(true)
    }

    /// Whether nothing is missing but the word that this was all.
    fn is_answered(&self) -> bool {
        self.asking.is_answered()
    }
}

impl Coming {
    pub(super) fn is_ended(&self) -> bool {
        self.ended
    }

    pub(super) fn is_all_there(&self) -> bool {
        self.left == Some(0)
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self.left {
            Some(left) => SizeHint::with_exact(left),
            None if self.ended => SizeHint::with_exact(0),
            None => SizeHint::default(),
        }
    }
}

/// A packet without its head of four bytes.
fn payload(packet: &Bytes) -> &[u8] {
    packet.get(packets::HEAD_BYTES..).unwrap_or_default()
}
