//! What a stranger or a sick member can cost: a bounded time, a bounded memory, and never anybody else's connection.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::AsyncWriteExt;
use zebu_cluster::mesh::{Broken, Event, Limits, NotSent, Security};

use super::node::{Ca, Make, Node, name, patient, until};
use super::raw::{Memory, Raw};

/// Why the last connection ended.
async fn broken(node: &Node) -> Broken {
    let last = || {
        let events = node.events.lock().unwrap();
        events.iter().rev().find_map(|event| match event {
            Event::Disconnected { why, .. } => Some(why.clone()),
            _ => None,
        })
    };
    until("the connection did not end", || last().is_some()).await;
    last().unwrap()
}

async fn plain(limits: Limits) -> Node {
    Make { limits, ..Make::default() }.node("OX-1", Security::Plain).await
}

#[tokio::test]
async fn a_member_that_stops_reading_is_cut_off_by_bytes_and_the_node_keeps_no_more_than_those() {
    const MAX: usize = 1024 * 1024;
    let one = plain(Limits { queue_bytes_max: MAX, ..patient() }).await;
    let _deaf = Raw::member(one.address(), "OX-2").await;
    until("it was not let in", || one.peers() == ["OX-2"]).await;
    let connection = one.connection("OX-2").unwrap();
    let payload = bytes::Bytes::from(vec![7; 64 * 1024]);
    let mut waiting_max = 0;
    // The kernel takes some megabytes before anything waits here.
    loop {
        match one.mesh.send(&name("OX-2"), connection, payload.clone()) {
            Ok(()) => {
                let status = one.mesh.status();
                waiting_max = waiting_max.max(status.peers.first().map_or(0, |peer| peer.queued_bytes));
                tokio::task::yield_now().await;
            }
            Err(error) => {
                assert_eq!(error, NotSent::Over);
                break;
            }
        }
    }
    assert!(waiting_max <= MAX, "{waiting_max}");
    assert!(matches!(broken(&one).await, Broken::Overflow { max: MAX, .. }));
    assert_eq!(one.counts(), (1, 1));
}

#[tokio::test]
async fn a_frame_above_the_limit_ends_the_connection_by_its_head_alone() {
    let one = plain(Limits { frame_bytes_max: 1_000, ..patient() }).await;
    let mut raw = Raw::member(one.address(), "OX-2").await;
    raw.0.write_all(&[0xff, 0xff, 0xff, 0x7f, 0]).await.unwrap();
    let why = broken(&one).await.to_string();
    assert_eq!(why, "it sent a frame of 2147483647 bytes, frame_bytes_max is 1000");
    raw.closed().await;
}

#[tokio::test]
async fn a_payload_above_the_limit_is_not_sent_and_the_connection_lives_on() {
    let one = plain(Limits { frame_bytes_max: 1_000, ..patient() }).await;
    let _raw = Raw::member(one.address(), "OX-2").await;
    until("it was not let in", || one.peers() == ["OX-2"]).await;
    let connection = one.connection("OX-2").unwrap();
    let send = |bytes: usize| one.mesh.send(&name("OX-2"), connection, vec![0; bytes].into());
    assert_eq!(send(1_001), Err(NotSent::TooLong { bytes: 1_001, max: 1_000 }));
    assert_eq!(send(1_000), Ok(()));
    assert_eq!(
        one.mesh.send(&name("OX-2"), connection + 1, "x".into()),
        Err(NotSent::Over),
        "of another connection"
    );
}

#[tokio::test]
async fn who_connects_and_says_nothing_is_closed_in_time_with_a_line() {
    let ca = Ca::new("oxserver");
    let limits = Limits { handshake: Duration::from_millis(200), ..patient() };
    let one = Make { limits, ..Make::default() }.node("OX-1", ca.tls("OX-1")).await;
    let mut silent = Raw::connect(one.address()).await;
    silent.closed().await;
    one.complains("127.0.0.1: it connected and did not say who it is within 200 ms").await;
}

#[tokio::test]
async fn above_the_number_of_handshakes_the_oldest_is_closed_and_a_member_still_comes_in() {
    let ca = Ca::new("oxserver");
    // Far longer than the test waits: only the number can close it.
    let limits = Limits { handshakes_max: 3, handshake: Duration::from_secs(3_600), ..patient() };
    let one = Make { limits, ..Make::default() }.node("OX-1", ca.tls("OX-1")).await;
    let mut silent = Vec::new();
    for _ in 0..3 {
        silent.push(Raw::connect(one.address()).await);
    }
    let two = Make::default().node("OX-2", ca.tls("OX-2")).await;
    two.dials(&[&one]);
    until("the member was kept out", || one.peers() == ["OX-2"]).await;
    silent[0].closed().await;
}

/// A node on a network of memory and a clock that runs as fast as everybody waits.
async fn in_memory() -> (Node, tokio::sync::mpsc::UnboundedSender<zebu_cluster::mesh::Stream>) {
    let (memory, incoming) = Memory::new();
    let limits = Limits { heartbeat: Duration::from_millis(500), dead: Duration::from_secs(2), ..patient() };
    let make = Make { limits, network: Arc::new(memory), ..Make::default() };
    (make.node("OX-1", Security::Plain).await, incoming)
}

#[tokio::test(start_paused = true)]
async fn a_silent_member_is_cut_off_after_the_limit_and_before_another_heartbeat() {
    let (one, incoming) = in_memory().await;
    let mut silent = Raw::member_by(&incoming, "OX-2").await;
    assert!(matches!(broken(&one).await, Broken::Silent { ms } if (2_000..=2_500).contains(&ms)));
    silent.closed().await;
    assert_eq!(one.counts(), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_member_that_sends_but_answers_no_ping_is_cut_off() {
    let (one, incoming) = in_memory().await;
    let mut talker = Raw::member_by(&incoming, "OX-2").await;
    let mut ticks = tokio::time::interval(Duration::from_millis(100));
    while one.counts().1 == 0 {
        ticks.tick().await;
        // It may have been closed just now.
        let _ = talker.0.write_all(&[1, 0, 0, 0, 0, b'x']).await;
    }
    assert!(matches!(broken(&one).await, Broken::Unanswered { ms } if (6_000..=6_500).contains(&ms)));
}

#[tokio::test]
async fn a_node_beyond_reach_is_said_once_and_tried_on() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    // A loopback address of its own, so that nobody else gets the port meanwhile.
    let listen = "127.67.80.1:0".parse().unwrap();
    let two = Make { listen, ..Make::default() }.node("OX-2", ca.tls("OX-2")).await;
    let address = two.address();
    two.mesh.stop().await;
    one.dials_at([address].into());
    let tried = || {
        one.mesh
            .status()
            .refused
            .iter()
            .any(|refused| refused.whom == address.to_string() && refused.times > 3)
    };
    until("it was not tried again", tried).await;
    let again = Make { listen: address, ..Make::default() }.node("OX-2", ca.tls("OX-2")).await;
    until("it was not found when it came", || again.peers() == ["OX-1"]).await;
    until("what is well is still complained of", || one.complaints().is_empty()).await;
}
