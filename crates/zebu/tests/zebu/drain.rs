//! Nodes that are drained, stopped and started anew by name, while people work, upload and listen.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::Value;
use zebu_store::Store;
use zebu_store::configdb::wishes::{self, Life};

use crate::http::Person;
use crate::running::{PATIENCE, Running, outcome, zebu};

/// A demo of some nodes, and where its web tier is.
fn demo(dir: &Path, nodes: &str) -> (Running, SocketAddr) {
    Running::demo(&["--nodes".as_ref(), nodes.as_ref(), "--dir".as_ref(), dir.as_os_str()])
}

fn config(dir: &Path, node: u8) -> PathBuf {
    dir.join(format!("etc/node{node}.toml"))
}

/// A command with the configuration of the first node.
fn command(dir: &Path, words: &str) -> (i32, String, String) {
    outcome(zebu(words.split(' ')).arg("--config").arg(config(dir, 1)))
}

/// The lives of the nodes.
fn lives(dir: &Path) -> Vec<Life> {
    let config = zebu_store::Config::new(format!("sqlite:{}/db/config.db", dir.display()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = Store::open(config).await.unwrap();
        wishes::all(&mut store.config().await.unwrap()).await.unwrap()
    })
}

fn life(dir: &Path, name: &str) -> Life {
    lives(dir).into_iter().find(|life| life.name == name).unwrap()
}

/// People who work until they are told to stop, and what went wrong for them.
struct Load {
    stop: Arc<AtomicBool>,
    done: Arc<[AtomicU64; 3]>,
    failed: Arc<Mutex<Vec<String>>>,
    people: Vec<JoinHandle<()>>,
}

/// What somebody does again and again; they count as one of three kinds.
type Work = Box<dyn FnMut() -> Result<(), String> + Send>;

impl Load {
    fn start(address: SocketAddr) -> Self {
        let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new([const { AtomicU64::new(0) }; 3]));
        let failed: Arc<Mutex<Vec<String>>> = Arc::default();
        let mut work: Vec<(usize, Work)> = Vec::new();
        for name in ["anna", "ben", "anna", "ben"] {
            work.push((0, reads_and_writes(address, name)));
        }
        for name in ["anna", "ben"] {
            // Each has a home of their own.
            work.push((1, uploads(address, name)));
            work.push((2, listens(address, name, stop.clone())));
        }
        let people = work.into_iter().map(|(kind, mut work)| {
            let (stop, done, failed) = (stop.clone(), done.clone(), failed.clone());
            thread::spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    match work() {
                        Ok(()) => done[kind].fetch_add(1, Ordering::Relaxed),
                        Err(error) => return failed.lock().unwrap().push(error),
                    };
                }
            })
        });
        let people = people.collect();
        Self { stop, done, failed, people }
    }

    fn done(&self) -> [u64; 3] {
        [0, 1, 2].map(|kind| self.done[kind].load(Ordering::Relaxed))
    }

    fn failed(&self) -> Vec<String> {
        self.failed.lock().unwrap().clone()
    }

    /// Until people have read, written and uploaded some more.
    fn go_on(&self) {
        let (before, began) = (self.done(), Instant::now());
        while self.done()[0] < before[0] + 20 || self.done()[1] < before[1] + 2 {
            assert!(began.elapsed() < PATIENCE, "{:?} since {before:?}", self.done());
            assert_eq!(self.failed(), Vec::<String>::new());
            thread::yield_now();
        }
    }

    /// Stops, and answers what was done: writes, uploads, streams that were handed on.
    fn end(mut self) -> [u64; 3] {
        self.stop.store(true, Ordering::Relaxed);
        std::mem::take(&mut self.people).into_iter().for_each(|person| person.join().unwrap());
        assert_eq!(self.failed(), Vec::<String>::new());
        self.done()
    }
}

/// The data of an answer; an error, of whatever kind, is one that this person has seen.
fn data(person: &mut Person, method: &str, action: &str, body: &str) -> Result<Value, String> {
    let mut envelope = person.ask(method, action, body).map_err(|error| format!("{action}: {error}"))?;
    match envelope["error"].is_null() {
        true => Ok(envelope["data"].take()),
        false => Err(format!("{action}: {envelope}")),
    }
}

fn home(person: &mut Person) -> String {
    let folders = person.data("GET", "folders?action=list&parent=10&columns=1", "");
    folders[0][0].as_str().unwrap().to_owned()
}

