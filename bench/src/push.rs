//! `cargo xtask bench push`: what ten thousand resting subscribers cost a node, in memory, and how long a write takes to reach them
//! all.
//!
//! The node is this process, with SQLite and a cache; the subscribers are another, each with a TCP connection of its own over the
//! loopback address, past the web tier. Memory is what the kernel counts as resident, before and after.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, ExitCode, Stdio};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use zebu_app::{App, push};
use zebu_kit::{Client, Cluster};

/// Subscribers, and how many share a session.
const SUBSCRIBERS: usize = 10_000;
const OF_A_SESSION: usize = 500;
/// Subscribers that come first and are not counted: what is made once is made for them.
const FIRST: usize = 200;
/// Writes that everybody hears of.
const WRITES: usize = 5;
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// Runs it, or a part of it in a process of its own.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    match arguments {
        [] => {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            runtime.block_on(measure());
            ExitCode::SUCCESS
        }
        [part, address, count] if part == "subscribers" => {
            subscribers(address.parse().unwrap(), count.parse().unwrap());
            ExitCode::SUCCESS
        }
        _ => {
            eprintln!("usage: zebu-bench push");
            ExitCode::from(2)
        }
    }
}

async fn measure() {
    let many = u32::try_from(2 * SUBSCRIBERS).unwrap();
    let tune = |app: &mut zebu_app::Config| {
        let push = &mut app.push;
        (push.subscriptions_max, push.per_user_max, push.per_session_max) = (many, many, many);
    };
    let cluster = Cluster::start_tuned(1, tune, |web| web.connections_max = 2 * SUBSCRIBERS, |_| {}).await;
    let (app, address) = (&cluster.nodes[0].app, cluster.nodes[0].address);
    let anna = cluster.direct(0, "anna").login().await;
    let home = home(&anna).await;
    let topics = format!("tree,users,folder:{home}");

    let first = subscribe(app, address, &anna, &topics, FIRST).await;
    write(app, &anna, &home, FIRST, "first").await;
    let before = resident();
    let begun = Instant::now();
    let mut sessions = vec![first];
    for _ in 0..SUBSCRIBERS / OF_A_SESSION {
        let anna = cluster.direct(0, "anna").login().await;
        sessions.push(subscribe(app, address, &anna, &topics, OF_A_SESSION).await);
    }
    let took = begun.elapsed();
    let after = resident();
    let each = (after - before) as f64 / SUBSCRIBERS as f64 / 1024.0;
    println!(
        "{SUBSCRIBERS} subscribers of {topics} in {:.1} s: resident memory from {:.1} to {:.1} MiB, {each:.2} KiB each",
        took.as_secs_f64(),
        before as f64 / 1_048_576.0,
        after as f64 / 1_048_576.0,
    );
    let listening = SUBSCRIBERS + FIRST;
    for number in 1..=WRITES {
        let took = write(app, &anna, &home, listening, &number.to_string()).await;
        println!(
            "write {number}: {listening} have its event {:.0} ms after its answer",
            took.as_secs_f64() * 1_000.0
        );
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let heard = resident();
    println!(
        "afterwards {:.1} MiB, {:.2} KiB each",
        heard as f64 / 1_048_576.0,
        (heard - before) as f64 / SUBSCRIBERS as f64 / 1024.0
    );
}

/// The id of the caller's own file folder.
async fn home(client: &Client) -> String {
    let answer = client.get("folders", "list", &[("parent", "10"), ("columns", "1,308")]).await.data();
    let rows = answer.as_array().unwrap().clone();
    rows.iter().find(|row| row[1] == true).unwrap()[0].as_str().unwrap().to_owned()
}

/// Subscribers in a process of their own, which ends with its input.
struct Subscribers {
    _input: ChildStdin,
    child: Child,
}

impl Drop for Subscribers {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn subscribe(
    app: &App,
    address: SocketAddr,
    client: &Client,
    topics: &str,
    count: usize,
) -> Subscribers {
    let open = push::state(app).open as usize;
    let program = std::env::current_exe().unwrap();
    let mut command = Command::new(program);
    command.args(["push", "subscribers", &address.to_string(), &count.to_string()]);
    let mut child = command.stdin(Stdio::piped()).spawn().unwrap();
    let mut input = child.stdin.take().unwrap();
    let session = client.session.as_ref().unwrap();
    let cookies = client.jar.header().unwrap();
    write!(
        input,
        "GET /ajax/push?action=subscribe&session={session}&topics={topics} HTTP/1.1\r\nHost: x\r\nCookie: {cookies}\r\n\
         User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36\r\n\
         Accept: text/event-stream\r\nAccept-Language: en-US,en;q=0.9\r\nAccept-Encoding: gzip, deflate, br, zstd\r\n\
         Cache-Control: no-cache\r\nSec-Fetch-Mode: cors\r\nReferer: http://x/\r\n\r\n"
    )
    .unwrap();
    input.flush().unwrap();
    until(|| push::state(app).open as usize == open + count).await;
    Subscribers { _input: input, child }
}

/// Writes, and waits until each of so many has its event. Returns how long that took after the answer.
async fn write(app: &App, client: &Client, folder: &str, listening: usize, name: &str) -> Duration {
    let before = push::state(app).changes;
    client.upload(folder, name, b"x").await;
    let answered = Instant::now();
    until(|| push::state(app).changes >= before + listening as u64).await;
    answered.elapsed()
}

async fn until(mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "it does not come");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Resident memory of this process, bytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().trim_end_matches(" kB").trim().parse::<u64>().unwrap() * 1024
}

/// The other process: connects so often, says the head that comes in on its input, and reads what comes until the input ends.
fn subscribers(address: SocketAddr, count: usize) {
    let mut input = BufReader::new(std::io::stdin());
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        input.read_line(&mut head).unwrap();
    }
    let mut streams: Vec<TcpStream> = (0..count)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(head.as_bytes()).unwrap();
            let mut said = Vec::new();
            while !said.windows(12).any(|part| part == b"event: ready") {
                let mut some = [0; 4096];
                let read = stream.read(&mut some).unwrap();
                assert!(read > 0, "refused: {}", String::from_utf8_lossy(&said));
                said.extend_from_slice(&some[..read]);
            }
            stream.set_nonblocking(true).unwrap();
            stream
        })
        .collect();
    let (_end, ended) = std::sync::mpsc::channel::<()>();
    // What comes is taken, or the node would keep it.
    std::thread::spawn(move || {
        let mut some = [0; 4096];
        while ended.recv_timeout(Duration::from_millis(500)) == Err(RecvTimeoutError::Timeout) {
            for stream in &mut streams {
                while stream.read(&mut some).is_ok_and(|read| read > 0) {}
            }
        }
    });
    let _ = input.read_to_end(&mut Vec::new());
}
