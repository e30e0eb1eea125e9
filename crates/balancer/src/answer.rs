//! The body of an answer on its way to the client: our own bytes, or a member's, streamed.
//!
//! Made by `tier` and `forward`, polled by hyper's connection to the client. A member's body pulls its
//! connection along and gives it back to the pool with the last byte. It is never read faster than the client
//! takes it.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Method;
use http_body::{Body, Frame, SizeHint};

use crate::access::Record;
use crate::client::Client;
use crate::flight::Flight;
use crate::patience::Ms;
use crate::upstream::{Coming, Upstream};

/// What is sent back.
pub(crate) enum Content {
    Whole(Bytes),
    Relayed(Relay),
}

/// A member's body and the connection it comes over.
pub(crate) struct Relay {
    body: Coming,
    /// None once the body is complete.
    upstream: Option<Box<Upstream>>,
    flight: Flight,
    client: Arc<Client>,
    /// When the member last sent something.
    moved: Ms,
    silence_ms_max: Ms,
    /// A stream of events, which by itself may never end.
    is_endless: bool,
}

/// The body hyper sends, with the record of the request.
pub(crate) struct Answer {
    content: Content,
    /// HTTP/2 only: what is left of a part that was cut.
    rest: Bytes,
    record: Record,
}

/// HTTP/2 is given no more at once: how slowly a client takes its answer shows only between two parts.
const PART_BYTES: usize = 16 * 1024;

/// Why an answer ends early; the client sees its connection closed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Interrupted {
    #[error("the member's answer broke off: {0}")]
    Broken(String),
    #[error("the member stopped sending")]
    Silent,
}

impl Content {
    /// The content of a member's answer; without a body the connection goes back at once.
    pub(crate) fn relay(
        body: Coming,
        upstream: Box<Upstream>,
        flight: Flight,
        client: Arc<Client>,
        silence_ms_max: Ms,
        is_endless: bool,
    ) -> Self {
        let now = client.now();
        if body.is_end_stream() {
            give_back(upstream, &flight, now);
            return Self::Whole(Bytes::new());
        }
        let upstream = Some(upstream);
        Self::Relayed(Relay { body, upstream, flight, client, moved: now, silence_ms_max, is_endless })
    }
}

fn give_back(upstream: Box<Upstream>, flight: &Flight, now: Ms) {
    // What was connected before the member fell is not trusted again.
    let member = flight.member();
    if member.is_up() && member.config.reuse {
        member.pool.put(upstream, now);
    }
}

impl Relay {
    fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        let Some(upstream) = &mut self.upstream else { return Poll::Ready(None) };
        match upstream.poll_body(&mut self.body, cx) {
            Poll::Pending if self.is_endless && self.client.is_leaving() => {
                // Its client connects again, to a web tier that stays.
                self.upstream = None;
                Poll::Ready(None)
            }
            Poll::Pending if self.client.now().saturating_sub(self.moved) >= self.silence_ms_max => {
                Poll::Ready(Some(Err(Interrupted::Silent)))
            }
            Poll::Pending => Poll::Pending,
            Poll::Ready(Some(Ok(frame))) => {
                self.moved = self.client.now();
                if self.body.is_end_stream() {
                    self.finish();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Poll::Ready(Some(Err(error))) => {
                self.flight.member().counts.failures.fetch_add(1, Ordering::Relaxed);
                // Nobody knows what would come next on it.
                self.upstream = None;
                Poll::Ready(Some(Err(Interrupted::Broken(error))))
            }
            Poll::Ready(None) => {
                self.finish();
                Poll::Ready(None)
            }
        }
    }

    fn finish(&mut self) {
        if let Some(upstream) = self.upstream.take() {
            give_back(upstream, &self.flight, self.client.now());
        }
    }
}

/// With AJP the word that this was all comes behind the body, and who has the whole body asks for no more: the connection is
/// kept all the same, and the pool looks whether that word has come.
impl Drop for Relay {
    fn drop(&mut self) {
        if self.body.is_all_there() {
            self.finish();
        }
    }
}

impl Answer {
    pub(crate) fn new(content: Content, mut record: Record) -> Self {
        let empty = matches!(&content, Content::Whole(bytes) if bytes.is_empty());
        record.complete = empty || record.method == Method::HEAD;
        Self { content, rest: Bytes::new(), record }
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        match &mut self.content {
            Content::Whole(bytes) if bytes.is_empty() => Poll::Ready(None),
            Content::Whole(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            Content::Relayed(relay) => relay.poll_frame(cx),
        }
    }

    /// The same in small parts, and the client's record is told of each.
    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        self.record.client.answer_asked();
        let polled = if self.rest.is_empty() {
            self.poll_content(cx)
        } else {
            Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.rest)))))
        };
        polled.map_ok(|frame| {
            self.record.client.answer_given();
            match frame.into_data() {
                Ok(mut part) => {
                    if part.len() > PART_BYTES {
                        self.rest = part.split_off(PART_BYTES);
                    }
                    Frame::data(part)
                }
                Err(frame) => frame,
            }
        })
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Interrupted;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Interrupted>>> {
        let polled = if self.record.client.is_http2() { self.poll_part(cx) } else { self.poll_content(cx) };
        match &polled {
            Poll::Pending => {}
            Poll::Ready(Some(Ok(frame))) => {
                self.record.bytes_out += frame.data_ref().map_or(0, Bytes::len) as u64;
                self.record.complete = self.is_end_stream();
            }
            Poll::Ready(Some(Err(error))) => self.record.cause = Some(error.to_string()),
            Poll::Ready(None) => self.record.complete = true,
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        let ended = match &self.content {
            Content::Whole(bytes) => bytes.is_empty(),
            Content::Relayed(relay) => relay.upstream.is_none(),
        };
        ended && self.rest.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.content {
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Relayed(relay) => relay.body.size_hint(),
        }
    }
}