fn reads_and_writes(address: SocketAddr, name: &str) -> Work {
    let mut person = Person::sign_in(address, name, None);
    let home = home(&mut person);
    let mut count = 0;
    Box::new(move || {
        count += 1;
        let title = format!("note {count}");
        let body = format!(r#"{{"folder_id":"{home}","title":"{title}","url":"http://example.org/"}}"#);
        let made = data(&mut person, "PUT", "infostore?action=new", &body)?;
        let id = made.as_str().unwrap_or_default().to_owned();
        let get = format!("infostore?action=get&id={id}&folder={home}");
        let read = data(&mut person, "GET", &get, "")?;
        match read["title"] == title.as_str() {
            true => Ok(()),
            false => Err(format!("{title} was written and read as {read}")),
        }
    })
}

/// A file in pieces, so that it takes a while.
fn uploads(address: SocketAddr, name: &str) -> Work {
    let mut person = Person::sign_in(address, name, None);
    let home = home(&mut person);
    let (target, cookies) = person.listening("");
    let session = target.split('&').find(|part| part.starts_with("session=")).unwrap().to_owned();
    let mut count = 0;
    Box::new(move || {
        count += 1;
        let part = |name: &str, more: &str, body: &str| {
            format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"{more}\r\n\r\n{body}\r\n")
        };
        let json = part("json", "", &format!(r#"{{"folder_id":"{home}","title":"file {count}"}}"#));
        let file = part("file", &format!("; filename=\"{count}.bin\""), &"x".repeat(1024 * 1024));
        let body = format!("{json}{file}--b--\r\n");
        let head = format!(
            "POST /ajax/infostore?action=new&{session} HTTP/1.1\r\nHost: h\r\nCookie: {cookies}\r\n\
             Connection: close\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        let said = |error: std::io::Error| format!("upload {count}: {error}");
        let mut stream = TcpStream::connect(address).map_err(said)?;
        stream.write_all(head.as_bytes()).map_err(said)?;
        for piece in body.as_bytes().chunks(2 * 1024) {
            stream.write_all(piece).map_err(said)?;
            thread::yield_now();
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).map_err(said)?;
        match answer.starts_with("HTTP/1.1 200")
            && answer.contains("\"data\"")
            && !answer.contains("\"error\"")
        {
            true => Ok(()),
            false => Err(format!("upload {count}: {answer}")),
        }
    })
}

/// A stream of events, heard to its end; the next one goes on where it was.
fn listens(address: SocketAddr, name: &str, stop: Arc<AtomicBool>) -> Work {
    let person = Person::sign_in(address, name, None);
    let (target, cookies) = person.listening("tree");
    let mut last_id = String::new();
    Box::new(move || {
        let said = |error: std::io::Error| format!("stream: {error}");
        let mut stream = TcpStream::connect(address).map_err(said)?;
        stream.set_read_timeout(Some(Duration::from_millis(200))).map_err(said)?;
        let head = format!(
            "GET {target} HTTP/1.1\r\nHost: h\r\nCookie: {cookies}\r\nLast-Event-ID: {last_id}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).map_err(said)?;
        let mut reader = BufReader::new(stream);
        let (mut heard, mut began) = (String::new(), Instant::now());
        loop {
            match reader.read_line(&mut heard) {
                Ok(0) => break,
                Ok(_) => began = Instant::now(),
                // Nothing happens, which is most of the time.
                Err(_) if stop.load(Ordering::Relaxed) => return Ok(()),
                Err(error)
                    if error.kind() == std::io::ErrorKind::WouldBlock && began.elapsed() < PATIENCE => {}
                Err(error) => return Err(format!("stream: {error} after {heard}")),
            }
        }
        if let Some(id) = heard.lines().rev().find_map(|line| line.strip_prefix("id: ")) {
            last_id = id.to_owned();
        }
        let is_handed_on = heard.starts_with("HTTP/1.1 200") && heard.contains("{\"reason\":\"drain\"}");
        if is_handed_on { Ok(()) } else { Err(format!("stream: {heard}")) }
    })
}

#[test]
fn a_rolling_restart_under_load_fails_no_request_and_signs_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, address) = demo(dir.path(), "3");
    let before = lives(dir.path());
    let pids = ["OX-1", "OX-2", "OX-3"].map(|name| demo.said(&format!("child {name} pid ")));
    let load = Load::start(address);
    load.go_on();
    let (code, said, errors) = command(dir.path(), "rolling-restart");
    load.go_on();
    let done = load.end();
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    assert!(said.ends_with("3 of 3 nodes were started anew\n"), "{said}");
    let order: Vec<_> = said.lines().filter(|line| line.contains(": drains, then")).collect();
    assert_eq!(order.len(), 3, "{said}");
    let after = lives(dir.path());
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before.name, after.name);
        assert_ne!(before.incarnation, after.incarnation, "{said}");
        assert_eq!((after.standing.stage.as_str(), &after.wish), ("serving", &None));
    }
    let still = ["OX-1", "OX-2", "OX-3"].map(|name| demo.said(&format!("child {name} pid ")));
    assert_eq!(pids, still, "each is the process that it was");
    assert!(done[0] > 0 && done[1] > 0 && done[2] >= 2, "{done:?}");
    demo.stop();
}

