//! Starting, limits, ending, and what operators see.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use zebu_balancer::{Assets, Config, Server};

use crate::node::{self, Node};
use crate::tier::{Browser, Tier, WALL_MS, config, eventually, get};

#[tokio::test]
async fn a_taken_port_is_said_with_its_address() {
    let taken = node::listen(([127, 0, 0, 1], 0).into());
    let address = taken.local_addr().unwrap();
    let config = Config { listen: address.into(), ..Config::default() };
    let error = Server::bind(config, Assets::default(), Arc::new(|| 0)).await.err().unwrap().to_string();
    assert!(error.contains(&address.to_string()) && error.contains("another process"), "{error}");
}

#[tokio::test]
async fn a_shutdown_lets_requests_under_way_finish_and_takes_no_new_ones() {
    let go = Arc::new(Semaphore::new(0));
    let node = {
        let go = go.clone();
        Node::start_with("OX-1", move |_| {
            let go = go.clone();
            async move {
                go.acquire().await.unwrap().forget();
                node::text("finished")
            }
        })
        .await
    };
    let mut tier = Tier::over(&[&node]).await;
    let address = tier.address;
    let mut idle = TcpStream::connect(address).await.unwrap();
    let mut browser = Browser::connect(address).await;
    let under_way = tokio::spawn(async move { browser.send(get("/ajax/x", "")).await });
    eventually("the node has the request", || node.requests() == 1).await;
    tier.stop();
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0, "an idle connection is closed at once");
    assert!(TcpStream::connect(address).await.is_err(), "nothing listens any more");
    assert!(!under_way.is_finished());
    go.add_permits(1);
    let answer = under_way.await.unwrap().unwrap();
    assert_eq!(answer.body(), "finished");
    assert_eq!(answer.headers()["connection"], "close");
    tier.ended().await;
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let node = Node::start_with("OX-1", |_| std::future::pending()).await;
    let mut tier = Tier::with(Config { drain_ms: 50, ..config(&[&node]) }).await;
    let mut browser = Browser::connect(tier.address).await;
    let under_way = tokio::spawn(async move { browser.send(get("/ajax/x", "")).await });
    eventually("the node has the request", || node.requests() == 1).await;
    tier.stop();
    tier.ended().await;
    assert!(under_way.await.unwrap().is_err());
}

#[tokio::test]
async fn at_the_limit_the_longest_idle_connection_makes_room() {
    let node = Node::start("OX-1").await;
    let tier = Tier::with(Config { connections_max: 2, ..config(&[&node]) }).await;
    let ask = async |stream: &mut TcpStream| {
        stream.write_all(b"GET /ajax/x HTTP/1.1\r\nHost: h\r\n\r\n").await.unwrap();
        let mut received = Vec::new();
        while !received.ends_with(b"OX-1") {
            assert_ne!(stream.read_buf(&mut received).await.unwrap(), 0, "closed without an answer");
        }
    };
    let mut first = TcpStream::connect(tier.address).await.unwrap();
    ask(&mut first).await;
    let mut second = TcpStream::connect(tier.address).await.unwrap();
    ask(&mut second).await;
    let mut third = TcpStream::connect(tier.address).await.unwrap();
    ask(&mut third).await;
    assert_eq!(first.read(&mut [0]).await.unwrap(), 0, "the one idle longest was closed");
    ask(&mut second).await;
}

#[tokio::test]
async fn the_status_has_the_shape_the_cluster_page_reads() {
    let node = Node::start("OX-1").await;
    let tier = Tier::over(&[&node]).await;
    for _ in 0..3 {
        tier.get("/ajax/x", "").await;
    }
    tier.get("/", "").await;
    eventually("all is done", || tier.snapshot().in_flight == 0).await;
    let shown = serde_json::to_value(&tier.status).unwrap();
    let expected = serde_json::json!({
        "listen": tier.address.to_string(),
        "listeners": [format!("http://{}", tier.address)],
        "certificates": [],
        "started": WALL_MS,
        "requests": 4,
        "in_flight": 0,
        "resting": 0,
        "members": [{
            "route": "OX-1",
            "address": node.address.to_string(),
            "weight": 1,
            "state": "up",
            "balancer": "nodes",
            "flags": "",
            "set": 0,
            "load": 0,
            "bytes_to": 0,
            "bytes_from": 12,
            "sessions_assigned": 3,
            "requests": 3,
            "failures": 0,
            "ejections": 0,
            "last_check": null,
            "retries": 0,
            "in_flight": 0,
            "last_error": null,
            "last_change": WALL_MS,
        }],
    });
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn a_shutdown_ends_streams_of_events_at_once_since_their_clients_connect_again() {
    let node = Node::start_with("OX-1", |_| async {
        let first =
            stream::iter([Ok::<_, hyper::Error>(Frame::data(Bytes::from_static(b"event: ready\n\n")))]);
        let body = BodyExt::boxed(StreamBody::new(first.chain(stream::pending())));
        http::Response::builder().header("content-type", "text/event-stream").body(body).unwrap()
    })
    .await;
    let mut tier = Tier::over(&[&node]).await;
    let mut browser = Browser::connect(tier.address).await;
    let mut body = browser.open(get("/ajax/push", "")).await.unwrap().into_body();
    let first = body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert_eq!(first, "event: ready\n\n", "it is not kept back until more comes");
    tier.stop();
    assert!(body.frame().await.is_none(), "the end of an answer, not of a connection");
    tier.ended().await;
}
