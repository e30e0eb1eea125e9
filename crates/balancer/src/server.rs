//! Listening, accepting, and ending in good order. Called by the binary.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::{Id, JoinError, JoinSet};

use crate::client::Client;
use crate::handover::{Inherited, Sockets};
use crate::lanes::Lanes;
use crate::listen::{Door, Listener, Scheme, accept};
use crate::tier::{Clock, Tier};
use crate::{Assets, Config, Error, FoundNode, Status, health, manager, tls};

/// How long to leave accepting alone when the system has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often to look for an idle connection to close when there are as many as allowed.
const ROOM_PAUSE: Duration = Duration::from_millis(50);

/// A web tier that listens but does not serve yet.
pub struct Server {
    tier: Arc<Tier>,
    doors: Vec<Door>,
    lanes: Lanes,
}

/// Why a web tier ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// It is to stop: idle connections are closed at once.
    Stop,
    /// A successor has its sockets: idle connections are closed after their next request, so that none is lost.
    HandedOver,
}

/// A handle to change the configuration of a web tier that serves.
#[derive(Clone)]
pub struct Control(Arc<Tier>);

impl Control {
    /// Takes up what can be changed at run time, certificates among it, and says in the log which fields differ and cannot.
    ///
    /// # Errors
    /// The configuration cannot work; then nothing has changed.
    pub fn reload(&self, config: &Config) -> Result<(), Error> {
        self.take_up(config, None)
    }

    /// The same, with these nodes of the cluster's mesh in the place of those that were found before: for a configuration by which
    /// they begin to be members, or are none any more.
    ///
    /// # Errors
    /// As [`reload`](Self::reload).
    pub fn reload_with(&self, config: &Config, nodes: &[FoundNode]) -> Result<(), Error> {
        self.take_up(config, Some(nodes))
    }

    fn take_up(&self, config: &Config, nodes: Option<&[FoundNode]>) -> Result<(), Error> {
        let fields = self.0.reload(config, nodes)?;
        tracing::info!("the web tier's configuration was read again");
        if !fields.is_empty() {
            let fields = fields.join(", ");
            tracing::warn!(fields, "these settings of [web] have changed and need a hand-over or a restart");
        }
        Ok(())
    }
}

impl Control {
    /// Takes these nodes of the cluster's mesh for members, in the place of those that were found before. Members of the
    /// configuration stay, and a route of theirs is not taken from them.
    pub fn found(&self, nodes: &[FoundNode]) {
        self.0.settle(nodes);
    }
}

/// The open connections of clients.
struct Connections {
    lanes: Lanes,
    tasks: JoinSet<()>,
    clients: HashMap<Id, Arc<Client>>,
    accepted: u64,
}

impl Server {
    /// Checks the configuration and listens. Clients may connect from here on; they are answered by
    /// [`run`](Self::run).
    ///
    /// # Errors
    /// [`Error::Config`], [`Error::Listen`] naming the address if it is taken, or [`Error::Tls`] naming the file.
    pub async fn bind(config: Config, assets: Assets, clock: Clock) -> Result<Self, Error> {
        Self::inherit(config, assets, clock, Inherited::default()).await
    }

    /// The same, with sockets that listen already where they are wanted.
    ///
    /// # Errors
    /// As [`bind`](Self::bind).
    pub async fn inherit(
        config: Config,
        assets: Assets,
        clock: Clock,
        mut sockets: Inherited,
    ) -> Result<Self, Error> {
        config.check()?;
        let mut open = |listener: &Listener| match sockets.take(listener) {
            Some(socket) => Door::inherit(*listener, socket),
            None => Door::open(*listener),
        };
        let doors: Vec<Door> = config.listen.0.iter().map(&mut open).collect::<Result<_, _>>()?;
        sockets.drop_rest();
        let listeners = doors.iter().map(|door| door.listener).collect();
        let lanes = Lanes::start(config.threads).map_err(Error::Threads)?;
        Ok(Self { tier: Tier::new(config, assets, listeners, clock)?, doors, lanes })
    }

