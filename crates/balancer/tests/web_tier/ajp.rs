//! Members that are spoken to by AJP: what they are told, bodies both ways, connections used again and not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream;
use http::Request;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::Frame;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use zebu_ajp::framing::Framing;
use zebu_ajp::{PacketSize, answer};
use zebu_balancer::{Config, MemberConfig, Ping};

use crate::container::Container;
use crate::secure;
use crate::tier::{Browser, Tier, config, eventually, get, request};

fn over(members: Vec<MemberConfig>) -> Config {
    Config { members, ..config(&[]) }
}

/// The parameters of Apache's text, as the operator writes them.
fn with(container: &Container, parameters: serde_json::Value) -> MemberConfig {
    let mut table = parameters;
    table["route"] = container.route.into();
    table["address"] = format!("ajp://{}", container.address).into();
    serde_json::from_value(table).unwrap()
}

#[tokio::test]
async fn a_member_is_told_what_apache_tells_it() {
    let container = Container::usual("OX-1").await;
    let tier = Tier::with(over(vec![with(&container, serde_json::json!({"secret": "a secret"}))])).await;
    let stream = TcpStream::connect(tier.address).await.unwrap();
    let port = stream.local_addr().unwrap().port();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let asked = Request::builder()
        .method("PROPPATCH")
        .uri("/infostore/a%20b?x=%3D&y")
        .header("host", "mail.example.com:8443")
        .header("cookie", "JSESSIONID=1.OX-1")
        .header("x-forwarded-for", "6.6.6.6")
        .header("expect", "something")
        .header("X-Own", "own")
        .body(Full::new(Bytes::new()))
        .unwrap();
    assert_eq!(sender.send_request(asked).await.unwrap().status(), 200);
    let seen = container.last();
    assert_eq!((seen.method.as_str(), seen.uri.as_str()), ("PROPPATCH", "/infostore/a%20b"));
    assert_eq!(seen.query.as_deref(), Some("x=%3D&y"));
    assert_eq!((seen.remote_address.as_str(), seen.is_ssl), ("127.0.0.1", false));
    assert_eq!(seen.server, ("mail.example.com".to_owned(), 8_443));
    assert_eq!(
        seen.attributes,
        ["secret=a secret", "route=OX-1", &format!("AJP_REMOTE_PORT={port}"), "AJP_LOCAL_ADDR=127.0.0.1"]
    );
    let names: Vec<_> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["host", "cookie", "x-own", "x-request-id"]);
}

#[tokio::test]
async fn a_member_is_told_by_which_tls_the_client_came() {
    let dir = tempfile::tempdir().unwrap();
    let container = Container::usual("OX-1").await;
    let tier = Tier::with(Config { members: vec![container.member()], ..secure::both(&[], &dir) }).await;
    let trusted = dir.path().join("one.pem");
    for (version, protocol, bits) in [("1.2", "TLSv1.2", "bits="), ("1.3", "TLSv1.3", "bits=256")] {
        let only = ["--http1.1", "--tls-max", version];
        assert_eq!(secure::curl(&tier, &trusted, "one.example", &only, "/ajax/x").await, "OX-1 0");
        let seen = container.last();
        assert!(seen.is_ssl, "{seen:?}");
        assert_eq!(seen.server, ("one.example".to_owned(), secure::secure_address(&tier).port()));
        let has = |start: &str| seen.attributes.iter().any(|attribute| attribute.starts_with(start));
        assert!(has(&format!("AJP_SSL_PROTOCOL={protocol}")) && has(bits), "{:?}", seen.attributes);
        assert!(has(if version == "1.3" { "cipher=TLS_" } else { "cipher=ECDHE-" }), "{:?}", seen.attributes);
    }
}

#[tokio::test]
async fn a_session_id_in_the_path_names_the_member_and_reaches_it() {
    let (a, b) = (Container::usual("OX-1").await, Container::usual("OX-2").await);
    let tier = Tier::with(over(vec![a.member(), b.member()])).await;
    for _ in 0..3 {
        assert_eq!(tier.get("/ajax/x;jsessionid=1.OX-2?a=b", "").await.body(), "OX-2 0");
    }
    let seen = b.last();
    assert_eq!((seen.uri.as_str(), seen.query.as_deref()), ("/ajax/x;jsessionid=1.OX-2", Some("a=b")));
    assert!(seen.attributes.contains(&"route=OX-2".to_owned()), "{:?}", seen.attributes);
    tier.get("/ajax/x;jsessionid=bare", "").await;
    let uris: Vec<_> = a.asked().into_iter().chain(b.asked()).map(|asked| asked.uri).collect();
    assert!(uris.contains(&"/ajax/x;jsessionid=bare".to_owned()), "{uris:?}");
}

