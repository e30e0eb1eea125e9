//! HTTP/2 with clients: curl, hyper's client, and frames written by hand.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http::{Request, Response};
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{self, SendRequest};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::process::Command;
use tokio::sync::Semaphore;
use zebu_balancer::{Config, Http2Config};

use crate::node::{self, Node};
use crate::secure::{both, curl};
use crate::tier::{PATIENCE, Tier, config, eventually};

type Sender = SendRequest<Full<Bytes>>;

async fn connect(tier: &Tier) -> Sender {
    let stream = TcpStream::connect(tier.address).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn ask(path: &str) -> Request<Full<Bytes>> {
    Request::builder().uri(format!("http://groupware.example{path}")).body(Full::default()).unwrap()
}

async fn text(response: Response<Incoming>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn curl_speaks_http2_by_tls_and_by_prior_knowledge() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start("OX-1").await;
    let tier = Tier::with(both(&[&node], &dir)).await;
    let one = dir.path().join("one.pem");
    let said = curl(&tier, &one, "one.example", &["--http2", "-w", " %{http_version}"], "/ajax/x").await;
    assert_eq!(said, "OX-1 2");
    let said = curl(&tier, &one, "one.example", &["--http1.1", "-w", " %{http_version}"], "/ajax/x").await;
    assert_eq!(said, "OX-1 1.1");
    let output = Command::new("curl")
        .args(["-sS", "--noproxy", "*", "--http2-prior-knowledge", "-w", " %{http_version}", "-d", "body"])
        .arg(format!("http://{}/ajax/y", tier.address))
        .output()
        .await
        .unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "OX-1 2");
    let (target, headers) = node.last_head();
    assert_eq!((target.as_str(), headers["host"].to_str().unwrap()), ("/ajax/y", &*tier.address.to_string()));
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["content-length"], "4");
}

#[tokio::test]
async fn many_requests_share_a_connection_and_cookies_in_crumbs_reach_their_node() {
    let (first, second) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::over(&[&first, &second]).await;
    let sender = connect(&tier).await;
    let answers = (0..60).map(|_| {
        let mut sender = sender.clone();
        async move {
            let mut request = ask("/ajax/x");
            request.headers_mut().append("cookie", "a=b".parse().unwrap());
            request.headers_mut().append("cookie", "JSESSIONID=1.OX-2".parse().unwrap());
            text(sender.send_request(request).await.unwrap()).await
        }
    });
    let answers: Vec<Bytes> = stream::iter(answers).buffer_unordered(60).collect().await;
    assert!(answers.iter().all(|answer| answer == "OX-2"), "{answers:?}");
    assert_eq!((answers.len(), first.requests()), (60, 0));
    assert_eq!(second.last_head().1["cookie"], "a=b; JSESSIONID=1.OX-2");
}

