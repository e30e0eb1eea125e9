//! Who is not let in, and the one line that says so.

use std::cell::RefCell;
use std::net::SocketAddr;
use std::sync::{Arc, Once};

use zebu_cluster::authority::DAY_MS;
use zebu_cluster::mesh::{Expected, Security};

use super::node::{Ca, Make, NOW_MS, Node, name, until};
use super::raw::Raw;

thread_local! {
    /// What was logged on this thread, on which all tasks of a test run.
    static LOG: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// The log of this test.
struct Log;

impl std::io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        LOG.with_borrow_mut(|log| log.extend_from_slice(bytes));
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// One subscriber for all tests: those that come and go with a test make others miss lines.
    fn start() -> Self {
        static STARTED: Once = Once::new();
        STARTED.call_once(|| {
            let lines = tracing_subscriber::fmt().with_ansi(false).with_writer(|| Self).finish();
            tracing::subscriber::set_global_default(lines).unwrap();
        });
        Self
    }

    fn lines(&self, with: &str) -> Vec<String> {
        let text = LOG.with_borrow(|log| String::from_utf8(log.clone()).unwrap());
        text.lines().filter(|line| line.contains(with)).map(str::to_owned).collect()
    }
}

async fn dialled(by: &Node, at: SocketAddr, times: u64) {
    by.dials_at([at].into());
    let tried = || by.mesh.status().refused.iter().any(|refused| refused.times >= times);
    until("it did not try again and again", tried).await;
}

#[tokio::test]
async fn a_node_with_a_certificate_of_another_ca_is_refused_with_one_line_on_each_side_however_often_it_tries()
 {
    let log = Log::start();
    let (ours, theirs) = (Ca::new("oxserver"), Ca::new("oxserver"));
    let one = Make::default().node("OX-1", ours.tls("OX-1")).await;
    let two = Make::default().node("OX-2", theirs.tls("OX-2")).await;
    dialled(&two, one.address(), 5).await;
    let said =
        "the certificate of node OX-1 of cluster oxserver was not signed by a CA that this node trusts";
    assert_eq!(log.lines(said).len(), 1, "{:?}", log.lines(""));
    one.complains("it does not accept this node's certificate").await;
    assert_eq!(log.lines("does not accept this node's certificate").len(), 1);
    assert_eq!((one.peers().len(), two.peers().len()), (0, 0));
}

#[tokio::test]
async fn an_expired_certificate_is_refused_with_its_last_day() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls_at("OX-1", NOW_MS + 3 * DAY_MS)).await;
    let path = ca.authority.certify("OX-2", Some(1), None, NOW_MS).unwrap().path;
    let credentials = zebu_cluster::authority::Credentials::open(&path, Arc::new(|| NOW_MS)).unwrap();
    let two = Make::default().node("OX-2", Security::Tls(Arc::new(credentials))).await;
    two.dials(&[&one]);
    one.complains("the certificate of node OX-2 of cluster oxserver ran out on 2026-11-27").await;
    two.complains("it does not accept this node's certificate").await;
}

#[tokio::test]
async fn a_node_that_says_another_name_than_its_certificate_is_refused() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    let liar = Make::default().node("OX-9", ca.tls("OX-2")).await;
    liar.dials(&[&one]);
    one.complains("OX-9: refused: it says it is OX-9, its certificate is of OX-2 of cluster oxserver").await;
    liar.complains("it refuses this node: it says it is OX-9").await;
}

#[tokio::test]
async fn another_cluster_is_refused_with_one_line_on_both_sides() {
    let log = Log::start();
    let one = Make::default().node("OX-1", Security::Plain).await;
    let two = Make { cluster: "testserver", ..Make::default() }.node("OX-2", Security::Plain).await;
    dialled(&two, one.address(), 5).await;
    one.complains("it refuses this node: it is of cluster oxserver").await;
    assert_eq!(log.lines("OX-1: refused: it is of cluster oxserver, OX-2 is of cluster testserver").len(), 1);
    assert_eq!(log.lines("it refuses this node").len(), 1);
}

#[tokio::test]
async fn another_version_of_the_protocol_is_refused_with_both_named() {
    let one = Make::default().node("OX-1", Security::Plain).await;
    let said = Raw::refused(one.address(), (7, 9), ["oxserver", "OX-2", "raw"]).await;
    assert_eq!(said, "it speaks version 7 to 9 of the protocol, OX-1 speaks 1");
    one.complains("OX-2: refused: it speaks version 7 to 9").await;
}

#[tokio::test]
async fn a_life_that_is_not_the_registered_one_is_refused() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    let registered = Expected { name: name("OX-2"), incarnation: "other".into(), address: None };
    one.expected.send_replace(Arc::new(vec![registered]));
    let two = Make::default().node("OX-2", ca.tls("OX-2")).await;
    two.dials(&[&one]);
    one.complains("OX-2: refused: another life of it is registered").await;
    let registered = Expected { name: name("OX-2"), incarnation: "first".into(), address: None };
    one.expected.send_replace(Arc::new(vec![registered]));
    until("it was not let in when the registry knew it", || one.peers() == ["OX-2"]).await;
    until("what is well is still complained of", || one.complaints().is_empty()).await;
}

#[tokio::test]
async fn a_second_process_under_a_node_s_own_name_is_refused() {
    let ca = Ca::new("oxserver");
    let one = Make::default().node("OX-1", ca.tls("OX-1")).await;
    let twin = Make { incarnation: "second", ..Make::default() }.node("OX-1", ca.tls("OX-1")).await;
    twin.dials(&[&one]);
    one.complains("another process runs under the name OX-1").await;
}

#[tokio::test]
async fn whoever_speaks_another_protocol_is_told_apart_from_a_node() {
    let ca = Ca::new("oxserver");
    let secure = Make::default().node("OX-1", ca.tls("OX-1")).await;
    let plain = Make::default().node("OX-2", Security::Plain).await;
    secure.dials(&[&plain]);
    secure.complains("it does not speak TLS: is it configured for plain connections?").await;
    let mut raw = Raw::connect(plain.address()).await;
    raw.message().await;
    tokio::io::AsyncWriteExt::write_all(&mut raw.0, b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    plain.complains("its handshake has 18245 bytes, at most 1024 are possible").await;
}
