//! Nodes that die and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use bytes::Bytes;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::Semaphore;
use zebu_balancer::{Config, MemberConfig, MemberState};

use crate::node::{self, Node};
use crate::tier::{Browser, Tier, config, eventually, get, request};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_death_of_a_node_under_load_fails_no_reading_request() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::over(&[&a, &b]).await;
    let answered = Arc::new(AtomicU64::new(0));
    let done = Arc::new(AtomicBool::new(false));
    let clients: Vec<_> = (0..16)
        .map(|number| {
            let (answered, done, address) = (answered.clone(), done.clone(), tier.address);
            tokio::spawn(async move {
                let mut browser = Browser::connect(address).await;
                let mut failed = Vec::new();
                while !done.load(Ordering::SeqCst) {
                    let answer = browser
                        .send(get("/ajax/x", &format!("JSESSIONID={number}.OX-{}", number % 2 + 1)))
                        .await;
                    match answer {
                        Ok(answer) if answer.status() == 200 => {}
                        other => failed.push(format!("{other:?}")),
                    }
                    answered.fetch_add(1, Ordering::SeqCst);
                }
                failed
            })
        })
        .collect();
    let more = async |count: u64| {
        let goal = answered.load(Ordering::SeqCst) + count;
        eventually("more answers", || answered.load(Ordering::SeqCst) >= goal).await;
    };
    for _ in 0..3 {
        more(300).await;
        b.kill().await;
        more(300).await;
        eventually("the dead node is known to be dead", || !tier.is_up("OX-2")).await;
        b.revive();
        eventually("the node is back", || tier.is_up("OX-2")).await;
    }
    done.store(true, Ordering::SeqCst);
    for client in clients {
        assert_eq!(client.await.unwrap(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_node_that_comes_back_has_its_sessions_again_within_a_second() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::with(Config { probe_interval_ms: 250, ..config(&[&a, &b]) }).await;
    b.kill().await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-1");
    assert!(!tier.is_up("OX-2"));
    b.revive();
    let began = Instant::now();
    eventually("the node is back", || tier.is_up("OX-2")).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-2");
    assert!(began.elapsed().as_millis() < 1000, "it took {:?}", began.elapsed());
}

#[tokio::test]
async fn what_was_not_sent_goes_elsewhere_whatever_the_method() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::over(&[&a, &b]).await;
    b.kill().await;
    let answer = tier.send(request("POST", "/ajax/x", "JSESSIONID=1.OX-2", "body")).await;
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"OX-1"[..]));
    let members = tier.snapshot().members;
    assert_eq!((members[0].retries, members[1].failures), (1, 1));
    assert_eq!(members[1].state, MemberState::Down);
    assert!(members[1].last_error.as_deref().unwrap().contains("refused"), "{:?}", members[1].last_error);
}

#[tokio::test]
async fn what_may_have_been_done_is_not_sent_again_and_the_client_is_told() {
    for method in ["POST", "PUT", "DELETE"] {
        let received = Arc::new(AtomicU64::new(0));
        let start = async |route| {
            let received = received.clone();
            Node::start_with(route, move |request| {
                let received = received.clone();
                async move {
                    request.into_body().collect().await.unwrap();
                    received.fetch_add(1, Ordering::SeqCst);
                    std::future::pending().await
                }
            })
            .await
        };
        let (a, b) = (start("OX-1").await, start("OX-2").await);
        let tier = Arc::new(Tier::over(&[&a, &b]).await);
        let waiting = {
            let tier = tier.clone();
            let body = if method == "DELETE" { "" } else { "body" };
            tokio::spawn(
                async move { tier.send(request(method, "/ajax/x", "JSESSIONID=1.OX-2", body)).await },
            )
        };
        eventually("the node has the request", || received.load(Ordering::SeqCst) == 1).await;
        b.kill().await;
        let answer = waiting.await.unwrap();
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["code"], "WEB-0003");
        assert!(body["error"].as_str().unwrap().contains("may have been done"));
        assert_eq!(body["error_id"].as_str().unwrap(), answer.headers()["x-request-id"]);
        assert_eq!(a.requests(), 0, "{method} was repeated");
    }
}