#[test]
fn a_node_that_stays_gets_nothing_new_until_it_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = demo(dir.path(), "2");
    let load = Load::start(address);
    load.go_on();
    let (code, said, errors) = command(dir.path(), "drain OX-1 --stay");
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    assert!(said.contains("OX-1 has drained and goes on running; zebu drain OX-1 --undo"), "{said}");
    assert_eq!(life(dir.path(), "OX-1").standing.stage, "drained");
    let (code, _, errors) = command(dir.path(), "drain OX-2");
    assert_eq!(code, 1);
    assert!(errors.starts_with("zebu: no other node serves: without OX-2 nobody"), "{errors}");
    load.go_on();
    assert_eq!(life(dir.path(), "OX-1").standing.stage, "drained", "nothing new has come");
    let (code, said, errors) = command(dir.path(), "drain OX-1 --undo");
    assert_eq!((code, said.as_str(), errors.as_str()), (0, "OX-1 serves again\n", ""));
    // Its turn now; what it has goes to the one that was given back.
    let (code, said, errors) = command(dir.path(), "drain OX-2 --stay --json");
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    let lines: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(lines.iter().all(|line| line["node"] == "OX-2"), "{said}");
    assert_eq!(lines.last().unwrap()["event"], "drained", "{said}");
    load.go_on();
    load.end();
    demo.stop();
}

#[test]
fn nodes_that_all_drain_answer_until_one_is_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = demo(dir.path(), "2");
    let load = Load::start(address);
    load.go_on();
    let (code, said, errors) = command(dir.path(), "drain OX-1 --stay");
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    // Nothing is left to go to, so it never has nothing for a whole second.
    let (code, said, errors) = command(dir.path(), "drain OX-2 --stay --force --timeout 3");
    assert_eq!((code, errors.as_str()), (3, ""), "{said}");
    load.go_on();
    let (code, said, errors) = command(dir.path(), "drain OX-2 --undo");
    assert_eq!((code, said.as_str(), errors.as_str()), (0, "OX-2 serves again\n", ""));
    load.go_on();
    let began = Instant::now();
    while life(dir.path(), "OX-1").standing.stage != "drained" {
        assert!(began.elapsed() < PATIENCE, "{:?}", life(dir.path(), "OX-1"));
    }
    load.end();
    demo.stop();
}

#[test]
fn the_last_node_is_started_anew_by_force_whatever_it_has() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = demo(dir.path(), "1");
    let _upload = half_an_upload(address, "OX-1");
    let (code, said, errors) = command(dir.path(), "rolling-restart --timeout 1");
    assert_eq!(code, 1, "{said}");
    assert!(errors.starts_with("zebu: no other node serves: without OX-1 nobody"), "{errors}");
    let (code, said, errors) = command(dir.path(), "rolling-restart --timeout 1 --force");
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    assert!(said.ends_with("1 of 1 nodes were started anew\n"), "{said}");
    demo.stop();
}

#[test]
fn a_node_that_is_drained_stops_by_itself_and_well() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, address) = demo(dir.path(), "2");
    let load = Load::start(address);
    load.go_on();
    let (code, said, errors) = command(dir.path(), "drain OX-2");
    assert_eq!((code, errors.as_str()), (0, ""), "{said}");
    assert!(said.ends_with("OX-2 has stopped\n"), "{said}");
    // Whoever watches over it sees an end in success.
    assert_eq!(demo.wait_for("child OX-2 died "), "(exit code 0), restarting");
    load.go_on();
    load.end();
    let (code, _, errors) = command(dir.path(), "drain OX-9");
    assert_eq!(code, 1);
    assert!(errors.starts_with("zebu: no node OX-9 is registered; there is OX-1"), "{errors}");
    demo.stop();
}

