//! Clients that stop in the middle, wait to be asked, or are in the middle when a node stops. They speak HTTP by hand.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zebu_app::{SessionConfig, maintenance};
use zebu_kit::{Client, Cluster};

use crate::support::home;

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of the file of [`begin`] that are sent at first, and those of all of it.
const FIRST: usize = 4_000_000;
const ALL: usize = 5_000_000;

/// Sends the head and the first part of an upload; what has to follow comes with it.
async fn begin(client: &Client, folder: &str) -> (TcpStream, Vec<u8>) {
    let session = client.session.as_ref().unwrap();
    let before = format!(
        "--b\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{{\"folder_id\":\"{folder}\"}}\r\n--b\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"half.bin\"\r\n\r\n"
    );
    let after = b"\r\n--b--\r\n";
    let head = format!(
        "POST /ajax/infostore?action=new&plainJson=true&session={session} HTTP/1.1\r\nHost: x\r\nCookie: {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
        client.jar.header().unwrap(),
        before.len() + ALL + after.len(),
    );
    let mut stream = TcpStream::connect(client.address).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(before.as_bytes()).await.unwrap();
    stream.write_all(&vec![b'x'; FIRST]).await.unwrap();
    let mut rest = vec![b'x'; ALL - FIRST];
    rest.extend_from_slice(after);
    (stream, rest)
}

/// Everything the node still says on a connection, which it then closes.
async fn read_all(mut stream: TcpStream) -> String {
    let mut said = Vec::new();
    timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("an answer").unwrap();
    String::from_utf8_lossy(&said).into_owned()
}

/// Waits until something is so.
async fn until(mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, wait).await.expect("what was waited for");
}

async fn is_refused(address: SocketAddr) -> bool {
    TcpStream::connect(address).await.is_err()
}

#[tokio::test]
async fn a_client_that_goes_away_in_the_middle_of_an_upload_leaves_nothing_behind() {
    let cluster = Cluster::start(1).await;
    let anna = cluster.direct(0, "anna").login().await;
    let folder = home(&anna).await;
    let (stream, _) = begin(&anna, &folder).await;
    until(async || cluster.contents() > 0).await;
    drop(stream);
    until(async || {
        cluster.clock.advance_ms(120_000);
        maintenance::sweep(&cluster.nodes[0].app).await.unwrap();
        cluster.contents() == 0
    })
    .await;
    let names = anna.login().await.get("infostore", "all", &[("folder", &folder), ("columns", "702")]).await;
    assert_eq!(names.data(), serde_json::json!([]));
}

#[tokio::test]
async fn a_node_that_stops_takes_nobody_new_and_finishes_what_is_under_way() {
    let mut cluster = Cluster::start(2).await;
    let anna = cluster.direct(0, "anna").login().await;
    let (mut stream, rest) = begin(&anna, &home(&anna).await).await;
    until(async || cluster.contents() > 0).await;
    let mut stopping = cluster.nodes.remove(0);
    let address = stopping.address;
    let finish = async {
        until(async || is_refused(address).await).await;
        stream.write_all(&rest).await.unwrap();
        read_all(stream).await
    };
    let ((), answer) = tokio::join!(stopping.stop(), finish);
    assert!(answer.starts_with("HTTP/1.1 200") && answer.contains("{\"data\":\""), "{answer}");
    let through_the_tier = cluster.client("anna").pinned("OX-1").login().await;
    let folder = home(&through_the_tier).await;
    let names =
        through_the_tier.get("infostore", "all", &[("folder", &folder), ("columns", "702,704")]).await;
    assert_eq!(names.data(), serde_json::json!([["half.bin", ALL]]));
}

#[tokio::test]
async fn a_request_on_an_open_connection_is_answered_though_the_node_is_stopping() {
    let mut cluster = Cluster::start(1).await;
    let mut stopping = cluster.nodes.remove(0);
    let address = stopping.address;
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = b"GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = [0; 15];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("an answer").unwrap();
    let last = async {
        until(async || is_refused(address).await).await;
        let login = "POST /ajax/login?action=login HTTP/1.1\r\nHost: x\r\nContent-Length: 25\r\n\r\n\
                     name=anna&password=secret";
        stream.write_all(login.as_bytes()).await.unwrap();
        read_all(stream).await
    };
    let ((), answer) = tokio::join!(stopping.stop(), last);
    assert!(answer.contains("\"user\":\"anna\"") && answer.contains("connection: close"), "{answer}");
    assert!(answer.contains("x-zebu-draining: 1"), "{answer}");
}

