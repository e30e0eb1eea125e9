//! What a person does through a web server, and what must be so of it.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use zebu_kit::{Client, Cluster};

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
const MIB: usize = 1024 * 1024;
/// A large file.
const LARGE_BYTES: usize = 52 * MIB;
/// One whose length nobody announces.
const CHUNKED_BYTES: usize = 9 * MIB;

/// All of it, on a cluster of two nodes; at the end the node that served Anna is dead.
pub(crate) async fn through(front: SocketAddr, cluster: &mut Cluster) {
    both_nodes_get_sessions(front).await;
    let anna = Client::new(front, "anna").login().await;
    stays_on_its_node(&anna).await;
    let folder = home(&anna).await;
    let large = file_of(LARGE_BYTES);
    let id = anna.upload(&folder, "large.bin", &large).await;
    assert_same(&anna, &id, &large).await;
    let chunked = file_of(CHUNKED_BYTES);
    let id = upload_chunked(&anna, &folder, &chunked).await;
    assert_same(&anna, &id, &chunked).await;
    events_arrive(&anna, &folder).await;
    outlives_its_node(&anna, cluster).await;
    assert_same(&anna, &id, &chunked).await;
}

/// The route that a client's cookie names.
pub(crate) fn route(client: &Client) -> String {
    let cookie = client.jar.find("JSESSIONID").expect("a JSESSIONID");
    cookie.rsplit_once('.').expect("a route").1.to_owned()
}

/// As the guide's test has it: whoever signs in next is on the other server.
async fn both_nodes_get_sessions(front: SocketAddr) {
    let mut routes = Vec::new();
    for _ in 0..4 {
        routes.push(route(&Client::new(front, "anna").login().await));
    }
    for expected in ["OX-1", "OX-2"] {
        assert!(routes.iter().any(|route| route == expected), "{routes:?}");
    }
}

async fn stays_on_its_node(anna: &Client) {
    let first = route(anna);
    for _ in 0..20 {
        let answer = anna.get("user", "get", &[]).await;
        answer.data();
        assert!(!answer.headers.contains_key("set-cookie"), "another node would set its route: {answer:?}");
    }
    assert_eq!(route(anna), first);
}

/// The id of the caller's own file folder.
pub(crate) async fn home(client: &Client) -> String {
    let answer = client.get("folders", "list", &[("parent", "10"), ("columns", "1,308,2")]).await.data();
    let me = client.get("user", "get", &[]).await.data()["id"].clone();
    let rows = answer.as_array().unwrap();
    let own =
        rows.iter().find(|row| row[1] == serde_json::json!(true) && row[2] == me).expect("a home folder");
    own[0].as_str().unwrap().to_owned()
}

/// Bytes of which no piece is like another.
fn file_of(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_F491_4F6C_DD1D_u64 ^ bytes as u64;
    let mut file = Vec::with_capacity(bytes + 8);
    while file.len() < bytes {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        file.extend_from_slice(&state.to_le_bytes());
    }
    file.truncate(bytes);
    file
}

async fn assert_same(client: &Client, id: &str, expected: &[u8]) {
    let answer = client.get("infostore", "document", &[("id", id)]).await;
    assert_eq!((answer.status.as_u16(), answer.body.len()), (200, expected.len()));
    assert!(answer.body == expected, "the same length and other bytes");
}

/// Uploads in chunks of many sizes; answers the file's id.
async fn upload_chunked(client: &Client, folder: &str, bytes: &[u8]) -> String {
    let session = client.session.as_ref().unwrap();
    let head = format!(
        "POST /ajax/infostore?action=new&plainJson=true&session={session} HTTP/1.1\r\nHost: {}\r\nCookie: {}\r\n\
         Content-Type: multipart/form-data; boundary=b\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n",
        client.address,
        client.jar.header().unwrap(),
    );
    let before = format!(
        "--b\r\nContent-Disposition: form-data; name=\"json\"\r\n\r\n{{\"folder_id\":\"{folder}\"}}\r\n--b\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"chunked.bin\"\r\n\r\n"
    );
    let body = [before.as_bytes(), bytes, b"\r\n--b--\r\n"].concat();
    let (mut reader, mut writer) = TcpStream::connect(client.address).await.unwrap().into_split();
    let write = async move {
        writer.write_all(head.as_bytes()).await.unwrap();
        let (mut rest, mut sizes) = (body.as_slice(), [1, 100_000, 4_096, 65_536, 777].into_iter().cycle());
        while !rest.is_empty() {
            let (chunk, after) = rest.split_at(rest.len().min(sizes.next().unwrap()));
            writer.write_all(format!("{:x}\r\n", chunk.len()).as_bytes()).await.unwrap();
            writer.write_all(chunk).await.unwrap();
            writer.write_all(b"\r\n").await.unwrap();
            rest = after;
        }
        writer.write_all(b"0\r\n\r\n").await.unwrap();
        writer
    };
    let mut said = String::new();
    let read = async { reader.read_to_string(&mut said).await.unwrap() };
    let (writer, _) = timeout(PATIENCE, async { tokio::join!(write, read) }).await.expect("an answer");
    drop(writer);
    assert!(said.starts_with("HTTP/1.1 200"), "{said}");
    let id = said.split_once("\"data\":\"").and_then(|(_, rest)| rest.split_once('"')).expect("an id").0;
    id.to_owned()
}

/// Whoever waits for events hears of a change made elsewhere while the stream is open, not when it ends.
async fn events_arrive(anna: &Client, folder: &str) {
    let mut events = anna.events(&format!("folder:{folder}"), None).await;
    let other = Client::new(anna.address, "anna").login().await;
    other.upload(folder, "news.txt", b"news").await;
    timeout(PATIENCE, events.next()).await.expect("an event in time").expect("an event");
}

async fn outlives_its_node(anna: &Client, cluster: &mut Cluster) {
    let before = route(anna);
    let node = cluster.nodes.iter_mut().find(|node| node.app.node().route == before).unwrap();
    node.kill();
    // What was under way may have been broken off; from then on everything goes to the other node.
    let alive = async {
        while anna.get("user", "get", &[]).await.status != 200 {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, alive).await.expect("an answer of the other node");
    for _ in 0..5 {
        anna.get("user", "get", &[]).await.data();
    }
    assert_ne!(route(anna), before);
}
