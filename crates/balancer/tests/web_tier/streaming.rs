//! Large bodies, both ways, and uploads that ask first.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, StatusCode};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Body as _, Frame};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::node::{self, Node};
use crate::tier::{Browser, Tier, get};

const STREAM_BYTES: u64 = 256 * 1024 * 1024;
const CHUNK: &[u8] = &[7; 64 * 1024];

/// What this process may grow by while 256 MiB pass through it; its client and node stream as well.
const GROWTH_BYTES_MAX: u64 = 48 * 1024 * 1024;

fn chunks() -> impl stream::Stream<Item = Result<Frame<Bytes>, hyper::Error>> + Send + Sync {
    let count = STREAM_BYTES / CHUNK.len() as u64;
    stream::iter((0..count).map(|_| Ok(Frame::data(Bytes::from_static(CHUNK)))))
}

/// A line of `/proc/self/status`, in bytes.
fn memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap() * 1024
}

#[tokio::test]
async fn a_large_download_streams_in_bounded_memory() {
    let node =
        Node::start_with("OX-1", |_| async { http::Response::new(StreamBody::new(chunks()).boxed()) }).await;
    let tier = Tier::over(&[&node]).await;
    let before = memory("VmRSS:");
    let mut browser = Browser::connect(tier.address).await;
    let mut body = browser.open(get("/ajax/infostore?action=document", "")).await.unwrap().into_body();
    let mut received = 0;
    while let Some(frame) = body.frame().await {
        received += frame.unwrap().data_ref().unwrap().len() as u64;
    }
    assert_eq!(received, STREAM_BYTES);
    assert!(memory("VmHWM:") < before + GROWTH_BYTES_MAX, "from {before} to {}", memory("VmHWM:"));
}

