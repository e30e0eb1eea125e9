//! One life of a node: the real driver, the real memory, and its clients, on a clock of its own.

use std::collections::VecDeque;
use std::hash::{BuildHasherDefault, DefaultHasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock};

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::Instant;
use zebu_cluster::cache::{Cache, Room};
use zebu_cluster::core::Incarnation;
use zebu_cluster::node::{Node, Outside, Progress};
use zebu_cluster::{Clock, Coherence, Validity};

use super::World;
use super::database;
use super::gate::{Gate, Gated};
use super::network::{Incoming, Wire};
use super::registry::Calls;
use crate::history::{Row, Scope, Wait};
use crate::plan::Plant;
use crate::workload;

/// Hashes alike in each run.
pub(crate) type Alike = BuildHasherDefault<DefaultHasher>;
pub(crate) type Memory = Cache<Scope, Row, Alike>;

pub(crate) struct Process {
    pub(crate) slot: usize,
    pub(crate) life: u64,
    gate: Arc<Gate>,
    dead: AtomicBool,
    me: Mutex<Incarnation>,
    node: OnceLock<Arc<Node>>,
    pub(crate) coherence: OnceLock<Coherence>,
    pub(crate) memory: Arc<Memory>,
    clock: Clock,
    positions: Mutex<Positions>,
    inbox: mpsc::UnboundedSender<Incoming>,
    tasks: Mutex<JoinSet<()>>,
}

/// What this process has seen of where the master and the replica are.
#[derive(Default)]
struct Positions {
    /// Where the master was at looks that began then, oldest first.
    master: VecDeque<(Instant, u64)>,
    replica: u64,
}

/// Looks at the master that are remembered.
const LOOKS: usize = 32;

impl Process {
    /// Starts one on a machine where none runs.
    pub(crate) fn start(world: &Arc<World>, slot: usize) {
        let life = world.number();
        let (me, fast) = {
            let mut chance = world.chance();
            let most = world.plan.drift_millionths();
            let fast = i32::try_from(chance.below(2 * most + 1)).unwrap() - i32::try_from(most).unwrap();
            (Incarnation(u128::from(chance.next()) << 64 | u128::from(chance.next())), fast)
        };
        let clock = Clock::running_fast(fast);
        let validity = Arc::new(Validity::by(clock));
        let room =
            Room { answers: world.plan.memory_bytes, versions: world.plan.memory_bytes, parts: Some(1) };
        let (inbox, incoming) = mpsc::unbounded_channel();
        let process = Arc::new(Process {
            slot,
            life,
            gate: Arc::default(),
            dead: AtomicBool::new(false),
            me: Mutex::new(me),
            node: OnceLock::new(),
            coherence: OnceLock::new(),
            memory: Arc::new(Cache::new(Arc::clone(&validity), room)),
            clock,
            positions: Mutex::default(),
            inbox,
            tasks: Mutex::default(),
        });
        world.put(slot, Some(Arc::clone(&process)));
        world.note(life, || format!("machine {slot} starts life {life}, {fast} millionths too fast"));
        let calls = Arc::new(Calls { world: Arc::clone(world), slot });
        let transport = Arc::new(Wire { world: Arc::clone(world), slot, life });
        let outside = Outside { transport, registry: Arc::clone(&calls) as _, versions: calls };
        let (node, tasks) =
            Node::prepared(me, world.plan.caches(slot), world.plan.timing, Arc::clone(&validity), outside);
        let node = Arc::new(node);
        process.coherence.set(node.coherence()).unwrap();
        assert!(process.node.set(Arc::clone(&node)).is_ok());
        process.spawn(tasks);
        process.spawn(listen(Arc::clone(&node), incoming));
        process.spawn(watch(Arc::clone(world), node, slot));
        process.spawn(look_at_positions(Arc::clone(world), Arc::clone(&process)));
        if world.has(Plant::ForgottenEpoch) {
            process.spawn(forget_epochs(Arc::clone(world), validity));
        }
        for _ in 0..world.plan.clients {
            let chance = world.chance().fork();
            process.spawn(workload::client(Arc::clone(world), Arc::clone(&process), chance));
        }
    }

