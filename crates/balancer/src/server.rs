//! Listening, accepting, and ending in good order. Called by the binary.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{Id, JoinError, JoinSet};

use crate::client::{self, Client};
use crate::tier::{Clock, Tier};
use crate::{Assets, Config, Error, Status, health};

/// Connections the kernel holds for us while we are busy.
const BACKLOG_CONNECTIONS: u32 = 4_096;

/// How long to leave accepting alone when the system has no file descriptor left.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How often to look for an idle connection to close when there are as many as allowed.
const ROOM_PAUSE: Duration = Duration::from_millis(50);

/// A web tier that listens but does not serve yet.
pub struct Server {
    tier: Arc<Tier>,
    listener: TcpListener,
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
    /// [`Error::Config`], or [`Error::Listen`] naming the address if it is taken.
    pub async fn bind(config: Config, assets: Assets, clock: Clock) -> Result<Self, Error> {
        config.check()?;
        let address = config.listen;
        let listener = listen(address).map_err(|source| Error::Listen { address, source })?;
        let listen = listener.local_addr().map_err(|source| Error::Listen { address, source })?;
        Ok(Self { tier: Tier::new(config, assets, listen, clock)?, listener })
    }

    /// Where it listens, with the real port if the configuration said 0.
    pub fn local_addr(&self) -> SocketAddr {
        self.tier.listen
    }

    /// A handle on its state, to be kept while [`run`](Self::run) has the server.
    pub fn status(&self) -> Status {
        Status::new(self.tier.clone())
    }

    /// Serves until `shutdown` ends; then accepts nothing more, lets requests under way finish for up to
    /// `drain_ms`, and returns.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { tier, listener } = self;
        tracing::info!(listen = %tier.listen, "web tier is listening");
        let mut watches = JoinSet::new();
        for member in tier.members.iter() {
            watches.spawn(health::watch(tier.clone(), member.clone()));
        }
        let mut connections = Connections::default();
        let mut shutdown = pin!(shutdown);
        // Accepted, but more than are allowed: it waits here, the others in the kernel.
        let mut waiting = None;
        loop {
            let has_room = connections.tasks.len() < tier.config.connections_max;
            match waiting.take() {
                Some((stream, peer)) if has_room => connections.serve(&tier, stream, peer),
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
                accepted = listener.accept(), if waiting.is_none() => match accepted {
                    Ok(accepted) => waiting = Some(accepted),
                    Err(error) => {
                        tracing::warn!(cause = %error, "cannot accept a connection");
                        connections.make_room();
                        tokio::time::sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        drop((listener, waiting));
        connections.drain(Duration::from_millis(tier.config.drain_ms)).await;
        tracing::info!(listen = %tier.listen, "web tier has ended");
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // A restart must not wait for the old connections of its predecessor to be forgotten by the kernel.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG_CONNECTIONS)
}

impl Connections {
    fn serve(&mut self, tier: &Arc<Tier>, stream: TcpStream, peer: SocketAddr) {
        // Only a hint to the kernel; a connection without it still works.
        let _ = stream.set_nodelay(true);
        self.accepted += 1;
        let client = Client::new(self.accepted, peer, tier.started);
        let task = self.tasks.spawn(client::serve(tier.clone(), stream, client.clone()));
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
