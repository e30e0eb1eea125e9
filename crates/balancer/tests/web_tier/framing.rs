//! Malformed and hostile requests, as bytes.

use std::time::Instant;

use http_body_util::BodyExt;
use zebu_balancer::Config;

use crate::node::{self, Node};
use crate::tier::{Tier, config};

/// A node that answers with the body it was sent.
async fn echo() -> Node {
    Node::start_with("OX-1", |request| async move {
        node::text(request.into_body().collect().await.unwrap().to_bytes())
    })
    .await
}

#[tokio::test]
async fn two_ways_to_tell_the_length_never_smuggle_a_second_request() {
    for lengths in
        ["Content-Length: 6\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 6"]
    {
        let node = echo().await;
        let tier = Tier::over(&[&node]).await;
        let smuggled = "GET /ajax/smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
        let answer = tier
            .raw(format!("POST /ajax/x HTTP/1.1\r\nHost: h\r\n{lengths}\r\n\r\n0\r\n\r\n{smuggled}"))
            .await;
        assert_eq!(
            answer.matches("HTTP/1.1").count(),
            1,
            "one answer, then the connection is closed: {answer}"
        );
        assert_eq!(node.requests(), 1);
        let (target, head) = node.last_head();
        assert_eq!(target, "/ajax/x");
        assert!(!head.contains_key("content-length"), "the node sees one length only");
        assert_eq!(head["transfer-encoding"], "chunked");
    }
}

#[tokio::test]
async fn ambiguous_framing_is_refused_and_no_node_sees_it() {
    let node = echo().await;
    let tier = Tier::over(&[&node]).await;
    for head in [
        "POST /ajax/x HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        "POST /ajax/x HTTP/1.1\r\nHost: h\r\nContent-Length: 1, 1\r\n\r\nab",
        "POST /ajax/x HTTP/1.1\r\nHost: h\r\nContent-Length: +1\r\n\r\na",
        "POST /ajax/x HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\na",
        "POST /ajax/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n",
        "POST /ajax/x HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "GET /ajax/x HTTP/1.1\r\nHost: h\r\nX-Folded: a\r\n b\r\n\r\n",
        "GET /ajax/x HTTP/1.1\r\nHost : h\r\n\r\n",
        "GET /ajax/x HTTP/1.1\r\nHost: h\r\nX-\0: 1\r\n\r\n",
        "GET /ajax/x y HTTP/1.1\r\nHost: h\r\n\r\n",
        "GET  /ajax/x HTTP/1.1\r\nHost: h\r\n\r\n",
    ] {
        let answer = tier.raw(head).await;
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 400"), "{head:?}: {answer}");
    }
    assert_eq!(node.requests(), 0);
}

