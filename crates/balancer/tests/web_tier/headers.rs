//! Which headers cross the web tier.

use http::header::HeaderMap;

use crate::node::{self, Node};
use crate::tier::{Browser, Tier, get, request};

#[tokio::test]
async fn the_node_learns_who_asked_from_us_alone() {
    let node = Node::start("OX-1").await;
    let tier = Tier::over(&[&node]).await;
    let mut request = get("/ajax/x", "a=b");
    let forged: HeaderMap = [
        ("x-forwarded-for", "6.6.6.6"),
        ("x-forwarded-proto", "https"),
        ("x-forwarded-host", "evil"),
        ("forwarded", "for=6.6.6.6"),
        ("x-request-id", "evil"),
        ("x-zebu-user", "admin"),
    ]
    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
    .into_iter()
    .collect();
    request.headers_mut().extend(forged);
    let answer = tier.send(request).await;

    let (_, seen) = node.last_head();
    assert_eq!(seen["x-forwarded-for"], "127.0.0.1");
    assert_eq!(seen["x-forwarded-proto"], "http");
    assert_eq!(seen["x-forwarded-host"], "groupware.example");
    assert_eq!(seen["host"], "groupware.example");
    assert_eq!(seen["cookie"], "a=b");
    assert_eq!(seen["x-request-id"], answer.headers()["x-request-id"]);
    assert_eq!(seen["x-request-id"].len(), 32);
    let mut names: Vec<_> = seen.keys().map(|name| name.as_str()).collect();
    names.sort_unstable();
    let expected =
        ["cookie", "host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-request-id"];
    assert_eq!(names, expected, "nothing else is added");
}

#[tokio::test]
async fn headers_of_one_connection_do_not_cross() {
    let node = Node::start_with("OX-1", |_| async {
        let mut response = node::text("ok");
        for (name, value) in [
            ("connection", "x-of-the-node"),
            ("x-of-the-node", "1"),
            ("keep-alive", "timeout=5"),
            ("x-kept", "1"),
        ] {
            response.headers_mut().insert(name, value.parse().unwrap());
        }
        response
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let mut request = get("/ajax/x", "");
    for (name, value) in [
        ("connection", "keep-alive, x-of-the-client"),
        ("x-of-the-client", "1"),
        ("keep-alive", "300"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("proxy-authorization", "Basic eA=="),
        ("x-kept", "1"),
    ] {
        request.headers_mut().insert(name, value.parse().unwrap());
    }
    let answer = tier.send(request).await;
    let (_, seen) = node.last_head();
    for name in ["connection", "x-of-the-client", "keep-alive", "te", "upgrade", "proxy-authorization"] {
        assert!(!seen.contains_key(name), "{name} reached the node");
    }
    assert_eq!(seen["x-kept"], "1");
    for name in ["connection", "x-of-the-node", "keep-alive"] {
        assert!(!answer.headers().contains_key(name), "{name} reached the client");
    }
    assert_eq!(answer.headers()["x-kept"], "1");
    assert_eq!(answer.body(), "ok");
}

#[tokio::test]
async fn several_cookies_set_by_a_node_all_arrive() {
    let node = Node::start_with("OX-1", |_| async {
        let mut response = node::text("");
        response.headers_mut().append("set-cookie", "JSESSIONID=1.OX-1; HttpOnly".parse().unwrap());
        response.headers_mut().append("set-cookie", "b=2".parse().unwrap());
        response
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let answer = tier.get("/ajax/login", "").await;
    let cookies: Vec<_> = answer.headers().get_all("set-cookie").iter().collect();
    assert_eq!(cookies, ["JSESSIONID=1.OX-1; HttpOnly", "b=2"]);
}

#[tokio::test]
async fn answers_without_a_body_keep_their_headers_and_the_connection() {
    let node = Node::start_with("OX-1", |request| async move {
        let status = request.headers()["x-want"].to_str().unwrap().parse::<u16>().unwrap();
        let mut response = node::text("");
        *response.status_mut() = status.try_into().unwrap();
        response.headers_mut().insert("etag", "\"1\"".parse().unwrap());
        if request.method() == "HEAD" {
            response.headers_mut().insert("content-length", "12345".parse().unwrap());
        }
        response
    })
    .await;
    let tier = Tier::over(&[&node]).await;
    let mut browser = Browser::connect(tier.address).await;
    for (method, status) in
        [("HEAD", "200"), ("GET", "204"), ("GET", "304"), ("GET", "200"), ("DELETE", "204")]
    {
        let mut request = request(method, "/infostore/x", "", "");
        request.headers_mut().insert("x-want", status.parse().unwrap());
        let answer = browser.send(request).await.unwrap();
        assert_eq!(
            (answer.status().as_str(), &answer.headers()["etag"]),
            (status, &"\"1\"".parse().unwrap())
        );
        if method == "HEAD" {
            assert_eq!(answer.headers()["content-length"], "12345");
        }
    }
    assert_eq!(node.connections(), 1);
}
