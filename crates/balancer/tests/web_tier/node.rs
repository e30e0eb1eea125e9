//! A node for tests: a hyper server with a handler, that can die like a killed process and come back.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::HeaderMap;
use http::{Request, Response, StatusCode};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpSocket};
use tokio::sync::Notify;
use tokio::task::{JoinHandle, JoinSet};

pub(crate) type Body = BoxBody<Bytes, hyper::Error>;
type Answering = Pin<Box<dyn Future<Output = Response<Body>> + Send>>;
type Handler = Arc<dyn Fn(Request<Incoming>) -> Answering + Send + Sync>;

/// A running (or killed) node.
pub(crate) struct Node {
    pub(crate) route: &'static str,
    pub(crate) address: SocketAddr,
    handler: Handler,
    seen: Arc<Seen>,
    running: Mutex<Option<JoinHandle<()>>>,
    closing: Arc<Notify>,
}

/// What reached the node, probes apart.
#[derive(Default)]
pub(crate) struct Seen {
    pub(crate) requests: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) probes: AtomicU64,
    heads: Mutex<Vec<(String, HeaderMap)>>,
}

impl Node {
    /// A node that reads every body and answers 200 with its route.
    pub(crate) async fn start(route: &'static str) -> Self {
        Self::start_with(route, move |request: Request<Incoming>| async move {
            let _ = request.into_body().collect().await;
            text(route)
        })
        .await
    }

    /// A node with a handler of its own. `/health/ready` is answered 200 without it.
    pub(crate) async fn start_with<F>(
        route: &'static str,
        handler: impl Fn(Request<Incoming>) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Response<Body>> + Send + 'static,
    {
        let handler: Handler = Arc::new(move |request| Box::pin(handler(request)));
        let seen = Arc::new(Seen::default());
        let listener = listen(SocketAddr::from(([127, 0, 0, 1], 0)));
        let address = listener.local_addr().unwrap();
        let closing = Arc::new(Notify::new());
        let running = Mutex::new(Some(run(listener, handler.clone(), seen.clone(), closing.clone())));
        Self { route, address, handler, seen, running, closing }
    }

    /// As `kill -9`: listener and connections are gone at once.
    pub(crate) async fn kill(&self) {
        let running = self.running.lock().unwrap().take().expect("a node is killed once");
        running.abort();
        assert!(running.await.unwrap_err().is_cancelled());
    }

    /// As a node that will restart: takes no new connections, and finishes what it has.
    pub(crate) fn close_listener(&self) {
        self.closing.notify_one();
    }

    /// Comes back on the same address.
    pub(crate) fn revive(&self) {
        let running =
            run(listen(self.address), self.handler.clone(), self.seen.clone(), self.closing.clone());
        assert!(self.running.lock().unwrap().replace(running).is_none(), "it was not dead");
    }

    pub(crate) fn requests(&self) -> u64 {
        self.seen.requests.load(Ordering::SeqCst)
    }

    pub(crate) fn connections(&self) -> u64 {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn probes(&self) -> u64 {
        self.seen.probes.load(Ordering::SeqCst)
    }

    /// Target and headers of the last request.
    pub(crate) fn last_head(&self) -> (String, HeaderMap) {
        self.seen.heads.lock().unwrap().last().cloned().expect("a request reached the node")
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(running) = self.running.lock().unwrap().take() {
            running.abort();
        }
    }
}

pub(crate) fn text(body: impl Into<Bytes>) -> Response<Body> {
    Response::new(Full::new(body.into()).map_err(|never| match never {}).boxed())
}

pub(crate) fn status(status: StatusCode) -> Response<Body> {
    let mut response = text("");
    *response.status_mut() = status;
    response
}

pub(crate) fn listen(address: SocketAddr) -> TcpListener {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(address).unwrap();
    socket.listen(1024).unwrap()
}

fn run(listener: TcpListener, handler: Handler, seen: Arc<Seen>, closing: Arc<Notify>) -> JoinHandle<()> {
    tokio::spawn(async move {
        // Dropped with this task, and every connection with it.
        let mut connections = JoinSet::new();
        loop {
            let (stream, _) = tokio::select! {
                accepted = listener.accept() => accepted.unwrap(),
                () = closing.notified() => break,
            };
            seen.connections.fetch_add(1, Ordering::SeqCst);
            stream.set_nodelay(true).unwrap();
            let (handler, seen) = (handler.clone(), seen.clone());
            connections.spawn(async move {
                let service = service_fn(move |request: Request<Incoming>| {
                    answer(handler.clone(), seen.clone(), request)
                });
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .with_upgrades()
                    .await;
            });
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    })
}

async fn answer(
    handler: Handler,
    seen: Arc<Seen>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Infallible> {
    if request.uri().path() == "/health/ready" {
        seen.probes.fetch_add(1, Ordering::SeqCst);
        return Ok(text("ready"));
    }
    seen.requests.fetch_add(1, Ordering::SeqCst);
    seen.heads.lock().unwrap().push((request.uri().to_string(), request.headers().clone()));
    Ok(handler(request).await)
}
