//! A running web tier and clients of it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zebu_balancer::{
    Asset, Assets, Clock, Config, Control, Error, FoundNode, MemberConfig, MemberState, Server, Snapshot,
    Status,
};

use crate::node::Node;

/// The longest any wait of these tests takes before it is a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// The wall clock of these tests.
pub(crate) const WALL_MS: i64 = 1_795_000_000_000;

pub(crate) struct Tier {
    pub(crate) address: SocketAddr,
    pub(crate) status: Status,
    control: Control,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<()>,
}

impl Tier {
    pub(crate) async fn over(nodes: &[&Node]) -> Self {
        Self::with(config(nodes)).await
    }

    pub(crate) async fn with(config: Config) -> Self {
        Self::serving(config, assets()).await
    }

    /// With another web client.
    pub(crate) async fn serving(config: Config, assets: Assets) -> Self {
        Self::by_the_clock(config, assets, Arc::new(|| WALL_MS)).await
    }

    /// With another clock than one that stands.
    pub(crate) async fn at(config: Config, clock: Clock) -> Self {
        Self::by_the_clock(config, assets(), clock).await
    }

    async fn by_the_clock(config: Config, assets: Assets, clock: Clock) -> Self {
        let server = Server::bind(config, assets, clock).await.unwrap();
        let (address, status, control) = (server.local_addr(), server.status(), server.control());
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async move {
            let _ = stopped.await;
        }));
        Self { address, status, control, stop: Some(stop), running }
    }

    /// Has it read its configuration again.
    pub(crate) fn reload(&self, config: &Config) -> Result<(), Error> {
        self.control.reload(config)
    }

    /// The same, with these in the mesh.
    pub(crate) fn reload_with(&self, config: &Config, nodes: &[FoundNode]) -> Result<(), Error> {
        self.control.reload_with(config, nodes)
    }

    /// Tells it who is in the mesh.
    pub(crate) fn found(&self, nodes: &[FoundNode]) {
        self.control.found(nodes);
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        self.status.snapshot()
    }

    pub(crate) fn is_up(&self, route: &str) -> bool {
        self.snapshot().members.iter().any(|member| member.route == route && member.state == MemberState::Up)
    }

    /// Begins the shutdown.
    pub(crate) fn stop(&mut self) {
        self.stop.take().expect("stopped once").send(()).unwrap();
    }

    /// Waits until it has ended.
    pub(crate) async fn ended(self) {
        tokio::time::timeout(PATIENCE, self.running).await.expect("the server ends").unwrap();
    }

    /// One request over a connection of its own, the body read whole.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Response<Bytes> {
        let mut browser = Browser::connect(self.address).await;
        browser.send(request).await.expect("an answer")
    }

    pub(crate) async fn get(&self, path: &str, cookie: &str) -> Response<Bytes> {
        self.send(get(path, cookie)).await
    }

    /// Writes bytes as they are and reads until the server closes.
    pub(crate) async fn raw(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        stream.write_all(bytes.as_ref()).await.unwrap();
        let mut answer = Vec::new();
        let read =
            tokio::time::timeout(PATIENCE, stream.read_to_end(&mut answer)).await.expect("the server closes");
        // A reset after the answer is a close like any other.
        let _ = read;
        String::from_utf8(answer).unwrap()
    }
}

/// A client that keeps its connection.
pub(crate) struct Browser {
    sender: SendRequest<Full<Bytes>>,
}

impl Browser {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
        tokio::spawn(connection);
        Self { sender }
    }

    pub(crate) async fn send(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Bytes>, hyper::Error> {
        whole(self.open(request).await?).await
    }

    /// The head of the answer, the body still to come.
    pub(crate) async fn open(
        &mut self,
        request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, hyper::Error> {
        self.sender.ready().await?;
        let answer = tokio::time::timeout(PATIENCE, self.sender.send_request(request));
        answer.await.expect("an answer in time")
    }
}

async fn whole(response: Response<Incoming>) -> Result<Response<Bytes>, hyper::Error> {
    let (parts, body) = response.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}

pub(crate) fn get(path: &str, cookie: &str) -> Request<Full<Bytes>> {
    request("GET", path, cookie, "")
}

pub(crate) fn request(method: &str, path: &str, cookie: &str, body: &'static str) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path).header("host", "groupware.example");
    if !cookie.is_empty() {
        request = request.header("cookie", cookie);
    }
    request.body(Full::new(Bytes::from_static(body.as_bytes()))).unwrap()
}

/// A configuration with these nodes, on a free port, quick enough for tests.
pub(crate) fn config(nodes: &[&Node]) -> Config {
    let member = |node: &&Node| MemberConfig::new(node.route, node.address.to_string());
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)).into(),
        members: nodes.iter().map(member).collect(),
        probe_interval_ms: 20,
        check_interval_ms: 0,
        slow_start_ms: 0,
        // Tests say by a bare route whom they mean.
        sign_routes: false,
        ..Config::default()
    }
}

/// A member as Apache's text would name it, `ajp://h:1` or `http://h:1`.
pub(crate) fn member_at(route: &str, url: &str) -> MemberConfig {
    serde_json::from_value(serde_json::json!({ "route": route, "address": url })).unwrap()
}

/// A web client of three files.
fn assets() -> Assets {
    let asset = |path: &str, content_type: &str, content: &str| Asset {
        path: path.into(),
        content_type: content_type.into(),
        etag: "e1".into(),
        identity: Bytes::from(content.to_owned()),
        gzip: Some(Bytes::from(format!("gz:{content}"))),
        brotli: Some(Bytes::from(format!("br:{content}"))),
    };
    Assets::new([
        asset("/index.html", "text/html; charset=utf-8", "<p>zebu"),
        asset("/assets/index-1a2b.js", "text/javascript", "zebu()"),
        Asset { gzip: None, brotli: None, ..asset("/favicon.svg", "image/svg+xml", "<svg/>") },
    ])
    .unwrap()
}

/// Waits for a condition; fails the test if it does not come true.
pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let began = Instant::now();
    while !condition() {
        assert!(began.elapsed() < PATIENCE, "never came true: {what}");
        // tidy-allow(sleep): the pause between two looks, not the wait
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
