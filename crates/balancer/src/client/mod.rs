//! What one connection of a client is doing, and its socket, which tells.
//!
//! `server` makes a [`Client`] for each accepted connection; it is written from inside (socket, bodies, requests) and
//! judged by `patience` each time `connection` is polled.

mod stream;

use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use futures_util::task::AtomicWaker;
use http::HeaderValue;
use tokio::time::Instant;

use crate::listen::Scheme;
use crate::patience::{Ms, Phase, REST_AFTER_MS, Sight};
use crate::seal::Known;
use crate::tls::Agreed;
use crate::tunnel::Tunnel;

pub(crate) use stream::ClientStream;

/// "Not waiting" in the fields that say since when.
const NOT: Ms = Ms::MAX;

const IDLE: u8 = 0;
const HEAD: u8 = 1;
const BUSY: u8 = 2;
const TUNNEL: u8 = 3;

const STAYS: u8 = 0;
const LEAVES_GENTLY: u8 = 1;
const LEAVES: u8 = 2;

/// What is known of a client's connection. Relaxed atomics: all writers but `leave` run in the connection's
/// own task.
pub(crate) struct Client {
    pub(crate) started: Instant,
    /// Counts the connections of this server.
    pub(crate) number: u64,
    /// The client's address, as nodes are told it.
    pub(crate) address: HeaderValue,
    /// The same, to count by.
    pub(crate) peer: IpAddr,
    /// And its port.
    pub(crate) port: u16,
    /// Where it has reached us, if the system knows.
    pub(crate) local: Option<SocketAddr>,
    /// Whether it came by TLS.
    pub(crate) scheme: Scheme,
    /// The thread that serves it.
    pub(crate) lane: usize,
    /// What was agreed on with it.
    tls: OnceLock<Agreed>,
    /// The session that it shows.
    pub(crate) session: Known,
    now: AtomicU64,
    phase: AtomicU8,
    since: AtomicU64,
    upload_waits_since: AtomicU64,
    blocks_since: AtomicU64,
    /// Requests under way: several with HTTP/2 only.
    under_way: AtomicU32,
    is_http2: AtomicBool,
    /// HTTP/2 only: since when a head is incomplete.
    head_since: AtomicU64,
    /// HTTP/2 only: since when a part of the answer that is being polled has not been asked for after the one before.
    given_since: AtomicU64,
    leaving: AtomicU8,
    /// What the connection is for once HTTP is over on it. Boxed: hardly any connection has one.
    tunnel: Mutex<Option<Box<Tunnel>>>,
    pub(crate) waker: AtomicWaker,
}

/// What one request of an HTTP/2 connection waits for its client for.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Waits {
    upload_since: Ms,
    given_since: Ms,
}

impl Waits {
    pub(crate) const NONE: Self = Self { upload_since: NOT, given_since: NOT };

    /// Why it is given up, if it has waited too long.
    pub(crate) fn stalled(&self, now: Ms, stall_ms: Ms) -> Option<&'static str> {
        let over = |since: Ms| since != NOT && now >= since.saturating_add(stall_ms);
        if over(self.upload_since) {
            return Some("the client stopped sending its body");
        }
        over(self.given_since).then_some("the client stopped taking the answer")
    }
}

impl Client {
    /// `started`: when the server started, the origin of all times here.
    pub(crate) fn new(
        number: u64,
        peer: SocketAddr,
        local: Option<SocketAddr>,
        scheme: Scheme,
        lane: usize,
        started: Instant,
    ) -> Arc<Self> {
        let (peer, port) = (peer.ip().to_canonical(), peer.port());
        let address = peer.to_string();
        let client = Self {
            started,
            number,
            // An address is always a valid header value; the fallback only spares a panic path.
            peer,
            address: HeaderValue::try_from(address).unwrap_or_else(|_| HeaderValue::from_static("")),
            port,
            local,
            scheme,
            lane,
            tls: OnceLock::new(),
            session: Known::default(),
            now: AtomicU64::new(0),
            phase: AtomicU8::new(HEAD),
            since: AtomicU64::new(0),
            upload_waits_since: AtomicU64::new(NOT),
            blocks_since: AtomicU64::new(NOT),
            under_way: AtomicU32::new(0),
            is_http2: AtomicBool::new(false),
            head_since: AtomicU64::new(NOT),
            given_since: AtomicU64::new(NOT),
            leaving: AtomicU8::new(STAYS),
            tunnel: Mutex::new(None),
            waker: AtomicWaker::new(),
        };
        client.look_at_the_clock();
        client.since.store(client.now(), Ordering::Relaxed);
        Arc::new(client)
    }

    /// The time this connection's task was last polled: everything one poll does happens at one time, and a
    /// request asks for it a dozen times.
    pub(crate) fn now(&self) -> Ms {
        self.now.load(Ordering::Relaxed)
    }

    pub(crate) fn look_at_the_clock(&self) {
        let now = Ms::try_from(self.started.elapsed().as_millis()).unwrap_or(Ms::MAX);
        self.now.store(now, Ordering::Relaxed);
    }

    /// Ends the connection as soon as no request is under way on it.
    pub(crate) fn leave(&self) {
        self.leaving.store(LEAVES, Ordering::Release);
        self.waker.wake();
    }

    /// Ends the connection so that no client finds it closed under a request: after the next answer, which says so, or
    /// with HTTP/2 by saying at once which requests will be answered yet.
    pub(crate) fn leave_gently(&self) {
        let _ = self.leaving.compare_exchange(STAYS, LEAVES_GENTLY, Ordering::AcqRel, Ordering::Relaxed);
        self.waker.wake();
    }

