//! Memory of connections that are kept alive and rest after one request.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::backend::ANSWER_BYTES;
use super::cpu;
use super::fronts::{Front, Kind};
use super::load::{HEADERS, TARGET};

const CONNECTIONS: usize = 10_000;
/// Opened at once.
const AT_ONCE: usize = 100;

pub(super) async fn table(fronts: &[Front]) {
    println!(
        "\n## Idle connections\n\n{CONNECTIONS} connections, one request each, then at rest (Apache is left out: its workers bound them).\n"
    );
    println!("| front | before MiB | after MiB | KiB each |\n|---|---|---|---|");
    for front in fronts.iter().filter(|front| matches!(front.kind, Kind::Zebu | Kind::Haproxy | Kind::Nginx))
    {
        let before = cpu::memory_kib(front.pid());
        let mut open = Vec::with_capacity(CONNECTIONS);
        while open.len() < CONNECTIONS {
            let opening: Vec<_> = (0..AT_ONCE).map(|_| tokio::spawn(opened(front.address))).collect();
            for one in opening {
                open.push(one.await.unwrap());
            }
        }
        // What was busy a moment ago may not rest yet.
        tokio::time::sleep(Duration::from_secs(3)).await;
        let after = cpu::memory_kib(front.pid());
        println!(
            "| {} | {:.1} | {:.1} | {:.2} |",
            front.kind.name(),
            before as f64 / 1_024.0,
            after as f64 / 1_024.0,
            (after as f64 - before as f64) / CONNECTIONS as f64
        );
        // All are open still.
        for stream in &mut open {
            ask(stream).await;
        }
    }
}

async fn opened(address: std::net::SocketAddr) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    ask(&mut stream).await;
    stream
}

async fn ask(stream: &mut TcpStream) {
    let mut request = format!("GET {TARGET} HTTP/1.1\r\nHost: mail.example.com\r\n");
    for (name, value) in HEADERS {
        request.push_str(&format!("{name}: {value}\r\n"));
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::with_capacity(4_096);
    let whole = |answer: &[u8]| {
        let head = answer.windows(4).position(|window| window == b"\r\n\r\n");
        head.is_some_and(|head| answer.len() >= head + 4 + ANSWER_BYTES)
    };
    while !whole(&answer) {
        let read = stream.read_buf(&mut answer).await.unwrap();
        assert!(read > 0, "closed: {}", String::from_utf8_lossy(&answer));
    }
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
}