    /// Where it listens first, with the real port if the configuration said 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.tier.listen()
    }

    /// Where it listens, in the order of the configuration, with real ports.
    pub fn listeners(&self) -> &[Listener] {
        &self.tier.listeners
    }

    /// A handle on its state, to be kept while [`run`](Self::run) has the server.
    pub fn status(&self) -> Status {
        Status::new(self.tier.clone())
    }

    /// A handle to change its configuration with, for when [`run`](Self::run) has the server.
    pub fn control(&self) -> Control {
        Control(self.tier.clone())
    }

    /// Its listening sockets once more, for a successor. As long as they are held, clients can connect.
    ///
    /// # Errors
    /// There is no file descriptor left.
    pub fn sockets(&self) -> io::Result<Sockets> {
        let doors = self.doors.iter();
        doors.map(|door| Ok((door.listener, door.duplicate()?))).collect::<io::Result<_>>().map(Sockets)
    }

    /// Serves until `shutdown` ends; then accepts nothing more, lets requests under way finish for up to
    /// `drain_ms`, and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let stop = async {
            shutdown.await;
            Ending::Stop
        };
        self.run_until(stop).await;
    }

    /// The same, with the choice of how it ends.
    pub async fn run_until(self, ending: impl Future<Output = Ending>) {
        let Self { tier, doors, lanes } = self;
        for listener in &tier.listeners {
            tracing::info!(%listener, "web tier is listening");
        }
        let mut watches = JoinSet::new();
        watches.spawn(health::watch_all(tier.clone()));
        let mut managing = JoinSet::new();
        manager::start(&tier, &mut managing);
        if let Some(tls) = &tier.tls {
            let every = Duration::from_millis(tier.config.tls.watch_ms);
            watches.spawn(tls::watch(tls.choice.clone(), every));
            let acme = &tier.config.tls.acme;
            if acme.is_on() {
                watches.spawn(tls::acme::keep(acme.clone(), tls.choice.clone(), tier.clock.clone(), every));
            }
        }
        let mut connections =
            Connections { lanes, tasks: JoinSet::new(), clients: HashMap::new(), accepted: 0 };
        let mut ending = pin!(ending);
        // Accepted, but more than are allowed: it waits here, the others in the kernel.
        let mut waiting = None;
        let mut turn = 0;
        let ending = loop {
            let has_room = connections.tasks.len() < tier.live.connections_max();
            match waiting.take() {
                Some((stream, peer, scheme)) if has_room => connections.serve(&tier, stream, peer, scheme),
                Some(accepted) => {
                    connections.make_room();
                    waiting = Some(accepted);
                }
                None => {}
            }
            tokio::select! {
                ending = &mut ending => break ending,
                Some(ended) = connections.tasks.join_next_with_id() => connections.forget(ended),
                () = tokio::time::sleep(ROOM_PAUSE), if waiting.is_some() => {}
                (accepted, scheme) = accept(&doors, &mut turn), if waiting.is_none() => match accepted {
                    Ok((stream, peer)) => waiting = Some((stream, peer, scheme)),
                    Err(error) => {
                        tracing::warn!(cause = %error, "cannot accept a connection");
                        connections.make_room();
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        };
        drop(doors);
        // A successor has its own.
        managing.shutdown().await;
        // Whoever was let in before a hand-over is served, room or not: nobody is to notice it.
        if let (Ending::HandedOver, Some((stream, peer, scheme))) = (ending, waiting) {
            connections.serve(&tier, stream, peer, scheme);
        }
        connections.drain(ending, tier.live.drain()).await;
        tracing::info!(listen = %tier.listen(), "web tier has ended");
    }
}

impl Connections {
    fn serve(&mut self, tier: &Arc<Tier>, stream: TcpStream, peer: SocketAddr, scheme: Scheme) {
        // Only a hint to the kernel; a connection without it still works.
        let _ = stream.set_nodelay(true);
        let local = stream.local_addr().ok();
        // It goes on in the runtime of another thread.
        let stream = match stream.into_std() {
            Ok(stream) => stream,
            Err(error) => return tracing::warn!(cause = %error, "cannot serve a connection"),
        };
        self.accepted += 1;
        let lane = self.lanes.enter();
        let client = Client::new(self.accepted, peer, local, scheme, lane, tier.started);
        if let Some(task) = self.lanes.serve(&mut self.tasks, tier, stream, &client) {
            self.clients.insert(task.id(), client);
        }
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        if let Some(client) = self.clients.remove(&id) {
            self.lanes.leave(client.lane);
        }
    }

    /// Asks the connection that has been idle longest to leave, if any is idle.
    fn make_room(&self) {
        let idle = self.clients.values().filter_map(|client| Some((client.idle_since()?, client)));
        if let Some((_, client)) = idle.min_by_key(|(since, client)| (*since, client.number)) {
            client.leave();
        }
    }

    async fn drain(mut self, ending: Ending, patience: Duration) {
        for client in self.clients.values() {
            match ending {
                Ending::Stop => client.leave(),
                Ending::HandedOver => client.leave_gently(),
            }
        }
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all_ended).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "requests were still under way when the time to drain was over"
            );
            self.tasks.shutdown().await;
        }
    }
}
