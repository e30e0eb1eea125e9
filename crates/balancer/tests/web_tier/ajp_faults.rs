//! Members behind AJP that die, lie, stall or refuse; and clients that leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use http::StatusCode;
use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use zebu_balancer::{CheckMethod, Config, MemberConfig, MemberState, Ping};

use crate::container::Container;
use crate::node;
use crate::tier::{Browser, Tier, config, eventually, get, member_at, request};

fn over(members: Vec<MemberConfig>) -> Config {
    Config { members, ..config(&[]) }
}

/// What no container says.
const RUBBISH: [&[u8]; 5] = [
    b"HTTP/1.1 200 OK\r\n\r\n",
    // The marks of the other direction.
    b"\x12\x34\0\x01\x09",
    // A body before its head.
    b"AB\0\x06\x03\0\x02ok\0",
    // A packet longer than agreed.
    b"AB\xff\xff\x04",
    // A head with a status that is none.
    b"AB\0\x08\x04\0\x05\0\0\0\0\0",
];

#[tokio::test]
async fn rubbish_is_never_passed_on_and_its_connection_never_used_again() {
    for rubbish in RUBBISH {
        let bad = Container::start("OX-1", move |mut line| async move {
            if let Some(asked) = line.request().await {
                line.body(&asked).await;
                line.raw(rubbish).await;
                line.closed().await;
            }
        })
        .await;
        let good = Container::usual("OX-2").await;
        let tier = Tier::with(over(vec![bad.member(), good.member()])).await;
        let answer = tier.get("/ajax/x", "JSESSIONID=1.OX-1").await;
        assert_eq!(answer.body(), "OX-2 0", "what changes nothing is asked elsewhere");
        let answer = tier.send(request("POST", "/ajax/x", "JSESSIONID=1.OX-1", "body")).await;
        assert_eq!(answer.status(), StatusCode::BAD_GATEWAY);
        let body: serde_json::Value = serde_json::from_slice(answer.body()).unwrap();
        assert_eq!(body["code"], "WEB-0003");
        assert_eq!((bad.connections(), good.asked().len()), (2, 1), "{rubbish:?}");
        assert_eq!(tier.snapshot().members[0].failures, 2);
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_seen_to_and_counted() {
    let seen = Arc::new(Semaphore::new(0));
    let container = {
        let seen = seen.clone();
        Container::start("OX-1", move |mut line| {
            let seen = seen.clone();
            async move {
                let asked = line.request().await;
                let is_known = asked.is_some_and(|asked| asked.uri == "/ajax/known");
                let mut out = line.head(200, &[(if is_known { "content-length" } else { "x" }, "100")]);
                line.chunks(b"half", &mut out);
                line.raw(&out).await;
                seen.acquire().await.unwrap().forget();
            }
        })
        .await
    };
    let tier = Tier::with(over(vec![container.member()])).await;
    for (number, path) in ["/ajax/known", "/ajax/unknown"].into_iter().enumerate() {
        let mut browser = Browser::connect(tier.address).await;
        let mut body = browser.open(get(path, "")).await.unwrap().into_body();
        let mut got = Vec::new();
        let broken = loop {
            match body.frame().await {
                Some(Ok(frame)) => {
                    got.extend_from_slice(&frame.into_data().unwrap());
                    seen.add_permits(1);
                }
                Some(Err(error)) => break Some(error),
                None => break None,
            }
        };
        assert!(broken.is_some(), "{path} looked whole");
        assert_eq!(got, b"half");
        assert_eq!(tier.snapshot().members[0].failures, number as u64 + 1);
    }
}

#[tokio::test]
async fn more_than_announced_is_cut_off_and_less_is_no_whole_answer() {
    let container = Container::start("OX-1", |mut line| async move {
        while let Some(asked) = line.request().await {
            let length = if asked.uri == "/ajax/more" { "2" } else { "9" };
            let mut out = line.head(200, &[("content-length", length)]);
            line.chunks(b"four", &mut out);
            zebu_ajp::answer::end(true, &mut out);
            line.raw(&out).await;
        }
    })
    .await;
    let tier = Tier::with(over(vec![container.member()])).await;
    for (number, path) in ["/ajax/more", "/ajax/less"].into_iter().enumerate() {
        let mut browser = Browser::connect(tier.address).await;
        assert!(browser.send(get(path, "")).await.is_err(), "{path}");
        assert_eq!(container.connections(), number as u64 + 1);
    }
}

#[tokio::test]
async fn a_client_that_leaves_takes_its_connection_to_the_member_with_it() {
    let closed = Arc::new(AtomicU64::new(0));
    let container = {
        let closed = closed.clone();
        Container::start("OX-1", move |mut line| {
            let closed = closed.clone();
            async move {
                while let Some(asked) = line.request().await {
                    if asked.uri == "/ajax/down" {
                        let mut out = line.head(200, &[]);
                        line.chunks(b"first", &mut out);
                        line.raw(&out).await;
                    }
                    if asked.uri == "/ajax/fine" {
                        line.answer(200, &[], b"ok", true).await;
                        continue;
                    }
                    line.closed().await;
                    closed.fetch_add(1, Ordering::SeqCst);
                }
            }
        })
        .await
    };
    let tier = Tier::with(over(vec![container.member()])).await;
    // In the middle of an answer.
    let mut browser = Browser::connect(tier.address).await;
    let mut body = browser.open(get("/ajax/down", "")).await.unwrap().into_body();
    assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "first");
    drop((body, browser));
    eventually("the member sees the first leave", || closed.load(Ordering::SeqCst) == 1).await;
    // In the middle of a body.
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    let half = "POST /ajax/up HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\nhalf";
    stream.write_all(half.as_bytes()).await.unwrap();
    eventually("the member has the head", || container.asked().len() == 2).await;
    drop(stream);
    eventually("the member sees it", || closed.load(Ordering::SeqCst) == 2).await;
    assert_eq!(tier.get("/ajax/fine", "").await.body(), "ok");
    assert_eq!(container.connections(), 3, "neither was used again");
    assert_eq!(tier.snapshot().members[0].failures, 0, "it is not the member's fault");
}

#[tokio::test]
async fn a_stalled_member_is_known_by_its_ping_and_what_was_for_it_goes_elsewhere() {
    // A stopped process: the kernel completes connections, nobody reads them.
    let stopped = node::listen(([127, 0, 0, 1], 0).into());
    let address = stopped.local_addr().unwrap();
    let mut member = member_at("OX-1", &format!("ajp://{address}"));
    member.ping = Ping::Within(100);
    let good = Container::usual("OX-2").await;
    let tier = Tier::with(over(vec![member, good.member()])).await;
    let answer = tier.send(request("POST", "/ajax/x", "JSESSIONID=1.OX-1", "body")).await;
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"OX-2 4"[..]));
    let member = &tier.snapshot().members[0];
    assert_eq!((member.requests, member.failures), (1, 1));
    assert!(member.last_error.as_deref().is_some_and(|why| why.contains("ping")), "{member:?}");
    let again = tier.get("/ajax/x", "JSESSIONID=1.OX-1").await;
    assert_eq!(again.body(), "OX-2 0");
    assert_eq!(tier.snapshot().members[0].requests, 1, "it is left alone for its retry");
}

