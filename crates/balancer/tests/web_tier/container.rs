//! What stands behind AJP in these tests: a container that says exactly what a test has it say, packet by packet.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::{JoinHandle, JoinSet};
use zebu_ajp::attribute::Attribute;
use zebu_ajp::framing::Framing;
use zebu_ajp::request::Incoming;
use zebu_ajp::{PacketSize, Sender, answer, packet, serving};
use zebu_balancer::MemberConfig;

use crate::node::listen;
use crate::tier::member_at;

/// A request as it came.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) uri: String,
    pub(crate) query: Option<String>,
    pub(crate) remote_address: String,
    pub(crate) server: (String, u16),
    pub(crate) is_ssl: bool,
    pub(crate) headers: Vec<(String, String)>,
    /// The secret, the route, TLS and what has a name, as `name=value`.
    pub(crate) attributes: Vec<String>,
    pub(crate) framing: Framing,
}

impl Asked {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A connection of the web tier, seen from the container.
pub(crate) struct Line {
    stream: TcpStream,
    input: Vec<u8>,
    size: PacketSize,
    seen: Arc<Seen>,
    /// Whether pings are answered.
    pub(crate) pongs: bool,
}

#[derive(Default)]
struct Seen {
    connections: AtomicU64,
    pings: AtomicU64,
    asked: Mutex<Vec<Asked>>,
}

/// A running container.
pub(crate) struct Container {
    pub(crate) route: &'static str,
    pub(crate) address: SocketAddr,
    seen: Arc<Seen>,
    running: JoinHandle<()>,
}

impl Container {
    /// `serve` has each connection to itself; checks of the web tier (`/health/ready`) are answered 404 without it, as a
    /// Tomcat does.
    pub(crate) async fn start<F>(
        route: &'static str,
        serve: impl Fn(Line) -> F + Send + Sync + 'static,
    ) -> Container
    where
        F: Future<Output = ()> + Send + 'static,
    {
        Self::of_size(route, PacketSize::default(), serve).await
    }

    pub(crate) async fn of_size<F>(
        route: &'static str,
        size: PacketSize,
        serve: impl Fn(Line) -> F + Send + Sync + 'static,
    ) -> Container
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let listener = listen(([127, 0, 0, 1], 0).into());
        let address = listener.local_addr().unwrap();
        let seen = Arc::new(Seen::default());
        let counted = seen.clone();
        let running = tokio::spawn(async move {
            let mut lines = JoinSet::new();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                counted.connections.fetch_add(1, Ordering::SeqCst);
                stream.set_nodelay(true).unwrap();
                let line = Line { stream, input: Vec::new(), size, seen: counted.clone(), pongs: true };
                lines.spawn(serve(line));
            }
        });
        Container { route, address, seen, running }
    }

    /// One that answers every request with its route, and its body's length.
    pub(crate) async fn usual(route: &'static str) -> Container {
        Self::start(route, move |mut line| async move {
            while let Some(asked) = line.request().await {
                let body = line.body(&asked).await;
                line.answer(200, &[], format!("{route} {}", body.len()).as_bytes(), true).await;
            }
        })
        .await
    }

    pub(crate) fn member(&self) -> MemberConfig {
        member_at(self.route, &format!("ajp://{}", self.address))
    }

    pub(crate) fn connections(&self) -> u64 {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(crate) fn pings(&self) -> u64 {
        self.seen.pings.load(Ordering::SeqCst)
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.seen.asked.lock().unwrap().clone()
    }

    pub(crate) fn last(&self) -> Asked {
        self.asked().pop().expect("a request came")
    }
}

impl Drop for Container {
    fn drop(&mut self) {
        self.running.abort();
    }
}

