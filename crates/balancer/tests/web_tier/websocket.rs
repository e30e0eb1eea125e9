//! WebSockets through the web tier: a client written by hand, and a node that gives back what comes.

use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zebu_balancer::Config;

use crate::node::{self, Body, Node};
use crate::tier::{PATIENCE, Tier, config, eventually};

const QUESTION: &str = "GET /ajax/ws HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
                        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                        Cookie: JSESSIONID=1.OX-2\r\n\r\n";

fn agreed() -> Response<Body> {
    let body = Empty::new().map_err(|never| match never {}).boxed();
    let agreed = Response::builder().status(StatusCode::SWITCHING_PROTOCOLS);
    let agreed = agreed.header("connection", "upgrade").header("upgrade", "websocket");
    agreed.header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=").body(body).unwrap()
}

/// A node that agrees, says `hello` and then gives back every byte.
async fn echo(route: &'static str) -> Node {
    Node::start_with(route, |mut request: Request<Incoming>| async move {
        if !request.headers().contains_key("upgrade") {
            return node::text("no WebSocket");
        }
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let mut stream = TokioIo::new(upgrade.await.unwrap());
            stream.write_all(b"hello").await.unwrap();
            let (mut from, mut to) = tokio::io::split(stream);
            let _ = tokio::io::copy(&mut from, &mut to).await;
            let _ = to.shutdown().await;
        });
        agreed()
    })
    .await
}

/// The head of the answer, and the connection behind it.
async fn open(tier: &Tier, question: &str) -> (String, TcpStream) {
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    stream.write_all(question.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        // One byte at a time: what comes behind the head is not taken with it.
        head.push(stream.read_u8().await.expect("closed without an answer"));
    }
    (String::from_utf8(head).unwrap().to_ascii_lowercase(), stream)
}

async fn expect(stream: &mut TcpStream, expected: &[u8]) {
    let mut came = vec![0; expected.len()];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut came)).await.expect("it comes").unwrap();
    assert!(came == expected);
}

#[tokio::test]
async fn bytes_go_both_ways_to_the_session_s_node_until_one_side_closes() {
    let (first, second) = (echo("OX-1").await, echo("OX-2").await);
    let tier = Tier::over(&[&first, &second]).await;
    // What a client sends right behind its question is not lost.
    let (head, mut stream) = open(&tier, &format!("{QUESTION}early")).await;
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for line in
        ["upgrade: websocket", "connection: upgrade", "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo="]
    {
        assert!(head.contains(&format!("{line}\r\n")), "{head}");
    }
    assert_eq!((first.requests(), second.requests()), (0, 1));
    let asked = second.last_head().1;
    assert_eq!(
        (&asked["upgrade"], &asked["sec-websocket-version"]),
        (&"websocket".parse().unwrap(), &"13".parse().unwrap())
    );
    expect(&mut stream, b"helloearly").await;
    let (mut from, mut to) = stream.into_split();
    let sent: Vec<u8> = (0..2_000_000u32).map(|n| (n % 251) as u8).collect();
    let sending = tokio::spawn({
        let sent = sent.clone();
        async move {
            to.write_all(&sent).await.unwrap();
            to.shutdown().await.unwrap();
        }
    });
    let mut came = Vec::new();
    tokio::time::timeout(PATIENCE, from.read_to_end(&mut came)).await.expect("all comes back").unwrap();
    assert!(came == sent, "{} bytes of {}", came.len(), sent.len());
    sending.await.unwrap();
    let at_nodes = || tier.snapshot().members.iter().map(|member| member.in_flight).sum::<u64>();
    eventually("the node is rid of it", || at_nodes() == 0).await;
}

#[tokio::test]
async fn a_websocket_through_which_nothing_goes_is_closed_and_one_in_use_is_not() {
    let node = echo("OX-1").await;
    let tier =
        Tier::with(Config { websocket_idle_timeout_ms: 300, client_idle_timeout_ms: 20, ..config(&[&node]) })
            .await;
    let (_, mut stream) = open(&tier, QUESTION).await;
    expect(&mut stream, b"hello").await;
    for _ in 0..20 {
        stream.write_all(b"x").await.unwrap();
        expect(&mut stream, b"x").await;
    }
    let end = tokio::time::timeout(PATIENCE, stream.read(&mut [0])).await.expect("it is closed");
    assert!(matches!(end, Ok(0) | Err(_)));
}

#[tokio::test]
async fn a_stop_leaves_websockets_until_the_time_to_drain_is_over() {
    let node = echo("OX-1").await;
    let mut tier = Tier::with(Config { drain_ms: 300, ..config(&[&node]) }).await;
    let (_, mut stream) = open(&tier, QUESTION).await;
    expect(&mut stream, b"hello").await;
    tier.stop();
    stream.write_all(b"still there").await.unwrap();
    expect(&mut stream, b"still there").await;
    tier.ended().await;
    let end = tokio::time::timeout(PATIENCE, stream.read(&mut [0])).await.expect("it is closed");
    assert!(matches!(end, Ok(0) | Err(_)));
}

#[tokio::test]
async fn no_other_protocol_is_switched_to() {
    let node = echo("OX-1").await;
    let tier = Tier::over(&[&node]).await;
    let other = QUESTION
        .replace("Upgrade: websocket", "Upgrade: h2c")
        .replace("keep-alive, Upgrade", "close, Upgrade");
    let answer = tier.raw(&other).await;
    assert!(answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("no WebSocket"), "{answer}");
    let eager = Node::start_with("OX-1", |_| async { agreed() }).await;
    let tier = Tier::over(&[&eager]).await;
    let answer = tier.raw("GET /ajax/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 502 ") && answer.contains("WEB-0003"), "{answer}");
}
