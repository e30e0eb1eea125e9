//! The web client's files over the wire.

use std::process::Stdio;

use bytes::Bytes;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use zebu_balancer::{Asset, Assets};

use crate::node::Node;
use crate::tier::{Tier, config, get, request};

#[tokio::test]
async fn files_come_compressed_as_the_client_likes_and_are_not_sent_twice() {
    let tier = Tier::over(&[]).await;
    let check = async |accept: &'static str, tag: &str, body: &str| {
        let mut first = get("/assets/index-1a2b.js", "");
        first.headers_mut().insert("accept-encoding", accept.parse().unwrap());
        let answer = tier.send(first.clone()).await;
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, body.as_bytes()));
        assert_eq!(answer.headers()["etag"], tag);
        assert_eq!(answer.headers()["content-length"], body.len().to_string());
        assert!(answer.headers().contains_key("x-request-id"));
        first.headers_mut().insert("if-none-match", tag.parse().unwrap());
        let again = tier.send(first).await;
        assert_eq!((again.status().as_u16(), again.body().len()), (304, 0));
    };
    check("gzip, deflate, br", "\"e1-br\"", "br:zebu()").await;
    check("gzip, br;q=0", "\"e1-gz\"", "gz:zebu()").await;
    check("identity", "\"e1\"", "zebu()").await;
}

#[tokio::test]
async fn places_in_the_client_answer_with_its_page_and_the_page_is_guarded() {
    let tier = Tier::over(&[]).await;
    for path in ["/", "/index.html", "/files/12?x=1"] {
        let answer = tier.get(path, "").await;
        assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"<p>zebu"[..]), "{path}");
        assert!(
            answer.headers()["content-security-policy"].to_str().unwrap().starts_with("default-src 'self'")
        );
        assert_eq!(answer.headers()["cache-control"], "no-cache");
    }
    assert_eq!(tier.get("/assets/gone-1.js", "").await.status(), 404);
}

#[tokio::test]
async fn head_tells_the_length_without_the_body() {
    let tier = Tier::over(&[]).await;
    let answer = tier.send(request("HEAD", "/index.html", "", "")).await;
    assert_eq!(answer.headers()["content-length"], "7");
    assert!(answer.body().is_empty());
}

#[tokio::test]
async fn files_cannot_be_written_and_webdav_clients_find_a_node_at_the_root() {
    let node = Node::start("OX-1").await;
    let tier = Tier::over(&[&node]).await;
    let refused = tier.send(request("PUT", "/index.html", "", "x")).await;
    assert_eq!((refused.status().as_u16(), refused.headers()["allow"].to_str().unwrap()), (405, "GET, HEAD"));
    assert_eq!(tier.send(request("OPTIONS", "/", "", "")).await.body(), "OX-1");
    assert_eq!(tier.send(request("PROPFIND", "/", "", "")).await.body(), "OX-1");
    assert_eq!(tier.send(request("GET", "/", "", "")).await.body(), "<p>zebu");
}

/// What the machine's gzip makes of it.
async fn gzipped(content: &[u8]) -> Bytes {
    let mut gzip = Command::new("gzip");
    let mut gzip = gzip.arg("-c").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    gzip.stdin.take().unwrap().write_all(content).await.unwrap();
    gzip.wait_with_output().await.unwrap().stdout.into()
}

#[tokio::test]
async fn curl_unpacks_what_it_is_sent_and_asks_again_for_nothing() {
    let asset = |path: &str, gzip: Option<Bytes>, brotli: Option<Bytes>| Asset {
        path: path.into(),
        content_type: "text/html; charset=utf-8".into(),
        etag: "e1".into(),
        identity: Bytes::from_static(b"hello"),
        gzip,
        brotli,
    };
    // "hello" as Brotli has it when it finds nothing to compress (RFC 7932 §9.2).
    let brotli = Some(Bytes::from_static(b"\x0b\x02\x80hello\x03"));
    let hashed = asset("/assets/a-1.html", Some(gzipped(b"hello").await), brotli);
    let assets = Assets::new([asset("/index.html", None, None), hashed]).unwrap();
    let tier = Tier::serving(config(&[]), assets).await;
    let curl = async |arguments: &[&str]| {
        let mut command = Command::new("curl");
        let command = command.args(["-sSi", "--noproxy", "*"]).args(arguments);
        let output = command.arg(format!("http://{}/assets/a-1.html", tier.address)).output().await.unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    for (accept, tag) in [("br, gzip", "\"e1-br\""), ("gzip", "\"e1-gz\""), ("zstd", "\"e1\"")] {
        let accept = format!("Accept-Encoding: {accept}");
        let said = curl(&["--compressed", "-H", &accept]).await;
        assert!(said.starts_with("HTTP/1.1 200 ") && said.ends_with("\r\n\r\nhello"), "{said}");
        let tagged = format!("etag: {tag}");
        for line in [
            &*tagged,
            "cache-control: public, max-age=31536000, immutable",
            "x-content-type-options: nosniff",
        ] {
            assert!(said.contains(&format!("{line}\r\n")), "{line} in {said}");
        }
        let said = curl(&["--compressed", "-H", &accept, "-H", &format!("If-None-Match: {tag}")]).await;
        assert!(said.starts_with("HTTP/1.1 304 ") && said.ends_with("\r\n\r\n"), "{said}");
    }
}
