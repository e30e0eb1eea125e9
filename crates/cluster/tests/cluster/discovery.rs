//! Nodes that find each other by beacons, by names and by the registry, over real sockets.

use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use zebu_cluster::authority::Name;
use zebu_cluster::discovery::{Announcement, Discovery, Found, Keys, Kind, Multicast, Own, resolver};
use zebu_cluster::mesh::{Event, Expected, Mesh, Security, Settings, Tcp};

use crate::mesh::{Ca, NOW_MS, patient, until};

struct Node {
    mesh: Mesh,
    _discovery: Discovery,
    _events: tokio::sync::mpsc::Receiver<Event>,
    expected: watch::Sender<Arc<Vec<Expected>>>,
}

fn name(text: &str) -> Name {
    Name::new("name", text).unwrap()
}

async fn node(node: &str, security: Security, kind: Kind) -> Node {
    let settings = Settings {
        cluster: name("oxserver"),
        node: name(node),
        incarnation: "first".into(),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        limits: patient(),
    };
    let (found, addresses) = Found::new();
    let (expected, registered) = watch::channel(Arc::default());
    let started = Mesh::start(settings, security.clone(), Arc::new(Tcp), addresses, registered.clone()).await;
    let (mesh, _events) = started.unwrap();
    let own = Announcement {
        cluster: name("oxserver"),
        node: name(node),
        incarnation: "first".into(),
        addresses: mesh.listen().to_vec(),
    };
    let keys = Keys::of(&security, &name("oxserver"));
    let own = Own { announcement: own, serves: tokio::sync::watch::channel(None).1 };
    let _discovery =
        Discovery::start(kind, own, keys, Arc::new(|| NOW_MS), resolver(), found, registered).unwrap();
    Node { mesh, _discovery, _events, expected }
}

async fn meet(one: &Node, other: &Node) {
    let peers = |node: &Node| node.mesh.status().peers.len();
    until("they never found each other", || peers(one) == 1 && peers(other) == 1).await;
}

/// A port that is free, kept so for those who share it.
fn shared_port(group: &str) -> (UdpSocket, u16) {
    let any: IpAddr = if group.contains(':') { "::".parse().unwrap() } else { "0.0.0.0".parse().unwrap() };
    let domain = if any.is_ipv6() { socket2::Domain::IPV6 } else { socket2::Domain::IPV4 };
    let socket = socket2::Socket::new(domain, socket2::Type::DGRAM, None).unwrap();
    socket.set_reuse_address(true).unwrap();
    if any.is_ipv6() {
        socket.set_only_v6(true).unwrap();
    }
    socket.bind(&SocketAddr::new(any, 0).into()).unwrap();
    let socket: UdpSocket = socket.into();
    let port = socket.local_addr().unwrap().port();
    (socket, port)
}

fn multicast(group: &str, interface: &str, port: u16) -> Kind {
    Kind::Multicast(Multicast {
        group: group.parse().unwrap(),
        port,
        interface: interface.to_owned(),
        ttl: 1,
        loopback: true,
        reuse_address: true,
        every: Duration::from_millis(50),
    })
}

async fn nodes_find_each_other_on(group: &str, interface: &str) {
    let ca = Ca::new("oxserver");
    let (_kept, port) = shared_port(group);
    let one = node("OX-1", ca.tls("OX-1"), multicast(group, interface, port)).await;
    let two = node("OX-2", ca.tls("OX-2"), multicast(group, interface, port)).await;
    meet(&one, &two).await;
}

#[tokio::test]
async fn nodes_find_each_other_by_beacons_to_all_hosts() {
    nodes_find_each_other_on("224.0.0.1", "127.0.0.1").await;
}

#[tokio::test]
async fn nodes_find_each_other_by_beacons_to_a_group_of_their_own() {
    nodes_find_each_other_on("239.255.67.80", "127.0.0.1").await;
}

/// An interface that can do IPv6 multicast, which the loopback interface cannot: the first with a link-local address.
fn interface_of_ipv6() -> Option<String> {
    let lines = std::fs::read_to_string("/proc/net/if_inet6").unwrap();
    let mut words = lines.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
    words.find(|words| words[3] == "20").map(|words| words[5].to_owned())
}

/// With a TTL of 0, so that nothing leaves this machine. Where it has no such interface, the loopback's is refused by the kernel at
/// each beacon, and the nodes meet by the registry all the same.
#[tokio::test]
async fn nodes_find_each_other_by_beacons_on_ipv6() {
    let ca = Ca::new("oxserver");
    let (_kept, port) = shared_port("ff02::6780");
    let found = interface_of_ipv6();
    let kind = || {
        let Kind::Multicast(group) = multicast("ff02::6780", found.as_deref().unwrap_or("lo"), port) else {
            unreachable!()
        };
        Kind::Multicast(Multicast { ttl: 0, ..group })
    };
    let one = node("OX-1", ca.tls("OX-1"), kind()).await;
    let two = node("OX-2", ca.tls("OX-2"), kind()).await;
    if found.is_none() {
        let address = Some(one.mesh.listen()[0]);
        let member = Expected { name: name("OX-1"), incarnation: "first".into(), address };
        two.expected.send_replace(Arc::new(vec![member]));
    }
    meet(&one, &two).await;
}

#[tokio::test]
async fn a_beacon_of_another_ca_leads_to_no_dialling() {
    let (ours, theirs) = (Ca::new("oxserver"), Ca::new("oxserver"));
    let (_kept, port) = shared_port("239.255.67.80");
    let group = || multicast("239.255.67.80", "127.0.0.1", port);
    let one = node("OX-1", ours.tls("OX-1"), group()).await;
    let two = node("OX-2", ours.tls("OX-2"), group()).await;
    let stranger = node("OX-3", theirs.tls("OX-3"), group()).await;
    // When these have met, the stranger has been heard many times.
    meet(&one, &two).await;
    let third = node("OX-4", ours.tls("OX-4"), group()).await;
    until("the third never came", || third.mesh.status().peers.len() == 2).await;
    assert!(stranger.mesh.status().peers.is_empty());
    assert!(
        one.mesh.status().refused.is_empty() && stranger.mesh.status().refused.is_empty(),
        "nobody dialled"
    );
}

#[tokio::test]
async fn nodes_find_each_other_by_a_list_of_names() {
    let ca = Ca::new("oxserver");
    let one = node("OX-1", ca.tls("OX-1"), Kind::Registry).await;
    let port = one.mesh.listen()[0].port();
    let peers = vec![format!("localhost:{port}"), "no-such-host.invalid:1".to_owned()];
    let kind = Kind::Peers { peers, every: Duration::from_millis(100) };
    let two = node("OX-2", ca.tls("OX-2"), kind).await;
    meet(&one, &two).await;
}

#[tokio::test]
async fn nodes_find_each_other_by_the_registry() {
    let ca = Ca::new("oxserver");
    let one = node("OX-1", ca.tls("OX-1"), Kind::Registry).await;
    let two = node("OX-2", ca.tls("OX-2"), Kind::Registry).await;
    let address = Some(one.mesh.listen()[0]);
    let member = |node: &str, address| Expected { name: name(node), incarnation: "first".into(), address };
    two.expected.send_replace(Arc::new(vec![member("OX-1", address), member("OX-2", None)]));
    meet(&one, &two).await;
    assert!(two.mesh.status().missing.is_empty());
}