#[tokio::test]
async fn a_member_sees_its_session_id_as_it_made_it_though_clients_have_it_signed() {
    let container = Container::start("OX-1", |mut line| async move {
        while line.request().await.is_some() {
            line.answer(200, &[("set-cookie", "JSESSIONID=1.OX-1; Path=/")], b"ok", true).await;
        }
    })
    .await;
    let tier = Tier::with(Config { sign_routes: true, ..over(vec![container.member()]) }).await;
    let answer = tier.get("/ajax/x", "").await;
    let cookie = answer.headers()["set-cookie"].to_str().unwrap();
    let id = cookie.split_once('=').unwrap().1.split(';').next().unwrap();
    assert_ne!(id, "1.OX-1", "it is signed");
    tier.get(&format!("/ajax/x;jsessionid={id}"), "").await;
    assert_eq!(container.last().uri, "/ajax/x;jsessionid=1.OX-1");
    tier.get("/ajax/x", &format!("JSESSIONID={id}")).await;
    assert_eq!(container.last().header("cookie"), Some("JSESSIONID=1.OX-1"));
}

#[tokio::test]
async fn requests_go_one_after_the_other_on_one_connection() {
    let container = Container::usual("OX-1").await;
    let tier = Tier::with(over(vec![container.member()])).await;
    let mut browser = Browser::connect(tier.address).await;
    for number in 0..20 {
        let (method, body) = if number % 2 == 0 { ("GET", "") } else { ("POST", "12345") };
        let answer = browser.send(request(method, "/ajax/x", "", body)).await.unwrap();
        assert_eq!(answer.body(), format!("OX-1 {}", body.len()).as_str());
    }
    assert_eq!(container.connections(), 1);
}

#[tokio::test]
async fn a_connection_is_closed_when_the_member_says_so() {
    let container = Container::start("OX-1", |mut line| async move {
        while line.request().await.is_some() {
            line.answer(200, &[], b"ok", false).await;
        }
    })
    .await;
    let tier = Tier::with(over(vec![container.member()])).await;
    for _ in 0..3 {
        assert_eq!(tier.get("/ajax/x", "").await.body(), "ok");
    }
    assert_eq!(container.connections(), 3);
}

