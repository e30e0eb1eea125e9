//! Web tiers that hear of nodes without beacons, over real sockets.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use zebu_cluster::discovery::{AllServing, Asking, Kind, Resolve, Serves, Watcher, resolver, tell};
use zebu_cluster::mesh::{Expected, Limits, Security, Tcp};

use crate::mesh::{Ca, Make, Node, name, patient, until};

/// A node and what it serves.
struct Serving {
    node: Arc<Node>,
    serves: watch::Sender<Option<Serves>>,
    registered: watch::Sender<Arc<Vec<Expected>>>,
}

impl Serving {
    async fn start(node: &str, security: Security) -> Self {
        let node = Arc::new(Make::default().node(node, security).await);
        let (serves, told) = watch::channel(None);
        let (registered, expected) = watch::channel(Arc::default());
        let telling = Arc::clone(&node);
        tokio::spawn(tell(node.name.clone(), told, expected, move |bytes| telling.mesh.tell(bytes)));
        Self { node, serves, registered }
    }

    fn serve(&self, http: &str) {
        let (route, http) = (self.node.name.as_str().into(), http.parse().unwrap());
        self.serves.send_replace(Some(Serves { route, http, ajp: None }));
    }

    fn know(&self, others: &[&Serving]) {
        let expected = |other: &&Serving| Expected {
            name: other.node.name.clone(),
            incarnation: "first".into(),
            address: Some(other.node.address()),
        };
        self.registered.send_replace(Arc::new(others.iter().map(expected).collect()));
    }

    fn place(&self) -> String {
        self.node.address().to_string()
    }
}

/// A web tier's search.
struct Web {
    _watcher: Watcher,
    seen: watch::Receiver<AllServing>,
    registered: watch::Sender<Arc<Vec<Expected>>>,
}

impl Web {
    fn looks_at(places: &[String], security: Security, limits: Limits) -> Self {
        let every = Duration::from_secs(1);
        Self::start(Kind::Peers { peers: places.to_vec(), every }, security, limits, resolver(), Vec::new())
    }

    fn start(kind: Kind, security: Security, limits: Limits, resolve: Resolve, own: Vec<SocketAddr>) -> Self {
        let (registered, expected) = watch::channel(Arc::default());
        let network = Arc::new(Tcp);
        let asking =
            Asking { cluster: name("oxserver"), name: name("web-1"), security, network, limits, own };
        let (_watcher, seen) = Watcher::start(asking, kind, resolve, expected);
        Self { _watcher, seen, registered }
    }

    async fn sees(&self, expected: &[&str]) {
        let seen = || {
            let all = self.seen.borrow();
            all.iter().map(|one| format!("{} {}", one.route, one.http)).collect::<Vec<_>>() == expected
        };
        until(&format!("it never saw {expected:?} but {:?}", self.seen.borrow()), seen).await;
    }
}

#[tokio::test]
async fn one_node_that_answers_is_enough_to_hear_of_all_and_nobody_takes_a_web_tier_for_a_member() {
    let ca = Ca::new("oxserver");
    let one = Serving::start("OX-1", ca.tls("OX-1")).await;
    let two = Serving::start("OX-2", ca.tls("OX-2")).await;
    one.serve("0.0.0.0:8090");
    two.serve("192.0.2.2:8090");
    let nowhere = "127.0.0.1:1".to_owned();
    let web = Web::looks_at(&[nowhere, one.place()], ca.tls("web-1"), patient());
    // All zeros stand for the address at which it was asked.
    web.sees(&["OX-1 127.0.0.1:8090"]).await;
    one.know(&[&one, &two]);
    web.sees(&["OX-1 127.0.0.1:8090", "OX-2 192.0.2.2:8090"]).await;
    one.serves.send_replace(None);
    web.sees(&["OX-2 192.0.2.2:8090"]).await;
    one.serve("192.0.2.1:8090");
    web.sees(&["OX-1 192.0.2.1:8090", "OX-2 192.0.2.2:8090"]).await;
    assert_eq!((one.node.peers(), one.node.counts()), (Vec::new(), (0, 0)));
    assert_eq!(one.node.complaints(), Vec::<String>::new());
}

#[tokio::test]
async fn the_registry_alone_will_do_and_who_is_cut_off_is_forgotten_after_ten_silences() {
    let ca = Ca::new("oxserver");
    let one = Serving::start("OX-1", ca.tls("OX-1")).await;
    let two = Serving::start("OX-2", ca.tls("OX-2")).await;
    one.serve("192.0.2.1:8090");
    two.serve("192.0.2.2:8090");
    let limits = Limits { dead: Duration::from_millis(300), ..patient() };
    let web = Web::start(Kind::Registry, ca.tls("web-1"), limits, resolver(), Vec::new());
    one.know(&[&one, &two]);
    web.registered.send_replace(Arc::clone(&one.registered.borrow()));
    web.sees(&["OX-1 192.0.2.1:8090", "OX-2 192.0.2.2:8090"]).await;
    // Its word has not been taken back.
    two.node.mesh.stop().await;
    web.sees(&["OX-1 192.0.2.1:8090"]).await;
}

#[tokio::test]
async fn a_web_tier_beside_a_node_hears_it_though_nobody_names_it() {
    let ca = Ca::new("oxserver");
    let one = Serving::start("OX-1", ca.tls("OX-1")).await;
    one.serve("127.0.0.1:8090");
    let own = vec![SocketAddr::from(([0, 0, 0, 0], one.node.address().port()))];
    // With the node's own file.
    let (registered, expected) = watch::channel(Arc::default());
    let asking = Asking {
        cluster: name("oxserver"),
        name: name("OX-1"),
        security: ca.tls("OX-1"),
        network: Arc::new(Tcp),
        limits: patient(),
        own,
    };
    let (_watcher, seen) = Watcher::start(asking, Kind::Registry, resolver(), expected);
    let web = Web { _watcher, seen, registered };
    web.sees(&["OX-1 127.0.0.1:8090"]).await;
}

#[tokio::test]
async fn who_has_no_file_of_the_cluster_is_told_nothing_and_believes_nobody() {
    let (ours, theirs) = (Ca::new("oxserver"), Ca::new("oxserver"));
    let one = Serving::start("OX-1", ours.tls("OX-1")).await;
    one.serve("192.0.2.1:8090");
    let stranger = Web::looks_at(&[one.place()], theirs.tls("web-1"), patient());
    let wrong_name = Web::looks_at(&[one.place()], ours.tls("web-2"), patient());
    // Who claims another name than its file's is told why.
    one.node.complains("it says it is web-1, its certificate is of web-2").await;
    let refused = || one.node.complaints().iter().any(|line| line.contains("certificate"));
    until("the stranger never came", refused).await;
    let good = Web::looks_at(&[one.place()], ours.tls("web-1"), patient());
    good.sees(&["OX-1 192.0.2.1:8090"]).await;
    assert!(stranger.seen.borrow().is_empty() && wrong_name.seen.borrow().is_empty());
}

#[tokio::test]
async fn another_cluster_refuses_with_its_name() {
    let other = Make { cluster: "another", ..Make::default() }.node("OX-1", Security::Plain).await;
    other.mesh.tell(vec![0, 0, 0].into());
    let web = Web::looks_at(&[other.address().to_string()], Security::Plain, patient());
    // The web tier sees it first and says so to the node.
    other.complains("it refuses this node: it is of cluster another, web-1 is of cluster oxserver").await;
    assert!(web.seen.borrow().is_empty());
}
