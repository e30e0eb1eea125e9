//! Web tiers that replace each other while clients ask on, and one that changes its settings meanwhile.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use crate::http::send;
use crate::running::{PATIENCE, Running, zebu};

/// A server in the place of a node: `ok` to everything, to `/ajax/slow` only when it is let.
struct Backend {
    address: SocketAddr,
    gate: Arc<(Mutex<bool>, Condvar)>,
    slow: Arc<AtomicU64>,
}

impl Backend {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (gate, slow) = (Arc::new((Mutex::new(false), Condvar::new())), Arc::new(AtomicU64::new(0)));
        let backend = Self { address, gate: gate.clone(), slow: slow.clone() };
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (stream, gate, slow) = (stream.unwrap(), gate.clone(), slow.clone());
                thread::spawn(move || answer_all(stream, &gate, &slow));
            }
        });
        backend
    }

    fn open_the_gate(&self) {
        *self.gate.0.lock().unwrap() = true;
        self.gate.1.notify_all();
    }
}

fn answer_all(stream: TcpStream, gate: &(Mutex<bool>, Condvar), slow: &AtomicU64) {
    let mut reader = BufReader::new(stream);
    while let Some(head) = head_of(&mut reader) {
        if head.starts_with("GET /ajax/slow ") {
            slow.fetch_add(1, Ordering::SeqCst);
            drop(gate.1.wait_while(gate.0.lock().unwrap(), |open| !*open).unwrap());
        }
        if reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").is_err() {
            return;
        }
    }
}

/// The lines of a head; None at the end of the connection, or if it breaks.
fn head_of(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    Some(head)
}

fn file(dir: &Path, backend: &Backend, more: &str) -> PathBuf {
    let [path, certificate, key] = ["zebu.toml", "a.pem", "a.key"].map(|name| dir.join(name));
    if !key.exists() {
        let mut openssl = Command::new("openssl");
        openssl.args(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost"
                .split(' '),
        );
        let made = openssl
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .arg("-keyout")
            .arg(&key)
            .arg("-out")
            .arg(&certificate);
        assert!(made.output().unwrap().status.success());
    }
    let text = format!(
        "workers = 1\n[web]\nlisten = ['127.0.0.1:0', 'https://127.0.0.1:0']\naccess_log = '{}'\nhandover = '{}'\n{more}\n\
         [[web.members]]\nroute = 'OX-1'\naddress = '{}'\n\
         [[web.tls.certificates]]\ncertificate = '{}'\nkey = '{}'\n",
        // Nobody reads their standard errors before the end.
        dir.join("access.log").display(),
        dir.join("web.sock").display(),
        backend.address,
        certificate.display(),
        key.display()
    );
    fs::write(&path, text).unwrap();
    path
}

/// A web tier, and where it answers: plain, and with TLS.
fn start(config: &Path) -> (Running, [SocketAddr; 2]) {
    let mut web = Running::start(zebu(["serve", "--config"]).arg(config));
    let addresses = addresses(&web.wait_for("ready web "));
    (web, addresses)
}

fn addresses(said: &str) -> [SocketAddr; 2] {
    let (plain, secure) = said.split_once(' ').unwrap();
    [plain, secure].map(|address| address.split('/').nth(2).unwrap().parse().unwrap())
}

/// Clients that ask until they are stopped, and what went wrong.
struct Load {
    stop: Arc<AtomicBool>,
    served: Arc<[AtomicU64; 3]>,
    failed: Arc<Mutex<Vec<String>>>,
    clients: Vec<JoinHandle<()>>,
}

impl Load {
    fn start([plain, secure]: [SocketAddr; 2]) -> Self {
        let (stop, served) = (Arc::new(AtomicBool::new(false)), Arc::new([const { AtomicU64::new(0) }; 3]));
        let failed: Arc<Mutex<Vec<String>>> = Arc::default();
        let client =
            |kind: usize,
             address: SocketAddr,
             ask: fn(SocketAddr, &mut Option<BufReader<TcpStream>>) -> Result<u64, String>| {
                let (stop, served, failed) = (stop.clone(), served.clone(), failed.clone());
                thread::spawn(move || {
                    let mut kept = None;
                    while !stop.load(Ordering::Relaxed) {
                        match ask(address, &mut kept) {
                            Ok(count) => served[kind].fetch_add(count, Ordering::Relaxed),
                            Err(error) => return failed.lock().unwrap().push(error),
                        };
                    }
                })
            };
        let clients = vec![
            client(0, plain, once),
            client(0, plain, once),
            client(1, plain, kept_alive),
            client(1, plain, kept_alive),
            client(2, secure, by_http2),
        ];
        Self { stop, served, failed, clients }
    }

