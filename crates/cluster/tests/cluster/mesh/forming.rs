//! Nodes that find each other: everybody with everybody, once.

use std::sync::Arc;

use super::node::{Ca, Make, Node, name, until};
use zebu_cluster::authority::{Credentials, Identity};
use zebu_cluster::mesh::{Event, Expected, Security};

async fn form(ca: &Ca, count: usize) -> Vec<Node> {
    let mut nodes = Vec::new();
    for number in 1..=count {
        let node = format!("OX-{number}");
        nodes.push(Make::default().node(&node, ca.tls(&node)).await);
    }
    nodes
}

async fn whole(nodes: &[Node]) {
    until("the mesh never was whole", || nodes.iter().all(|node| node.peers().len() == nodes.len() - 1))
        .await;
}

#[tokio::test]
async fn five_nodes_form_a_full_mesh_with_one_connection_a_pair() {
    let ca = Ca::new("oxserver");
    let nodes = form(&ca, 5).await;

    for node in &nodes {
        node.dials(&nodes.iter().collect::<Vec<_>>());
    }
    whole(&nodes).await;
    for node in &nodes {
        assert_eq!(node.counts().0, 4, "{}: one connection a pair", node.name);
        assert!(node.mesh.status().encrypted);
    }
    let (one, other) = (&nodes[0], &nodes[4]);
    assert!(one.send("OX-5", "hello"));
    let arrived = || {
        let events = other.events.lock().unwrap();
        events.iter().any(|event| matches!(event, Event::Received { peer, payload, .. } if *peer == one.name && payload == "hello"))
    };
    until("the frame never arrived", arrived).await;
    let timed = || one.mesh.status().peers.iter().all(|peer| peer.round_trip_us.is_some());
    until("no round trip was measured", timed).await;
}

#[tokio::test]
async fn two_nodes_that_dial_each_other_at_once_have_one_connection() {
    let ca = Ca::new("oxserver");
    for round in 0..10 {
        let nodes = form(&ca, 2).await;
        nodes[0].dials(&[&nodes[1]]);
        nodes[1].dials(&[&nodes[0]]);
        whole(&nodes).await;
        // Frames both ways: both ends mean the same connection.
        assert!(nodes[0].send("OX-2", "a") && nodes[1].send("OX-1", "b"));
        for node in &nodes {
            let received =
                || node.events.lock().unwrap().iter().any(|event| matches!(event, Event::Received { .. }));
            until("a frame never arrived", received).await;
            assert_eq!(node.counts(), (1, 0), "round {round}, {}", node.name);
        }
    }
}

#[tokio::test]
async fn nodes_meet_on_ipv6() {
    let ca = Ca::new("oxserver");
    let listen = "[::1]:0".parse().unwrap();
    let one = Make { listen, ..Make::default() }.node("OX-1", ca.tls("OX-1")).await;
    let two = Make { listen, ..Make::default() }.node("OX-2", ca.tls("OX-2")).await;
    two.dials(&[&one]);
    until("they never met", || one.peers() == ["OX-2"] && two.peers() == ["OX-1"]).await;
    assert!(one.mesh.status().peers[0].address.is_ipv6());
}

#[tokio::test]
async fn nodes_meet_without_certificates_where_the_operator_said_so() {
    let one = Make::default().node("OX-1", Security::Plain).await;
    let two = Make::default().node("OX-2", Security::Plain).await;
    one.dials(&[&two]);
    two.dials(&[&one]);
    until("they never met", || one.peers() == ["OX-2"] && two.peers() == ["OX-1"]).await;
    assert_eq!((one.counts(), two.counts()), ((1, 0), (1, 0)));
    assert!(!one.mesh.status().encrypted);
}

