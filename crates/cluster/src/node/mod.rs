//! A node's driver of the coherence protocol: it feeds the core with what happens and carries out what the core says.
//! `core` has the rules; here are only the clock, the tasks and the waiting. Connections, registry and versions are
//! traits: the mesh and configdb in a process, memory in a test or a simulation.

mod actions;
mod announcer;
mod errands;
mod outside;
mod over_mesh;
mod questions;
mod status;
#[cfg(test)]
mod tests;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::core::{
    Action, Connection, Core, Event, Incarnation, Millis, Part, Timing, WriteFailure, WriteId,
};
use crate::{Changes, Validity};
use errands::Errand;
use status::Epochs;

pub use outside::{Outside, Pending, Registry, Renewal, Transport, Versions};
pub use over_mesh::OverMesh;
pub use questions::Answers;
pub use status::{EpochChange, Status};

/// No clock of a core shows less: its first moments are "never" and "over".
const CLOCK_BEGINS_MS: u64 = 1000;

/// One node in the protocol. Dropped, it does nothing more: its writes wait until their callers give up, its leases run out.
pub struct Node {
    shared: Arc<Shared>,
    /// Its tasks, if it spawned them itself.
    running: Option<JoinHandle<()>>,
}

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.running.iter().for_each(JoinHandle::abort);
    }
}

/// How far a node has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// It is registered, or about to be; its writes are refused.
    Joining,
    /// It writes.
    Joined,
    /// It has left: nothing is left to do but to close connections.
    Left,
}

/// What its tasks share.
#[derive(Debug)]
struct Shared {
    core: Mutex<Running>,
    validity: Arc<Validity>,
    changes: Arc<Changes>,
    epochs: Epochs,
    outside: Outside,
    timing: Timing,
    caches: bool,
    /// When the clock showed zero.
    zero: Instant,
    next_write: AtomicU64,
    errands: mpsc::UnboundedSender<Errand>,
    wake_at: watch::Sender<Millis>,
    progress: watch::Sender<Progress>,
}

/// The core of the present life, and who waits for what it decides.
#[derive(Debug)]
struct Running {
    core: Core,
    deciding: BTreeMap<WriteId, oneshot::Sender<Result<(), WriteFailure>>>,
}

impl Node {
    /// Begins to register under `me`, a random name that the transport has too. `caches` says whether this process answers
    /// from memory: whoever does not is not waited for.
    #[must_use]
    pub fn start(
        me: Incarnation,
        caches: bool,
        timing: Timing,
        validity: Arc<Validity>,
        outside: Outside,
    ) -> Node {
        let (mut node, tasks) = Node::prepared(me, caches, timing, validity, outside);
        node.running = Some(tokio::spawn(tasks));
        node
    }

    /// The same for who runs its tasks himself, until they are dropped.
    pub fn prepared(
        me: Incarnation,
        caches: bool,
        timing: Timing,
        validity: Arc<Validity>,
        outside: Outside,
    ) -> (Node, impl Future<Output = ()> + Send + use<>) {
        let (errands, received) = mpsc::unbounded_channel();
        let now = validity.clock().now();
        let zero = now.checked_sub(Duration::from_millis(CLOCK_BEGINS_MS)).unwrap_or(now);
        let core = Core::new(Part { me, caches }, timing);
        let shared = Arc::new(Shared {
            core: Mutex::new(Running { core, deciding: BTreeMap::new() }),
            validity,
            changes: Arc::default(),
            epochs: Epochs::default(),
            outside,
            timing,
            caches,
            zero,
            next_write: AtomicU64::new(0),
            errands,
            wake_at: watch::Sender::new(Millis::NEVER),
            progress: watch::Sender::new(Progress::Joining),
        });
        let tasks = errands::run(Arc::clone(&shared), received);
        shared.feed(Event::Tick);
        (Node { shared, running: None }, tasks)
    }

    /// A connection stands: the first thing that is told of it.
    pub fn connected(&self, peer: Incarnation, connection: Connection) {
        self.shared.feed(Event::Connected { peer, connection });
    }

    /// A connection is broken: the last thing that is told of it.
    pub fn disconnected(&self, peer: Incarnation, connection: Connection) {
        self.shared.feed(Event::Disconnected { peer, connection });
    }

    /// A payload came in, in the order in which it was sent. One that is no message of this protocol breaks the connection.
    pub fn received(&self, peer: Incarnation, connection: Connection, payload: &[u8]) {
        match wire::decode(payload) {
            Ok(message) => self.shared.feed(Event::Received { peer, connection, message }),
            Err(error) => {
                tracing::error!(%peer, "coherence: {error}; the connection is closed");
                self.shared.feed(Event::Disconnected { peer, connection });
                self.shared.outside.transport.close(peer, connection);
            }
        }
    }

    /// Its name in its present life.
    #[must_use]
    pub fn me(&self) -> Incarnation {
        self.shared.running().core.me()
    }

    /// Follows how far the node has come.
    #[must_use]
    pub fn progress(&self) -> watch::Receiver<Progress> {
        self.shared.progress.subscribe()
    }

    /// Begins to leave: no write begins any more. [`Progress::Left`] comes when those under way have ended.
    pub fn leave(&self) {
        self.shared.feed(Event::Leave);
    }
}

impl Shared {
    /// Whole milliseconds, rounded down, as the core wants them.
    fn now(&self) -> Millis {
        let elapsed = self.validity.clock().now().saturating_duration_since(self.zero);
        Millis(u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX))
    }

    /// The same as the node's clock shows it.
    fn instant(&self, at: Millis) -> Instant {
        self.zero.checked_add(Duration::from_millis(at.0)).unwrap_or(self.zero)
    }

    fn running(&self) -> MutexGuard<'_, Running> {
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One step. All it says is done before the next one begins: nothing of it waits.
    fn feed(&self, event: Event) {
        let mut running = self.running();
        self.feed_running(&mut running, event);
    }

    fn feed_running(&self, running: &mut Running, event: Event) {
        let mut out = Vec::new();
        running.core.step(self.now(), event, &mut out);
        for action in out {
            if action == Action::Rejoin {
                return self.begin_life(running);
            }
            self.carry_out(running, action);
        }
    }
}
