//! Listening, accepting, and ending in good order. Called by the binary.

use std::collections::HashMap;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::{Id, JoinError, JoinSet};

use crate::client::Client;
use crate::listen::{Door, Listener, Scheme, accept};
use crate::tier::{Clock, Tier};
use crate::{Assets, Config, Error, Status, connection, health, tls};

/// How long to leave accepting alone when the system has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often to look for an idle connection to close when there are as many as allowed.
const ROOM_PAUSE: Duration = Duration::from_millis(50);

/// A web tier that listens but does not serve yet.
pub struct Server {
    tier: Arc<Tier>,
    doors: Vec<Door>,
}

/// The open connections of clients.
#[derive(Default)]
struct Connections {
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
        config.check()?;
        let doors: Vec<Door> = config.listen.0.iter().copied().map(Door::open).collect::<Result<_, _>>()?;
        let listeners = doors.iter().map(|door| door.listener).collect();
        Ok(Self { tier: Tier::new(config, assets, listeners, clock)?, doors })
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

    /// Serves until `shutdown` ends; then accepts nothing more, lets requests under way finish for up to
    /// `drain_ms`, and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { tier, doors } = self;
        for listener in &tier.listeners {
            tracing::info!(%listener, "web tier is listening");
        }
        let mut watches = JoinSet::new();
        watches.spawn(health::watch_all(tier.clone()));
        if let Some(tls) = &tier.tls {
            watches.spawn(tls::watch(tls.choice.clone(), Duration::from_millis(tier.config.tls.watch_ms)));
        }
        let mut connections = Connections::default();
        let mut shutdown = pin!(shutdown);
        // Accepted, but more than are allowed: it waits here, the others in the kernel.
        let mut waiting = None;
        let mut turn = 0;
        loop {
            let has_room = connections.tasks.len() < tier.config.connections_max;
            match waiting.take() {
                Some((stream, peer, scheme)) if has_room => connections.serve(&tier, stream, peer, scheme),
                Some(accepted) => {
                    connections.make_room();
                    waiting = Some(accepted);
                }
                None => {}
            }
            tokio::select! {
                () = &mut shutdown => break,
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
        }
        drop((doors, waiting));
        connections.drain(Duration::from_millis(tier.config.drain_ms)).await;
        tracing::info!(listen = %tier.listen(), "web tier has ended");
    }
}

impl Connections {
    fn serve(&mut self, tier: &Arc<Tier>, stream: TcpStream, peer: SocketAddr, scheme: Scheme) {
        // Only a hint to the kernel; a connection without it still works.
        let _ = stream.set_nodelay(true);
        self.accepted += 1;
        let client = Client::new(self.accepted, peer, scheme, tier.started);
        let task = self.tasks.spawn(connection::serve(tier.clone(), stream, client.clone()));
        self.clients.insert(task.id(), client);
    }

    fn forget(&mut self, ended: Result<(Id, ()), JoinError>) {
        let id = match ended {
            Ok((id, ())) => id,
            Err(error) => error.id(),
        };
        self.clients.remove(&id);
    }

    /// Asks the connection that has been idle longest to leave, if any is idle.
    fn make_room(&self) {
        let idle = self.clients.values().filter_map(|client| Some((client.idle_since()?, client)));
        if let Some((_, client)) = idle.min_by_key(|(since, client)| (*since, client.number)) {
            client.leave();
        }
    }

    async fn drain(mut self, patience: Duration) {
        for client in self.clients.values() {
            client.leave();
        }
        let all_ended = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(patience, all_ended).await.is_err() {
            tracing::warn!(
                connections = self.tasks.len(),
                "requests were still under way when the time to drain was over"
            );
        }
    }
}
