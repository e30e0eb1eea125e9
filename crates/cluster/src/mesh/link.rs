//! A connection that lives: reads frames and passes them on in order, writes what waits in as few writes as possible, pings, and
//! ends for one reason that is told once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::{AsyncReadExt, AsyncWriteExt, ReadHalf, WriteHalf, split};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout};

use super::frame::{Decoder, Frame};
use super::network::Stream;
use super::peers::Candidate;
use super::queue::Queue;
use super::settings::Limits;
use super::status::PeerStatus;
use super::{Broken, Event};
use crate::authority::Name;

/// How long a goodbye may take.
const BYE_MAX: Duration = Duration::from_millis(500);
/// A buffer of more bytes is given back after a write, rather than kept.
const BUFFER_BYTES_KEPT: usize = 256 * 1024;
/// How long the slowest ping is remembered at least, µs.
const SLOWEST_KEPT_US: u64 = 60_000_000;
/// Pings go unanswered for so many times the time of silence before the connection is ended.
const UNANSWERED_FACTOR: u32 = 3;

/// What is known of a connection while it stands.
pub(super) struct Live {
    pub(super) peer: Name,
    pub(super) incarnation: Arc<str>,
    pub(super) address: SocketAddr,
    pub(super) connection: u64,
    dialled: bool,
    since: Instant,
    pub(super) queue: Queue,
    sent: AtomicU64,
    received: AtomicU64,
    /// Age at which something was last heard, and a ping last answered, µs.
    heard_us: AtomicU64,
    answered_us: AtomicU64,
    round_trip_us: AtomicU64,
    /// The slowest of this minute and of the one before, and when this one began, µs.
    slowest: [AtomicU64; 3],
    /// A write was begun and not finished: whatever is written next would be taken for the rest of a frame.
    writing: AtomicBool,
    limits: Limits,
}

impl Live {
    pub(super) fn new(candidate: &Candidate, connection: u64, limits: &Limits) -> Self {
        Self {
            peer: candidate.hello.node.clone(),
            incarnation: Arc::clone(&candidate.hello.incarnation),
            address: candidate.address,
            connection,
            dialled: candidate.dialled,
            since: Instant::now(),
            queue: Queue::new(limits.queue_bytes_max),
            sent: AtomicU64::new(0),
            received: AtomicU64::new(0),
            heard_us: AtomicU64::new(0),
            answered_us: AtomicU64::new(0),
            round_trip_us: AtomicU64::new(0),
            slowest: Default::default(),
            writing: AtomicBool::new(false),
            limits: limits.clone(),
        }
    }