    /// Whether the connection is to end.
    pub(crate) fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::Acquire) != STAYS
    }

    /// Whether it is to end even if its client is about to ask something.
    pub(crate) fn leaves_at_once(&self) -> bool {
        self.leaving.load(Ordering::Acquire) == LEAVES
    }

    /// Whether the answer is to say that it is the last one. HTTP/2 has a frame for that.
    pub(crate) fn leaves_after_this(&self) -> bool {
        self.leaving.load(Ordering::Relaxed) == LEAVES_GENTLY && !self.is_http2()
    }

    /// Since when it has been idle, if it is.
    pub(crate) fn idle_since(&self) -> Option<Ms> {
        let idle = self.phase.load(Ordering::Relaxed) == IDLE && !self.is_leaving();
        idle.then(|| self.since.load(Ordering::Relaxed))
    }

    /// Whether hyper need not have the connection until the client says something: it has been idle for a while, and the client has
    /// taken all it was sent.
    pub(crate) fn may_rest(&self) -> bool {
        let idle_for = self.idle_since().map(|since| self.now().saturating_sub(since));
        let is_blocked = self.blocks_since.load(Ordering::Relaxed) != NOT;
        idle_for.is_some_and(|ms| ms >= REST_AFTER_MS) && !is_blocked
    }

    pub(crate) fn is_secure(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// TLS was agreed on.
    pub(crate) fn agrees(&self, tls: Agreed) {
        // There is but one handshake.
        let _ = self.tls.set(tls);
    }

    /// What was agreed on, if it came by TLS.
    pub(crate) fn tls(&self) -> Option<&Agreed> {
        self.tls.get()
    }

    pub(crate) fn is_http2(&self) -> bool {
        self.is_http2.load(Ordering::Relaxed)
    }

    pub(crate) fn request_begins(&self) {
        self.under_way.store(self.under_way.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
        self.enter(BUSY);
    }

    pub(crate) fn request_ends(&self) {
        let under_way = self.under_way.load(Ordering::Relaxed).saturating_sub(1);
        self.under_way.store(under_way, Ordering::Relaxed);
        self.upload_waits_since.store(NOT, Ordering::Relaxed);
        if under_way == 0 {
            self.enter(IDLE);
        }
    }

    /// Keeps what is to follow when HTTP is over.
    pub(crate) fn keep(&self, tunnel: Tunnel) {
        *self.tunnel.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(tunnel));
    }

    /// What follows now that HTTP is over, if anything does.
    pub(crate) fn take_tunnel(&self) -> Option<Box<Tunnel>> {
        self.tunnel.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn tunnel_begins(&self) {
        self.enter(TUNNEL);
    }

    /// Changes what is known of the request that is polled for what is known of another one. HTTP/2 only.
    pub(crate) fn exchange_waits(&self, waits: Waits) -> Waits {
        let Waits { upload_since, given_since } = waits;
        let before = Waits {
            upload_since: self.upload_waits_since.load(Ordering::Relaxed),
            given_since: self.given_since.load(Ordering::Relaxed),
        };
        self.upload_waits_since.store(upload_since, Ordering::Relaxed);
        self.given_since.store(given_since, Ordering::Relaxed);
        before
    }

    /// HTTP/2 asks for the next part of an answer: the client has room for it.
    pub(crate) fn answer_asked(&self) {
        self.given_since.store(NOT, Ordering::Relaxed);
    }

    /// HTTP/2 was given a part of an answer.
    pub(crate) fn answer_given(&self) {
        self.given_since.store(self.now(), Ordering::Relaxed);
    }

    /// A body is awaited from the client.
    pub(crate) fn upload_waits(&self) {
        if self.upload_waits_since.load(Ordering::Relaxed) == NOT {
            self.upload_waits_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Something of the body came.
    pub(crate) fn upload_moves(&self) {
        self.upload_waits_since.store(NOT, Ordering::Relaxed);
    }

    fn enter(&self, phase: u8) {
        self.phase.store(phase, Ordering::Relaxed);
        self.since.store(self.now(), Ordering::Relaxed);
    }

    fn bytes_came(&self) {
        match self.phase.load(Ordering::Relaxed) {
            // Of HTTP/2 the frames say more.
            IDLE if !self.is_http2() => self.enter(HEAD),
            TUNNEL => self.enter(TUNNEL),
            _ => {}
        }
    }

    fn wrote(&self, blocks: bool) {
        let waits = self.blocks_since.load(Ordering::Relaxed) != NOT;
        if !blocks && waits {
            self.blocks_since.store(NOT, Ordering::Relaxed);
        } else if blocks && !waits {
            self.blocks_since.store(self.now(), Ordering::Relaxed);
        }
    }

    pub(crate) fn sight(&self) -> Sight {
        let since = |field: &AtomicU64| Some(field.load(Ordering::Relaxed)).filter(|since| *since != NOT);
        Sight {
            phase: match self.phase.load(Ordering::Relaxed) {
                IDLE => Phase::Idle,
                HEAD => Phase::Head,
                TUNNEL => Phase::Tunnel,
                _ => Phase::Busy,
            },
            since: self.since.load(Ordering::Relaxed),
            upload_waits_since: since(&self.upload_waits_since),
            client_blocks_since: since(&self.blocks_since),
            head_since: since(&self.head_since),
            leaving: self.leaves_at_once() || self.is_leaving() && self.is_http2(),
        }
    }
}
