//! Pebble, the ACME server for tests, as a process on free ports; and a resolver and a way to the web tier for it.

use std::fs;
use std::net::{SocketAddr, TcpListener as StdListener, TcpStream as StdStream};
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use tempfile::TempDir;
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::process::{Child, Command};
use tokio::task::JoinSet;
use zebu_balancer::AcmeConfig;

use crate::tier::eventually;

/// How often a start is tried: pebble takes no port 0, and whoever grabs the port in between makes it fail.
const STARTS_MAX: usize = 5;
/// A name that pebble signs for nobody.
pub(crate) const FORBIDDEN: &str = "forbidden.example";
/// What is below this is known to no resolver.
pub(crate) const UNKNOWN: &str = "unknown.example";

pub(crate) struct Pebble {
    folder: TempDir,
    port: u16,
    _child: Child,
    /// Where it finds port 80 of all names.
    plain: Arc<Mutex<Option<SocketAddr>>>,
    _around: JoinSet<()>,
}

impl Pebble {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut around = JoinSet::new();
        let names = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let resolver = names.local_addr().unwrap();
        around.spawn(resolve(names));
        let plain = Arc::new(Mutex::new(None));
        let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let http_port = door.local_addr().unwrap().port();
        around.spawn(lead(door, plain.clone()));
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let file = |name: &str| folder.path().join(name);
        fs::write(file("ca.pem"), made.cert.pem()).unwrap();
        fs::write(file("ca.key"), made.signing_key.serialize_pem()).unwrap();
        for _ in 0..STARTS_MAX {
            let port = StdListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let config = serde_json::json!({"pebble": {
                "listenAddress": format!("127.0.0.1:{port}"), "managementListenAddress": "",
                "certificate": file("ca.pem"), "privateKey": file("ca.key"),
                "httpPort": http_port, "tlsPort": http_port, "domainBlocklist": [FORBIDDEN],
            }});
            fs::write(file("config.json"), config.to_string()).unwrap();
            let output = fs::File::create(file("log")).unwrap();
            let mut child = Command::new("pebble")
                .args(["-strict", "-dnsserver", &resolver.to_string(), "-config"])
                .arg(file("config.json"))
                .env("PEBBLE_VA_NOSLEEP", "1")
                // Every refused nonce costs a try of few.
                .env("PEBBLE_WFE_NONCEREJECT", "0")
                .stdout(output.try_clone().unwrap())
                .stderr(Stdio::from(output))
                .kill_on_drop(true)
                .spawn()
                .unwrap();
            let (mut ended, mut answers) = (false, false);
            eventually("pebble answers or ends", || {
                ended = child.try_wait().unwrap().is_some();
                answers = StdStream::connect(("127.0.0.1", port)).is_ok();
                ended || answers
            })
            .await;
            if answers && !ended {
                return Self { folder, port, _child: child, plain, _around: around };
            }
        }
        panic!("pebble does not start:\n{}", fs::read_to_string(file("log")).unwrap());
    }

    /// Where it finds all names from now on.
    pub(crate) fn finds(&self, address: SocketAddr) {
        *self.plain.lock().unwrap() = Some(address);
    }

    pub(crate) fn config(&self, folder: PathBuf, names: &[&str]) -> AcmeConfig {
        AcmeConfig {
            directory: format!("https://localhost:{}/dir", self.port),
            contact: vec!["mailto:operator@a.example".to_owned()],
            names: names.iter().map(ToString::to_string).collect(),
            folder,
            agree_to_terms: true,
            ca_file: self.folder.path().join("ca.pem"),
            ..AcmeConfig::default()
        }
    }

    /// How many accounts were made and orders placed, by its log.
    pub(crate) fn count(&self, words: &str) -> usize {
        fs::read_to_string(self.folder.path().join("log")).unwrap().matches(words).count()
    }
}

/// Answers every question for an IPv4 address with this machine's, and nothing else.
async fn resolve(socket: UdpSocket) {
    let mut packet = [0; 1_024];
    while let Ok((length, peer)) = socket.recv_from(&mut packet).await {
        let question = &packet[12..length];
        let name_end = question.iter().position(|byte| *byte == 0).unwrap();
        let (name, kind) = (&question[..name_end], question[name_end + 2]);
        // Labels have their length before them: dots stand for those.
        let dotted: String =
            name.iter().map(|byte| if *byte < 32 { '.' } else { char::from(*byte) }).collect();
        let is_known = !dotted.to_ascii_lowercase().ends_with(UNKNOWN);
        let has_answer = is_known && kind == 1;
        let code = if is_known { 0x80 } else { 0x83 };
        let mut answer = packet[..2].to_vec();
        answer.extend([0x81, code, 0, 1, 0, u8::from(has_answer), 0, 0, 0, 0]);
        answer.extend(&question[..name_end + 5]);
        if has_answer {
            answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
        }
        let _ = socket.send_to(&answer, peer).await;
    }
}

/// Leads connections to wherever the names are.
async fn lead(door: TcpListener, plain: Arc<Mutex<Option<SocketAddr>>>) {
    let mut under_way = JoinSet::new();
    while let Ok((mut stream, _)) = door.accept().await {
        let Some(address) = *plain.lock().unwrap() else { continue };
        under_way.spawn(async move {
            let mut tier = TcpStream::connect(address).await.unwrap();
            let _ = tokio::io::copy_bidirectional(&mut stream, &mut tier).await;
        });
    }
}
