//! A tiny cluster, for testing the checkers: three nodes with caches over one database, in time that nobody waits for. It can be right, or have
//! one of the faults that a cluster of this kind can have. It knows at which moment it wrote what, and so which of its answers are lies;
//! the checkers see only what its clients see.

use crate::checks::history::Moment;
use crate::checks::record::{Change, Operation, Outcome, Record, Register};
use std::collections::BTreeMap;
use std::time::Duration;

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Bug {
    None,
    /// A node says that it holds a scope, and goes on serving it.
    DroppedHold,
    /// What was read before a write is kept after it.
    StaleFill,
    /// A node that was cut off goes on with what it remembered.
    ForgottenEpoch,
    /// A write does not wait until the others have heard of it.
    FireAndForget,
    /// What is put together from two scopes is looked at piece by piece.
    PieceByPiece,
}

const NODES: usize = 3;
const CLIENTS: usize = 6;
/// Scope 0 is the rights of one guest; the others are contents that they guard.
const SCOPES: usize = 3;
/// How long a node may go on without the others, ms.
const LEASE: u64 = 40;

/// What became of a cluster's life.
pub(super) struct Lived {
    pub(super) record: Record,
    /// Answers that were true at no moment while they were asked for.
    pub(super) lies: usize,
}

#[derive(Default)]
pub(super) struct Node {
    pub(super) remembered: BTreeMap<usize, u32>,
    /// Writes under way that it has heard of.
    pub(super) held: Vec<usize>,
    pub(super) epoch: u32,
    pub(super) caches: bool,
    pub(super) cut_since: Option<u64>,
}

pub(super) struct Write {
    pub(super) node: usize,
    pub(super) scope: usize,
    pub(super) value: u32,
    pub(super) waits_for: Vec<usize>,
    pub(super) committed: bool,
    pub(super) open: bool,
    pub(super) operation: usize,
    /// The client hears nothing.
    pub(super) silent: bool,
}

pub(super) struct Load {
    pub(super) node: usize,
    pub(super) epoch: u32,
    pub(super) scopes: Vec<usize>,
    pub(super) seen: Vec<u32>,
    pub(super) void: bool,
    pub(super) operation: usize,
}

#[derive(Clone, Copy)]
pub(super) enum Event {
    Client(usize),
    Hold(usize, usize),
    Ack(usize, usize),
    Commit(usize),
    Release(usize, usize),
    Answer(usize),
    Read(usize),
    Loaded(usize),
    Cut(usize),
    LeaseEnds(usize, u64),
    Mended(usize),
}

pub(super) struct Cluster {
    pub(super) bug: Bug,
    pub(super) seed: u64,
    pub(super) now: u64,
    pub(super) events: BTreeMap<(u64, u64), Event>,
    pub(super) count: u64,
    pub(super) nodes: Vec<Node>,
    pub(super) writes: Vec<Write>,
    pub(super) loads: Vec<Load>,
    pub(super) values: [u32; SCOPES],
    pub(super) given_out: [u32; SCOPES],
    /// When each value came, of each scope.
    pub(super) truth: [Vec<(u64, u32)>; SCOPES],
    pub(super) record: Record,
    pub(super) lies: usize,
}

/// What the guest may: after odd writes of scope 0.
pub(super) fn is_let_in(value: u32) -> bool {
    value % 2 == 1
}

/// Lets one live for so long, ms.
pub(super) fn live(bug: Bug, seed: u64, until: u64) -> Lived {
    let mut record = Record::default();
    for scope in 0..SCOPES {
        record.register(format!("scope {scope}"), 0);
    }
    let nodes = (0..NODES).map(|_| Node { caches: true, ..Node::default() }).collect();
    let mut cluster = Cluster {
        bug,
        seed,
        now: 0,
        events: BTreeMap::new(),
        count: 0,
        nodes,
        writes: Vec::new(),
        loads: Vec::new(),
        values: [0; SCOPES],
        given_out: [0; SCOPES],
        truth: std::array::from_fn(|_| vec![(0, 0)]),
        record,
        lies: 0,
    };
    for client in 0..CLIENTS {
        cluster.later(1, Event::Client(client));
    }
    cluster.later(30, Event::Cut(0));
    while let Some(((at, _), event)) = cluster.events.pop_first() {
        if at > until {
            break;
        }
        cluster.now = at;
        cluster.step(event);
    }
    // What is still under way is never answered.
    for write in cluster.writes.iter().filter(|write| write.open) {
        cluster.record.operations[write.operation].outcome = Outcome::Unknown;
    }
    for load in &cluster.loads {
        if load.seen.is_empty() {
            cluster.record.operations[load.operation].outcome = Outcome::Failed;
        }
    }
    Lived { record: cluster.record, lies: cluster.lies }
}

impl Cluster {
    pub(super) fn lot(&mut self, below: u64) -> u64 {
        self.seed = self.seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.seed;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % below
    }

    pub(super) fn later(&mut self, ms: u64, event: Event) {
        self.count += 1;
        self.events.insert((self.now + ms, self.count), event);
    }

    pub(super) fn soon(&mut self, event: Event) {
        let ms = 1 + self.lot(6);
        self.later(ms, event);
    }

    pub(super) fn moment(&self) -> Moment {
        Duration::from_millis(self.now)
    }

