//! The network, the registry and the nodes of a test.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::{Instant, advance};

use crate::core::{Connection, Incarnation, Listed, Timing, Version};
use crate::node::{Node, Outside, Pending, Progress, Registry, Renewal, Transport, Versions};
use crate::{Announced, Coherence, ScopeKey, Token, Validity};

pub(super) const SCOPE: ScopeKey = ScopeKey { space: 7, kind: 2, id: 0 };

/// What a node is told by the network.
#[derive(Debug)]
enum Told {
    Connected(Incarnation, Connection),
    Received(Incarnation, Connection, Bytes),
    Disconnected(Incarnation, Connection),
}

#[derive(Debug, Default)]
struct Wires {
    nodes: BTreeMap<Incarnation, mpsc::UnboundedSender<Told>>,
    ends: BTreeMap<Connection, [Incarnation; 2]>,
    last: u64,
    /// Whatever is sent from or to them is lost, and nobody hears of it.
    deaf: Vec<Incarnation>,
}

impl Wires {
    /// Connects a new node with all others.
    fn add(&mut self, node: Incarnation, channel: mpsc::UnboundedSender<Told>) {
        let others: Vec<_> = self.nodes.keys().copied().collect();
        self.nodes.insert(node, channel);
        others.into_iter().for_each(|other| self.connect(node, other));
    }

    fn connect(&mut self, one: Incarnation, two: Incarnation) {
        self.last += 1;
        let connection = Connection(self.last);
        self.ends.insert(connection, [one, two]);
        self.tell(one, Told::Connected(two, connection));
        self.tell(two, Told::Connected(one, connection));
    }

    fn break_off(&mut self, connection: Connection) {
        if let Some([one, two]) = self.ends.remove(&connection) {
            self.tell(one, Told::Disconnected(two, connection));
            self.tell(two, Told::Disconnected(one, connection));
        }
    }

    fn of(&self, node: Incarnation) -> Vec<Connection> {
        let ends = self.ends.iter().filter(|(_, ends)| ends.contains(&node));
        ends.map(|(connection, _)| *connection).collect()
    }

    fn tell(&self, node: Incarnation, told: Told) {
        if let Some(channel) = self.nodes.get(&node) {
            let _ = channel.send(told);
        }
    }
}

/// A node's end of the network.
#[derive(Debug)]
struct Port {
    wires: Arc<Mutex<Wires>>,
    me: Mutex<Incarnation>,
}

impl Transport for Port {
    fn send(&self, peer: Incarnation, connection: Connection, payload: Bytes) {
        let (wires, me) = (self.wires.lock().unwrap(), *self.me.lock().unwrap());
        let lost = wires.deaf.contains(&me) || wires.deaf.contains(&peer);
        if wires.ends.contains_key(&connection) && !lost {
            wires.tell(peer, Told::Received(me, connection, payload));
        }
    }

    fn close(&self, _: Incarnation, connection: Connection) {
        self.wires.lock().unwrap().break_off(connection);
    }

    fn begin_life(&self, me: Incarnation) {
        let (mut wires, mut mine) = (self.wires.lock().unwrap(), self.me.lock().unwrap());
        for connection in wires.of(*mine) {
            wires.break_off(connection);
        }
        let channel = wires.nodes.remove(&mine).unwrap();
        *mine = me;
        wires.add(me, channel);
    }
}

/// The registry and the versions.
#[derive(Debug, Default)]
pub(super) struct Database {
    pub(super) rows: Mutex<BTreeMap<Incarnation, u64>>,
    pub(super) away: AtomicBool,
    pub(super) version: AtomicI64,
}

impl Registry for Database {
    fn renew(&self, me: Incarnation, attempt: u64, register: bool) -> Pending<'_, Renewal> {
        Box::pin(async move {
            if self.away.load(Ordering::SeqCst) {
                return Err("away".to_owned());
            }
            let mut rows = self.rows.lock().unwrap();
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
            let mut rows = self.rows.lock().unwrap();
            if rows.get(&member).is_some_and(|row| *row <= attempt) {
                rows.remove(&member);
            }
            Ok(())
        })
    }
}

