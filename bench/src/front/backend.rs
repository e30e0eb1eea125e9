//! Two backends that do as little as can be: one answer, whatever was asked, by HTTP/1.1 and by AJP13. They give sessions a route and
//! count the requests that came with another's.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use zebu_ajp::request::Incoming;
use zebu_ajp::{PacketSize, Sender, answer, packet};

/// Length of the answer's body.
pub(super) const ANSWER_BYTES: usize = 2_048;
/// The backends' routes.
pub(super) const ROUTES: [&str; 2] = ["OX-1", "OX-2"];

const READ_BYTES: usize = 16_384;

/// One backend by both protocols.
pub(super) struct Backend {
    pub(super) route: &'static str,
    pub(super) http: SocketAddr,
    pub(super) ajp: SocketAddr,
}

pub(super) struct Backends {
    pub(super) each: Vec<Backend>,
    misrouted: Arc<AtomicU64>,
}

impl Backends {
    pub(super) async fn start() -> Self {
        let misrouted = Arc::new(AtomicU64::new(0));
        let mut each = Vec::new();
        for route in ROUTES {
            let http = listen(route, misrouted.clone(), serve_http).await;
            let ajp = listen(route, misrouted.clone(), serve_ajp).await;
            each.push(Backend { route, http, ajp });
        }
        Self { each, misrouted }
    }

    pub(super) fn misrouted(&self) -> u64 {
        self.misrouted.load(Ordering::Relaxed)
    }
}

async fn listen<F>(
    route: &'static str,
    misrouted: Arc<AtomicU64>,
    serve: impl Fn(TcpStream, &'static str, Arc<AtomicU64>) -> F + Send + 'static,
) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            stream.set_nodelay(true).unwrap();
            tokio::spawn(serve(stream, route, misrouted.clone()));
        }
    });
    address
}

/// What a request's cookies say of its session.
enum Session {
    New,
    Own,
    Others,
}

fn session(head: &[u8], route: &str) -> Session {
    let Some(at) = find(head, b"JSESSIONID=") else { return Session::New };
    let value = &head[at..];
    let end = value.iter().position(|byte| matches!(byte, b';' | b'\r' | 0)).unwrap_or(value.len());
    // A signed route has its signature behind it.
    let value = &value[..end];
    if find(value, format!(".{route}").as_bytes()).is_some() { Session::Own } else { Session::Others }
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

async fn serve_http(mut stream: TcpStream, route: &'static str, misrouted: Arc<AtomicU64>) {
    let common = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {ANSWER_BYTES}\r\nCache-Control: no-store\r\n"
    );
    let body = "x".repeat(ANSWER_BYTES);
    // To Zebu it is a node, whose session ids need not be changed on their way.
    let checked = format!("{common}X-Zebu-Load: 0\r\n\r\n{body}");
    let known = format!("{common}\r\n{body}");
    let new =
        format!("{common}Set-Cookie: JSESSIONID=5661584529655240315.{route}; Path=/; HttpOnly\r\n\r\n{body}");
    let mut head = Vec::with_capacity(READ_BYTES);
    loop {
        head.clear();
        while find(&head, b"\r\n\r\n").is_none() {
            if stream.read_buf(&mut head).await.unwrap_or(0) == 0 {
                return;
            }
        }
        let answer = match session(&head, route) {
            Session::New if head.starts_with(b"GET /health/") => &checked,
            Session::New => &new,
            Session::Own => &known,
            Session::Others => {
                misrouted.fetch_add(1, Ordering::Relaxed);
                &known
            }
        };
        if stream.write_all(answer.as_bytes()).await.is_err() {
            return;
        }
    }
}

async fn serve_ajp(mut stream: TcpStream, route: &'static str, misrouted: Arc<AtomicU64>) {
    let size = PacketSize::default();
    let cookie = format!("JSESSIONID=5661584529655240315.{route}; Path=/; HttpOnly");
    let length = ANSWER_BYTES.to_string();
    let make = |is_new: bool| {
        let mut headers = vec![
            ("content-type", &b"application/json"[..]),
            ("content-length", length.as_bytes()),
            ("cache-control", b"no-store"),
        ];
        if is_new {
            headers.push(("set-cookie", cookie.as_bytes()));
        }
        let mut out = Vec::new();
        answer::head(200, "OK", headers, size, &mut out).unwrap();
        answer::chunk(&[b'x'; ANSWER_BYTES], size, &mut out);
        answer::end(true, &mut out);
        out
    };
    let (known, new) = (make(false), make(true));
    let mut pong = Vec::new();
    answer::pong(&mut pong);
    let mut buffer = Vec::with_capacity(READ_BYTES);
    loop {
        let (bytes, answer) = match packet::first(Sender::Front, &buffer, size).unwrap() {
            None => {
                if stream.read_buf(&mut buffer).await.unwrap_or(0) == 0 {
                    return;
                }
                continue;
            }
            Some(packet) => match Incoming::read(packet.payload).unwrap() {
                Incoming::Forward(_) => (
                    packet.bytes,
                    match session(packet.payload, route) {
                        Session::New => &new,
                        Session::Own => &known,
                        Session::Others => {
                            misrouted.fetch_add(1, Ordering::Relaxed);
                            &known
                        }
                    },
                ),
                Incoming::Ping => (packet.bytes, &pong),
                Incoming::Shutdown | Incoming::OldPing => return,
            },
        };
        buffer.drain(..bytes);
        if stream.write_all(answer).await.is_err() {
            return;
        }
    }
}
