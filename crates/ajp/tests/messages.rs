//! Every message as the bytes that others send and expect, both ways.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use zebu_ajp::answer::{self, Message};
use zebu_ajp::attribute::Attribute;
use zebu_ajp::framing::Framing;
use zebu_ajp::request::{self, Forward, Incoming, Request};
use zebu_ajp::{METHODS, PacketSize, Sender, packet};

fn size() -> PacketSize {
    PacketSize::default()
}

/// What Apache sends for `GET /ajax/login?action=login` to a member with a secret.
const APACHE: &[u8] = b"\x12\x34\x00\xBD\x02\x02\x00\x08HTTP/1.1\0\x00\x0B/ajax/login\0\x00\x0A10.20.30.1\0\xFF\xFF\
    \x00\x10mail.example.com\0\x01\xBB\x01\x00\x03\xA0\x0B\x00\x10mail.example.com\0\xA0\x0E\x00\x04curl\0\
    \x00\x0Fx-forwarded-for\0\x00\x07unknown\0\x0C\x00\x06secret\0\x05\x00\x0Caction=login\0\x06\x00\x04OX-2\0\
    \x0A\x00\x0FAJP_REMOTE_PORT\0\x00\x0540000\0\x0B\x01\x00\xFF";

fn payload(sender: Sender, bytes: &[u8]) -> &[u8] {
    let packet = packet::first(sender, bytes, size()).unwrap().unwrap();
    assert_eq!(packet.bytes, bytes.len());
    packet.payload
}

fn forwarded(bytes: &[u8]) -> Request<'_> {
    match Incoming::read(payload(Sender::Front, bytes)).unwrap() {
        Incoming::Forward(request) => request,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_request_of_apache_is_read_to_its_last_byte() {
    let request = forwarded(APACHE);
    assert_eq!((request.method, request.protocol, request.uri), ("GET", "HTTP/1.1", &b"/ajax/login"[..]));
    assert_eq!((request.remote_address, request.remote_host), (Some("10.20.30.1"), None));
    assert_eq!((request.server_name, request.server_port, request.is_ssl), ("mail.example.com", 443, true));
    assert_eq!((request.query, request.secret), (Some(&b"action=login"[..]), Some(&b"secret"[..])));
    assert_eq!(request.framing, Framing::None);
    let headers: Vec<_> = request.headers.collect();
    let host = ("host", &b"mail.example.com"[..]);
    assert_eq!(headers, [host, ("user-agent", b"curl"), ("x-forwarded-for", b"unknown")]);
    let attributes: Vec<_> = request.attributes.collect();
    let expected = [
        Attribute::Secret(b"secret"),
        Attribute::Query(Some(b"action=login")),
        Attribute::Route(Some(b"OX-2")),
        Attribute::Other { name: b"AJP_REMOTE_PORT", value: Some(b"40000") },
        Attribute::SslKeySize(256),
    ];
    assert_eq!(attributes, expected);
}

#[test]
fn what_is_written_is_what_apache_writes() {
    let request = forwarded(APACHE);
    let forward = Forward {
        method: request.method,
        protocol: request.protocol,
        uri: request.uri,
        remote_address: request.remote_address,
        remote_host: request.remote_host,
        server_name: request.server_name,
        server_port: request.server_port,
        is_ssl: request.is_ssl,
    };
    let mut out = Vec::new();
    assert_eq!(forward.write(request.headers, request.attributes, size(), &mut out), Ok(Framing::None));
    assert_eq!(out, APACHE);
}

#[test]
fn every_method_travels_by_code_or_by_name() {
    for method in METHODS.into_iter().chain(["PATCH", "M-SEARCH", "X"]) {
        let mut out = Vec::new();
        Forward { method, ..Forward::default() }.write([], [], size(), &mut out).unwrap();
        assert_eq!(forwarded(&out).method, method);
    }
}

#[test]
fn the_small_messages_are_the_known_bytes() {
    let written = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        out
    };
    assert_eq!(written(&request::ping), b"\x12\x34\0\x01\x0A");
    assert_eq!(written(&answer::pong), b"AB\0\x01\x09");
    assert_eq!(written(&|out| answer::end(true, out)), b"AB\0\x02\x05\x01");
    assert_eq!(written(&|out| answer::end(false, out)), b"AB\0\x02\x05\0");
    assert_eq!(written(&|out| answer::ask(8_186, out)), b"AB\0\x03\x06\x1F\xFA");
    assert_eq!(written(&|out| assert_eq!(answer::chunk(b"hi", size(), out), 2)), b"AB\0\x06\x03\0\x02hi\0");
    assert_eq!(written(&|out| assert_eq!(answer::chunk(b"", size(), out), 0)), b"AB\0\x04\x03\0\0\0");
    let head = written(&|out| {
        let headers = [("Content-Type", &b"text/plain"[..]), ("x-a", b"b")];
        answer::head(200, "OK", headers, size(), out).unwrap();
    });
    assert_eq!(
        head,
        b"AB\x00\x23\x04\x00\xC8\x00\x02OK\0\x00\x02\xA0\x01\x00\x0Atext/plain\0\x00\x03x-a\0\x00\x01b\0"
    );
}

#[test]
fn a_chunk_of_the_largest_size_fills_its_packet() {
    for bytes in [8_192, 20_000, 65_536] {
        let size = PacketSize::new(bytes).unwrap();
        let mut out = Vec::new();
        let written = answer::chunk(&[7; 70_000], size, &mut out);
        assert_eq!((written, out.len()), (size.chunk_bytes(), bytes));
        let packet = packet::first(Sender::Container, &out, size).unwrap().unwrap();
        let Message::Chunk(data) = Message::read(packet.payload).unwrap() else { panic!() };
        assert_eq!(data.len(), usize::from(written));
    }
}

#[test]
fn the_four_first_messages_of_a_front_are_told_apart() {
    assert!(matches!(Incoming::read(&[10]), Ok(Incoming::Ping)));
    assert!(matches!(Incoming::read(&[7]), Ok(Incoming::Shutdown)));
    assert!(matches!(Incoming::read(&[8]), Ok(Incoming::OldPing)));
    for kind in (0..=255).filter(|kind| ![2, 7, 8, 10].contains(kind)) {
        assert!(Incoming::read(&[kind]).is_err(), "{kind}");
    }
    for kind in (0..=255).filter(|kind| *kind != 9) {
        assert!(Message::read(&[kind]).is_err(), "{kind}");
    }
}
