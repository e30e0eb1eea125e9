//! The bodies of requests and answers.
//!
//! A request's body is read in pieces, never whole unless it has a small limit; somebody who stops sending is given up
//! after a while. An answer's body is either bytes at hand or a stream.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http::HeaderMap;
use http::header::EXPECT;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Body as HttpBody, Frame, SizeHint};
use tokio::time::timeout;
use zebu_app::Result;
use zebu_model::Refusal;

use crate::ajp::Fed;
use crate::drain::Counted;

/// A failure while an answer's body is made; it ends the connection, so that nobody takes a part for the whole.
pub(crate) type StreamError = Box<dyn std::error::Error + Send + Sync>;

/// The body of an answer.
pub(crate) type Outgoing = UnsyncBoxBody<Bytes, StreamError>;

/// No body.
pub(crate) fn empty() -> Outgoing {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

/// Bytes at hand.
pub(crate) fn full(bytes: impl Into<Bytes>) -> Outgoing {
    Full::new(bytes.into()).map_err(|never| match never {}).boxed_unsync()
}

/// A stream.
pub(crate) fn streamed<S>(stream: S) -> Outgoing
where
    S: Stream<Item = std::result::Result<Bytes, StreamError>> + Send + 'static,
{
    StreamBody::new(stream.map(|piece| piece.map(Frame::data))).boxed_unsync()
}

/// What arrives with a request, whatever protocol carries it.
#[derive(Debug)]
pub(crate) enum Incoming {
    /// Nothing.
    Empty,
    Http(hyper::body::Incoming),
    Ajp(Fed),
}

impl HttpBody for Incoming {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<std::result::Result<Frame<Bytes>, StreamError>>> {
        match self.get_mut() {
            Incoming::Empty => Poll::Ready(None),
            Incoming::Http(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
            Incoming::Ajp(body) => Pin::new(body).poll_frame(cx).map_err(Into::into),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Incoming::Empty => true,
            Incoming::Http(body) => body.is_end_stream(),
            Incoming::Ajp(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Incoming::Empty => SizeHint::with_exact(0),
            Incoming::Http(body) => body.size_hint(),
            Incoming::Ajp(body) => body.size_hint(),
        }
    }
}

/// How long an answer that came before the end of the request waits for the rest of it, in all. As in other servers:
/// somebody who is still sending does not look for an answer yet.
const LINGER: Duration = Duration::from_secs(20);

/// The body of a request.
#[derive(Debug)]
pub(crate) struct Body {
    // Taken out only when this is dropped.
    incoming: Option<Incoming>,
    stall: Duration,
    /// Whether the client sends without being asked to (`Expect: 100-continue` waits until the first piece is read).
    is_sent: bool,
    /// As long as there is more to come.
    counted: Option<Counted>,
}

impl Body {
    pub(crate) fn new(incoming: Incoming, headers: &HeaderMap, stall: Duration) -> Body {
        Body { incoming: Some(incoming), stall, is_sent: !headers.contains_key(EXPECT), counted: None }
    }

    /// The same, counted until its end.
    pub(crate) fn counted(mut self, counted: Option<Counted>) -> Body {
        self.counted = counted;
        self
    }

    /// Whether it is known to be empty.
    pub(crate) fn is_empty(&self) -> bool {
        self.incoming.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    /// The next piece, `None` at the end. Refused if it breaks off or stalls.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>> {
        let Some(incoming) = &mut self.incoming else { return Ok(None) };
        self.is_sent = true;
        loop {
            let Ok(frame) = timeout(self.stall, incoming.frame()).await else {
                return Err(broken("it did not arrive in time"));
            };
            match frame {
                None => {
                    self.counted = None;
                    return Ok(None);
                }
                Some(Err(_)) => return Err(broken("it ended early")),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(bytes) if !bytes.is_empty() => return Ok(Some(bytes)),
                    // Trailers and empty pieces say nothing to us.
                    _ => {}
                },
            }
        }
    }

    /// All of it, refused (`SVL-0016`) above the limit: at once if its length was announced.
    pub(crate) async fn collect(&mut self, limit_bytes: u64) -> Result<Vec<u8>> {
        let too_large = || Refusal::BodyTooLarge { limit_bytes };
        if self.incoming.as_ref().is_some_and(|incoming| incoming.size_hint().lower() > limit_bytes) {
            return Err(too_large().into());
        }
        let mut all = Vec::new();
        while let Some(piece) = self.next().await? {
            if (all.len() + piece.len()) as u64 > limit_bytes {
                return Err(too_large().into());
            }
            all.extend_from_slice(&piece);
        }
        Ok(all)
    }

    /// Its pieces as a stream that is never ready twice in a row: a consumer that buffers as long as there is more
    /// (multer does) holds one piece, not the whole body.
    pub(crate) fn stream(&mut self) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::unfold(Some(self), |body| async {
            let body = body?;
            tokio::task::yield_now().await;
            match body.next().await {
                Ok(Some(piece)) => Some((Ok(piece), Some(body))),
                Ok(None) => None,
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}

impl Drop for Body {
    /// What nobody wants is read all the same, for a while: to close on somebody who is still sending would make the
    /// system throw our answer away with the rest.
    fn drop(&mut self) {
        let unread = self.incoming.take().filter(|incoming| self.is_sent && !incoming.is_end_stream());
        // By AJP nothing is sent that was not asked for, and its connection looks after the rest.
        let unread = unread.and_then(|incoming| match incoming {
            Incoming::Http(incoming) => Some(incoming),
            Incoming::Ajp(_) | Incoming::Empty => None,
        });
        if let (Some(mut incoming), Ok(runtime)) = (unread, tokio::runtime::Handle::try_current()) {
            let rest = async move { while incoming.frame().await.is_some_and(|frame| frame.is_ok()) {} };
            // After that it may close: whoever sends so slowly had time to look.
            runtime.spawn(async { timeout(LINGER, rest).await.unwrap_or_default() });
        }
    }
}

fn broken(reason: &str) -> zebu_app::Error {
    Refusal::BodyInvalid { reason: reason.to_owned() }.into()
}
