//! The listener: accepts connections up to a limit, serves each, and stops without breaking off what is under way.
//!
//! The binary calls [`Server::bind`] and [`Server::run`]. It must never let a client decide how much memory or how many
//! connections there are.

use std::future::Future;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zebu_app::App;

use crate::edge::Edge;
use crate::{Config, Error};

/// A pause after the system refused to accept (no file descriptors left): it will refuse again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long connections stay open for another request once a stop was asked for. The web tier may be sending one on a
/// connection at the very moment it would be closed; within this time it hears from an answer that it was the last, or
/// finds that nobody listens any more.
const NOTICE: Duration = Duration::from_secs(1);

/// A node's HTTP listener, bound but not serving yet.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    edge: Arc<Edge>,
}

impl Server {
    /// Listens at the configured address.
    ///
    /// # Errors
    /// A setting that could not work, or an address that cannot be listened on.
    pub async fn bind(config: &Config, app: Arc<App>) -> Result<Server, Error> {
        config.check()?;
        let failed = |source| Error::Listen { address: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, address, edge: Arc::new(Edge::new(app, config.clone())) })
    }

    /// Where it listens; tells the port that port 0 became.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done; then takes no more connections, gives the resting ones notice, and lets requests
    /// under way finish, for `drain_ms` at most.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let config = Arc::clone(&self.edge.config);
        let (stop, stopping) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let full = connections.len() >= config.connections_max;
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if !full => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(serve(Arc::clone(&self.edge), stream, peer, stopping.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        self.edge.drain();
        // Whoever waits in the kernel's queue believes to be connected.
        while let Some(Ok((stream, peer))) = self.listener.accept().now_or_never() {
            connections.spawn(serve(Arc::clone(&self.edge), stream, peer, stopping.clone()));
        }
        drop(self.listener);
        if timeout(NOTICE, all_ended(&mut connections)).await.is_ok() {
            return;
        }
        // Nobody listens only if there are no connections: then there is nobody to tell.
        let _ = stop.send(true);
        let patience = Duration::from_millis(config.drain_ms);
        if timeout(patience, all_ended(&mut connections)).await.is_err() {
            tracing::warn!(
                connections = connections.len(),
                "requests were broken off: they took longer than drain_ms"
            );
        }
    }
}

async fn all_ended(connections: &mut JoinSet<()>) {
    while connections.join_next().await.is_some() {}
}

async fn serve(edge: Arc<Edge>, stream: TcpStream, peer: SocketAddr, mut stopping: watch::Receiver<bool>) {
    if let Err(error) = stream.set_nodelay(true) {
        // The client is gone already, or will merely wait a little longer for small answers.
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let config = Arc::clone(&edge.config);
    let service = service_fn(move |request| {
        let edge = Arc::clone(&edge);
        async move { Ok::<_, std::convert::Infallible>(edge.serve(request, peer.ip()).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(config.idle_ms_max))
        .max_header_size(config.header_bytes_max)
        .max_buf_size(config.read_buffer_bytes_max)
        .serve_connection(TokioIo::new(stream), service);
    let mut connection = pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        // A sender that is gone means the same as one that says stop.
        () = async { stopping.wait_for(|stop| *stop).await.map(drop).unwrap_or_default() } => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        // A client that went away or sent no HTTP: its own business, of interest only while looking for a fault.
        tracing::debug!(%peer, %error, "a connection ended early");
    }
}
