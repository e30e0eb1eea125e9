//! Nodes that are told by Redis what they should forget. Of its protocol (RESP) only what this needs.

use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::sleep;

use super::super::relay::{Relay, Target};
use super::{Done, Ground, NODES, Way};

/// What a node has kept, and how many messages it has had: what was loaded while one came is not kept.
#[derive(Default)]
struct Kept {
    value: Mutex<Option<u64>>,
    messages: AtomicU64,
}

pub(super) struct Redis {
    publisher: tokio::sync::Mutex<BufReader<UnixStream>>,
    kept: Vec<Arc<Kept>>,
    /// When the message of each value was sent, and how many have obeyed it.
    sent: Arc<Mutex<Vec<(Instant, usize)>>>,
    obeyed: Arc<Mutex<Vec<Duration>>>,
    wires: Vec<Relay>,
    /// Nobody touches them; they are there so that all have one.
    _others: Vec<Relay>,
    server: Child,
    _dir: TempDir,
}

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

pub(super) async fn start() -> Redis {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("redis.sock");
    let server = Command::new("redis-server")
        .args(["--port", "0", "--save", "", "--appendonly", "no", "--unixsocket"])
        .arg(&socket)
        .args(["--dir".as_ref(), dir.path().as_os_str()])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    let publisher = loop {
        if let Ok(stream) = UnixStream::connect(&socket).await {
            break stream;
        }
        assert!(Instant::now() < deadline, "Redis does not answer");
        sleep(Duration::from_millis(20)).await;
    };
    let (sent, obeyed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let kept: Vec<Arc<Kept>> = (0..NODES).map(|_| Arc::default()).collect();
    let mut others = Vec::new();
    for number in 1..NODES {
        let wire = Relay::start(Target::Unix(socket.clone())).await;
        let (address, kept) = (wire.address, Arc::clone(&kept[number]));
        let (sent, obeyed) = (Arc::clone(&sent), Arc::clone(&obeyed));
        let (ready, subscribed) = tokio::sync::oneshot::channel();
        tokio::spawn(subscribe(address, kept, sent, obeyed, ready));
        subscribed.await.unwrap();
        others.push(wire);
    }
    let wires = others.split_off(NODES - 2);
    let publisher = tokio::sync::Mutex::new(BufReader::new(publisher));
    Redis { publisher, kept, sent, obeyed, wires, _others: others, server, _dir: dir }
}

async fn subscribe(
    address: std::net::SocketAddr,
    kept: Arc<Kept>,
    sent: Arc<Mutex<Vec<(Instant, usize)>>>,
    obeyed: Arc<Mutex<Vec<Duration>>>,
    ready: tokio::sync::oneshot::Sender<()>,
) {
    let mut ready = Some(ready);
    loop {
        let Ok(stream) = TcpStream::connect(address).await else {
            sleep(Duration::from_millis(50)).await;
            continue;
        };
        stream.set_nodelay(true).unwrap();
        let mut stream = BufReader::new(stream);
        if stream.write_all(b"SUBSCRIBE scope\r\n").await.is_err() {
            continue;
        }
        while let Some(words) = array(&mut stream).await {
            kept.messages.fetch_add(1, Ordering::SeqCst);
            *kept.value.lock().unwrap() = None;
            if words[0] == "subscribe" {
                ready.take().map(|ready| ready.send(()));
            } else if let Ok(value) = words[2].parse::<usize>() {
                let mut sent = sent.lock().unwrap();
                let (since, left) = &mut sent[value - 1];
                *left -= 1;
                if *left == 0 {
                    obeyed.lock().unwrap().push(since.elapsed());
                }
            }
        }
    }
}

/// An array of three as the server sends it; `None` at the end.
async fn array(stream: &mut BufReader<TcpStream>) -> Option<Vec<String>> {
    let mut words = Vec::new();
    line(stream).await?;
    while words.len() < 3 {
        let head = line(stream).await?;
        words.push(if head.starts_with('$') { line(stream).await? } else { head });
    }
    Some(words)
}

async fn line(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let count = stream.read_line(&mut line).await.ok()?;
    (count > 0).then(|| line.trim_end().to_owned())
}

impl Way for Redis {
    fn write<'a>(&'a self, ground: &'a Ground, value: u64) -> Done<'a> {
        Box::pin(async move {
            ground.value.store(value, Ordering::SeqCst);
            self.kept[0].messages.fetch_add(1, Ordering::SeqCst);
            *self.kept[0].value.lock().unwrap() = None;
            self.sent.lock().unwrap().push((Instant::now(), NODES - 1));
            let mut publisher = self.publisher.lock().await;
            publisher.write_all(format!("PUBLISH scope {value}\r\n").as_bytes()).await.unwrap();
            let mut answer = String::new();
            publisher.read_line(&mut answer).await.unwrap();
        })
    }

    fn read(&self, ground: &Ground, node: usize) -> u64 {
        let kept = &self.kept[node];
        if let Some(value) = *kept.value.lock().unwrap() {
            return value;
        }
        let before = kept.messages.load(Ordering::SeqCst);
        let found = ground.value.load(Ordering::SeqCst);
        let mut value = kept.value.lock().unwrap();
        if kept.messages.load(Ordering::SeqCst) == before {
            *value = Some(found);
        }
        found
    }

    fn obeyed(&self) -> Vec<Duration> {
        self.obeyed.lock().unwrap().clone()
    }

    fn wires(&self) -> &[Relay] {
        &self.wires
    }
}
