//! Nodes of the protocol over the mesh. The registry is this process's memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use zebu_cluster::authority::Authority;
use zebu_cluster::core::{Incarnation, Listed, Timing, Version};
use zebu_cluster::node::{Node, Outside, Pending, Progress, Registry, Renewal, Versions};
use zebu_cluster::{Coherence, Outcome, ScopeKey, Token};

use super::super::nodes::{caches, mesh};
use super::super::relay::{Relay, Target};
use super::{Done, Ground, NODES, Way};
use crate::mesh::now;

const SCOPE: ScopeKey = ScopeKey { space: 1, kind: 3, id: 7 };

#[derive(Debug, Default)]
struct Rows(Mutex<BTreeMap<Incarnation, u64>>);

impl Registry for Rows {
    fn renew(&self, me: Incarnation, attempt: u64, register: bool) -> Pending<'_, Renewal> {
        Box::pin(async move {
            let mut rows = self.0.lock().unwrap();
            if !register && !rows.contains_key(&me) {
                return Ok(Renewal::Gone);
            }
            rows.insert(me, attempt);
            let listed = rows.iter().map(|(member, attempt)| Listed { member: *member, attempt: *attempt });
            Ok(Renewal::Members(listed.collect()))
        })
    }

    fn remove(&self, member: Incarnation, attempt: u64) -> Pending<'_, ()> {
        Box::pin(async move {
            let mut rows = self.0.lock().unwrap();
            if rows.get(&member).is_some_and(|has| *has <= attempt) {
                rows.remove(&member);
            }
            Ok(())
        })
    }
}

impl Versions for Rows {
    fn locked(&self, _: ScopeKey) -> Pending<'_, Version> {
        Box::pin(async { Ok(Version(0)) })
    }
}

pub(super) struct Zebu {
    coherences: Vec<Coherence>,
    kept: Vec<Mutex<Option<(Token, u64)>>>,
    obeyed: Mutex<Vec<Duration>>,
    wires: Vec<Relay>,
    _nodes: Vec<Arc<Node>>,
}

/// The last node reaches the others through wires that can be held and cut.
pub(super) async fn start() -> Zebu {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::create(dir.path(), "bench", now()).unwrap();
    let rows = Arc::new(Rows::default());
    let (mut addresses, mut wires, mut nodes) = (BTreeSet::new(), Vec::new(), Vec::new());
    for number in 1..=NODES {
        if number == NODES {
            for address in std::mem::take(&mut addresses) {
                wires.push(Relay::start(Target::Tcp(address)).await);
            }
            addresses = wires.iter().map(|wire| wire.address).collect();
        }
        let life = Incarnation(number as u128);
        let (over, events) =
            mesh(&authority, &format!("OX-{number}"), &life.to_string(), addresses.clone()).await;
        addresses.extend(over.mesh().listen().iter().copied());
        let outside = Outside { transport: over.clone(), registry: rows.clone(), versions: rows.clone() };
        let node = Arc::new(Node::start(life, true, Timing::default(), Arc::default(), outside));
        let carried = Arc::clone(&node);
        tokio::spawn(async move { over.carry(events, carried).await });
        node.progress().wait_for(|progress| *progress == Progress::Joined).await.unwrap();
        nodes.push(node);
    }
    let coherences: Vec<Coherence> = nodes.iter().map(|node| node.coherence()).collect();
    for coherence in &coherences {
        caches(coherence).await;
    }
    let kept = coherences.iter().map(|_| Mutex::default()).collect();
    Zebu { coherences, kept, obeyed: Mutex::default(), wires, _nodes: nodes }
}

impl Way for Zebu {
    fn write<'a>(&'a self, ground: &'a Ground, value: u64) -> Done<'a> {
        Box::pin(async move {
            let asked = Instant::now();
            let mut write = self.coherences[0].announcer.announce(&[SCOPE]);
            write.may_commit().await.unwrap();
            self.obeyed.lock().unwrap().push(asked.elapsed());
            ground.value.store(value, Ordering::SeqCst);
            write.ended(Outcome::Committed(i64::try_from(value).unwrap()));
        })
    }

    fn read(&self, ground: &Ground, node: usize) -> u64 {
        let validity = &self.coherences[node].validity;
        let mut kept = self.kept[node].lock().unwrap();
        if let Some((token, value)) = *kept
            && validity.stands(SCOPE, token)
        {
            return value;
        }
        let token = validity.token(SCOPE);
        let value = ground.value.load(Ordering::SeqCst);
        *kept = token.map(|token| (token, value));
        value
    }

    fn obeyed(&self) -> Vec<Duration> {
        self.obeyed.lock().unwrap().clone()
    }

    fn wires(&self) -> &[Relay] {
        &self.wires
    }
}
