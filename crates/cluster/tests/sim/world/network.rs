//! Connections between processes: in order, with a delay, broken at each end for itself; and what carries a node's messages.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use zebu_cluster::core::{Connection, Incarnation};
use zebu_cluster::node::Transport;

use super::World;
use crate::plan::Plant;

/// What a process hears.
#[derive(Clone, Debug)]
pub(crate) enum Incoming {
    Connected(Incarnation, Connection),
    Received(Incarnation, Connection, Bytes),
    Disconnected(Incarnation, Connection),
}

/// One end of a connection.
struct End {
    slot: usize,
    life: u64,
    /// Who is at the other end.
    peer: Incarnation,
    open: bool,
    /// When the last of what was sent to it arrives, ms.
    arrives_ms: u64,
    /// Sent to it, and not let through.
    stuck: VecDeque<Bytes>,
}

pub(crate) struct Network {
    connections: BTreeMap<u64, [End; 2]>,
    /// From whom nothing comes to whom.
    cut: Vec<Vec<bool>>,
    /// How long anything may take in addition, ms.
    pub(crate) slow_ms: u64,
    /// When two may connect again, ms.
    again_ms: BTreeMap<(usize, usize), u64>,
    /// What was sent, by the letter that a message begins with.
    pub(crate) sent: BTreeMap<u8, Sent>,
}

/// How much was sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Sent {
    pub(crate) messages: u64,
    /// Without what the mesh puts around a message.
    pub(crate) bytes: u64,
}

impl Network {
    pub(super) fn new(nodes: usize) -> Network {
        Network {
            connections: BTreeMap::new(),
            cut: vec![vec![false; nodes]; nodes],
            slow_ms: 0,
            again_ms: BTreeMap::new(),
            sent: BTreeMap::new(),
        }
    }

    fn is_cut(&self, from: usize, to: usize) -> bool {
        self.cut[from][to]
    }

    fn between(&self, one: usize, two: usize) -> Vec<u64> {
        let joins = |ends: &[End; 2]| ends[0].slot == one && ends[1].slot == two;
        self.connections.iter().filter(|(_, ends)| joins(ends)).map(|(id, _)| *id).collect()
    }
}

/// Which end of its connections a process is: the first is that of the lower number.
fn own_end(ends: &[End; 2], slot: usize) -> usize {
    usize::from(ends[0].slot != slot)
}

impl World {
    /// Connects who is not connected and could be; again and again.
    pub(crate) fn connect_all(self: &Arc<World>) {
        for two in 1..self.plan.nodes {
            for one in 0..two {
                self.connect(one, two);
            }
        }
        let ms = self.chance().between(3, 20);
        self.after(ms, |world| world.connect_all());
    }

    fn connect(self: &Arc<World>, one: usize, two: usize) {
        let (Some(first), Some(second)) = (self.process(one), self.process(two)) else { return };
        if [&first, &second].iter().any(|process| process.is_dead() || process.is_paused()) {
            return;
        }
        let id = self.number();
        {
            let mut network = self.network.lock().unwrap();
            let waits = network.again_ms.get(&(one, two)).is_some_and(|at| *at > self.now_ms());
            if waits || network.is_cut(one, two) || network.is_cut(two, one) {
                return;
            }
            // Who knows of a break may be the only one of the two who does.
            let stands =
                network.between(one, two).iter().any(|id| network.connections[id].iter().all(|end| end.open));
            if stands {
                return;
            }
            let end = |slot, life, peer| End {
                slot,
                life,
                peer,
                open: true,
                arrives_ms: self.now_ms(),
                stuck: VecDeque::new(),
            };
            network
                .connections
                .insert(id, [end(one, first.life, second.me()), end(two, second.life, first.me())]);
        }
        self.note(id, || format!("connection {id} between {one} and {two}"));
        for (side, process) in [(0, &first), (1, &second)] {
            let old: Vec<u64> =
                self.network.lock().unwrap().between(one, two).into_iter().filter(|old| *old != id).collect();
            let peer = if side == 0 { second.me() } else { first.me() };
            let early = self.chance().chance(500);
            if early {
                old.iter().for_each(|old| self.break_end(*old, side));
            }
            process.hears(Incoming::Connected(peer, Connection(id)));
            if !early {
                old.iter().for_each(|old| self.break_end(*old, side));
            }
        }
    }

