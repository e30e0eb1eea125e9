//! Nodes of one cluster in this process, each with all that a node of `zebu serve` has: its membership in configdb, its end of the mesh
//! over TLS, its memory.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;
use zebu_app::{App, Clock, Identity, Membership, NodeConfig};
use zebu_cluster::authority::Authority;
use zebu_cluster::core::{Incarnation, Timing};
use zebu_cluster::mesh::Event;
use zebu_cluster::node::{Node, Outside, OverMesh, Progress};
use zebu_cluster::{Coherence, ScopeKey};

use crate::mesh::{node, now};
use crate::store::data;

/// Nodes that know each other and answer from memory.
pub(super) struct Nodes {
    pub(super) apps: Vec<Arc<App>>,
    pub(super) coherences: Vec<Coherence>,
    _running: Vec<Arc<Node>>,
}

/// The end of a mesh over TLS, for a node to send by.
pub(super) async fn mesh(
    authority: &Authority,
    name: &str,
    incarnation: &str,
    addresses: BTreeSet<SocketAddr>,
) -> (Arc<OverMesh>, mpsc::Receiver<Event>) {
    let (mesh, events) = node(authority, name, incarnation, false, addresses).await;
    (Arc::new(OverMesh::new(mesh)), events)
}

/// Waits until a node answers from memory.
pub(super) async fn caches(coherence: &Coherence) {
    const SCOPE: ScopeKey = ScopeKey { space: 1, kind: 1, id: 0 };
    while coherence.validity.token(SCOPE).is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

impl Nodes {
    /// Starts so many on a deployment that is there.
    pub(super) async fn start(configdb: &str, count: usize) -> Nodes {
        let dir = tempfile::tempdir().unwrap();
        let authority = Authority::create(dir.path(), "bench", now()).unwrap();
        let mut nodes = Nodes { apps: Vec::new(), coherences: Vec::new(), _running: Vec::new() };
        let mut addresses = BTreeSet::new();
        for number in 1..=count {
            let name = format!("OX-{number}");
            let mut config = data::config(configdb);
            config.node = NodeConfig { name: name.clone(), route: None, server: None };
            let identity = Identity::new(&config.node).unwrap();
            let membership =
                Membership::open(config.store.clone(), Clock::System, identity.clone()).await.unwrap();
            let (over, events) = mesh(&authority, &name, &identity.incarnation, addresses.clone()).await;
            addresses.extend(over.mesh().listen().iter().copied());
            let outside =
                Outside { transport: over.clone(), registry: membership.clone(), versions: membership };
            let life = Incarnation(u128::from_str_radix(&identity.incarnation, 16).unwrap());
            let node = Arc::new(Node::start(life, true, Timing::default(), Arc::default(), outside));
            let carried = Arc::clone(&node);
            tokio::spawn(async move { over.carry(events, carried).await });
            node.progress().wait_for(|progress| *progress == Progress::Joined).await.unwrap();
            let coherence = node.coherence();
            let app = App::open_as(identity, config, Clock::System, Some(coherence.clone())).await.unwrap();
            nodes.apps.push(app);
            nodes.coherences.push(coherence);
            nodes._running.push(node);
        }
        for coherence in &nodes.coherences {
            caches(coherence).await;
        }
        nodes
    }
}
