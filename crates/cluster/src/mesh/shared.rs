//! The mesh of one node: started, asked, stopped.

use std::collections::BTreeSet;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{interval, timeout};

use super::complaints::Complaints;
use super::frame::Frame;
use super::handshake::{Failure, Met};
use super::missing::Expected;
use super::network::{Listener, Network};
use super::peers::Peers;
use super::secure::Security;
use super::settings::Settings;
use super::status::Status;
use super::watchers::Watchers;
use super::{Broken, Event, NotSent, accept, dial};
use crate::authority::Name;

/// Events that may wait for whoever takes them; then reading from the members waits.
const EVENTS_MAX: usize = 4_096;
/// Between two looks at who is missing and at the node file's date.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The node file is looked at once in so many looks.
const CREDENTIALS_EVERY: u64 = 10;
/// How long the others may take to hear that this node stops.
const GOODBYE_MAX: Duration = Duration::from_secs(1);

/// The connections of this node with the others of its cluster. Dropped, it ends them all.
pub struct Mesh {
    shared: Arc<Shared>,
    listen: Vec<SocketAddr>,
    tasks: Mutex<JoinSet<()>>,
}

impl fmt::Debug for Mesh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mesh").field("listen", &self.listen).finish_non_exhaustive()
    }
}

/// What its tasks share.
pub(super) struct Shared {
    pub(super) settings: Settings,
    pub(super) security: Security,
    pub(super) network: Arc<dyn Network>,
    pub(super) peers: Peers,
    pub(super) complaints: Complaints,
    pub(super) watchers: Watchers,
    events: mpsc::Sender<Event>,
    /// The living connections.
    links: Mutex<JoinSet<()>>,
}

impl Mesh {
    /// Listens, and begins to dial: `addresses` is where members may be, `expected` who is registered. What happens comes from the
    /// channel.
    ///
    /// # Errors
    /// An address to listen on cannot be had.
    pub async fn start(
        settings: Settings,
        security: Security,
        network: Arc<dyn Network>,
        addresses: watch::Receiver<BTreeSet<SocketAddr>>,
        expected: watch::Receiver<Arc<Vec<Expected>>>,
    ) -> io::Result<(Self, mpsc::Receiver<Event>)> {
        if matches!(security, Security::Plain) {
            tracing::warn!(
                "mesh: connections between nodes are not encrypted, and whoever reaches the port is believed: certificates make it safe"
            );
        }
        let (events, received) = mpsc::channel(EVENTS_MAX);
        let mut listeners: Vec<Box<dyn Listener>> = Vec::new();
        let mut listen = Vec::new();
        for address in &settings.listen {
            let listener = network.listen(*address).await;
            let listener =
                listener.map_err(|error| io::Error::new(error.kind(), format!("{address}: {error}")))?;
            listen.push(listener.address()?);
            listeners.push(listener);
        }
        let peers = Peers::new(settings.clone(), expected);
        let complaints = Complaints::default();
        let links = Mutex::default();
        let watchers = Watchers::default();
        let shared =
            Arc::new(Shared { settings, security, network, peers, complaints, watchers, events, links });
        let mut tasks = JoinSet::new();
        for listener in listeners {
            tasks.spawn(accept::accept(Arc::clone(&shared), listener));
        }
        tasks.spawn(dial::dial_all(Arc::clone(&shared), addresses));
        tasks.spawn(look(Arc::clone(&shared)));
        Ok((Self { shared, listen, tasks: Mutex::new(tasks) }, received))
    }

    /// Where it listens.
    #[must_use]
    pub fn listen(&self) -> &[SocketAddr] {
        &self.listen
    }

    /// Sends a payload on a connection, behind all that was sent on it before. Never waits.
    ///
    /// # Errors
    /// [`NotSent::Over`]: the connection has ended, or has just been ended because too much waits on it; the event comes.
    /// [`NotSent::TooLong`]: nothing has happened.
    pub fn send(&self, peer: &Name, connection: u64, payload: Bytes) -> Result<(), NotSent> {
        let max = self.shared.settings.limits.frame_bytes_max;
        if payload.len() > max {
            return Err(NotSent::TooLong { bytes: payload.len(), max });
        }
        let live = self.shared.peers.live(peer).filter(|live| live.connection == connection);
        let sent = live.is_some_and(|live| live.send(&Frame::Payload(payload)));
        if sent { Ok(()) } else { Err(NotSent::Over) }
    }

