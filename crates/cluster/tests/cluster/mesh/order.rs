//! Frames under breaks: of each connection what arrived is the beginning of what was sent, in order, nothing twice; and each
//! connection is told of once, from its start to its end.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zebu_cluster::mesh::{Event, Later, Listener, Network, Stream, Tcp};

use super::node::{Ca, Make, Node, until};

/// TCP whose connections can be cut, all that were opened until then.
#[derive(Clone, Default)]
struct Cuttable(Arc<AtomicU64>);

struct Cut {
    inner: Stream,
    cuts: Arc<AtomicU64>,
    opened_at: u64,
}

impl Network for Cuttable {
    fn listen(&self, address: SocketAddr) -> Later<'_, Box<dyn Listener>> {
        Tcp.listen(address)
    }

    fn connect(&self, address: SocketAddr) -> Later<'_, Stream> {
        Box::pin(async move {
            let inner = Tcp.connect(address).await?;
            let cuts = Arc::clone(&self.0);
            let opened_at = cuts.load(Ordering::SeqCst);
            Ok(Box::new(Cut { inner, cuts, opened_at }) as Stream)
        })
    }
}

impl Cut {
    fn check(&self) -> io::Result<()> {
        let whole = self.cuts.load(Ordering::SeqCst) == self.opened_at;
        if whole { Ok(()) } else { Err(io::ErrorKind::ConnectionReset.into()) }
    }
}

impl AsyncRead for Cut {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_read(cx, buf)
    }
}

impl AsyncWrite for Cut {
    /// A few bytes at a time, so that a cut falls into the middle of frames.
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.check()?;
        let some = &buf[..buf.len().min(977)];
        Pin::new(&mut self.inner).poll_write(cx, some)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.check()?;
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}

/// What one node sent: by its own number of the connection, how many.
type Sent = BTreeMap<u64, u64>;

fn send_some(from: &Node, to: &str, sent: &mut Sent) {
    let Some(connection) = from.connection(to) else { return };
    for _ in 0..50 {
        let next = sent.entry(connection).or_default();
        let payload = format!("{connection} {next} {}", "x".repeat((*next % 300) as usize));
        if from.mesh.send(&super::node::name(to), connection, payload.into()).is_err() {
            return;
        }
        *next += 1;
    }
}

/// Checks what a node was told, and answers how many frames it got by the sender's number of the connection.
fn check(told: &[Event], sent: &Sent) -> BTreeMap<u64, u64> {
    let (mut stands, mut highest) = (None, 0);
    let mut received: BTreeMap<u64, u64> = BTreeMap::new();
    let mut belongs = BTreeMap::new();
    for event in told {
        match event {
            Event::Connected { connection, .. } => {
                assert_eq!(stands, None, "connected twice");
                assert!(*connection > highest, "a number was used again");
                (stands, highest) = (Some(*connection), *connection);
            }
            Event::Disconnected { connection, .. } => {
                assert_eq!(stands.take(), Some(*connection), "the end of what does not stand");
            }
            Event::Received { connection, payload, .. } => {
                assert_eq!(stands, Some(*connection), "a frame of a connection that does not stand");
                let text = std::str::from_utf8(payload).unwrap();
                let mut words = text.split(' ');
                let theirs: u64 = words.next().unwrap().parse().unwrap();
                let number: u64 = words.next().unwrap().parse().unwrap();
                assert_eq!(words.next().unwrap().len() as u64, number % 300, "a frame was damaged");
                assert_eq!(
                    *belongs.entry(*connection).or_insert(theirs),
                    theirs,
                    "a frame of another connection"
                );
                let next = received.entry(theirs).or_default();
                assert_eq!(number, *next, "a frame was lost, doubled or out of order");
                *next += 1;
            }
        }
    }
    for (connection, count) in &received {
        assert!(sent.get(connection).is_some_and(|sent| sent >= count), "more than was sent");
    }
    received
}

#[tokio::test]
async fn whatever_breaks_frames_arrive_in_order_and_none_is_lost_inside_a_connection() {
    let ca = Ca::new("oxserver");
    let network = Cuttable::default();
    let make = || Make { network: Arc::new(network.clone()), ..Make::default() };
    let (one, two) = (make().node("OX-1", ca.tls("OX-1")).await, make().node("OX-2", ca.tls("OX-2")).await);
    one.dials(&[&two]);
    two.dials(&[&one]);
    let (mut from_one, mut from_two) = (Sent::new(), Sent::new());
    for round in 0..12 {
        until("they never met", || one.peers() == ["OX-2"] && two.peers() == ["OX-1"]).await;
        for _ in 0..20 {
            send_some(&one, "OX-2", &mut from_one);
            send_some(&two, "OX-1", &mut from_two);
            tokio::task::yield_now().await;
        }
        let before = one.counts().1;
        network.0.fetch_add(1, Ordering::SeqCst);
        until(&format!("the cut of round {round} was not noticed"), || one.counts().1 > before).await;
    }
    until("they never met again", || one.connection("OX-2").is_some() && two.connection("OX-1").is_some())
        .await;
    send_some(&one, "OX-2", &mut from_one);
    let (last, count) = from_one.last_key_value().map(|(last, count)| (*last, *count)).unwrap();
    assert_eq!(one.connection("OX-2"), Some(last));
    let complete = || check(&two.events.lock().unwrap(), &from_one).get(&last) == Some(&count);
    until("frames of a connection that stands did not all arrive", complete).await;
    check(&one.events.lock().unwrap(), &from_two);
    let (connected, disconnected) = one.counts();
    assert!(connected >= 13 && connected == disconnected + 1, "{connected} {disconnected}");
}
