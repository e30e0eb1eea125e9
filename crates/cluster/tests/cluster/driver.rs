//! Nodes of the protocol over real connections: the driver, the mesh, and a registry in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::watch;
use zebu_cluster::authority::Name;
use zebu_cluster::core::{Incarnation, Listed, Timing, Version};
use zebu_cluster::mesh::{Mesh, Security, Settings, Tcp};
use zebu_cluster::node::{Node, Outside, OverMesh, Pending, Progress, Registry, Renewal, Versions};
use zebu_cluster::{Outcome, ScopeKey, Token, Validity};

use crate::mesh::{patient, until};

const SCOPE: ScopeKey = ScopeKey { space: 7, kind: 2, id: 0 };

/// Under which nothing runs out because a machine is slow.
const PATIENT: Timing = Timing {
    member_ttl_ms: 120_000,
    renew_every_ms: 500,
    lease_ms: 60_000,
    ask_every_ms: 500,
    drift_ms: 100,
};

#[derive(Debug, Default)]
struct Rows(Mutex<BTreeMap<Incarnation, u64>>);

impl Registry for Rows {
    fn renew(&self, me: Incarnation, attempt: u64, _: bool) -> Pending<'_, Renewal> {
        let mut rows = self.0.lock().unwrap();
        rows.insert(me, attempt);
        let listed = rows.iter().map(|(member, attempt)| Listed { member: *member, attempt: *attempt });
        let answer = Renewal::Members(listed.collect());
        Box::pin(async { Ok(answer) })
    }

    fn remove(&self, member: Incarnation, _: u64) -> Pending<'_, ()> {
        self.0.lock().unwrap().remove(&member);
        Box::pin(async { Ok(()) })
    }
}

impl Versions for Rows {
    fn locked(&self, _: ScopeKey) -> Pending<'_, Version> {
        Box::pin(async { Ok(Version(1)) })
    }
}

/// A node, with what must live as long as it does.
struct Member {
    node: Arc<Node>,
    address: SocketAddr,
    dial: watch::Sender<BTreeSet<SocketAddr>>,
}

impl Member {
    async fn start(name: &str, me: Incarnation, rows: &Arc<Rows>) -> Member {
        let settings = Settings {
            cluster: Name::new("cluster", "oxserver").unwrap(),
            node: Name::new("node", name).unwrap(),
            incarnation: me.to_string().into(),
            listen: vec!["127.0.0.1:0".parse().unwrap()],
            limits: patient(),
        };
        let (dial, addresses) = watch::channel(BTreeSet::new());
        let (_, registered) = watch::channel(Arc::default());
        let started = Mesh::start(settings, Security::Plain, Arc::new(Tcp), addresses, registered).await;
        let (mesh, events) = started.unwrap();
        let address = mesh.listen()[0];
        let transport = Arc::new(OverMesh::new(mesh));
        let outside = Outside {
            transport: Arc::clone(&transport) as _,
            registry: Arc::clone(rows) as _,
            versions: Arc::clone(rows) as _,
        };
        let node = Arc::new(Node::start(me, true, PATIENT, Arc::new(Validity::default()), outside));
        let told = Arc::clone(&node);
        tokio::spawn(async move { transport.carry(events, told).await });
        Member { node, address, dial }
    }

    fn has_joined(&self) -> bool {
        *self.node.progress().borrow() == Progress::Joined
    }

    fn token(&self) -> Option<Token> {
        self.node.coherence().validity.token(SCOPE)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_on_one_node_is_committed_when_the_other_remembers_nothing_of_its_scope() {
    let rows = Arc::new(Rows::default());
    let one = Member::start("OX-1", Incarnation(1), &rows).await;
    let two = Member::start("OX-2", Incarnation(2), &rows).await;
    one.dial.send_replace([two.address].into());
    until("both join", || one.has_joined() && two.has_joined()).await;
    until("each leases the other", || one.token().is_some() && two.token().is_some()).await;

    let mut write = one.node.coherence().announcer.announce(&[SCOPE]);
    write.may_commit().await.unwrap();
    assert_eq!((one.token(), two.token()), (None, None));
    write.ended(Outcome::Committed(5));
    until("both remember again", || one.token().is_some() && two.token().is_some()).await;
}