#[tokio::test]
async fn large_bodies_go_both_ways_whole() {
    let node = Node::start_with("OX-1", |request: Request<Incoming>| async {
        node::text(request.into_body().collect().await.unwrap().to_bytes())
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let body: Bytes = (0..3_000_000u32).map(|n| (n % 251) as u8).collect::<Vec<_>>().into();
    let request = Request::post("http://h/ajax/x").body(Full::new(body.clone())).unwrap();
    let answer = text(connect(&tier).await.send_request(request).await.unwrap()).await;
    assert!(answer == body, "{} bytes of {}", answer.len(), body.len());
}

#[tokio::test]
async fn a_stop_ends_streams_of_events_and_lets_other_requests_of_the_connection_finish() {
    let go = Arc::new(Semaphore::new(0));
    let node = {
        let go = go.clone();
        Node::start_with("OX-1", move |request: Request<Incoming>| {
            let go = go.clone();
            async move {
                if request.uri().path() == "/ajax/push" {
                    let first = stream::iter([Ok::<_, hyper::Error>(Frame::data(Bytes::from_static(
                        b"data: 1\n\n",
                    )))]);
                    let body = BodyExt::boxed(StreamBody::new(first.chain(stream::pending())));
                    return Response::builder()
                        .header("content-type", "text/event-stream")
                        .body(body)
                        .unwrap();
                }
                go.acquire().await.unwrap().forget();
                node::text("finished")
            }
        })
        .await
    };
    let mut tier = Tier::over(&[&node]).await;
    let mut sender = connect(&tier).await;
    let mut events = sender.send_request(ask("/ajax/push")).await.unwrap().into_body();
    assert_eq!(events.frame().await.unwrap().unwrap().into_data().unwrap(), "data: 1\n\n");
    let slow = tokio::spawn({
        let mut sender = sender.clone();
        async move { text(sender.send_request(ask("/ajax/slow")).await.unwrap()).await }
    });
    eventually("both are with the node", || node.requests() == 2).await;
    tier.stop();
    assert_eq!(events.collect().await.unwrap().to_bytes(), "", "the end of an answer, not of a connection");
    assert!(!slow.is_finished());
    go.add_permits(1);
    assert_eq!(slow.await.unwrap(), "finished");
    tier.ended().await;
}

/// A client that writes frames by hand.
struct Raw(TcpStream);

const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

impl Raw {
    /// `settings`: the content of the first frame.
    async fn connect(tier: &Tier, settings: &[u8]) -> Self {
        let mut raw = Self(TcpStream::connect(tier.address).await.unwrap());
        raw.0.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
        assert!(raw.send(SETTINGS, 0, 0, settings).await);
        raw
    }

    /// Whether it could be sent.
    async fn send(&mut self, kind: u8, flags: u8, stream: u32, content: &[u8]) -> bool {
        let [_, high, middle, low] = u32::try_from(content.len()).unwrap().to_be_bytes();
        let mut frame = vec![high, middle, low, kind, flags];
        frame.extend(stream.to_be_bytes());
        frame.extend(content);
        self.0.write_all(&frame).await.is_ok()
    }

    async fn head(&mut self, stream: u32, flags: u8, method: &str, path: &str) -> bool {
        let mut block = Vec::new();
        for (name, value) in [(":method", method), (":scheme", "http"), (":authority", "h"), (":path", path)]
        {
            block.push(0);
            for text in [name, value] {
                block.push(u8::try_from(text.len()).unwrap());
                block.extend(text.as_bytes());
            }
        }
        self.send(HEADERS, flags, stream, &block).await
    }

    /// The next frame of this kind on this stream; None when the connection ends first.
    async fn wait_for(&mut self, kind: u8, stream: u32) -> Option<Vec<u8>> {
        let waiting = async {
            loop {
                let mut head = [0; 9];
                self.0.read_exact(&mut head).await.ok()?;
                let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
                let mut content = vec![0; length as usize];
                self.0.read_exact(&mut content).await.ok()?;
                if head[3] == kind && u32::from_be_bytes([head[5], head[6], head[7], head[8]]) == stream {
                    return Some(content);
                }
            }
        };
        tokio::time::timeout(PATIENCE, waiting).await.expect("a frame or the end")
    }

    async fn is_closed(&mut self) -> bool {
        self.wait_for(u8::MAX, 0).await.is_none()
    }
}

#[tokio::test]
async fn floods_of_frames_that_carry_nothing_end_the_connection() {
    let node = Node::start("OX-1").await;
    let h2 = Http2Config { empty_frames_max: 100, ..Http2Config::default() };
    let tier = Tier::with(Config { h2, ..config(&[&node]) }).await;
    for (kind, content) in [(PING, &[0; 8][..]), (SETTINGS, &[]), (0x42, &[])] {
        let mut raw = Raw::connect(&tier, &[]).await;
        let mut sent = 0;
        while sent < 100_000 && raw.send(kind, 0, 0, content).await {
            sent += 1;
        }
        assert!(raw.is_closed().await, "after {sent} frames of kind {kind}");
    }
    // The rapid reset: ask and take back.
    let mut raw = Raw::connect(&tier, &[]).await;
    for stream in (1..20_001).step_by(2) {
        let asked = raw.head(stream, END_STREAM | END_HEADERS, "GET", "/ajax/x").await;
        if !asked || !raw.send(RST_STREAM, 0, stream, &8u32.to_be_bytes()).await {
            break;
        }
    }
    assert!(raw.is_closed().await);
    assert!(node.requests() < 2_000, "{} requests reached the node", node.requests());
}

#[tokio::test]
async fn more_requests_at_once_than_allowed_are_refused_and_only_those() {
    let node = Node::start_with("OX-1", |_| std::future::pending()).await;
    let h2 = Http2Config { streams_max: 2, ..Http2Config::default() };
    let tier = Tier::with(Config { h2, ..config(&[&node]) }).await;
    let mut raw = Raw::connect(&tier, &[]).await;
    for stream in [1, 3, 5] {
        raw.head(stream, END_STREAM | END_HEADERS, "GET", "/ajax/x").await;
    }
    const REFUSED_STREAM: u32 = 7;
    assert_eq!(raw.wait_for(RST_STREAM, 5).await.unwrap(), REFUSED_STREAM.to_be_bytes());
    eventually("the two are with the node", || node.requests() == 2).await;
}

#[tokio::test]
async fn a_head_longer_than_allowed_is_answered_431() {
    let tier = Tier::with(Config { header_bytes_max: 8 * 1024, ..config(&[]) }).await;
    let mut request = ask("/");
    request.headers_mut().insert("x-long", "x".repeat(9 * 1024).parse().unwrap());
    let answer = connect(&tier).await.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 431);
}

#[tokio::test]
async fn connections_that_idle_or_send_their_head_too_slowly_are_closed() {
    let limits = Config { client_idle_timeout_ms: 50, client_header_timeout_ms: 50, ..config(&[]) };
    let tier = Tier::with(limits).await;
    let mut silent = Raw::connect(&tier, &[]).await;
    assert!(silent.is_closed().await, "it asked nothing");
    let mut slow = Raw::connect(&tier, &[]).await;
    slow.head(1, 0, "GET", "/").await;
    assert!(slow.is_closed().await, "its head has no end");
    let mut idle = Raw::connect(&tier, &[]).await;
    idle.head(1, END_STREAM | END_HEADERS, "GET", "/").await;
    assert!(idle.wait_for(DATA, 1).await.is_some());
    // Pings are no requests.
    idle.send(PING, 0, 0, &[0; 8]).await;
    assert!(idle.is_closed().await);
}

#[tokio::test]
async fn a_request_that_stalls_is_given_up_and_the_others_of_its_connection_are_not() {
    let node = Node::start_with("OX-1", |request: Request<Incoming>| async move {
        match request.uri().path() {
            "/ajax/events" => std::future::pending().await,
            "/ajax/large" => node::text(vec![7; 400_000]),
            _ => {
                let _ = request.into_body().collect().await;
                node::text("whole")
            }
        }
    })
    .await;
    let tier = Tier::with(Config { client_stall_timeout_ms: 100, ..config(&[&node]) }).await;
    let mut raw = Raw::connect(&tier, &[]).await;
    raw.head(1, END_STREAM | END_HEADERS, "GET", "/ajax/events").await;
    raw.head(3, END_HEADERS, "POST", "/ajax/upload").await;
    raw.send(DATA, 0, 3, b"the first part").await;
    assert!(raw.wait_for(RST_STREAM, 3).await.is_some(), "its body stopped");
    // Its window is 65,535 bytes and never grows.
    raw.head(5, END_STREAM | END_HEADERS, "GET", "/ajax/large").await;
    assert!(raw.wait_for(RST_STREAM, 5).await.is_some(), "its answer is not taken");
    raw.head(7, END_HEADERS, "POST", "/ajax/x").await;
    raw.send(DATA, END_STREAM, 7, b"body").await;
    assert!(raw.wait_for(HEADERS, 7).await.is_some(), "the connection lives on");
    eventually("only the silent one is left", || tier.snapshot().in_flight <= 2).await;
}