    fn step(&mut self, event: Event) {
        match event {
            Event::Client(client) => self.client(client),
            Event::Hold(write, node) => self.hold(write, node),
            Event::Ack(write, node) => {
                self.writes[write].waits_for.retain(|other| *other != node);
                if self.writes[write].waits_for.is_empty() && self.bug != Bug::FireAndForget {
                    self.soon(Event::Commit(write));
                }
            }
            Event::Commit(write) => self.commit(write),
            Event::Release(write, node) => self.nodes[node].held.retain(|other| *other != write),
            Event::Answer(write) => {
                let operation = self.writes[write].operation;
                if !self.writes[write].silent {
                    let ended = self.moment();
                    let operation = &mut self.record.operations[operation];
                    (operation.ended, operation.outcome) = (ended, Outcome::Done);
                }
            }
            Event::Read(load) => {
                let seen = self.loads[load].scopes.iter().map(|scope| self.values[*scope]).collect();
                self.loads[load].seen = seen;
                self.soon(Event::Loaded(load));
            }
            Event::Loaded(load) => self.loaded(load),
            Event::Cut(node) => {
                self.nodes[node].cut_since = Some(self.now);
                self.later(LEASE, Event::LeaseEnds(node, self.now));
                let lasts = 5 + self.lot(3 * LEASE);
                self.later(lasts, Event::Mended(node));
            }
            Event::LeaseEnds(node, since) => {
                // Everybody's leases from it are over, and its own from everybody.
                if self.nodes[node].cut_since == Some(since) {
                    (0..NODES).for_each(|each| self.end_epoch(each));
                }
            }
            Event::Mended(node) => self.mended(node),
        }
    }

    fn end_epoch(&mut self, node: usize) {
        if self.bug == Bug::ForgottenEpoch {
            return;
        }
        let node = &mut self.nodes[node];
        node.remembered.clear();
        node.epoch += 1;
        node.caches = false;
    }

    fn mended(&mut self, node: usize) {
        self.nodes[node].cut_since = None;
        for each in 0..NODES {
            self.end_epoch(each);
            // The new leases bring the holds of what is under way.
            self.nodes[each].held = (0..self.writes.len()).filter(|write| self.writes[*write].open).collect();
            self.nodes[each].caches = true;
        }
        let (next, after) = (self.lot(NODES as u64) as usize, 50 + self.lot(200));
        self.later(after, Event::Cut(next));
    }

    fn client(&mut self, client: usize) {
        let (node, lot) = (self.lot(NODES as u64) as usize, self.lot(10));
        match lot {
            0 => self.begin_write(node, 0),
            1 | 2 => {
                let scope = 1 + self.lot(SCOPES as u64 - 1) as usize;
                self.begin_write(node, scope);
            }
            _ => {
                let scope = 1 + self.lot(SCOPES as u64 - 1) as usize;
                let scopes = if self.lot(2) == 0 { vec![scope] } else { vec![0, scope] };
                self.begin_read(node, scopes);
            }
        }
        let next = 3 + self.lot(12);
        self.later(next, Event::Client(client));
    }

    fn begin_write(&mut self, node: usize, scope: usize) {
        // The row is locked by another: this client comes again later.
        if self.writes.iter().any(|write| write.open && write.scope == scope) {
            return;
        }
        self.given_out[scope] += 1;
        // What scope 0 means goes by odd and even.
        let value = self.given_out[scope];
        let operation = self.record.operations.len();
        let bits = if scope == 0 { u64::from(is_let_in(value)) } else { 0 };
        let register = Register(scope as u32);
        let silent = self.lot(15) == 0;
        self.record.operations.push(Operation {
            kind: "write",
            who: format!("write {value} of {scope} through {node}"),
            begun: self.moment(),
            ended: self.moment(),
            outcome: Outcome::Unknown,
            said: String::new(),
            changes: vec![Change { register, value, bits }],
            sights: Vec::new(),
        });
        let write = self.writes.len();
        if silent && self.lot(2) == 0 {
            // It fails, and its client hears so or hears nothing.
            let outcome = if self.lot(2) == 0 { Outcome::Failed } else { Outcome::Unknown };
            self.record.operations[operation].outcome = outcome;
            return;
        }
        let others: Vec<usize> = (0..NODES).filter(|other| *other != node).collect();
        self.writes.push(Write {
            node,
            scope,
            value,
            waits_for: others.clone(),
            committed: false,
            open: true,
            operation,
            silent,
        });
        self.obey(write, node);
        for other in others {
            if self.nodes[other].cut_since.is_some() || self.nodes[node].cut_since.is_some() {
                // It cannot be told: its lease is waited for.
                self.later(LEASE + 2, Event::Ack(write, other));
            } else {
                self.soon(Event::Hold(write, other));
            }
        }
        if self.bug == Bug::FireAndForget {
            self.soon(Event::Commit(write));
        }
    }

    fn obey(&mut self, write: usize, node: usize) {
        let scope = self.writes[write].scope;
        self.nodes[node].held.push(write);
        self.nodes[node].remembered.remove(&scope);
        for load in &mut self.loads {
            load.void |= load.node == node && load.scopes.contains(&scope);
        }
    }

    fn hold(&mut self, write: usize, node: usize) {
        if self.nodes[node].cut_since.is_some() {
            // It was on the way when the connection broke.
            self.later(LEASE + 2, Event::Ack(write, node));
            return;
        }
        let drops = self.bug == Bug::DroppedHold && self.lot(3) == 0;
        if !drops && self.writes[write].open {
            self.obey(write, node);
        }
        self.soon(Event::Ack(write, node));
    }

    fn commit(&mut self, write: usize) {
        if self.writes[write].committed {
            return;
        }
        let Write { node, scope, value, .. } = self.writes[write];
        (self.writes[write].committed, self.writes[write].open) = (true, false);
        self.values[scope] = value;
        self.truth[scope].push((self.now, value));
        self.nodes[node].held.retain(|other| *other != write);
        for other in (0..NODES).filter(|other| *other != node) {
            self.soon(Event::Release(write, other));
        }
        self.soon(Event::Answer(write));
    }
}
