//! Connections that rest between two requests: nobody notices.

use std::sync::Arc;

use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use zebu_balancer::Config;

use crate::node::Node;
use crate::secure::{both, secure_address};
use crate::tier::{PATIENCE, Tier, config, eventually};

const ASK: &str = "GET /ajax/x HTTP/1.1\r\nHost: one.example\r\n\r\n";

async fn answer(stream: &mut (impl AsyncRead + Unpin)) {
    let mut received = Vec::new();
    while !received.ends_with(b"OX-1") {
        let read = timeout(PATIENCE, stream.read_buf(&mut received)).await.expect("it comes").unwrap();
        assert_ne!(read, 0, "closed without an answer");
    }
    assert!(received.starts_with(b"HTTP/1.1 200"));
}

async fn ask(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) {
    stream.write_all(ASK.as_bytes()).await.unwrap();
    answer(stream).await;
}

async fn closed(stream: &mut (impl AsyncRead + Unpin)) -> bool {
    let read = timeout(PATIENCE, stream.read(&mut [0; 64])).await.expect("it is closed");
    read.unwrap() == 0
}

#[tokio::test]
async fn whoever_has_paused_is_answered_on_the_same_connection_plain_or_by_tls() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start("OX-1").await;
    let tier = Tier::with(both(&[&node], &dir)).await;
    let mut plain = TcpStream::connect(tier.address).await.unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(dir.path().join("one.pem")).unwrap()).unwrap();
    let client = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let stream = TcpStream::connect(secure_address(&tier)).await.unwrap();
    let name = ServerName::try_from("one.example").unwrap();
    let mut secure = TlsConnector::from(Arc::new(client)).connect(name, stream).await.unwrap();
    for _ in 0..2 {
        ask(&mut plain).await;
        ask(&mut secure).await;
        eventually("both rest", || tier.snapshot().resting == 2).await;
    }
    assert_eq!(node.requests(), 4);
    drop(plain);
    eventually("the one that has gone rests no more", || tier.snapshot().resting == 1).await;
    ask(&mut secure).await;
}

#[tokio::test]
async fn one_that_rests_is_closed_when_it_was_idle_too_long_and_when_the_web_tier_stops() {
    let node = Node::start("OX-1").await;
    let short = Config { client_idle_timeout_ms: 1_500, ..config(&[&node]) };
    let tier = Tier::with(short).await;
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    ask(&mut stream).await;
    eventually("it rests", || tier.snapshot().resting == 1).await;
    assert!(closed(&mut stream).await);

    let mut tier = Tier::over(&[&node]).await;
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    ask(&mut stream).await;
    eventually("it rests", || tier.snapshot().resting == 1).await;
    tier.stop();
    assert!(closed(&mut stream).await);
    tier.ended().await;
}

#[tokio::test]
async fn half_a_head_behind_an_answered_request_is_kept_and_has_its_limit() {
    let node = Node::start("OX-1").await;
    let tier = Tier::over(&[&node]).await;
    let (first, second) = ASK.split_at(10);
    let mut stream = TcpStream::connect(tier.address).await.unwrap();
    stream.write_all(format!("{ASK}{first}").as_bytes()).await.unwrap();
    answer(&mut stream).await;
    // When one that was answered later rests, the time has come for the other too.
    let mut other = TcpStream::connect(tier.address).await.unwrap();
    ask(&mut other).await;
    eventually("the other rests", || tier.snapshot().resting == 1).await;
    stream.write_all(second.as_bytes()).await.unwrap();
    answer(&mut stream).await;

    let hasty = Tier::with(Config { client_header_timeout_ms: 1_000, ..config(&[&node]) }).await;
    let mut stream = TcpStream::connect(hasty.address).await.unwrap();
    stream.write_all(format!("{ASK}{first}").as_bytes()).await.unwrap();
    answer(&mut stream).await;
    assert!(closed(&mut stream).await, "long before it would be idle too long");
}