#[tokio::test]
async fn a_member_that_stops_answering_pings_on_a_connection_in_use_is_asked_on_a_new_one_first() {
    let stalls = Arc::new(AtomicBool::new(false));
    let container = {
        let stalls = stalls.clone();
        Container::start("OX-1", move |mut line| {
            let stalls = stalls.clone();
            async move {
                while let Some(asked) = line.request().await {
                    let body = line.body(&asked).await;
                    line.answer(200, &[], format!("{}", body.len()).as_bytes(), true).await;
                    // Only this connection: a firewall has forgotten it.
                    line.pongs = !stalls.load(Ordering::SeqCst);
                }
            }
        })
        .await
    };
    let mut member = container.member();
    member.ping = Ping::Within(200);
    let tier = Tier::with(over(vec![member])).await;
    stalls.store(true, Ordering::SeqCst);
    let mut browser = Browser::connect(tier.address).await;
    for number in 1..3 {
        assert_eq!(browser.send(request("POST", "/ajax/x", "", "body")).await.unwrap().body(), "4");
        assert_eq!(container.connections(), number);
    }
    assert_eq!(tier.snapshot().members[0].state, MemberState::Up);
}

#[tokio::test]
async fn a_member_that_dies_and_comes_back_is_found_by_ping_if_it_is_checked_so() {
    let listener = node::listen(([127, 0, 0, 1], 0).into());
    let address = listener.local_addr().unwrap();
    drop(listener);
    let mut member = member_at("OX-1", &format!("ajp://{address}"));
    member.check.method = CheckMethod::Cping;
    let good = Container::usual("OX-2").await;
    let tier = Tier::with(over(vec![member, good.member()])).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-1").await.body(), "OX-2 0");
    assert!(!tier.is_up("OX-1"));
    let listener = node::listen(address);
    let pinged = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut ping = [0; 5];
        stream.read_exact(&mut ping).await.unwrap();
        stream.write_all(b"AB\0\x01\x09").await.unwrap();
        (ping, listener)
    });
    eventually("it is up again", || tier.is_up("OX-1")).await;
    assert_eq!(pinged.await.unwrap().0, *b"\x12\x34\0\x01\x0a");
}

#[tokio::test]
async fn a_member_with_another_secret_is_left_out_and_it_is_said_why() {
    let refusing = Container::start("OX-1", |mut line| async move {
        // As Tomcat and our nodes do, whatever is asked for.
        while line.refused().await {}
    })
    .await;
    let good = Container::usual("OX-2").await;
    let config = Config { check_interval_ms: 20, ..over(vec![refusing.member(), good.member()]) };
    let tier = Tier::with(config).await;
    let out = || tier.snapshot().members[0].last_error.as_deref().is_some_and(|why| why.contains("secret"));
    eventually("its checks say it", out).await;
    assert_eq!(tier.get("/ajax/x", "JSESSIONID=1.OX-1").await.body(), "OX-2 0");
}

#[tokio::test]
async fn a_connection_the_member_closed_while_idle_costs_nobody_a_request() {
    let container = Container::start("OX-1", |mut line| async move {
        // One request a connection, though it says otherwise.
        if let Some(asked) = line.request().await {
            let body = line.body(&asked).await;
            line.answer(200, &[], format!("{}", body.len()).as_bytes(), true).await;
        }
    })
    .await;
    let tier = Tier::with(over(vec![container.member()])).await;
    let mut browser = Browser::connect(tier.address).await;
    for _ in 0..30 {
        for (method, body) in [("GET", ""), ("POST", "body"), ("DELETE", "")] {
            let answer = browser.send(request(method, "/ajax/x", "", body)).await.unwrap();
            assert_eq!(answer.body(), body.len().to_string().as_str(), "{method}");
        }
    }
    assert!(tier.is_up("OX-1"));
}