impl Versions for Database {
    fn locked(&self, _: ScopeKey) -> Pending<'_, Version> {
        Box::pin(async {
            let away = self.away.load(Ordering::SeqCst);
            if away { Err("away".to_owned()) } else { Ok(Version(self.version.load(Ordering::SeqCst))) }
        })
    }
}

/// Nodes that are all members, connected, and answer from memory.
pub(super) struct Cluster {
    wires: Arc<Mutex<Wires>>,
    pub(super) database: Arc<Database>,
    pub(super) nodes: Vec<Arc<Node>>,
    names: AtomicU64,
}

impl Cluster {
    pub(super) async fn of(count: usize) -> Cluster {
        let mut cluster = Cluster {
            wires: Arc::default(),
            database: Arc::default(),
            nodes: Vec::new(),
            names: AtomicU64::new(0),
        };
        for _ in 0..count {
            cluster.join().await;
        }
        cluster.settle().await;
        cluster
    }

    pub(super) async fn join(&mut self) {
        let me = Incarnation(u128::from(self.names.fetch_add(1, Ordering::SeqCst)) + 1);
        let (channel, mut told) = mpsc::unbounded_channel();
        let port = Port { wires: Arc::clone(&self.wires), me: Mutex::new(me) };
        let outside = Outside {
            transport: Arc::new(port),
            registry: Arc::clone(&self.database) as Arc<dyn Registry>,
            versions: Arc::clone(&self.database) as Arc<dyn Versions>,
        };
        let node = Arc::new(Node::start(me, true, Timing::default(), Arc::new(Validity::default()), outside));
        let receiver = Arc::clone(&node);
        tokio::spawn(async move {
            while let Some(told) = told.recv().await {
                match told {
                    Told::Connected(peer, connection) => receiver.connected(peer, connection),
                    Told::Received(peer, connection, payload) => {
                        receiver.received(peer, connection, &payload)
                    }
                    Told::Disconnected(peer, connection) => receiver.disconnected(peer, connection),
                }
            }
        });
        self.wires.lock().unwrap().add(me, channel);
        self.nodes.push(node);
    }

    /// Until every node writes and answers from memory.
    pub(super) async fn settle(&self) {
        until(|| (0..self.nodes.len()).all(|node| self.has_joined(node) && self.token(node).is_some())).await;
    }

    pub(super) fn has_joined(&self, node: usize) -> bool {
        *self.nodes[node].progress().borrow() == Progress::Joined
    }

    pub(super) fn name(&self, node: usize) -> Incarnation {
        self.nodes[node].shared.running().core.me()
    }

    pub(super) fn coherence(&self, node: usize) -> Coherence {
        self.nodes[node].coherence()
    }

    pub(super) fn announce(&self, node: usize) -> Box<dyn Announced> {
        self.coherence(node).announcer.announce(&[SCOPE])
    }

    pub(super) fn token(&self, node: usize) -> Option<Token> {
        self.coherence(node).validity.token_at(SCOPE, Instant::now().into_std())
    }

    pub(super) fn stands(&self, node: usize, token: Token) -> bool {
        self.coherence(node).validity.stands_at(SCOPE, token, Instant::now().into_std())
    }

    /// A node is cut off from the others, and nobody is told.
    pub(super) fn deafen(&self, node: usize) {
        self.wires.lock().unwrap().deaf.push(self.name(node));
    }

    pub(super) fn hear_again(&self) {
        self.wires.lock().unwrap().deaf.clear();
    }

    /// All connections of a node break, and come back.
    pub(super) fn flap(&self, node: usize) {
        let me = self.name(node);
        let mut wires = self.wires.lock().unwrap();
        for connection in wires.of(me) {
            let [one, two] = wires.ends[&connection];
            wires.break_off(connection);
            wires.connect(one, two);
        }
    }
}

/// Turns the clock until it is so.
pub(super) async fn until(mut so: impl FnMut() -> bool) {
    for _ in 0..60_000 {
        for _ in 0..20 {
            if so() {
                return;
            }
            tokio::task::yield_now().await;
        }
        advance(Duration::from_millis(1)).await;
    }
    panic!("not within a minute");
}