    /// An end finds its connection broken; the other will.
    fn break_end(self: &Arc<World>, id: u64, side: usize) {
        let (slot, life, peer, other_ms) = {
            let mut network = self.network.lock().unwrap();
            let Some(ends) = network.connections.get_mut(&id) else { return };
            let (one, two) = (ends[0].slot, ends[1].slot);
            let end = &mut ends[side];
            if !std::mem::replace(&mut end.open, false) {
                return;
            }
            end.stuck.clear();
            let told = (end.slot, end.life, end.peer);
            let other_is_open = ends[1 - side].open;
            if !other_is_open {
                network.connections.remove(&id);
            }
            let unheard = network.is_cut(one, two) || network.is_cut(two, one);
            let mut chance = self.chance();
            let again_ms = self.now_ms()
                + if chance.chance(200) { chance.below(self.plan.timing.lease_ms) } else { chance.below(20) };
            network.again_ms.insert((one, two), again_ms);
            let other_ms = if unheard || chance.chance(200) {
                chance.below(self.plan.silence_ms())
            } else {
                chance.below(4)
            };
            (told.0, told.1, told.2, other_is_open.then_some(other_ms))
        };
        self.note(id, || format!("connection {id} breaks at {slot}"));
        if let Some(process) = self.process(slot).filter(|process| process.life == life) {
            process.hears(Incoming::Disconnected(peer, Connection(id)));
        }
        if let Some(ms) = other_ms {
            self.after(ms, move |world| world.break_end(id, 1 - side));
        }
    }

    /// Breaks some connection.
    pub(crate) fn break_one(self: &Arc<World>) {
        let ids: Vec<u64> = self.network.lock().unwrap().connections.keys().copied().collect();
        if !ids.is_empty() {
            let (id, side) = {
                let mut chance = self.chance();
                (chance.one_of(&ids), usize::from(chance.chance(500)))
            };
            self.break_end(id, side);
        }
    }

    /// Breaks all connections of a process that is gone, or begins a new life; those at the other ends learn of it.
    pub(crate) fn break_all_of(self: &Arc<World>, slot: usize, life: u64) {
        let mine = |ends: &[End; 2]| ends.iter().any(|end| end.slot == slot && end.life == life);
        let ids: Vec<(u64, usize)> = {
            let network = self.network.lock().unwrap();
            let all = network.connections.iter().filter(|(_, ends)| mine(ends));
            all.map(|(id, ends)| (*id, own_end(ends, slot))).collect()
        };
        ids.into_iter().for_each(|(id, side)| self.break_end(id, side));
    }

    /// From here on nothing comes from one to the other, until it is let through again. Whoever hears nothing, or whose words are
    /// not confirmed, takes the connection for broken after a while.
    pub(crate) fn cut(self: &Arc<World>, from: usize, to: usize) {
        let ids = {
            let mut network = self.network.lock().unwrap();
            network.cut[from][to] = true;
            network.between(from.min(to), from.max(to))
        };
        for id in ids {
            for side in 0..2 {
                let ms = self.chance().between(10, self.plan.silence_ms());
                self.after(ms, move |world| {
                    let still = world.network.lock().unwrap().is_cut(from, to);
                    if still {
                        world.break_end(id, side);
                    }
                });
            }
        }
    }

    pub(crate) fn let_through(self: &Arc<World>, from: usize, to: usize) {
        let ids = {
            let mut network = self.network.lock().unwrap();
            network.cut[from][to] = false;
            network.between(from.min(to), from.max(to))
        };
        for id in ids {
            let stuck = {
                let mut network = self.network.lock().unwrap();
                let Some(ends) = network.connections.get_mut(&id) else { continue };
                let side = own_end(ends, to);
                std::mem::take(&mut ends[side].stuck)
                    .into_iter()
                    .map(|payload| (side, payload))
                    .collect::<Vec<_>>()
            };
            // At once: what is still on its way was sent later.
            stuck.into_iter().for_each(|(side, payload)| self.arrive(id, side, payload));
        }
    }