    /// Tells this to all who watch this node, from now on and again and again; those who come later too. What it means is theirs.
    pub fn tell(&self, told: Bytes) {
        self.shared.watchers.tell(told);
    }

    /// Ends the connection with somebody who is no member any more.
    pub fn close(&self, peer: &Name, connection: u64) {
        let live = self.shared.peers.live(peer).filter(|live| live.connection == connection);
        live.iter().for_each(|live| live.queue.close(Broken::Struck));
    }

    /// How it does.
    #[must_use]
    pub fn status(&self) -> Status {
        let Settings { cluster, node, .. } = &self.shared.settings;
        Status {
            cluster: cluster.to_string(),
            node: node.to_string(),
            encrypted: matches!(self.shared.security, Security::Tls(_)),
            listen: self.listen.clone(),
            peers: self.shared.peers.all().iter().map(|live| live.status()).collect(),
            missing: self.shared.peers.missing(),
            refused: self.shared.complaints.all(),
        }
    }

    /// Begins a new life of this member, as one that was struck from the registry must: every connection ends, and new ones are made
    /// under the new name.
    pub fn begin_life(&self, incarnation: Arc<str>) {
        self.shared.peers.begin_life(incarnation);
    }

    /// Sends what waits, says goodbye, and ends. Takes two seconds at most.
    pub async fn stop(&self) {
        self.shared.peers.say_goodbye();
        if timeout(GOODBYE_MAX, self.shared.peers.empty()).await.is_err() {
            self.shared.peers.cut(&Broken::Stopped);
            let _ = timeout(GOODBYE_MAX, self.shared.peers.empty()).await;
        }
        let mut tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        // Waits for their ends: the address is free then.
        tasks.shutdown().await;
        self.shared.watchers.stop().await;
    }
}

impl Drop for Mesh {
    fn drop(&mut self) {
        // The links hold what is shared, and it holds them.
        self.shared.lock_links().abort_all();
        self.shared.watchers.abort();
    }
}

impl Shared {
    /// Lets a connection live, in a task of its own.
    pub(super) fn live(self: &Arc<Self>, (stream, admitted): Met<'_>) -> Name {
        let live = admitted.comes_to_life();
        let (name, shared) = (live.peer.clone(), Arc::clone(self));
        self.complaints.forget(name.as_str());
        tracing::info!(address = %live.address, connection = live.connection, "mesh: {name} is connected");
        let mut links = self.lock_links();
        // Those that have ended.
        while links.try_join_next().is_some() {}
        links.spawn(async move {
            let why = live.run(stream, &shared.events).await;
            shared.complaints.say(live.peer.as_str(), "broken", &format!("the connection has ended: {why}"));
            shared.peers.strike(&live, Some(&why));
        });
        name
    }

    /// Complains of what an operator should know, once.
    pub(super) fn complain(&self, whom: impl FnOnce() -> String, failure: &Failure) {
        if let Failure::Other(node, kind, sentence) = failure {
            let whom = node.as_ref().map_or_else(whom, ToString::to_string);
            self.complaints.say(&whom, kind, sentence);
        }
    }

    fn lock_links(&self) -> std::sync::MutexGuard<'_, JoinSet<()>> {
        self.links.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks who is missing, and whether the node file was replaced.
async fn look(shared: Arc<Shared>) {
    let mut ticks = interval(LOOK_EVERY);
    for count in 0u64.. {
        ticks.tick().await;
        shared.peers.look_for_missing();
        if let (0, Security::Tls(credentials)) = (count % CREDENTIALS_EVERY, &shared.security) {
            let credentials = Arc::clone(credentials);
            // It reads a file. Whether it went well it says itself.
            let _ = tokio::task::spawn_blocking(move || credentials.refresh()).await;
        }
    }
}
