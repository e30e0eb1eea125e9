//! Draining: what a node that is to stop, or to rest, still has, and the word by which everybody goes elsewhere.
//!
//! Called by the binary while a node serves. It must never close a connection: whoever comes all the same is answered.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::Response;
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, SizeHint};

use crate::body::{Outgoing, StreamError};
use crate::door::Bolt;
use crate::resting::Rests;
use crate::server::Service;

/// What a listener has under way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Left {
    /// Requests that are being answered, but for streams; uploads are among them.
    pub requests: u32,
    /// Streams of events.
    pub streams: u32,
    /// Requests whose body still arrives.
    pub uploads: u32,
}

impl Left {
    /// Whether there is nothing.
    #[must_use]
    pub fn is_nothing(self) -> bool {
        self == Left::default()
    }

    /// Of two listeners together.
    #[must_use]
    pub fn and(self, other: Left) -> Left {
        Left {
            requests: self.requests.saturating_add(other.requests),
            streams: self.streams.saturating_add(other.streams),
            uploads: self.uploads.saturating_add(other.uploads),
        }
    }
}

/// A hold on a listener that serves: has it drain, and tells what it has left.
#[derive(Clone, Debug)]
pub struct Drain {
    service: Arc<Service>,
    /// Of a listener for AJP13.
    bolt: Option<Arc<Bolt>>,
}

impl Drain {
    pub(crate) fn new(service: Arc<Service>, bolt: Option<Arc<Bolt>>) -> Drain {
        Drain { service, bolt }
    }

    /// From now on each answer says that it is the last on its connection and that the node drains; streams end, and their
    /// clients go on elsewhere; `/health/ready` answers 503.
    pub fn begin(&self) {
        self.service.drain(true);
    }

    /// Takes that back.
    pub fn undo(&self) {
        self.service.drain(false);
    }

    /// Has a listener for AJP13 refuse connections, or take them again; one for HTTP goes on taking them. To be done before it begins
    /// to drain: whoever hears that a connection has had its last answer makes a new one at once.
    pub fn refuse_connections(&self, refuses: bool) {
        if let Some(bolt) = &self.bolt {
            bolt.close(refuses);
        }
    }

    /// Whether a web server that speaks AJP13 may still leave it alone, because it refused a connection before it listened (again).
    #[must_use]
    pub fn is_left_alone(&self) -> bool {
        self.bolt.as_ref().is_some_and(|bolt| bolt.is_left_alone())
    }

    /// What is under way.
    #[must_use]
    pub fn left(&self) -> Left {
        self.service.left()
    }
}

/// The counts behind [`Left`].
#[derive(Debug, Default)]
pub(crate) struct Tally {
    answering: AtomicU32,
    sending: AtomicU32,
    streams: AtomicU32,
    uploads: AtomicU32,
}

/// What is counted.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// A request without the head of its answer.
    Answering,
    /// An answer whose body is on its way.
    Sending,
    Stream,
    Upload,
}

/// One thing that is counted, until dropped.
#[derive(Debug)]
pub(crate) struct Counted(Arc<Tally>, Kind);

impl Tally {
    fn of(&self, kind: Kind) -> &AtomicU32 {
        match kind {
            Kind::Answering => &self.answering,
            Kind::Sending => &self.sending,
            Kind::Stream => &self.streams,
            Kind::Upload => &self.uploads,
        }
    }

    pub(crate) fn count(self: &Arc<Self>, kind: Kind) -> Counted {
        self.of(kind).fetch_add(1, Ordering::Relaxed);
        Counted(Arc::clone(self), kind)
    }

    /// Requests without the head of their answer.
    pub(crate) fn answering(&self) -> u32 {
        self.answering.load(Ordering::Relaxed)
    }

    pub(crate) fn left(&self) -> Left {
        let of = |kind| self.of(kind).load(Ordering::Relaxed);
        Left {
            requests: of(Kind::Answering).saturating_add(of(Kind::Sending)),
            streams: of(Kind::Stream),
            uploads: of(Kind::Upload),
        }
    }

    /// Counts an answer until its body is sent or given up.
    pub(crate) fn follow(self: &Arc<Self>, response: Response<Outgoing>) -> Response<Outgoing> {
        if response.body().is_end_stream() {
            return response;
        }
        let kind = match response.extensions().get::<Rests>() {
            Some(_) => Kind::Stream,
            None => Kind::Sending,
        };
        let counted = self.count(kind);
        response.map(|body| Followed { body, _counted: counted }.boxed_unsync())
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.of(self.1).fetch_sub(1, Ordering::Relaxed);
    }
}

/// A body that is counted as long as it is there.
struct Followed {
    body: Outgoing,
    _counted: Counted,
}

impl Body for Followed {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use futures_util::stream;

    use super::*;
    use crate::body;

    #[test]
    fn an_answer_is_counted_until_its_body_has_gone_and_one_without_a_body_never() {
        let tally = Arc::new(Tally::default());
        let left = |requests, streams, uploads| Left { requests, streams, uploads };
        drop(tally.follow(Response::new(body::empty())));
        assert_eq!(tally.left(), Left::default());
        let whole = tally.follow(Response::new(body::full("abc")));
        assert_eq!((tally.left(), whole.body().size_hint().exact()), (left(1, 0, 0), Some(3)));
        let mut resting = Response::new(body::streamed(stream::pending()));
        resting.extensions_mut().insert(Rests);
        let resting = tally.follow(resting);
        let upload = tally.count(Kind::Upload);
        assert_eq!(tally.left(), left(1, 1, 1));
        let both = tally.left().and(left(1, 2, 3));
        assert_eq!(both, left(2, 3, 4));
        drop((whole, resting, upload));
        assert!(tally.left().is_nothing());
    }
}