    /// Carries a payload to an end.
    fn carry(self: &Arc<World>, id: u64, side: usize, payload: Bytes) {
        let now = self.now_ms();
        let due_ms = {
            let mut network = self.network.lock().unwrap();
            let slow_ms = network.slow_ms;
            let Some(ends) = network.connections.get_mut(&id) else { return };
            let takes_ms = {
                let mut chance = self.chance();
                chance.below(3) + if slow_ms > 0 { chance.below(slow_ms) } else { 0 }
            };
            let end = &mut ends[side];
            end.arrives_ms = (now + takes_ms).max(end.arrives_ms);
            end.arrives_ms
        };
        self.after(due_ms - now, move |world| world.arrive(id, side, payload));
    }

    fn arrive(self: &Arc<World>, id: u64, side: usize, payload: Bytes) {
        let (slot, life, peer) = {
            let mut network = self.network.lock().unwrap();
            let Some(ends) = network.connections.get(&id) else { return };
            let (from, to) = (ends[1 - side].slot, ends[side].slot);
            let cut = network.is_cut(from, to);
            let Some(ends) = network.connections.get_mut(&id) else { return };
            let end = &mut ends[side];
            if !end.open {
                return;
            }
            if cut {
                end.stuck.push_back(payload);
                return;
            }
            (end.slot, end.life, end.peer)
        };
        self.note(id ^ u64::from(payload.first().copied().unwrap_or(0)), || {
            format!("{slot} hears {}{:?} on {id}", char::from(payload[0]), number_in(&payload))
        });
        if let Some(process) = self.process(slot).filter(|process| process.life == life) {
            process.hears(Incoming::Received(peer, Connection(id), payload));
        }
    }
}

/// The number that a message begins with, if it has one.
fn number_in(payload: &[u8]) -> Option<u64> {
    payload.get(1..9).map(|number| u64::from_be_bytes(number.try_into().unwrap()))
}

/// A process's transport.
pub(crate) struct Wire {
    pub(crate) world: Arc<World>,
    pub(crate) slot: usize,
    pub(crate) life: u64,
}

impl fmt::Debug for Wire {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Wire({}, {})", self.slot, self.life)
    }
}

impl Wire {
    /// The side at which this process is, while its end is open.
    fn side(&self, connection: Connection) -> Option<usize> {
        let network = self.world.network.lock().unwrap();
        let ends = network.connections.get(&connection.0)?;
        let side = own_end(ends, self.slot);
        (ends[side].open && ends[side].life == self.life).then_some(side)
    }
}

impl Transport for Wire {
    fn send(&self, peer: Incarnation, connection: Connection, payload: Bytes) {
        let Some(side) = self.side(connection) else { return };
        {
            let mut network = self.world.network.lock().unwrap();
            let sent = network.sent.entry(payload[0]).or_default();
            *sent = Sent { messages: sent.messages + 1, bytes: sent.bytes + payload.len() as u64 };
        }
        if self.world.has(Plant::DroppedHold) && payload[0] == b'h' && self.world.chance().chance(100) {
            let forged: Bytes = [b"a", &payload[1..9]].concat().into();
            if let Some(process) = self.world.process(self.slot) {
                process.hears(Incoming::Received(peer, connection, forged));
            }
            return;
        }
        self.world.carry(connection.0, 1 - side, payload);
    }

    fn close(&self, _: Incarnation, connection: Connection) {
        if let Some(side) = self.side(connection) {
            self.world.break_end(connection.0, side);
        }
    }

    fn begin_life(&self, me: Incarnation) {
        self.world.break_all_of(self.slot, self.life);
        if let Some(process) = self.world.process(self.slot) {
            process.is_now(me);
        }
    }
}