#[tokio::test]
async fn a_broken_chunk_is_an_error_not_a_shorter_body() {
    let node = Node::start_with("OX-1", |request| async move {
        match request.into_body().collect().await {
            Ok(_) => node::text("whole"),
            Err(_) => node::text("broken"),
        }
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let answer = tier
        .raw(
            "POST /ajax/x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nxyz\r\n\r\n",
        )
        .await;
    assert!(!answer.contains("whole"), "{answer}");
}

#[tokio::test]
async fn a_head_that_is_too_large_is_refused_with_431() {
    let node = echo().await;
    let tier = Tier::with(Config { header_bytes_max: 8 * 1024, ..config(&[&node]) }).await;
    let filler = "a".repeat(9 * 1024);
    let answer = tier.raw(format!("GET /ajax/x HTTP/1.1\r\nHost: h\r\nX-Large: {filler}\r\n\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    let many: String = (0..150).map(|n| format!("X-{n}: 1\r\n")).collect();
    let answer = tier.raw(format!("GET /ajax/x HTTP/1.1\r\nHost: h\r\n{many}\r\n")).await;
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
    assert_eq!(node.requests(), 0);
}

#[tokio::test]
async fn a_request_names_exactly_one_host() {
    let node = echo().await;
    let tier = Tier::over(&[&node]).await;
    let answer = tier.raw("GET /ajax/x HTTP/1.1\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400") && answer.contains("\"code\":\"WEB-0005\""), "{answer}");
    let answer = tier.raw("GET /ajax/x HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert_eq!(node.requests(), 0);
}

#[tokio::test]
async fn methods_for_proxies_are_refused() {
    let node = echo().await;
    let tier = Tier::over(&[&node]).await;
    for head in [
        "TRACE /ajax/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
        "CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\nConnection: close\r\n\r\n",
    ] {
        let answer = tier.raw(head).await;
        assert!(answer.starts_with("HTTP/1.1 405"), "{answer}");
    }
    assert_eq!(node.requests(), 0);
}

#[tokio::test]
async fn an_absolute_target_reaches_the_node_as_a_path() {
    let node = echo().await;
    let tier = Tier::over(&[&node]).await;
    let answer = tier
        .raw("GET http://real.example/ajax/x?a=b HTTP/1.1\r\nHost: forged\r\nConnection: close\r\n\r\n")
        .await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let (target, head) = node.last_head();
    assert_eq!(
        (target.as_str(), &head["host"]),
        ("/ajax/x?a=b", &http::HeaderValue::from_static("real.example"))
    );
}

#[tokio::test]
async fn an_old_client_without_host_is_served() {
    let node = echo().await;
    let tier = Tier::over(&[&node]).await;
    let answer = tier.raw("POST /ajax/x HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi").await;
    assert!(answer.starts_with("HTTP/1.0 200") && answer.ends_with("\r\n\r\nhi"), "{answer}");
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let node = echo().await;
    let tier = Tier::over(&[&node]).await;
    let one = |body: &str| {
        format!("POST /ajax/x HTTP/1.1\r\nHost: h\r\nContent-Length: {}\r\n\r\n{body}", body.len())
    };
    let last = "GET /assets/index-1a2b.js HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    let answer = tier.raw(format!("{}{}{}{last}", one("first"), one("second"), one("third"))).await;
    let places: Vec<_> =
        ["first", "second", "third", "zebu()"].iter().map(|body| answer.find(body).expect(body)).collect();
    assert!(places.is_sorted(), "{answer}");
}

#[tokio::test]
async fn a_body_in_chunks_arrives_whatever_the_method() {
    let node = echo().await;
    let tier = Tier::over(&[&node]).await;
    for method in ["GET", "POST", "PROPFIND", "DELETE"] {
        let answer = tier
            .raw(format!(
                "{method} /ajax/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n\
                 5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
            ))
            .await;
        assert!(answer.ends_with("hello world"), "{method}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_dawdles_over_its_head_is_cut_off() {
    let node = echo().await;
    let limits = Config { client_header_timeout_ms: 80, client_idle_timeout_ms: 160, ..config(&[&node]) };
    let tier = Tier::with(limits).await;
    for (bytes, least_ms) in
        [("", 80), ("GET /ajax/x HTT", 80), ("GET /ajax/x HTTP/1.1\r\nHost: h\r\n\r\n", 160)]
    {
        let began = Instant::now();
        // Returns when the server closes.
        tier.raw(bytes).await;
        // Times are kept in whole milliseconds: what began late in one may end early in another.
        assert!(began.elapsed().as_millis() + 1 >= least_ms, "{bytes:?} closed too early");
    }
}

#[tokio::test]
async fn a_client_that_stops_sending_its_body_is_cut_off_and_the_node_is_told() {
    let (told, mut was_told) = tokio::sync::mpsc::unbounded_channel();
    let node = Node::start_with("OX-1", move |request| {
        let told = told.clone();
        async move {
            told.send(request.into_body().collect().await.is_err()).unwrap();
            node::text("")
        }
    })
    .await;
    let tier = Tier::with(Config { client_stall_timeout_ms: 100, ..config(&[&node]) }).await;
    let answer = tier.raw("POST /ajax/x HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf").await;
    assert_eq!(answer, "");
    assert_eq!(was_told.recv().await, Some(true), "the node sees a broken body");
}