/// An upload that has begun and does not end before it is told to.
fn half_an_upload(address: SocketAddr, route: &str) -> TcpStream {
    let person = Person::sign_in(address, "anna", Some(route));
    let (target, cookies) = person.listening("");
    let session = target.split('&').find(|part| part.starts_with("session=")).unwrap().to_owned();
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "PUT /ajax/infostore?action=new&{session} HTTP/1.1\r\nHost: h\r\nCookie: {cookies}\r\nContent-Length: 2\r\n\r\n{{"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream
}

#[test]
fn at_the_limit_a_walk_gives_the_node_back_and_says_what_it_has_left() {
    let dir = tempfile::tempdir().unwrap();
    let (demo, address) = demo(dir.path(), "2");
    let mut upload = half_an_upload(address, "OX-1");
    let (code, said, errors) = command(dir.path(), "rolling-restart --nodes OX-1 --timeout 2");
    assert_eq!((code, errors.as_str()), (3, ""), "{said}");
    let left = "OX-1 still had 1 request (1 upload) and 0 streams left after 2 s and serves on";
    assert!(said.contains(left) && said.contains("0 of 1 nodes were started anew"), "{said}");
    assert!(said.contains("to go on: zebu rolling-restart --started-before "), "{said}");
    let until = |stage: &str| {
        let began = Instant::now();
        while life(dir.path(), "OX-1").standing.stage != stage {
            assert!(began.elapsed() < PATIENCE, "{:?}", life(dir.path(), "OX-1"));
        }
    };
    until("serving");
    assert_eq!(life(dir.path(), "OX-1").wish, None);
    let (code, said, _) = command(dir.path(), "drain OX-1 --stay --timeout 1");
    assert_eq!(code, 3);
    assert!(
        said.ends_with("OX-1 still had 1 request (1 upload) and 0 streams left after 1 s and drains on\n"),
        "{said}"
    );
    upload.write_all(b"}").unwrap();
    let mut answer = [0; 12];
    upload.read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200", "it was answered by the node that drains");
    until("drained");
    demo.stop();
}

#[test]
fn a_walk_ends_at_the_first_node_that_does_not_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, _) = demo(dir.path(), "2");
    let (code, said, errors) = command(dir.path(), "rolling-restart --dry-run");
    assert_eq!((code, errors.as_str()), (0, ""));
    assert_eq!(said.lines().count(), 2, "{said}");
    let before = lives(dir.path());
    // Neither the node nor the demo can read or write it.
    fs::remove_file(config(dir.path(), 1)).unwrap();
    fs::create_dir(config(dir.path(), 1)).unwrap();
    let words = ["rolling-restart", "--start-timeout", "2", "--config"];
    let (code, said, errors) = outcome(zebu(words).arg(config(dir.path(), 2)));
    assert_eq!(code, 1, "{said}");
    assert!(errors.starts_with("zebu: OX-1 is not back after 2 s: "), "{errors}");
    assert!(errors.contains("0 of 2 nodes were started anew, the others go on as they were"), "{errors}");
    let now = life(dir.path(), "OX-2");
    assert_eq!(now.standing.stage, "serving");
    // Whom it is connected with it says when it next looks.
    let (seen, standing) = (now.seen, now.standing.clone());
    let before = before.into_iter().find(|life| life.name == "OX-2").unwrap();
    assert_eq!(now, Life { seen, standing, ..before });
    assert_eq!(demo.wait_for("child OX-1 died "), "(exit code 1), restarting");
    fs::remove_dir(config(dir.path(), 1)).unwrap();
    demo.wait_for("child OX-1 pid ");
    demo.stop();
}

#[test]
fn a_node_that_ends_at_its_limit_says_what_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let (mut demo, address) = demo(dir.path(), "2");
    let mut upload = half_an_upload(address, "OX-1");
    let (code, said, errors) = command(dir.path(), "drain OX-1 --timeout 1");
    assert_eq!((code, errors.as_str()), (3, ""), "{said}");
    assert!(
        said.ends_with("OX-1 had 1 request (1 upload) and 0 streams left at the limit of 1 s\n"),
        "{said}"
    );
    assert_eq!(demo.wait_for("child OX-1 died "), "(exit code 0), restarting");
    let mut answer = String::new();
    let _ = upload.read_to_string(&mut answer);
    assert!(!answer.contains("HTTP/1.1 200"), "it was broken off: {answer}");
    demo.stop();
}