#[tokio::test]
async fn a_large_upload_streams_in_bounded_memory() {
    let node = Node::start_with("OX-1", |request| async move {
        let mut body = request.into_body();
        let mut received = 0;
        while let Some(frame) = body.frame().await {
            received += frame.unwrap().data_ref().unwrap().len() as u64;
        }
        node::text(received.to_string())
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let before = memory("VmRSS:");
    let stream = TcpStream::connect(tier.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let upload = Request::put("/infostore/big").header("host", "h").body(StreamBody::new(chunks())).unwrap();
    let answer = sender.send_request(upload).await.unwrap();
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), STREAM_BYTES.to_string());
    assert!(memory("VmHWM:") < before + GROWTH_BYTES_MAX, "from {before} to {}", memory("VmHWM:"));
}

#[tokio::test]
async fn a_slow_client_holds_the_node_back() {
    let sent = Arc::new(AtomicU64::new(0));
    let counted = sent.clone();
    let node = Node::start_with("OX-1", move |_| {
        let sent = counted.clone();
        async move {
            let chunks = stream::iter((0..STREAM_BYTES / CHUNK.len() as u64).map(move |_| {
                sent.fetch_add(CHUNK.len() as u64, Ordering::SeqCst);
                Ok(Frame::data(Bytes::from_static(CHUNK)))
            }));
            http::Response::new(StreamBody::new(chunks).boxed())
        }
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let mut browser = Browser::connect(tier.address).await;
    let mut body = browser.open(get("/ajax/x", "")).await.unwrap().into_body();
    let mut received = body.frame().await.unwrap().unwrap().into_data().unwrap().len() as u64;
    // Everything between node and client is full when the node stops: sockets, and a few buffers of ours.
    let mut last = 0;
    crate::tier::eventually("the node stops sending", || {
        std::mem::replace(&mut last, sent.load(Ordering::SeqCst)) == sent.load(Ordering::SeqCst)
    })
    .await;
    assert!(last < STREAM_BYTES / 2, "{last} bytes were taken from the node for a client that reads nothing");
    while let Some(frame) = body.frame().await {
        received += frame.unwrap().data_ref().unwrap().len() as u64;
    }
    assert_eq!(received, STREAM_BYTES);
}

#[tokio::test]
async fn an_upload_that_asks_first_is_told_to_continue_by_the_node() {
    let node = Node::start_with("OX-1", |request| async move {
        assert_eq!(request.headers()["expect"], "100-continue");
        node::text(request.into_body().collect().await.unwrap().to_bytes())
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    let head = "PUT /infostore/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("hello"), "{answer}");
}

#[tokio::test]
async fn an_upload_the_node_refuses_is_never_sent() {
    let touched = Arc::new(AtomicBool::new(false));
    let node = {
        let touched = touched.clone();
        Node::start_with("OX-1", move |request| {
            touched.store(request.body().is_end_stream(), Ordering::SeqCst);
            async { node::status(StatusCode::INSUFFICIENT_STORAGE) }
        })
        .await
    };
    let tier = Tier::over(&[&node]).await;
    let answer = tier
        .raw(
            "PUT /infostore/a HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\nExpect: 100-continue\r\n\r\n",
        )
        .await;
    assert!(answer.starts_with("HTTP/1.1 507"), "no 100 before it: {answer}");
    assert!(!touched.load(Ordering::SeqCst));
}

#[tokio::test]
async fn a_node_that_ignores_the_question_gets_the_body_all_the_same() {
    // A bare server that reads everything before it says anything.
    let listener = node::listen(([127, 0, 0, 1], 0).into());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut received = Vec::new();
        while !received.ends_with(b"hello") {
            stream.read_buf(&mut received).await.unwrap();
        }
        stream.write_all(b"HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n").await.unwrap();
    });
    let mut config = crate::tier::config(&[]);
    config.members = vec![zebu_balancer::MemberConfig::new("A", address.to_string())];
    let tier = Tier::with(config).await;
    let answer = tier
        .raw("PUT /infostore/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\nhello")
        .await;
    assert!(answer.contains("HTTP/1.1 201"), "{answer}");
}

#[tokio::test]
async fn an_answer_before_the_end_of_the_upload_reaches_the_client() {
    let node = Node::start_with("OX-1", |_| async { node::status(StatusCode::PAYLOAD_TOO_LARGE) }).await;
    let tier = Tier::over(&[&node]).await;
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    stream
        .write_all(b"PUT /infostore/a HTTP/1.1\r\nHost: h\r\nContent-Length: 5000000\r\n\r\nbeginning")
        .await
        .unwrap();
    let mut answer = vec![0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(answer, b"HTTP/1.1 413");
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_not_passed_off_as_whole() {
    let node = Node::start_with("OX-1", |_| async {
        let endless = stream::repeat_with(|| Ok(Frame::data(Bytes::from_static(CHUNK))));
        http::Response::new(StreamBody::new(endless).boxed())
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let mut browser = Browser::connect(tier.address).await;
    let mut body = browser.open(get("/ajax/x", "")).await.unwrap().into_body();
    body.frame().await.unwrap().unwrap();
    node.kill().await;
    let mut last = Ok(());
    while let Some(frame) = body.frame().await {
        last = frame.map(drop);
    }
    assert!(last.is_err(), "the client knows that the answer is not whole");
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_request_with_it() {
    let dropped = Arc::new(AtomicBool::new(false));
    struct Flag(Arc<AtomicBool>);
    impl Drop for Flag {
        fn drop(&mut self) {
            self.0.store(true, Ordering::SeqCst);
        }
    }
    let node = {
        let dropped = dropped.clone();
        Node::start_with("OX-1", move |_| {
            let flag = Flag(dropped.clone());
            async move {
                let _flag = flag;
                std::future::pending().await
            }
        })
        .await
    };
    let tier = Tier::over(&[&node]).await;
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    stream.write_all(b"GET /ajax/x HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
    crate::tier::eventually("the node has the request", || node.requests() == 1).await;
    assert_eq!(tier.snapshot().in_flight, 1);
    drop(stream);
    crate::tier::eventually("the node's work was dropped", || dropped.load(Ordering::SeqCst)).await;
    crate::tier::eventually("nothing is in flight", || tier.snapshot().in_flight == 0).await;
    assert_eq!(tier.snapshot().members[0].in_flight, 0);
}
