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
use http::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use zebu_app::App;

use crate::body::Outgoing;
use crate::edge::Edge;
use crate::{Config, Error, admin};

/// A pause after the system refused to accept (no file descriptors left): it will refuse again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long connections stay open for another request once a stop was asked for. The web tier may be sending one on a
/// connection at the very moment it would be closed; within this time it hears from an answer that it was the last, or
/// finds that nobody listens any more.
const NOTICE: Duration = Duration::from_secs(1);

/// An HTTP listener, bound but not serving yet: a node's, or the admin daemon's.
#[derive(Debug)]
pub struct Server {
    listener: TcpListener,
    address: SocketAddr,
    limits: Limits,
    service: Arc<Service>,
}

/// What a listener keeps its clients to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections open at once; more wait in the kernel's queue.
    pub(crate) connections_max: usize,
    /// Bytes of a request's line and headers together.
    pub(crate) header_bytes_max: usize,
    /// Bytes read at once while a body arrives fast.
    pub(crate) read_buffer_bytes_max: usize,
    /// Milliseconds a connection may rest between two requests.
    pub(crate) idle_ms_max: u64,
    /// Milliseconds requests under way may take once a stop was asked for.
    pub(crate) drain_ms: u64,
}

/// Who answers.
#[derive(Debug)]
enum Service {
    Groupware(Edge),
    Admin(admin::Edge),
}

impl Service {
    async fn serve(&self, request: hyper::Request<Incoming>, peer: SocketAddr) -> Response<Outgoing> {
        match self {
            Service::Groupware(edge) => edge.serve(request, peer.ip()).await,
            Service::Admin(edge) => edge.serve(request).await,
        }
    }

    fn drain(&self) {
        match self {
            Service::Groupware(edge) => edge.drain(),
            Service::Admin(edge) => edge.drain(),
        }
    }
}

impl Server {
    /// Listens at the configured address.
    ///
    /// # Errors
    /// A setting that could not work, or an address that cannot be listened on.
    pub async fn bind(config: &Config, app: Arc<App>) -> Result<Server, Error> {
        config.check()?;
        let service = Service::Groupware(Edge::new(app, config.clone()));
        Server::listen(config.listen, config.limits(), service).await
    }

    /// Listens for the operator's commands.
    ///
    /// # Errors
    /// A setting that could not work, or an address that cannot be listened on.
    pub async fn bind_admin(config: &admin::Config, app: Arc<App>) -> Result<Server, Error> {
        config.check()?;
        let service = Service::Admin(admin::Edge::new(app, config.clone()));
        Server::listen(config.listen, config.limits(), service).await
    }

    async fn listen(at: SocketAddr, limits: Limits, service: Service) -> Result<Server, Error> {
        let failed = |source| Error::Listen { address: at, source };
        let listener = TcpListener::bind(at).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Server { listener, address, limits, service: Arc::new(service) })
    }

    /// Where it listens; tells the port that port 0 became.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown` is done; then takes no more connections, gives the resting ones notice, and lets requests
    /// under way finish, for `drain_ms` at most.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let limits = self.limits;
        let (stop, stopping) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let full = connections.len() >= limits.connections_max;
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept(), if !full => match accepted {
                    Ok((stream, peer)) => {
                        connections.spawn(serve(Arc::clone(&self.service), limits, stream, peer, stopping.clone()));
                    }
                    Err(error) => {
                        tracing::warn!(%error, "a connection could not be accepted");
                        sleep(ACCEPT_PAUSE).await;
                    }
                },
            }
        }
        self.service.drain();
        // Whoever waits in the kernel's queue believes to be connected.
        while let Some(Ok((stream, peer))) = self.listener.accept().now_or_never() {
            connections.spawn(serve(Arc::clone(&self.service), limits, stream, peer, stopping.clone()));
        }
        drop(self.listener);
        if timeout(NOTICE, all_ended(&mut connections)).await.is_ok() {
            return;
        }
        // Nobody listens only if there are no connections: then there is nobody to tell.
        let _ = stop.send(true);
        let patience = Duration::from_millis(limits.drain_ms);
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

async fn serve(
    service: Arc<Service>,
    limits: Limits,
    stream: TcpStream,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        // The client is gone already, or will merely wait a little longer for small answers.
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    let service = service_fn(move |request| {
        let service = Arc::clone(&service);
        // In a box of its own: a connection whose answer streams for hours need not carry what made it.
        async move { Ok::<_, std::convert::Infallible>(Box::pin(service.serve(request, peer)).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.idle_ms_max))
        .max_header_size(limits.header_bytes_max)
        .max_buf_size(limits.read_buffer_bytes_max)
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