    /// How long it stands, µs.
    pub(super) fn age_us(&self) -> u64 {
        u64::try_from(self.since.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Puts a payload in line.
    pub(super) fn send(&self, frame: &Frame) -> bool {
        let sent = self.queue.push(frame);
        if sent {
            self.sent.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    /// How it does.
    pub(super) fn status(&self) -> PeerStatus {
        let known = |us: u64| (us > 0).then_some(us);
        let [now, before, _] = &self.slowest;
        PeerStatus {
            name: self.peer.to_string(),
            incarnation: self.incarnation.to_string(),
            address: self.address,
            connection: self.connection,
            dialled: self.dialled,
            for_ms: self.age_us() / 1_000,
            round_trip_us: known(self.round_trip_us.load(Ordering::Relaxed)),
            round_trip_us_max: known(now.load(Ordering::Relaxed).max(before.load(Ordering::Relaxed))),
            sent: self.sent.load(Ordering::Relaxed),
            received: self.received.load(Ordering::Relaxed),
            queued_bytes: self.queue.bytes(),
        }
    }

    /// Runs the connection to its end, telling of both.
    pub(super) async fn run(&self, stream: Stream, events: &mpsc::Sender<Event>) -> Broken {
        let connected = Event::Connected {
            peer: self.peer.clone(),
            incarnation: Arc::clone(&self.incarnation),
            connection: self.connection,
            address: self.address,
        };
        // Who dropped the other end of the channel is about to drop the mesh.
        let _ = events.send(connected).await;
        let (from, mut to) = split(stream);
        let why = tokio::select! {
            why = self.read(from, events) => why,
            why = self.write(&mut to) => why,
            why = self.beat() => why,
            why = self.queue.closed() => why,
        };
        self.queue.close(why.clone());
        let _ = timeout(BYE_MAX, self.farewell(&mut to, &why)).await;
        drop(to);
        let disconnected =
            Event::Disconnected { peer: self.peer.clone(), connection: self.connection, why: why.clone() };
        let _ = events.send(disconnected).await;
        why
    }

    async fn read(&self, mut from: ReadHalf<Stream>, events: &mpsc::Sender<Event>) -> Broken {
        let mut decoder = Decoder::new(self.limits.frame_bytes_max);
        loop {
            match decoder.next() {
                Ok(Some(Frame::Payload(payload))) => {
                    self.received.fetch_add(1, Ordering::Relaxed);
                    let event =
                        Event::Received { peer: self.peer.clone(), connection: self.connection, payload };
                    let _ = events.send(event).await;
                }
                Ok(Some(Frame::Ping(number))) => {
                    self.queue.push(&Frame::Pong(number));
                }
                Ok(Some(Frame::Pong(number))) => self.pong(number),
                Ok(Some(Frame::Bye(reason))) => return Broken::Bye(reason),
                Ok(None) => match from.read_buf(&mut decoder.arrived).await {
                    Ok(0) => return Broken::Closed,
                    Ok(_) => self.heard_us.store(self.age_us(), Ordering::Relaxed),
                    Err(error) => return broken(&error),
                },
                Err(malformed) => return Broken::Malformed(malformed.to_string()),
            }
        }
    }

    async fn write(&self, to: &mut WriteHalf<Stream>) -> Broken {
        let mut out = BytesMut::new();
        loop {
            self.queue.take(&mut out).await;
            self.writing.store(true, Ordering::Relaxed);
            if let Err(error) = write(to, &out).await {
                return broken(&error);
            }
            self.writing.store(false, Ordering::Relaxed);
            out.clear();
            if out.capacity() > BUFFER_BYTES_KEPT {
                out = BytesMut::new();
            }
        }
    }

    /// Pings, and ends when nothing is heard or no ping is answered.
    async fn beat(&self) -> Broken {
        let mut ticks = interval(self.limits.heartbeat);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = self.age_us();
            let silent = since(now, &self.heard_us);
            if silent > self.limits.dead {
                return Broken::Silent { ms: ms(silent) };
            }
            let unanswered = since(now, &self.answered_us);
            if unanswered > self.limits.dead * UNANSWERED_FACTOR {
                return Broken::Unanswered { ms: ms(unanswered) };
            }
            self.queue.push(&Frame::Ping(now));
        }
    }

    /// Says why, where the other end can still hear it, and closes.
    async fn farewell(&self, to: &mut WriteHalf<Stream>, why: &Broken) -> std::io::Result<()> {
        let heard =
            matches!(why, Broken::Malformed(_) | Broken::Replaced | Broken::NewLife | Broken::Stopped);
        if heard && !self.writing.load(Ordering::Relaxed) {
            let mut out = BytesMut::new();
            Frame::Bye(why.to_string()).put(&mut out);
            write(to, &out).await?;
        }
        to.shutdown().await
    }

    fn pong(&self, number: u64) {
        let now = self.age_us();
        // A number that was never sent says nothing.
        let Some(took) = now.checked_sub(number) else { return };
        let took = took.max(1);
        self.answered_us.store(now, Ordering::Relaxed);
        let before = self.round_trip_us.load(Ordering::Relaxed);
        let smoothed = if before == 0 { took } else { before - before / 8 + took / 8 };
        self.round_trip_us.store(smoothed.max(1), Ordering::Relaxed);
        let [current, previous, began] = &self.slowest;
        if now.saturating_sub(began.load(Ordering::Relaxed)) > SLOWEST_KEPT_US {
            previous.store(current.swap(0, Ordering::Relaxed), Ordering::Relaxed);
            began.store(now, Ordering::Relaxed);
        }
        current.fetch_max(took, Ordering::Relaxed);
    }
}

async fn write(to: &mut WriteHalf<Stream>, out: &[u8]) -> std::io::Result<()> {
    to.write_all(out).await?;
    to.flush().await
}

fn broken(error: &std::io::Error) -> Broken {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => Broken::Closed,
        _ => Broken::Io(super::secure::in_words(error).1),
    }
}

fn since(now_us: u64, at: &AtomicU64) -> Duration {
    Duration::from_micros(now_us.saturating_sub(at.load(Ordering::Relaxed)))
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
