//! A node of a test's mesh: what it was told, and what it tells.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::time::{interval, timeout};
use zebu_cluster::authority::{Authority, Credentials, Name};
use zebu_cluster::mesh::{Event, Expected, Limits, Mesh, Network, Security, Settings, Tcp};

/// For a condition to come true, on a machine that is busy with other things.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// Some day.
pub(crate) const NOW_MS: i64 = 1_795_651_200_000;

/// Waits until something holds.
pub(crate) async fn until(what: &str, holds: impl Fn() -> bool) {
    let looking = async {
        let mut ticks = interval(Duration::from_millis(2));
        while !holds() {
            ticks.tick().await;
        }
    };
    assert!(timeout(PATIENCE, looking).await.is_ok(), "{what}");
}

/// A cluster's CA, in a directory of its own.
pub(crate) struct Ca {
    dir: tempfile::TempDir,
    pub(crate) authority: Authority,
}

impl Ca {
    pub(crate) fn new(cluster: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create(dir.path(), cluster, NOW_MS).unwrap();
        Self { dir, authority }
    }

    pub(crate) fn file(&self, node: &str) -> PathBuf {
        self.authority.certify(node, None, None, NOW_MS).unwrap().path
    }

    /// The TLS of a node, for whom it is the time `now_ms`.
    pub(crate) fn tls_at(&self, node: &str, now_ms: i64) -> Security {
        let credentials = Credentials::open(&self.file(node), Arc::new(move || now_ms)).unwrap();
        Security::Tls(Arc::new(credentials))
    }

    pub(crate) fn tls(&self, node: &str) -> Security {
        self.tls_at(node, NOW_MS)
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }
}

/// Limits under which nothing breaks because a machine is slow.
pub(crate) fn patient() -> Limits {
    Limits {
        heartbeat: Duration::from_millis(20),
        dead: PATIENCE,
        connect: PATIENCE,
        handshake: PATIENCE,
        pause_min: Duration::from_millis(5),
        pause_max: Duration::from_millis(50),
        ..Limits::default()
    }
}

pub(crate) fn name(text: &str) -> Name {
    Name::new("name", text).unwrap()
}

/// A node.
pub(crate) struct Node {
    pub(crate) name: Name,
    pub(crate) mesh: Mesh,
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
    dial: watch::Sender<BTreeSet<SocketAddr>>,
    pub(crate) expected: watch::Sender<Arc<Vec<Expected>>>,
}

/// What a node is made with.
pub(crate) struct Make {
    pub(crate) cluster: &'static str,
    pub(crate) incarnation: &'static str,
    pub(crate) listen: SocketAddr,
    pub(crate) limits: Limits,
    pub(crate) network: Arc<dyn Network>,
}

impl Default for Make {
    fn default() -> Self {
        Self {
            cluster: "oxserver",
            incarnation: "first",
            listen: "127.0.0.1:0".parse().unwrap(),
            limits: patient(),
            network: Arc::new(Tcp),
        }
    }
}

impl Make {
    pub(crate) async fn node(self, node: &str, security: Security) -> Node {
        let settings = Settings {
            cluster: name(self.cluster),
            node: name(node),
            incarnation: self.incarnation.into(),
            listen: vec![self.listen],
            limits: self.limits,
        };
        let (dial, addresses) = watch::channel(BTreeSet::new());
        let (expected, registered) = watch::channel(Arc::default());
        let started = Mesh::start(settings, security, self.network, addresses, registered).await;
        let (mesh, mut told) = started.unwrap();
        let events = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&events);
        tokio::spawn(async move {
            while let Some(event) = told.recv().await {
                kept.lock().unwrap().push(event);
            }
        });
        Node { name: name(node), mesh, events, dial, expected }
    }
}

impl Node {
    pub(crate) fn address(&self) -> SocketAddr {
        self.mesh.listen()[0]
    }

    pub(crate) fn dials(&self, others: &[&Node]) {
        let all =
            others.iter().map(|node| node.address()).filter(|address| *address != self.address()).collect();
        self.dials_at(all);
    }

    pub(crate) fn dials_at(&self, addresses: BTreeSet<SocketAddr>) {
        self.dial.send_replace(addresses);
    }

    /// Names of those it is connected with.
    pub(crate) fn peers(&self) -> Vec<String> {
        self.mesh.status().peers.into_iter().map(|peer| peer.name).collect()
    }

    /// The number of the connection with somebody.
    pub(crate) fn connection(&self, with: &str) -> Option<u64> {
        let peers = self.mesh.status().peers;
        peers.into_iter().find(|peer| peer.name == with).map(|peer| peer.connection)
    }

    /// What it has against somebody, in its own words.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.mesh
            .status()
            .refused
            .into_iter()
            .map(|refused| format!("{}: {}", refused.whom, refused.reason))
            .collect()
    }

    pub(crate) async fn complains(&self, expected: &str) {
        let holds = || self.complaints().iter().any(|line| line.contains(expected));
        until(&format!("{} never said \"{expected}\"", self.name), holds).await;
    }

    /// Sends on the connection that stands.
    pub(crate) fn send(&self, to: &str, payload: impl Into<Bytes>) -> bool {
        let Some(connection) = self.connection(to) else { return false };
        self.mesh.send(&name(to), connection, payload.into()).is_ok()
    }

    /// How often it was connected, and disconnected.
    pub(crate) fn counts(&self) -> (usize, usize) {
        let events = self.events.lock().unwrap();
        let connected = events.iter().filter(|event| matches!(event, Event::Connected { .. })).count();
        let disconnected = events.iter().filter(|event| matches!(event, Event::Disconnected { .. })).count();
        (connected, disconnected)
    }
}
