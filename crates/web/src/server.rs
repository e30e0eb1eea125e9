//! The listener: accepts connections up to a limit, serves each, and stops without breaking off what is under way.
//!
//! The binary calls [`Server::bind`] and [`Server::run`]. It must never let a client decide how much memory or how many
//! connections there are.

use std::convert::Infallible;
use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};
use zebu_app::App;

use crate::body::{Incoming, Outgoing};
use crate::door::Door;
use crate::drain::{Drain, Left};
use crate::edge::Edge;
use crate::opening::{self, Opened};
use crate::resting::{Resting, Watch, Watched};
use crate::source::Source;
use crate::{Config, Error, Networks, admin, ajp, h2};

/// A pause after the system refused to accept (no file descriptors left): it will refuse again at once.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// How long connections stay open for another request once a stop was asked for. The web tier may be sending one on a
/// connection at the very moment it would be closed; within this time it hears from an answer that it was the last, or
/// finds that nobody listens any more.
const NOTICE: Duration = Duration::from_secs(1);

/// An HTTP listener, bound but not serving yet: a node's, or the admin daemon's.
#[derive(Debug)]
pub struct Server {
    door: Door,
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
    /// Milliseconds in which a client must take a piece of an answer that rests.
    pub(crate) stall_ms_max: u64,
    /// Milliseconds requests under way may take once a stop was asked for.
    pub(crate) drain_ms: u64,
}

/// Who answers.
#[derive(Debug)]
pub(crate) enum Service {
    Groupware { edge: Edge, trusted: Networks },
    Ajp { edge: Edge, settings: ajp::Settings },
    Admin(admin::Edge),
}

impl Service {
    /// `direct`: who is connected, as far as the connection itself says.
    pub(crate) async fn serve(
        &self,
        mut request: http::Request<Incoming>,
        direct: Source,
    ) -> Response<Outgoing> {
        match self {
            Service::Groupware { edge, trusted } => {
                let source = direct.behind(request.headers_mut(), trusted);
                edge.serve(request, source).await
            }
            Service::Ajp { edge, .. } => edge.serve(request, direct).await,
            Service::Admin(edge) => edge.serve(request).await,
        }
    }

    pub(crate) fn drain(&self, drains: bool) {
        match self {
            Service::Groupware { edge, .. } | Service::Ajp { edge, .. } => edge.drain(drains),
            Service::Admin(edge) => edge.drain(drains),
        }
    }

    pub(crate) fn left(&self) -> Left {
        match self {
            Service::Groupware { edge, .. } | Service::Ajp { edge, .. } => edge.left(),
            Service::Admin(edge) => edge.left(),
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
        let service = Service::Groupware {
            edge: Edge::new(app, config.clone()),
            trusted: config.trusted_peers.clone(),
        };
        Server::listen(config.listen, config.limits(), service, Duration::ZERO)
    }

    /// Listens for AJP13, for a node whose HTTP side has the configuration `node`: its limits hold for both.
    ///
    /// # Errors
    /// A setting that could not work, or an address that cannot be listened on.
    pub async fn bind_ajp(config: &ajp::Config, node: &Config, app: Arc<App>) -> Result<Server, Error> {
        node.check()?;
        let settings = config.settings(node.body_stall())?;
        let service = Service::Ajp { edge: Edge::new(app, node.clone()), settings };
        let left_alone = Duration::from_millis(config.front_retry_ms);
        Server::listen(config.listen, config.limits(node.limits()), service, left_alone)
    }

    /// Listens for the operator's commands.
    ///
    /// # Errors
    /// A setting that could not work, or an address that cannot be listened on.
    pub async fn bind_admin(config: &admin::Config, app: Arc<App>) -> Result<Server, Error> {
        config.check()?;
        let service = Service::Admin(admin::Edge::new(app, config.clone()));
        Server::listen(config.listen, config.limits(), service, Duration::ZERO)
    }

    fn listen(
        at: SocketAddr,
        limits: Limits,
        service: Service,
        left_alone: Duration,
    ) -> Result<Server, Error> {
        let door = Door::open(at, left_alone).map_err(|source| Error::Listen { address: at, source })?;
        Ok(Server { door, limits, service: Arc::new(service) })
    }

    /// Where it listens; tells the port that port 0 became.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.door.address()
    }

    /// A hold on it, to have it drain while it serves.
    #[must_use]
    pub fn draining(&self) -> Drain {
        let bolt = matches!(&*self.service, Service::Ajp { .. }).then(|| self.door.bolt());
        Drain::new(Arc::clone(&self.service), bolt)
    }