    pub(crate) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let gated = Gated { gate: Arc::clone(&self.gate), inner: Box::pin(task) };
        self.tasks.lock().unwrap().spawn(gated);
    }

    /// Ends at once: nothing that its tasks say while they end leaves it.
    pub(crate) fn kill(&self, world: &Arc<World>) {
        self.dead.store(true, Ordering::Relaxed);
        world.note(self.life, || format!("machine {} loses life {}", self.slot, self.life));
        world.break_all_of(self.slot, self.life);
        self.tasks.lock().unwrap().abort_all();
    }

    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    pub(crate) fn is_paused(&self) -> bool {
        self.gate.is_paused()
    }

    pub(crate) fn pause(&self) {
        self.gate.pause();
    }

    /// Its tasks go on one by one.
    pub(crate) fn go_on(&self, world: &Arc<World>) {
        for waiting in self.gate.go_on() {
            let ms = world.chance().below(4);
            world.after(ms, |_| waiting.wake());
        }
    }

    /// Everything that the master showed by then is on the replica.
    pub(crate) fn replica_has_until(&self) -> Option<Instant> {
        let positions = self.positions.lock().unwrap();
        let reached = positions.master.iter().rev().find(|(_, position)| *position <= positions.replica);
        reached.map(|(asked, _)| *asked)
    }

    pub(crate) fn leave(&self) {
        self.node.get().unwrap().leave();
    }

    pub(crate) fn progress(&self) -> Progress {
        *self.node.get().unwrap().progress().borrow()
    }

    pub(crate) fn me(&self) -> Incarnation {
        *self.me.lock().unwrap()
    }

    pub(crate) fn is_now(&self, me: Incarnation) {
        *self.me.lock().unwrap() = me;
    }

    pub(crate) fn hears(&self, incoming: Incoming) {
        // Whoever is dead hears nothing.
        let _ = self.inbox.send(incoming);
    }
}

async fn listen(node: Arc<Node>, mut incoming: mpsc::UnboundedReceiver<Incoming>) {
    while let Some(heard) = incoming.recv().await {
        match heard {
            Incoming::Connected(peer, connection) => node.connected(peer, connection),
            Incoming::Received(peer, connection, payload) => node.received(peer, connection, &payload),
            Incoming::Disconnected(peer, connection) => node.disconnected(peer, connection),
        }
    }
}

/// Looks where the master is, and where the replica is, again and again.
async fn look_at_positions(world: Arc<World>, process: Arc<Process>) {
    loop {
        let asked = process.clock.now();
        if database::way(&world, process.slot).await.is_ok() {
            let master = world.database.lock().unwrap().written;
            let answered = database::way(&world, process.slot).await.is_ok();
            let mut positions = process.positions.lock().unwrap();
            if answered {
                positions.master.push_back((asked, master));
            }
            if positions.master.len() > LOOKS {
                positions.master.pop_front();
            }
        }
        let replica = world.database.lock().unwrap().applied;
        let (back_ms, rest_ms) = {
            let mut chance = world.chance();
            (chance.below(4), chance.between(5, world.plan.timing.ask_every_ms / 2))
        };
        world.pass(back_ms).await;
        process.positions.lock().unwrap().replica = replica;
        world.pass(rest_ms).await;
    }
}

/// How long each of its lives takes until it writes.
async fn watch(world: Arc<World>, node: Arc<Node>, slot: usize) {
    let mut progress = node.progress();
    loop {
        let begun = world.begin(slot);
        if progress.wait_for(|now| *now != Progress::Joining).await.is_err() {
            return;
        }
        world.waited(Wait::Join, &begun);
        if progress.wait_for(|now| *now == Progress::Joining).await.is_err() {
            return;
        }
    }
}

/// The planted bug: readers do not see that an epoch has run out.
async fn forget_epochs(world: Arc<World>, validity: Arc<Validity>) {
    loop {
        validity.extend_epoch(validity.for_good());
        world.pass(1).await;
    }
}