    fn served(&self) -> [u64; 3] {
        [0, 1, 2].map(|kind| self.served[kind].load(Ordering::Relaxed))
    }

    /// Until each kind of client has been served some more.
    fn go_on(&self) {
        let (before, began) = (self.served(), Instant::now());
        while self.served().iter().zip(before).any(|(now, before)| *now < before + 20) {
            assert!(began.elapsed() < PATIENCE, "{:?} since {before:?}", self.served());
            let failed = self.failed.lock().unwrap().clone();
            assert_eq!(failed, Vec::<String>::new());
            thread::yield_now();
        }
    }

    fn end(self) -> [u64; 3] {
        self.stop.store(true, Ordering::Relaxed);
        self.clients.into_iter().for_each(|client| client.join().unwrap());
        assert_eq!(*self.failed.lock().unwrap(), Vec::<String>::new());
        let served = self.served;
        [0, 1, 2].map(|kind| served[kind].load(Ordering::Relaxed))
    }
}

fn said(what: &str) -> impl Fn(std::io::Error) -> String {
    move |error| format!("{what}: {error}")
}

/// A request on a connection of its own.
fn once(address: SocketAddr, _: &mut Option<BufReader<TcpStream>>) -> Result<u64, String> {
    let mut stream = TcpStream::connect(address).map_err(said("refused"))?;
    stream
        .write_all(b"GET /ajax/x HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
        .map_err(said("new: write"))?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).map_err(said("new: read"))?;
    if answer.starts_with("HTTP/1.1 200 ") && answer.ends_with("ok") {
        Ok(1)
    } else {
        Err(format!("new: {answer}"))
    }
}

/// A request on a connection that is kept as long as its answers allow.
fn kept_alive(address: SocketAddr, kept: &mut Option<BufReader<TcpStream>>) -> Result<u64, String> {
    let mut reader = match kept.take() {
        Some(reader) => reader,
        None => BufReader::new(TcpStream::connect(address).map_err(said("refused"))?),
    };
    reader.get_mut().write_all(b"GET /ajax/x HTTP/1.1\r\nHost: h\r\n\r\n").map_err(said("kept: write"))?;
    let head = head_of(&mut reader).ok_or("kept: closed under a request")?;
    let mut body = [0; 2];
    reader.read_exact(&mut body).map_err(said("kept: body"))?;
    if !head.starts_with("HTTP/1.1 200 ") || body != *b"ok" {
        return Err(format!("kept: {head}"));
    }
    if !head.contains("connection: close") {
        *kept = Some(reader);
    }
    Ok(1)
}