#[tokio::test]
async fn a_body_is_the_clients_before_the_member_says_that_it_was_all_and_the_connection_is_kept() {
    let (go, went) = (Arc::new(Semaphore::new(0)), Arc::new(AtomicU64::new(0)));
    let container = {
        let (go, went) = (go.clone(), went.clone());
        Container::start("OX-1", move |mut line| {
            let (go, went) = (go.clone(), went.clone());
            async move {
                while line.request().await.is_some() {
                    let mut out = line.head(200, &[("content-length", "2")]);
                    line.chunks(b"ok", &mut out);
                    line.raw(&out).await;
                    go.acquire().await.unwrap().forget();
                    let mut end = Vec::new();
                    answer::end(true, &mut end);
                    line.raw(&end).await;
                    went.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
        .await
    };
    let tier = Tier::with(over(vec![container.member()])).await;
    let mut browser = Browser::connect(tier.address).await;
    assert_eq!(browser.send(get("/ajax/x", "")).await.unwrap().body(), "ok");
    // While the first connection waits for its end, nobody else is given it.
    assert_eq!(browser.send(get("/ajax/x", "")).await.unwrap().body(), "ok");
    assert_eq!(container.connections(), 2);
    go.add_permits(2);
    eventually("the member has said the ends", || went.load(Ordering::SeqCst) == 2).await;
    go.add_permits(100);
    for _ in 0..20 {
        assert_eq!(browser.send(get("/ajax/x", "")).await.unwrap().body(), "ok");
    }
    assert!(container.connections() < 12, "{} connections", container.connections());
}

#[tokio::test]
async fn answers_without_a_body_have_none() {
    let container = Container::start("OX-1", |mut line| async move {
        while let Some(asked) = line.request().await {
            let mut out = match (asked.method.as_str(), asked.uri.as_str()) {
                ("HEAD", _) => line.head(200, &[("content-length", "12345"), ("x-a", "b")]),
                (_, "/ajax/204") => line.head(204, &[]),
                (_, "/ajax/304") => line.head(304, &[("etag", "\"e\""), ("content-length", "7")]),
                _ => line.head(200, &[("content-length", "0")]),
            };
            answer::end(true, &mut out);
            line.raw(&out).await;
        }
    })
    .await;
    let tier = Tier::with(over(vec![container.member()])).await;
    let mut browser = Browser::connect(tier.address).await;
    for _ in 0..3 {
        let head = browser.send(request("HEAD", "/ajax/x", "", "")).await.unwrap();
        assert_eq!((&head.headers()["content-length"], head.body().len()), (&"12345".parse().unwrap(), 0));
        assert_eq!(head.headers()["x-a"], "b");
        assert_eq!(browser.send(get("/ajax/204", "")).await.unwrap().status(), 204);
        let fresh = browser.send(get("/ajax/304", "")).await.unwrap();
        assert_eq!((fresh.status().as_u16(), &fresh.headers()["etag"]), (304, &"\"e\"".parse().unwrap()));
        assert_eq!(browser.send(get("/ajax/x", "")).await.unwrap().body(), "");
    }
    assert_eq!(container.connections(), 1);
}

#[tokio::test]
async fn a_body_without_a_length_streams_and_is_seen_as_it_comes() {
    let go = Arc::new(Semaphore::new(0));
    let container = {
        let go = go.clone();
        Container::start("OX-1", move |mut line| {
            let go = go.clone();
            async move {
                while line.request().await.is_some() {
                    let mut out = line.head(200, &[("content-type", "text/event-stream")]);
                    // An empty part asks to pass on what is there; it ends nothing.
                    line.chunks(b"first", &mut out);
                    answer::chunk(b"", PacketSize::default(), &mut out);
                    line.raw(&out).await;
                    go.acquire().await.unwrap().forget();
                    let mut out = Vec::new();
                    line.chunks(b"second", &mut out);
                    answer::end(true, &mut out);
                    line.raw(&out).await;
                }
            }
        })
        .await
    };
    let tier = Tier::with(over(vec![container.member()])).await;
    let mut browser = Browser::connect(tier.address).await;
    for _ in 0..3 {
        let mut body = browser.open(get("/ajax/events", "")).await.unwrap().into_body();
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
        go.add_permits(1);
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "second");
        assert!(body.frame().await.is_none());
    }
    assert_eq!(container.connections(), 1);
}

#[tokio::test]
async fn large_bodies_go_both_ways_whole_whatever_the_packet() {
    for bytes in [8_192, 65_536] {
        let size = PacketSize::new(bytes).unwrap();
        let container = Container::of_size("OX-1", size, |mut line| async move {
            while let Some(asked) = line.request().await {
                let body = line.body(&asked).await;
                line.answer(200, &[], &body, true).await;
            }
        })
        .await;
        let member = with(&container, serde_json::json!({ "iobuffersize": bytes }));
        let tier = Tier::with(over(vec![member])).await;
        let whole: Bytes = (0..3_000_017_u32).map(|at| (at % 251) as u8).collect::<Vec<_>>().into();
        let mut browser = Browser::connect(tier.address).await;
        for _ in 0..2 {
            let put =
                Request::put("/infostore/a").header("host", "h").body(Full::new(whole.clone())).unwrap();
            assert!(browser.send(put).await.unwrap().body() == &whole, "{bytes}");
        }
        assert_eq!(container.last().framing, Framing::Length(3_000_017));
        assert_eq!(container.connections(), 1);
    }
}

#[tokio::test]
async fn a_body_whose_length_nobody_knows_is_asked_for_part_by_part() {
    let container = Container::usual("OX-1").await;
    let tier = Tier::with(over(vec![container.member()])).await;
    let stream = TcpStream::connect(tier.address).await.unwrap();
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    for parts in [0, 1, 50] {
        let body = stream::iter(
            (0..parts)
                .map(|_| Ok::<_, std::convert::Infallible>(Frame::data(Bytes::from_static(&[7; 10_000])))),
        );
        let put = Request::put("/infostore/a").header("host", "h").body(StreamBody::new(body)).unwrap();
        let answer = sender.send_request(put).await.unwrap().into_body().collect().await.unwrap().to_bytes();
        assert_eq!(answer, format!("OX-1 {}", parts * 10_000).as_str());
        assert_eq!(container.last().framing, Framing::Chunked);
    }
    assert_eq!(container.connections(), 1);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_to_continue_and_a_refusal_costs_no_connection_that_is_in_doubt() {
    let container = Container::start("OX-1", |mut line| async move {
        while let Some(asked) = line.request().await {
            if asked.uri == "/ajax/refused" {
                // Nobody asked for the rest of the body: what would come next on this connection is not known.
                line.answer(413, &[], b"no", true).await;
                line.closed().await;
            } else {
                let body = line.body(&asked).await;
                line.answer(200, &[], &body, true).await;
            }
        }
    })
    .await;
    let tier = Tier::with(over(vec![container.member()])).await;
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    let head = "PUT /ajax/a HTTP/1.1\r\nHost: h\r\nConnection: close\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 25];
    stream.read_exact(&mut interim).await.unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200") && rest.ends_with("hello"), "{rest}");
    assert_eq!(container.last().header("expect"), None);

    let large = Full::new(Bytes::from(vec![7; 100_000]));
    let put = Request::put("/ajax/refused").header("host", "h").body(large).unwrap();
    let mut browser = Browser::connect(tier.address).await;
    assert_eq!(browser.send(put).await.unwrap().status(), 413);
    assert_eq!(container.connections(), 1);
    assert_eq!(tier.get("/ajax/x", "").await.status(), 200);
    assert_eq!(container.connections(), 2, "the connection with half a body was not used again");
}

#[tokio::test]
async fn a_slow_client_holds_the_member_back() {
    const WHOLE: usize = 128 * 1024 * 1024;
    let sent = Arc::new(AtomicU64::new(0));
    let container = {
        let sent = sent.clone();
        Container::start("OX-1", move |mut line| {
            let sent = sent.clone();
            async move {
                while line.request().await.is_some() {
                    let head = line.head(200, &[]);
                    line.raw(&head).await;
                    let mut part = Vec::new();
                    line.chunks(&[7; 65_536], &mut part);
                    for _ in 0..WHOLE / 65_536 {
                        line.raw(&part).await;
                        sent.fetch_add(65_536, Ordering::SeqCst);
                    }
                    let mut end = Vec::new();
                    answer::end(true, &mut end);
                    line.raw(&end).await;
                }
            }
        })
        .await
    };
    let tier = Tier::with(over(vec![container.member()])).await;
    let mut browser = Browser::connect(tier.address).await;
    let mut body = browser.open(get("/ajax/x", "")).await.unwrap().into_body();
    let mut received = body.frame().await.unwrap().unwrap().into_data().unwrap().len();
    let mut last = 0;
    eventually("the member stops sending", || {
        let now = sent.load(Ordering::SeqCst);
        std::mem::replace(&mut last, now) == now && now > 0
    })
    .await;
    assert!(last < WHOLE as u64 / 2, "{last} bytes were taken for a client that reads nothing");
    while let Some(frame) = body.frame().await {
        received += frame.unwrap().data_ref().unwrap().len();
    }
    assert_eq!(received, WHOLE);
    assert_eq!(browser.send(request("HEAD", "/", "", "")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_head_that_fits_no_packet_is_refused_with_the_limit_and_one_that_fits_a_larger_is_not() {
    let small = Container::usual("OX-1").await;
    let tier = Tier::with(over(vec![small.member()])).await;
    let cookie = format!("a={}", "b".repeat(9_000));
    let answer = tier.get("/ajax/x", &cookie).await;
    assert_eq!(answer.status(), 431);
    let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
    assert_eq!(body["code"], "WEB-0012");
    assert!(body["error"].as_str().unwrap().contains("8192 bytes"), "{body}");
    assert_eq!(tier.get("/ajax/x", "").await.status(), 200);
    assert_eq!((small.connections(), tier.snapshot().members[0].failures), (1, 0), "nobody is to blame");

    let size = PacketSize::new(65_536).unwrap();
    let large = Container::of_size("OX-1", size, |mut line| async move {
        while line.request().await.is_some() {
            let value = "v".repeat(20_000);
            line.answer(200, &[("x-large", &value)], b"ok", true).await;
        }
    })
    .await;
    let tier = Tier::with(over(vec![with(&large, serde_json::json!({"iobuffersize": 65_536}))])).await;
    let answer = tier.get("/ajax/x", &cookie).await;
    assert_eq!((answer.status().as_u16(), answer.headers()["x-large"].len()), (200, 20_000));
    assert_eq!(large.last().header("cookie"), Some(cookie.as_str()));
}

#[tokio::test]
async fn a_websocket_is_refused_in_plain_words() {
    let container = Container::usual("OX-1").await;
    let tier = Tier::with(over(vec![container.member()])).await;
    let asked = "GET /ajax/x HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, close\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
    let answer = tier.raw(asked).await;
    assert!(answer.starts_with("HTTP/1.1 501"), "{answer}");
    assert!(answer.contains("WEB-0013") && answer.contains("cannot carry a WebSocket"), "{answer}");
    assert_eq!(container.asked().len(), 0);
}

#[tokio::test]
async fn a_ping_goes_before_each_request_and_its_answer_is_waited_for() {
    let container = Container::usual("OX-1").await;
    let member = with(&container, serde_json::json!({"ping": "10"}));
    assert_eq!(member.ping, Ping::Within(10_000));
    let tier = Tier::with(over(vec![member])).await;
    let mut browser = Browser::connect(tier.address).await;
    for _ in 0..5 {
        assert_eq!(browser.send(request("POST", "/ajax/x", "", "1")).await.unwrap().body(), "OX-1 1");
    }
    assert_eq!((container.pings(), container.connections()), (5, 1));
}