#[tokio::test]
async fn a_node_that_dials_itself_stays_quiet() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    let two = Make::default().node("OX-2", ca.tls("OX-2")).await;
    one.dials_at([one.address(), two.address()].into());
    until("they never met", || one.peers() == ["OX-2"]).await;
    assert_eq!(one.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn who_stops_says_goodbye_behind_what_it_sent_and_comes_back_as_a_new_life() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    // A loopback address of its own, so that nobody else gets the port meanwhile.
    let listen = "127.67.80.2:0".parse().unwrap();
    let two = Make { listen, ..Make::default() }.node("OX-2", ca.tls("OX-2")).await;
    let address = two.address();
    one.dials_at([address].into());
    until("they never met", || two.peers() == ["OX-1"] && one.peers() == ["OX-2"]).await;
    let first = one.connection("OX-2").unwrap();
    for _ in 0..100 {
        assert!(two.send("OX-1", "last words"));
    }
    two.mesh.stop().await;
    until("nobody noticed", || one.peers().is_empty()).await;
    let received =
        one.events.lock().unwrap().iter().filter(|event| matches!(event, Event::Received { .. })).count();
    assert_eq!(received, 100, "what was sent before the goodbye has arrived");
    let again = Make { incarnation: "second", listen: address, ..Make::default() };
    let again = again.node("OX-2", ca.tls("OX-2")).await;
    until("it was not let in again", || again.peers() == ["OX-1"] && one.peers() == ["OX-2"]).await;
    assert!(one.connection("OX-2").unwrap() > first);
}

#[tokio::test]
async fn a_newer_life_takes_the_place_of_the_older_which_is_told_of_first_and_never_let_in_again() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    let old = Make::default().node("OX-2", ca.tls("OX-2")).await;
    old.dials(&[&one]);
    until("they never met", || one.peers() == ["OX-2"]).await;
    let new = Make { incarnation: "second", ..Make::default() }.node("OX-2", ca.tls("OX-2")).await;
    new.dials(&[&one]);
    until("the new life was not let in", || new.peers() == ["OX-1"]).await;
    old.complains("a newer life of it has been here").await;
    let told: Vec<(bool, u64)> = one
        .events
        .lock()
        .unwrap()
        .iter()
        .filter_map(|event| match event {
            Event::Connected { connection, .. } => Some((true, *connection)),
            Event::Disconnected { connection, .. } => Some((false, *connection)),
            Event::Received { .. } => None,
        })
        .collect();
    assert_eq!(told, [(true, 1), (false, 1), (true, 2)]);
    assert_eq!(new.counts(), (1, 0));
}

#[tokio::test]
async fn who_is_registered_and_not_there_is_on_the_list_of_the_missing() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    let two = Make::default().node("OX-2", ca.tls("OX-2")).await;
    let member = |node: &str, address| Expected { name: name(node), incarnation: "first".into(), address };
    let registered = vec![member("OX-1", None), member("OX-2", None), member("OX-3", Some(two.address()))];
    one.expected.send_replace(Arc::new(registered));
    one.dials(&[&two]);
    let missing =
        || one.mesh.status().missing.into_iter().map(|one| (one.name, one.address)).collect::<Vec<_>>();
    until("nobody is missed", || missing() == [("OX-3".to_owned(), Some(two.address()))]).await;
}

#[tokio::test]
async fn a_node_takes_up_a_new_file_without_a_restart_and_a_bad_one_leaves_it_alone() {
    let mut ca = Ca::new("oxserver");
    let path = ca.file("OX-1");
    let credentials = Credentials::open(&path, Arc::new(|| super::node::NOW_MS)).unwrap();
    let before = credentials.identity().certificate().clone();
    ca.authority.rotate(super::node::NOW_MS).unwrap();
    ca.file("OX-1");
    credentials.refresh();
    let after = credentials.identity();
    assert_ne!(after.certificate(), &before);
    assert_eq!(after.trusted().len(), 2);
    // Another node's file in its place is not taken for it.
    std::fs::rename(ca.file("OX-2"), &path).unwrap();
    assert_eq!(Identity::read(&path).unwrap().node().as_str(), "OX-2");
    credentials.refresh();
    assert_eq!(credentials.identity().certificate(), after.certificate());
    std::fs::write(ca.dir().join("OX-1.pem"), "damaged").unwrap();
    credentials.refresh();
    assert_eq!(credentials.identity().certificate(), after.certificate());
}

#[tokio::test]
async fn a_node_that_begins_a_new_life_is_connected_anew_under_it() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    let two = Make::default().node("OX-2", ca.tls("OX-2")).await;
    one.dials(&[&two]);
    two.dials(&[&one]);
    until("they never met", || one.peers() == ["OX-2"] && two.peers() == ["OX-1"]).await;
    one.mesh.begin_life("second".into());
    let lives =
        |node: &Node| node.mesh.status().peers.into_iter().map(|peer| peer.incarnation).collect::<Vec<_>>();
    until("they never met again", || lives(&two) == ["second"] && lives(&one) == ["first"]).await;
    let connections = || (one.connection("OX-2"), two.connection("OX-1"));
    until("the numbers did not grow", || connections() >= (Some(2), Some(2))).await;
}
