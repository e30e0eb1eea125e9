//! Nodes that drain behind Apache as the guide configures it, without `ping`: it hears of it by connections that are refused.

use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::{interval, timeout};
use zebu_kit::Client;

use crate::apache::{GUIDE_MODULES, guide, start};
use crate::day;
use crate::server::Server;

/// Long enough for any machine; only a failing test waits so long.
const PATIENCE: Duration = Duration::from_secs(120);
const ZEBU: &str = env!("CARGO_BIN_EXE_zebu");

/// People who read, who upload, and who listen.
const READERS: u64 = 6;
const UPLOADERS: u64 = 3;
const LISTENERS: u64 = 2;

/// A deployment of nodes that are processes of their own.
struct Deployment {
    dir: tempfile::TempDir,
    _nodes: Vec<Server>,
    /// Where they listen for AJP13.
    ajp: Vec<SocketAddr>,
}

impl Deployment {
    /// The nodes `OX-1` and `OX-2`, with a demo's people.
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let place = dir.path().display().to_string();
        drop(Server::start(ZEBU, |_, address| {
            let port = address.port().to_string();
            ["demo", "--nodes", "2", "--port", &port, "--dir", &place].map(str::to_owned).to_vec()
        }));
        let ajp: Vec<SocketAddr> = [8009, 8010].map(own).to_vec();
        let nodes = [8090, 8091].map(own).into_iter().zip(&ajp).zip(1..).map(|((http, ajp), number)| {
            let file = config(dir.path(), number);
            let text = std::fs::read_to_string(&file).unwrap();
            let listen = text.lines().find(|line| line.starts_with("listen = ")).unwrap();
            let text = text.replace(listen, &format!("listen = \"{http}\""));
            std::fs::write(&file, format!("{text}\n[ajp]\nlisten = \"{ajp}\"\n[log]\nlevel = \"warn\"\n"))
                .unwrap();
            let arguments =
                |_: &Path, _| ["serve", "--config", &file.to_string_lossy()].map(str::to_owned).to_vec();
            Server::start_at(ZEBU, http, arguments).unwrap_or_else(|log| panic!("OX-{number}: {log}"))
        });
        Self { _nodes: nodes.collect(), ajp, dir }
    }

    /// A command: its exit code, what it said, and on standard error.
    fn command(&self, words: &str) -> (i32, String, String) {
        let output = Command::new(ZEBU)
            .args(words.split(' '))
            .arg("--config")
            .arg(config(self.dir.path(), 1))
            .output();
        let output = output.unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
    }

    /// Which nodes take connections by AJP13.
    fn takes(&self) -> Vec<bool> {
        self.ajp.iter().map(|address| TcpStream::connect(address).is_ok()).collect()
    }
}

fn config(dir: &Path, node: u8) -> PathBuf {
    dir.join(format!("etc/node{node}.toml"))
}

/// A port at an address of this test's process: no other gets it while a node starts anew.
fn own(port: u16) -> SocketAddr {
    let [_, a, b, c] = std::process::id().to_be_bytes();
    (Ipv4Addr::new(127, a, b, c), port).into()
}

/// People at work; whatever goes wrong for one of them is a panic of theirs.
struct Work {
    people: JoinSet<()>,
    listeners: JoinSet<()>,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
    /// Streams of events that ended with the word to go elsewhere.
    handed_on: Arc<AtomicU64>,
}

impl Work {
    async fn start(front: SocketAddr) -> Self {
        let mut work = Self {
            people: JoinSet::new(),
            listeners: JoinSet::new(),
            stop: Arc::default(),
            done: Arc::default(),
            handed_on: Arc::default(),
        };
        for number in 0..READERS + UPLOADERS {
            let anna = Client::new(front, "anna").login().await;
            let folder = day::home(&anna).await;
            let (stop, done) = (Arc::clone(&work.stop), Arc::clone(&work.done));
            work.people.spawn(async move {
                for count in 0_u64.. {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    if number < READERS {
                        anna.get("user", "get", &[]).await.data();
                    } else {
                        anna.upload(&folder, &format!("{number} {count}.bin"), &[7; 40_000]).await;
                    }
                    done.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        for _ in 0..LISTENERS {
            let ben = Client::new(front, "ben").login().await;
            let handed_on = Arc::clone(&work.handed_on);
            work.listeners.spawn(async move {
                let mut last_id = None;
                loop {
                    let mut events = ben.events("tree", last_id.as_deref()).await;
                    let mut last = None;
                    while let Some(heard) = events.next().await {
                        last = Some(heard);
                    }
                    assert_eq!(last.expect("a last word").data["reason"], "drain");
                    handed_on.fetch_add(1, Ordering::Relaxed);
                    last_id = Some(events.last_id.clone()).filter(|id| !id.is_empty());
                }
            });
        }
        work
    }

    /// Until people have done some more.
    async fn goes_on(&mut self) {
        let before = self.done.load(Ordering::Relaxed);
        until("people do some more", || {
            self.nobody_has_ended();
            self.done.load(Ordering::Relaxed) >= before + 100
        })
        .await;
    }

    fn nobody_has_ended(&mut self) {
        for people in [&mut self.people, &mut self.listeners] {
            if let Some(ended) = people.try_join_next() {
                ended.unwrap();
                panic!("nobody is to end");
            }
        }
    }

    /// Answers how many streams were handed on.
    async fn end(mut self) -> u64 {
        self.nobody_has_ended();
        self.stop.store(true, Ordering::Relaxed);
        while let Some(ended) = self.people.join_next().await {
            ended.unwrap();
        }
        self.handed_on.load(Ordering::Relaxed)
    }
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let looking = async {
        let mut ticks = interval(Duration::from_millis(5));
        while !holds() {
            ticks.tick().await;
        }
    };
    assert!(timeout(PATIENCE, looking).await.is_ok(), "{what}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rolling_restart_behind_the_guides_apache_fails_no_request_and_signs_nobody_out() {
    let deployment = Deployment::start();
    let apache = start(&GUIDE_MODULES, &|_, _| guide(&deployment.ajp));
    let mut work = Work::start(apache.address).await;
    work.goes_on().await;
    let (code, said, errors) = deployment.command("rolling-restart");
    work.goes_on().await;
    let handed_on = work.end().await;
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    assert!(said.ends_with("2 of 2 nodes were started anew\n"), "{said}");
    // All listen somewhere, and both nodes have drained.
    assert!(handed_on >= LISTENERS, "{handed_on}");
    for route in ["OX-1", "OX-2"] {
        let anna = Client::new(apache.address, "anna");
        anna.jar.put("JSESSIONID", &format!("0123456789abcdef.{route}"));
        assert_eq!(day::route(&anna.login().await), route, "Apache has come back to it");
    }
}

#[tokio::test]
async fn a_node_that_drains_refuses_ajp_as_long_as_another_serves_in_its_place() {
    let deployment = Deployment::start();
    let (code, said, errors) = deployment.command("drain OX-1 --stay");
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    until("OX-1 refuses", || deployment.takes() == [false, true]).await;
    // Nobody is left who would answer: both do.
    let (code, said, errors) = deployment.command("drain OX-2 --stay --force");
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    until("nobody refuses", || deployment.takes() == [true, true]).await;
    let (code, said, errors) = deployment.command("drain OX-1 --undo");
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    until("OX-2 refuses once web servers have come back to OX-1", || deployment.takes() == [true, false])
        .await;
}