/// Some requests by curl on one connection with TLS and HTTP/2.
fn by_http2(address: SocketAddr, _: &mut Option<BufReader<TcpStream>>) -> Result<u64, String> {
    let address = format!("https://{address}/ajax/x?[1-20]");
    let curl = Command::new("curl").args(["-sSk", "--noproxy", "*", "--http2", &address]).output();
    let output = curl.map_err(said("curl"))?;
    if output.status.success() && output.stdout == b"ok".repeat(20) {
        return Ok(20);
    }
    let [said, errors] =
        [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    Err(format!("curl: {} {said} {errors}", output.status))
}

#[test]
fn three_hand_overs_under_load_refuse_no_connection_and_fail_no_request() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    let config = file(dir.path(), &backend, "");
    let (mut web, addresses) = start(&config);
    let address = addresses[0];
    let slow = thread::spawn(move || send(address, "GET", "/ajax/slow", &[], ""));
    while backend.slow.load(Ordering::SeqCst) == 0 {
        assert!(!slow.is_finished(), "{:?}", slow.join());
        thread::yield_now();
    }
    let load = Load::start(addresses);
    let mut first = None;
    for _ in 0..3 {
        load.go_on();
        let (successor, same) = start(&config);
        assert_eq!(same, addresses);
        let before = std::mem::replace(&mut web, successor);
        load.go_on();
        match first {
            // It has a request under way, and stays as long.
            None => first = Some(before),
            Some(_) => {
                let (status, errors, _) = before.end();
                assert!(status.success(), "{status}: {errors}");
                assert!(errors.contains("a successor has taken over"), "{errors}");
            }
        }
    }
    backend.open_the_gate();
    let answer = slow.join().unwrap().unwrap();
    assert_eq!((answer.status, answer.text().as_str()), (200, "ok"));
    let (status, errors, _) = first.unwrap().end();
    assert!(status.success(), "{status}: {errors}");
    let served = load.end();
    assert!(served.iter().all(|served| *served >= 120), "{served:?}");
    web.signal("TERM");
    let (status, errors, _) = web.end();
    assert!(status.success(), "{status}: {errors}");
    assert!(TcpStream::connect(address).is_err(), "nobody listens any more");
    assert!(!dir.path().join("web.sock").exists());
}

#[test]
fn a_successor_that_cannot_start_leaves_everything_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    let config = file(dir.path(), &backend, "");
    let (web, [address, _]) = start(&config);
    file(dir.path(), &backend, "[web.h2]\nstreams_max = 0");
    let broken = zebu(["serve", "--config"]).arg(&config).output().unwrap();
    assert_eq!(broken.status.code(), Some(1));
    assert_eq!(once(address, &mut None), Ok(1));
    web.signal("TERM");
    assert!(web.end().0.success());
}

#[test]
fn a_hang_up_changes_what_can_be_changed_and_names_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    let config = file(dir.path(), &backend, "");
    let (web, [address, _]) = start(&config);
    let mut kept = None;
    kept_alive(address, &mut kept).unwrap();
    file(dir.path(), &backend, "stream_buffer_bytes = 65536\ntls.redirect = true");
    let began = Instant::now();
    loop {
        web.signal("HUP");
        let answer = send(address, "GET", "/ajax/x", &[], "").unwrap();
        if answer.status == 301 {
            break;
        }
        assert!(began.elapsed() < PATIENCE, "it was not taken up");
    }
    let reader = kept.as_mut().unwrap();
    reader.get_mut().write_all(b"GET /ajax/x HTTP/1.1\r\nHost: h\r\n\r\n").unwrap();
    assert!(head_of(reader).unwrap().starts_with("HTTP/1.1 301 "), "the connection lived on");
    web.signal("TERM");
    let (status, errors, _) = web.end();
    assert!(status.success(), "{status}: {errors}");
    assert!(errors.contains("fields=\"stream_buffer_bytes\""), "{errors}");
}

#[test]
fn a_socket_of_systemd_s_is_taken_and_no_other_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let backend = Backend::start();
    let config = file(dir.path(), &backend, "");
    // What systemd does: a listening socket as number 3, and two variables that say so.
    let manager = "use IO::Socket::INET; $^F = 10; $| = 1; \
                   my $s = IO::Socket::INET->new(LocalAddr => '127.0.0.1:0', Listen => 20) or die; \
                   print 'listens ', $s->sockport, qq(\\n); POSIX::dup2(fileno($s), 3); \
                   $ENV{LISTEN_FDS} = 1; $ENV{LISTEN_PID} = $$; exec @ARGV;";
    let mut command = Command::new("perl");
    command.args(["-MPOSIX", "-e", manager, env!("CARGO_BIN_EXE_zebu"), "serve", "--config"]).arg(&config);
    let mut web = Running::start(command.env_remove("RUST_LOG").stdin(std::process::Stdio::null()));
    let port: u16 = web.wait_for("listens ").parse().unwrap();
    let [address, _] = addresses(&web.wait_for("ready web "));
    assert_eq!(address.port(), port);
    assert_eq!(once(address, &mut None), Ok(1));
    web.signal("TERM");
    assert!(web.end().0.success());
}
