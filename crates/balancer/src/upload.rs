//! A request's body on its way from the client to a member: streamed, never stored.
//!
//! `forward` makes one [`Source`] a request with a body and an [`Upload`] of it each attempt; hyper's
//! connection to the member polls it. With `Expect: 100-continue` nothing is taken from the client until the
//! member asks for it, so a member that refuses costs no upload and a member that died leaves the body whole
//! for the next one.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;

use crate::client::Client;
use crate::patience::Ms;

/// How long to wait for `100 Continue` before sending the body anyway: the member may not know the
/// expectation (RFC 9110 §10.1.1).
const CONTINUE_WAIT_MS: Ms = 1_000;

/// What is sent to a member as the body of one attempt.
#[derive(Debug)]
pub(crate) struct Upload(Option<Arc<Source>>);

/// The client's body.
pub(crate) struct Source {
    client: Arc<Client>,
    state: Mutex<State>,
    taken_bytes: AtomicU64,
}

struct State {
    body: Incoming,
    gate: Gate,
    broken: Option<String>,
}

/// Whether the body may be taken from the client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// Until the member says `100 Continue`, at the latest at this time.
    Until(Ms),
    /// The member has answered without the body: it is not wanted any more.
    Shut,
}

impl Upload {
    /// No body.
    pub(crate) fn none() -> Self {
        Self(None)
    }

    pub(crate) fn of(source: Arc<Source>) -> Self {
        Self(Some(source))
    }

    /// The member has asked for it.
    pub(crate) fn release(&self) {
        if let Some(source) = &self.0 {
            source.release();
        }
    }
}

impl Source {
    pub(crate) fn new(body: Incoming, client: Arc<Client>) -> Arc<Self> {
        let state = Mutex::new(State { body, gate: Gate::Open, broken: None });
        Arc::new(Self { client, state, taken_bytes: AtomicU64::new(0) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Holds the body back until the member asks for it.
    pub(crate) fn await_continue(&self) {
        self.state().gate = Gate::Until(self.client.now() + CONTINUE_WAIT_MS);
    }

    /// The member asked for the body.
    pub(crate) fn release(&self) {
        let mut state = self.state();
        if matches!(state.gate, Gate::Until(_)) {
            state.gate = Gate::Open;
        }
    }

    /// The member has answered: a body still held back is not wanted.
    pub(crate) fn answered(&self) {
        let mut state = self.state();
        if matches!(state.gate, Gate::Until(_)) {
            state.gate = Gate::Shut;
        }
    }

    /// Bytes taken from the client; once there are any, the body cannot be sent again.
    pub(crate) fn taken_bytes(&self) -> u64 {
        self.taken_bytes.load(Ordering::Relaxed)
    }

    /// Why the client's body broke off, if it did.
    pub(crate) fn broken(&self) -> Option<String> {
        self.state().broken.clone()
    }

    fn size_hint(&self) -> SizeHint {
        self.state().body.size_hint()
    }

    fn is_at_end(&self) -> bool {
        self.state().body.is_end_stream()
    }

    /// Whether the length is known before the body ends; if not it is sent in chunks.
    pub(crate) fn has_length(&self) -> bool {
        self.size_hint().exact().is_some()
    }

    fn poll_frame(&self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let mut state = self.state();
        match state.gate {
            Gate::Open => {}
            Gate::Shut => return Poll::Pending,
            // No timer: a connection with a request under way is polled every tick.
            Gate::Until(at) if self.client.now() < at => return Poll::Pending,
            Gate::Until(_) => state.gate = Gate::Open,
        }
        let polled = Pin::new(&mut state.body).poll_frame(cx);
        match &polled {
            Poll::Pending => self.client.upload_waits(),
            Poll::Ready(frame) => {
                self.client.upload_moves();
                match frame {
                    Some(Ok(frame)) => {
                        let bytes = frame.data_ref().map_or(0, Bytes::len);
                        self.taken_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
                    }
                    Some(Err(error)) => state.broken = Some(error.to_string()),
                    None => {}
                }
            }
        }
        polled
    }
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Source").field("taken_bytes", &self.taken_bytes()).finish_non_exhaustive()
    }
}

impl Body for Upload {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        match &self.0 {
            Some(source) => source.poll_frame(cx),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(|source| source.is_at_end())
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map_or_else(|| SizeHint::with_exact(0), |source| source.size_hint())
    }
}