#[tokio::test]
async fn a_web_tier_is_told_how_busy_a_node_is_and_whose_a_session_is_if_it_asks() {
    let cluster = Cluster::start(1).await;
    let ask = async |head: &str| {
        let mut stream = TcpStream::connect(cluster.nodes[0].address).await.unwrap();
        let request = format!("{head}\r\nHost: x\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(stream).await
    };
    let ready = ask("GET /health/ready HTTP/1.1").await;
    assert!(ready.starts_with("HTTP/1.1 200") && ready.contains("x-zebu-load: 0"), "{ready}");
    assert!(!ready.contains("x-zebu-draining"), "{ready}");
    // anna:secret
    let by_password = "PROPFIND /infostore HTTP/1.1\r\nDepth: 0\r\nAuthorization: Basic YW5uYTpzZWNyZXQ=";
    let asked = ask(&format!("{by_password}\r\nX-Zebu-Asks: tenant")).await;
    assert!(asked.starts_with("HTTP/1.1 207") && asked.contains("x-zebu-tenant: "), "{asked}");
    assert!(!ask(by_password).await.contains("x-zebu-tenant"));
}

#[tokio::test]
async fn a_node_that_stops_under_load_fails_no_request() {
    let mut cluster = Cluster::start(2).await;
    let mut stopping = cluster.nodes.remove(0);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let mut work = tokio::task::JoinSet::new();
    for number in 0..6 {
        // All begin on the node that stops.
        let anna = cluster.client("anna").pinned("OX-1").login().await;
        let parent = home(&anna).await;
        let stopped = stopped.clone();
        work.spawn(async move {
            let mut done = 0;
            while !*stopped.borrow() || done % 10 != 0 {
                done += 1;
                // A write that must not be done twice, and a read.
                let title = serde_json::json!({"title": format!("folder {number} {done}")});
                let made = anna.put("folders", "new", &[("folder_id", &parent)], title).await;
                assert_eq!((made.status.as_u16(), made.code()), (200, String::new()), "{made:?}");
                let read = anna.get("folders", "get", &[("id", &parent)]).await;
                assert_eq!(read.status, 200, "{read:?}");
            }
            done
        });
    }
    stopping.stop().await;
    stop.send(true).unwrap();
    let mut done = 0;
    while let Some(finished) = work.join_next().await {
        done += finished.unwrap();
    }
    let anna = cluster.client("anna").login().await;
    let parent = home(&anna).await;
    let folders = anna.get("folders", "list", &[("parent", &parent), ("columns", "1")]).await.data();
    assert_eq!(folders.as_array().unwrap().len(), done, "each was made once");
}

#[tokio::test]
async fn a_client_that_stops_sending_is_given_up() {
    let cluster = Cluster::start_with(1, SessionConfig::default(), |web| web.body_stall_ms_max = 200).await;
    let anna = cluster.direct(0, "anna").login().await;
    let (mut stream, _) = begin(&anna, &home(&anna).await).await;
    let mut answer = [0; 12];
    timeout(PATIENCE, stream.read_exact(&mut answer)).await.expect("an answer").unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");
    let mut said = Vec::new();
    until(async || {
        let mut piece = [0; 4096];
        let read = stream.read(&mut piece).await.unwrap();
        said.extend_from_slice(&piece[..read]);
        read == 0 || String::from_utf8_lossy(&said).contains("SVL-0009")
    })
    .await;
    assert!(String::from_utf8_lossy(&said).contains("did not arrive in time"));
}

#[tokio::test]
async fn whoever_asks_before_sending_is_refused_before_sending() {
    let cluster = Cluster::start(1).await;
    let mut stream = TcpStream::connect(cluster.nodes[0].address).await.unwrap();
    let head = "PUT /infostore/Userstore/Anna/a.txt HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
                Content-Length: 1000000\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = read_all(stream).await;
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");

    let mut stream = TcpStream::connect(cluster.nodes[0].address).await.unwrap();
    let head = "PUT /infostore/Userstore/Anna/a.txt HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\
                Connection: close\r\nAuthorization: Basic YW5uYTpzZWNyZXQ=\r\nContent-Length: 5\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut asked = [0; 25];
    timeout(PATIENCE, stream.read_exact(&mut asked)).await.expect("to be asked").unwrap();
    assert_eq!(&asked, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"bytes").await.unwrap();
    assert!(read_all(stream).await.starts_with("HTTP/1.1 201"));
}