#[tokio::test]
async fn a_node_that_takes_no_new_connections_finishes_what_it_has() {
    let go = Arc::new(Semaphore::new(0));
    let a = Node::start("OX-1").await;
    let b = {
        let go = go.clone();
        Node::start_with("OX-2", move |_| {
            let go = go.clone();
            async move {
                go.acquire().await.unwrap().forget();
                node::text("finished by OX-2")
            }
        })
        .await
    };
    let tier = Arc::new(Tier::over(&[&a, &b]).await);
    let under_way = {
        let tier = tier.clone();
        tokio::spawn(async move { tier.send(request("POST", "/ajax/x", "JSESSIONID=1.OX-2", "body")).await })
    };
    eventually("the node has the request", || b.requests() == 1).await;
    b.close_listener();
    eventually("nobody listens there", || std::net::TcpStream::connect(b.address).is_err()).await;
    let answer = tier.send(request("POST", "/ajax/x", "JSESSIONID=1.OX-2", "body")).await;
    assert_eq!(answer.body(), "OX-1");
    assert!(!tier.is_up("OX-2"));
    assert!(!under_way.is_finished());
    go.add_permits(1);
    assert_eq!(under_way.await.unwrap().body(), "finished by OX-2");
}

#[tokio::test]
async fn a_reading_request_that_lost_its_node_is_repeated_elsewhere() {
    for method in ["GET", "PROPFIND"] {
        let a = Node::start("OX-1").await;
        let b = Node::start_with("OX-2", |_| std::future::pending()).await;
        let tier = Arc::new(Tier::over(&[&a, &b]).await);
        let waiting = {
            let tier = tier.clone();
            tokio::spawn(
                async move { tier.send(request(method, "/infostore/x", "JSESSIONID=1.OX-2", "")).await },
            )
        };
        eventually("the node has the request", || b.requests() == 1).await;
        b.kill().await;
        assert_eq!(waiting.await.unwrap().body(), "OX-1");
    }
}

#[tokio::test]
async fn without_any_node_the_answer_is_503_and_comes_back_later() {
    let node = Node::start("OX-1").await;
    let tier = Tier::over(&[&node]).await;
    node.kill().await;
    for _ in 0..2 {
        let answer = tier.get("/ajax/x", "").await;
        assert_eq!(
            (answer.status().as_u16(), &answer.headers()["retry-after"]),
            (503, &"1".parse().unwrap())
        );
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!((body["code"].as_str(), body["category"].as_i64()), (Some("WEB-0001"), Some(4)));
    }
    let answer = tier.get("/infostore/x", "").await;
    assert_eq!(answer.headers()["content-type"], "text/plain; charset=utf-8");
    assert!(std::str::from_utf8(answer.body()).unwrap().contains("WEB-0001"));
    assert_eq!(tier.get("/", "").await.status(), 200, "our own files are served all the same");
    node.revive();
    eventually("the node is back", || tier.is_up("OX-1")).await;
    assert_eq!(tier.get("/ajax/x", "").await.status(), 200);
}

/// One request of each browser, at the same time.
async fn all(browsers: &mut [Browser]) -> Vec<Result<Response<Bytes>, hyper::Error>> {
    let asked = browsers.iter_mut().map(|browser| browser.send(get("/ajax/x", "JSESSIONID=1.OX-2")));
    futures_util::future::join_all(asked).await
}

#[tokio::test]
async fn connections_to_a_dead_node_are_all_dropped() {
    let (a, b) = (Node::start("OX-1").await, Node::start("OX-2").await);
    let tier = Tier::over(&[&a, &b]).await;
    // Several connections into the pool.
    let mut browsers = Vec::new();
    for _ in 0..8 {
        browsers.push(Browser::connect(tier.address).await);
    }
    for answer in all(&mut browsers).await {
        assert_eq!(answer.unwrap().body(), "OX-2");
    }
    assert!(b.connections() > 1);
    b.kill().await;
    b.revive();
    let before = b.connections();
    for answer in all(&mut browsers).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    eventually("the node is up", || tier.is_up("OX-2")).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-2").await.body(), "OX-2");
    assert!(b.connections() > before, "only new connections reach the node that came back");
}

#[tokio::test]
async fn a_connection_the_node_closed_while_idle_costs_nobody_a_request() {
    // A bare server: each connection carries one request and is closed without a word, before anybody else of
    // this one-threaded test can run.
    let listener = node::listen(([127, 0, 0, 1], 0).into());
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut received = Vec::new();
            loop {
                stream.read_buf(&mut received).await.unwrap();
                let end: &[u8] = if received.starts_with(b"POST") { b"body" } else { b"\r\n\r\n" };
                if received.ends_with(end) {
                    break;
                }
            }
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
        }
    });
    let mut config = config(&[]);
    config.members = vec![MemberConfig::new("A", address.to_string())];
    let tier = Tier::with(config).await;
    let mut browser = Browser::connect(tier.address).await;
    for _ in 0..50 {
        for (method, body) in [("GET", ""), ("POST", "body"), ("DELETE", "")] {
            assert_eq!(
                browser.send(request(method, "/ajax/x", "", body)).await.unwrap().body(),
                "ok",
                "{method}"
            );
        }
    }
    assert!(tier.is_up("A"), "a closed idle connection is no sign of death");
}