    /// Serves until `shutdown` is done; then takes no more connections, gives the resting ones notice, and lets requests
    /// under way finish, for `drain_ms` at most.
    pub async fn run(mut self, shutdown: impl Future<Output = ()>) {
        let limits = self.limits;
        let (stop, stopping) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            let full = connections.len() >= limits.connections_max;
            tokio::select! {
                () = &mut shutdown => break,
                Some(ended) = connections.join_next() => go_on(&mut connections, ended),
                accepted = self.door.accept(), if !full => match accepted {
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
        self.service.drain(true);
        for (stream, peer) in self.door.end() {
            connections.spawn(serve(Arc::clone(&self.service), limits, stream, peer, stopping.clone()));
        }
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

async fn all_ended(connections: &mut JoinSet<Option<Resting>>) {
    while let Some(ended) = connections.join_next().await {
        go_on(connections, ended);
    }
}

/// An answer that rests goes on in a task of its own: what served its connection until then was large.
fn go_on(connections: &mut JoinSet<Option<Resting>>, ended: Result<Option<Resting>, JoinError>) {
    if let Ok(Some(resting)) = ended {
        connections.spawn(async {
            resting.serve().await;
            None
        });
    }
}

/// Serves a connection to its end, or until an answer on it rests.
async fn serve(
    service: Arc<Service>,
    limits: Limits,
    mut stream: TcpStream,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) -> Option<Resting> {
    if let Err(error) = stream.set_nodelay(true) {
        // The client is gone already, or will merely wait a little longer for small answers.
        tracing::debug!(%error, "TCP_NODELAY could not be set");
    }
    if let Service::Ajp { edge, settings } = &*service {
        ajp::serve(edge, settings, stream, peer, stopping).await;
        return None;
    }
    let Opened { source, is_h2, ahead } = opened(&service, limits, &mut stream, peer, &mut stopping).await?;
    let watch = Arc::new(Watch::default());
    let watched = Watched::new(stream, ahead, Arc::clone(&watch));
    if is_h2 {
        h2::serve(service, limits, watched, source, stopping).await;
        return None;
    }
    let service = service_fn(|request: hyper::Request<hyper::body::Incoming>| {
        let request = request.map(Incoming::Http);
        let (service, watch) = (Arc::clone(&service), Arc::clone(&watch));
        let may_rest = Watch::may(request.method(), request.version());
        // In a box: a connection whose answer streams for hours need not carry what made it.
        Box::pin(async move {
            let response = service.serve(request, source).await;
            Ok::<_, Infallible>(if may_rest { watch.take(response) } else { response })
        })
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(Duration::from_millis(limits.idle_ms_max))
        .max_header_size(limits.header_bytes_max)
        .max_buf_size(limits.read_buffer_bytes_max)
        .serve_connection(TokioIo::new(watched), service);
    let mut told_to_stop = false;
    let ended = loop {
        let served = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(ended) => Poll::Ready(Err(ended)),
            Poll::Pending => watch.detach().map_or(Poll::Pending, |body| Poll::Ready(Ok(body))),
        });
        tokio::select! {
            served = served => match served {
                Ok(body) => {
                    let stream = connection.into_parts().io.into_inner().into_stream();
                    return Some(Resting::new(stream, body, Duration::from_millis(limits.stall_ms_max)));
                }
                Err(ended) => break ended,
            },
            // A sender that is gone means the same as one that says stop.
            () = async { drop(stopping.wait_for(|stop| *stop).await) }, if !told_to_stop => {
                told_to_stop = true;
                Pin::new(&mut connection).graceful_shutdown();
            }
        }
    };
    if let Err(error) = ended {
        // A client that went away or sent no HTTP: its own business, of interest only while looking for a fault.
        tracing::debug!(%peer, %error, "a connection ended early");
    }
    None
}

/// Looks at the first bytes of a connection of the groupware; none if it is not to be served.
async fn opened(
    service: &Service,
    limits: Limits,
    stream: &mut TcpStream,
    peer: SocketAddr,
    stopping: &mut watch::Receiver<bool>,
) -> Option<Opened> {
    let Service::Groupware { trusted, .. } = service else {
        return Some(Opened { source: Source::direct(peer.ip()), is_h2: false, ahead: Bytes::new() });
    };
    let idle = Duration::from_millis(limits.idle_ms_max);
    let opened = tokio::select! {
        opened = timeout(idle, opening::open(stream, peer.ip(), trusted)) => opened.ok()?,
        () = async { drop(stopping.wait_for(|stop| *stop).await) } => return None,
    };
    opened
        .inspect_err(|error| {
            if error.kind() == std::io::ErrorKind::InvalidData {
                tracing::warn!(%peer, %error, "a connection was closed");
            }
        })
        .ok()
}
