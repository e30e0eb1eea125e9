//! Nodes that hang: they accept connections (the kernel does) and say nothing.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use zebu_balancer::{Config, MemberConfig};

use crate::node::{self, Node};
use crate::tier::{Tier, config, eventually, request};

/// A stopped process: the kernel completes connections, nobody reads them.
struct Stopped {
    _listener: TcpListener,
    member: MemberConfig,
}

fn stopped(route: &str) -> Stopped {
    let listener = node::listen(([127, 0, 0, 1], 0).into());
    let address = listener.local_addr().unwrap().to_string();
    Stopped { _listener: listener, member: MemberConfig::new(route, address) }
}

fn quick(nodes: &[&Node], stopped: &Stopped) -> Config {
    let mut config = Config { suspect_ms: 50, probe_timeout_ms: 50, ..config(nodes) };
    config.members.push(stopped.member.clone());
    config
}

#[tokio::test]
async fn a_silent_node_is_found_by_probes_and_its_reading_requests_move_on() {
    let (node, silent) = (Node::start("OX-1").await, stopped("OX-2"));
    let tier = Tier::with(quick(&[&node], &silent)).await;
    let answer = tier.get("/ajax/x", "JSESSIONID=1.OX-2").await;
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"OX-1"[..]));
    assert!(!tier.is_up("OX-2"));
    assert!(tier.snapshot().members[1].last_error.as_deref().unwrap().contains("silent"));
}

#[tokio::test]
async fn a_silent_node_may_have_done_what_changes_something() {
    let (node, silent) = (Node::start("OX-1").await, stopped("OX-2"));
    let tier = Tier::with(quick(&[&node], &silent)).await;
    let answer = tier.send(request("POST", "/infostore/x", "JSESSIONID=1.OX-2", "body")).await;
    assert_eq!(answer.status(), 502);
    assert!(std::str::from_utf8(answer.body()).unwrap().contains("WEB-0003"));
    assert_eq!(node.requests(), 0);
}

#[tokio::test]
async fn a_slow_request_on_a_live_node_is_left_alone() {
    let slow = Node::start_with("OX-1", |_| async {
        std::future::pending::<()>().await;
        node::text("")
    })
    .await;
    let other = Node::start("OX-2").await;
    let config = Config { suspect_ms: 50, probe_timeout_ms: 2_000, ..config(&[&slow, &other]) };
    let tier = Arc::new(Tier::with(config).await);
    let waiting = {
        let tier = tier.clone();
        tokio::spawn(async move { tier.get("/ajax/x", "JSESSIONID=1.OX-1").await })
    };
    eventually("it was probed several times", || slow.probes() >= 3).await;
    assert!(tier.is_up("OX-1"));
    assert!(!waiting.is_finished());
    assert_eq!(other.probes(), 0, "nobody asks a node that owes nothing");
    waiting.abort();
}

#[tokio::test]
async fn the_last_node_is_not_given_up_for_being_slow() {
    let silent = stopped("OX-1");
    let mut config = quick(&[], &silent);
    config.response_timeout_ms = 800;
    let tier = Tier::with(config).await;
    let answer = tier.get("/ajax/x", "").await;
    assert_eq!(answer.status(), 504);
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body["code"], "WEB-0004");
    assert!(tier.is_up("OX-1"));
}

#[tokio::test]
async fn a_node_that_cannot_be_reached_in_time_is_down() {
    // A listener whose queue is full answers no connect; the kernel drops the packets.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 1], 0).into()).unwrap();
    let listener = socket.listen(0).unwrap();
    let address = listener.local_addr().unwrap();
    let mut fillers = Vec::new();
    while let Ok(Ok(filler)) =
        tokio::time::timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address)).await
    {
        fillers.push(filler);
    }
    let node = Node::start("OX-1").await;
    let mut config = Config { connect_timeout_ms: 100, ..config(&[&node]) };
    config.members.push(MemberConfig::new("OX-2", address.to_string()));
    let tier = Tier::with(config).await;
    let answer = tier.send(request("POST", "/ajax/x", "JSESSIONID=1.OX-2", "body")).await;
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"OX-1"[..]));
    assert!(!tier.is_up("OX-2"));
}