impl Line {
    async fn packet(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(packet) = packet::first(Sender::Front, &self.input, self.size).unwrap() {
                let (payload, bytes) = (packet.payload.to_vec(), packet.bytes);
                self.input.drain(..bytes);
                return Some(payload);
            }
            if self.stream.read_buf(&mut self.input).await.unwrap_or(0) == 0 {
                return None;
            }
        }
    }

    /// The next request; none when the web tier has closed.
    pub(crate) async fn request(&mut self) -> Option<Asked> {
        loop {
            let payload = self.packet().await?;
            let asked = match Incoming::read(&payload).unwrap() {
                Incoming::Ping => {
                    self.seen.pings.fetch_add(1, Ordering::SeqCst);
                    if self.pongs {
                        let mut out = Vec::new();
                        answer::pong(&mut out);
                        self.raw(&out).await;
                    }
                    continue;
                }
                Incoming::Forward(request) => read(&request),
                other => panic!("{other:?}"),
            };
            if asked.uri == "/health/ready" {
                self.answer(404, &[], b"", true).await;
                continue;
            }
            self.seen.asked.lock().unwrap().push(asked.clone());
            return Some(asked);
        }
    }

    /// Answers whatever comes 403, and says that the connection is over; whether anything came.
    pub(crate) async fn refused(&mut self) -> bool {
        let came = self.packet().await.is_some();
        if came {
            self.answer(403, &[], b"", false).await;
        }
        came
    }

    /// The whole body of a request, asked for part by part.
    pub(crate) async fn body(&mut self, asked: &Asked) -> Vec<u8> {
        let mut upload = serving::Upload::new(asked.framing, self.size);
        let mut whole = Vec::new();
        while !upload.is_ended() {
            if let Some(bytes) = upload.ask() {
                let mut out = Vec::new();
                answer::ask(bytes, &mut out);
                self.raw(&out).await;
            }
            let Some(payload) = self.packet().await else { break };
            whole.extend_from_slice(upload.receive(&payload).unwrap());
        }
        whole
    }

    /// A whole answer with its length, in one piece.
    pub(crate) async fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8], reuse: bool) {
        let length = body.len().to_string();
        let all: Vec<_> = headers.iter().copied().chain([("content-length", length.as_str())]).collect();
        let mut out = self.head(status, &all);
        self.chunks(body, &mut out);
        answer::end(reuse, &mut out);
        self.raw(&out).await;
    }

    /// The bytes of a head.
    pub(crate) fn head(&self, status: u16, headers: &[(&str, &str)]) -> Vec<u8> {
        let mut out = Vec::new();
        let headers = headers.iter().map(|(name, value)| (*name, value.as_bytes()));
        answer::head(status, "", headers, self.size, &mut out).unwrap();
        out
    }

    /// The bytes of a body, in as many packets as it takes.
    pub(crate) fn chunks(&self, mut body: &[u8], out: &mut Vec<u8>) {
        while !body.is_empty() {
            let written = answer::chunk(body, self.size, out);
            body = &body[usize::from(written)..];
        }
    }

    /// Bytes as they are; nobody may be there to take them.
    pub(crate) async fn raw(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Waits until the web tier closes; whatever it still sends is nothing.
    pub(crate) async fn closed(&mut self) {
        let mut rest = [0; 4096];
        while self.stream.read(&mut rest).await.is_ok_and(|bytes| bytes > 0) {}
    }
}

fn read(request: &zebu_ajp::request::Request<'_>) -> Asked {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let named = |name: &str, value: Option<&[u8]>| format!("{name}={}", text(value.unwrap_or_default()));
    let attributes = request.attributes.filter_map(|attribute| match attribute {
        Attribute::Secret(secret) => Some(named("secret", Some(secret))),
        Attribute::Route(route) => Some(named("route", route)),
        Attribute::SslCipher(cipher) => Some(named("cipher", cipher)),
        Attribute::SslKeySize(bits) => Some(format!("bits={bits}")),
        Attribute::Other { name, value } => Some(named(&text(name), value)),
        Attribute::Query(_) | Attribute::StoredMethod(_) => None,
        other => panic!("{other:?}"),
    });
    Asked {
        method: request.method.to_owned(),
        uri: text(request.uri),
        query: request.query.map(text),
        remote_address: request.remote_address.unwrap_or_default().to_owned(),
        server: (request.server_name.to_owned(), request.server_port),
        is_ssl: request.is_ssl,
        headers: request.headers.map(|(name, value)| (name.to_owned(), text(value))).collect(),
        attributes: attributes.collect(),
        framing: request.framing,
    }
}
