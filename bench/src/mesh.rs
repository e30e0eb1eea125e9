//! `cargo xtask bench mesh`: what it costs to have three other nodes acknowledge a message, over TLS on the loopback address: the wait
//! of every write. At a steady rate, where the time counts; and at full speed, where the number does.
//!
//! All four nodes are in this process, each with its tasks; the figures hold for a machine whose cores they share.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use zebu_cluster::authority::{Authority, Credentials, Name, Now};
use zebu_cluster::mesh::{Event, Limits, Mesh, Security, Settings, Tcp};

/// Nodes besides the one that sends.
const PEERS: usize = 3;
/// Bytes of a message: a scope and a write's number fit.
const PAYLOAD_BYTES: usize = 64;
/// Messages a second where the time counts, and for how many seconds.
const RATE: u32 = 1_000;
const SECONDS: u32 = 10;
/// Messages under way at once where the number counts, and how many in all.
const WRITERS: usize = 32;
const MESSAGES: u64 = 200_000;

/// Runs it; `--plain` without TLS.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    let plain = match arguments {
        [] => false,
        [flag] if flag == "--plain" => true,
        _ => {
            eprintln!("usage: zebu-bench mesh [--plain]");
            return ExitCode::from(2);
        }
    };
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(measure(plain));
    ExitCode::SUCCESS
}

async fn measure(plain: bool) {
    let dir = tempfile::tempdir().unwrap();
    let authority = Authority::create(dir.path(), "bench", now()).unwrap();
    let (sender, mut events, all) = mesh(&authority, plain).await;
    println!(
        "{PEERS} peers over {}, payload {PAYLOAD_BYTES} bytes",
        if plain { "plain TCP" } else { "TLS 1.3" }
    );
    let took = steadily(&sender, &mut events, &all).await;
    report(&format!("{RATE}/s"), took);
    let begun = Instant::now();
    let took = at_full_speed(&sender, &mut events, &all).await;
    let rate = took.len() as f64 / begun.elapsed().as_secs_f64();
    report(&format!("{WRITERS} at once, {rate:.0}/s"), took);
    for peer in sender.status().peers {
        println!("ping {}: {} us", peer.name, peer.round_trip_us.unwrap_or_default());
    }
}

pub(crate) fn now() -> i64 {
    #[allow(clippy::disallowed_methods, reason = "certificates of this run are for this day")]
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    i64::try_from(now.as_millis()).unwrap()
}

/// Whom to send to, by which connection.
type Peers = Vec<(Name, u64)>;

/// A node that sends, connected with all that answer.
async fn mesh(authority: &Authority, plain: bool) -> (Mesh, mpsc::Receiver<Event>, Peers) {
    let mut addresses = BTreeSet::new();
    for number in 1..=PEERS {
        let (peer, events) =
            node(authority, &format!("peer-{number}"), "bench", plain, BTreeSet::new()).await;
        addresses.extend(peer.listen().iter().copied());
        tokio::spawn(answer(peer, events));
    }
    let (sender, mut events) = node(authority, "sender", "bench", plain, addresses).await;
    let mut all = Vec::new();
    while all.len() < PEERS {
        if let Event::Connected { peer, connection, .. } = events.recv().await.unwrap() {
            all.push((peer, connection));
        }
    }
    (sender, events, all)
}

/// A node's end of a mesh on the loopback address, which connects to these addresses.
pub(crate) async fn node(
    authority: &Authority,
    name: &str,
    incarnation: &str,
    plain: bool,
    addresses: BTreeSet<std::net::SocketAddr>,
) -> (Mesh, mpsc::Receiver<Event>) {
    let clock: Now = Arc::new(now);
    let security = if plain {
        Security::Plain
    } else {
        let path = authority.certify(name, None, None, now()).unwrap().path;
        Security::Tls(Arc::new(Credentials::open(&path, clock).unwrap()))
    };
    let settings = Settings {
        cluster: authority.cluster().clone(),
        node: Name::new("node", name).unwrap(),
        incarnation: incarnation.into(),
        listen: vec!["127.0.0.1:0".parse().unwrap()],
        limits: Limits::default(),
    };
    let (_, addresses) = watch::channel(addresses);
    let (_, expected) = watch::channel(Arc::default());
    Mesh::start(settings, security, Arc::new(Tcp), addresses, expected).await.unwrap()
}

/// Sends everything back.
async fn answer(mesh: Mesh, mut events: mpsc::Receiver<Event>) {
    while let Some(event) = events.recv().await {
        if let Event::Received { peer, connection, payload } = event {
            mesh.send(&peer, connection, payload).unwrap();
        }
    }
}

fn send(mesh: &Mesh, all: &Peers, number: u64) {
    let mut payload = vec![0; PAYLOAD_BYTES];
    payload[..8].copy_from_slice(&number.to_le_bytes());
    let payload = bytes::Bytes::from(payload);
    for (peer, connection) in all {
        mesh.send(peer, *connection, payload.clone()).unwrap();
    }
}

/// The number of the next message that was sent back.
async fn next(events: &mut mpsc::Receiver<Event>) -> u64 {
    loop {
        match events.recv().await.unwrap() {
            Event::Received { payload, .. } => return u64::from_le_bytes(payload[..8].try_into().unwrap()),
            Event::Disconnected { peer, why, .. } => panic!("{peer}: {why}"),
            Event::Connected { .. } => {}
        }
    }
}

/// What is under way: since when, and how many have not answered.
struct Open(Vec<(Instant, usize)>);

impl Open {
    fn send(&mut self, mesh: &Mesh, all: &Peers) {
        self.0.push((Instant::now(), PEERS));
        send(mesh, all, self.0.len() as u64 - 1);
    }

    /// Takes an answer; the time it took if it was the last one.
    fn answered(&mut self, number: u64) -> Option<Duration> {
        let (since, left) = &mut self.0[usize::try_from(number).unwrap()];
        *left -= 1;
        (*left == 0).then(|| since.elapsed())
    }
}

async fn steadily(mesh: &Mesh, events: &mut mpsc::Receiver<Event>, all: &Peers) -> Vec<Duration> {
    let (mut open, mut took) = (Open(Vec::new()), Vec::new());
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let count = (RATE * SECONDS) as usize;
    while took.len() < count {
        tokio::select! {
            _ = ticks.tick(), if open.0.len() < count => open.send(mesh, all),
            number = next(events) => took.extend(open.answered(number)),
        }
    }
    took
}

async fn at_full_speed(mesh: &Mesh, events: &mut mpsc::Receiver<Event>, all: &Peers) -> Vec<Duration> {
    let (mut open, mut took) = (Open(Vec::new()), Vec::new());
    for _ in 0..WRITERS {
        open.send(mesh, all);
    }
    while (took.len() as u64) < MESSAGES {
        let number = next(events).await;
        if let Some(time) = open.answered(number) {
            took.push(time);
            if (open.0.len() as u64) < MESSAGES {
                open.send(mesh, all);
            }
        }
    }
    took
}

fn report(what: &str, mut took: Vec<Duration>) {
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_micros();
    let (half, most, worst) = (at(0.5), at(0.99), at(1.0));
    println!("{what}: p50 {half} us, p99 {most} us, worst {worst} us, {} messages", took.len());
}
