//! `cargo xtask bench ajp`: what the AJP13 codec costs, without any socket: both sides of a small exchange, and of large bodies.
//! That it allocates nothing on a connection in use is a test of its crate.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use zebu_ajp::asking::Asking;
use zebu_ajp::attribute::Attribute;
use zebu_ajp::request::{Forward, Incoming};
use zebu_ajp::{PacketSize, Sender, answer, body, packet};

/// How long each is repeated.
const FOR: Duration = Duration::from_secs(2);
/// Repetitions between two looks at the clock.
const AT_ONCE: u32 = 1_000;

/// Runs it.
pub(crate) fn run(arguments: &[String]) -> ExitCode {
    if !arguments.is_empty() {
        eprintln!("usage: zebu-bench ajp");
        return ExitCode::from(2);
    }
    println!("{:44} {:>12} {:>14}", "", "ns each", "MiB/s");
    let mut buffer = Vec::new();
    report("a request with 10 headers, written", &mut buffer, write_request);
    let mut request = Vec::new();
    write_request(&mut request);
    report("the same read, each header looked at", &mut buffer, |out| {
        out.extend_from_slice(&request);
        let packet = packet::first(Sender::Front, out, PacketSize::default()).unwrap().unwrap();
        let Incoming::Forward(request) = Incoming::read(packet.payload).unwrap() else { panic!("a request") };
        request.headers.for_each(|header| {
            black_box(header);
        });
    });
    report("an answer of 2 KiB, written and read", &mut buffer, |out| {
        let headers = [
            ("content-type", &b"application/json"[..]),
            ("set-cookie", b"JSESSIONID=1.OX-1; Path=/; HttpOnly"),
        ];
        answer::head(200, "OK", headers, PacketSize::default(), out).unwrap();
        answer::chunk(&[b'x'; 2_048], PacketSize::default(), out);
        answer::end(true, out);
        let mut asking = Asking::new("GET", zebu_ajp::framing::Framing::None, PacketSize::default());
        let mut wire = out.as_slice();
        while let Some(packet) = packet::first(Sender::Container, wire, PacketSize::default()).unwrap() {
            black_box(asking.receive(packet.payload).unwrap());
            wire = &wire[packet.bytes..];
        }
    });
    for bytes in [PacketSize::LEAST, PacketSize::MOST] {
        let (size, data) = (PacketSize::new(bytes).unwrap(), vec![7; bytes]);
        report(&format!("a part of a body, packets of {bytes} bytes"), &mut buffer, |out| {
            body::write(&data, size, out);
            let packet = packet::first(Sender::Front, out, size).unwrap().unwrap();
            black_box(body::read(packet.payload).unwrap());
        });
    }
    ExitCode::SUCCESS
}

fn write_request(out: &mut Vec<u8>) {
    let headers = [
        ("host", &b"mail.example.com"[..]),
        ("user-agent", b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", b"application/json, text/javascript, */*; q=0.01"),
        ("accept-language", b"en-GB,en;q=0.5"),
        ("accept-encoding", b"gzip, deflate, br, zstd"),
        ("referer", b"https://mail.example.com/"),
        (
            "cookie",
            b"JSESSIONID=5661584529655240315.OX-1; open-xchange-secret-abc=0123456789abcdef0123456789abcdef",
        ),
        ("x-requested-with", b"XMLHttpRequest"),
        ("x-request-id", b"0123456789abcdef0123456789abcdef"),
        ("sec-fetch-mode", b"cors"),
    ];
    let attributes = [
        Attribute::Secret(b"secret"),
        Attribute::Query(Some(b"action=list&session=0123456789abcdef0123456789abcdef&parent=10")),
        Attribute::Route(Some(b"OX-1")),
    ];
    let forward = Forward {
        uri: b"/ajax/folders",
        remote_address: Some("192.0.2.17"),
        server_name: "mail.example.com",
        server_port: 443,
        is_ssl: true,
        ..Forward::default()
    };
    black_box(forward.write(headers, attributes, PacketSize::default(), out).unwrap());
}

fn report(what: &str, buffer: &mut Vec<u8>, mut each: impl FnMut(&mut Vec<u8>)) {
    let (begun, mut count, mut bytes) = (Instant::now(), 0_u64, 0_usize);
    while begun.elapsed() < FOR {
        for _ in 0..AT_ONCE {
            buffer.clear();
            each(buffer);
            bytes += buffer.len();
        }
        count += u64::from(AT_ONCE);
    }
    let seconds = begun.elapsed().as_secs_f64();
    println!(
        "{what:44} {:>12.0} {:>14.0}",
        seconds * 1e9 / count as f64,
        bytes as f64 / seconds / 1_048_576.0
    );
}
