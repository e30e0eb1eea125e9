//! A connection in use costs no allocation: its buffers grow once, and then they are used again.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::hint::black_box;

use zebu_ajp::answer;
use zebu_ajp::asking::Asking;
use zebu_ajp::attribute::Attribute;
use zebu_ajp::request::{Forward, Incoming};
use zebu_ajp::serving::Upload;
use zebu_ajp::{PacketSize, Sender, body, packet};

const SIZE: usize = 65_536;

/// A whole exchange, both sides of it, in two buffers: request, two parts of a body, head, chunk, flush, end.
fn exchange(front: &mut Vec<u8>, container: &mut Vec<u8>, data: &[u8]) {
    let size = PacketSize::new(SIZE).unwrap();
    front.clear();
    container.clear();
    let headers = [
        ("host", &b"mail.example.com"[..]),
        ("cookie", b"JSESSIONID=1.OX-1"),
        ("content-length", b"80000"),
        ("x-a", b"b"),
    ];
    let attributes = [Attribute::Secret(b"secret"), Attribute::Query(Some(b"action=new"))];
    let forward = Forward {
        method: "POST",
        uri: b"/ajax/infostore",
        remote_address: Some("10.0.0.1"),
        ..Forward::default()
    };
    let framing = forward.write(headers, attributes, size, front).unwrap();
    let mut asking = Asking::new("POST", framing, size);
    let packet = packet::first(Sender::Front, front, size).unwrap().unwrap();
    let Incoming::Forward(request) = Incoming::read(packet.payload).unwrap() else { panic!() };
    black_box((request.headers.count(), request.attributes.count()));
    let mut upload = Upload::new(request.framing, size);
    let mut rest = data;
    while !upload.is_ended() {
        if let Some(bytes) = upload.ask() {
            container.clear();
            answer::ask(bytes, container);
            asking
                .receive(packet::first(Sender::Container, container, size).unwrap().unwrap().payload)
                .unwrap();
        }
        front.clear();
        let written = body::write(rest, size, front);
        asking.sent(written).unwrap();
        rest = &rest[usize::from(written)..];
        black_box(
            upload.receive(packet::first(Sender::Front, front, size).unwrap().unwrap().payload).unwrap(),
        );
    }
    container.clear();
    answer::head(200, "OK", [("content-type", &b"application/json"[..])], size, container).unwrap();
    assert_eq!(answer::chunk(b"{}", size, container), 2);
    answer::chunk(b"", size, container);
    answer::end(true, container);
    let mut wire = container.as_slice();
    while let Some(packet) = packet::first(Sender::Container, wire, size).unwrap() {
        black_box(asking.receive(packet.payload).unwrap());
        wire = &wire[packet.bytes..];
    }
    assert!(asking.may_reuse());
}

#[test]
fn an_exchange_on_a_connection_in_use_allocates_nothing() {
    let (mut front, mut container, data) = (Vec::new(), Vec::new(), vec![7; 80_000]);
    let first = allocation_counter::measure(|| exchange(&mut front, &mut container, &data));
    assert!(first.count_total > 0, "the counter counts");
    let steady =
        allocation_counter::measure(|| (0..100).for_each(|_| exchange(&mut front, &mut container, &data)));
    assert_eq!((steady.count_total, steady.bytes_total), (0, 0));
}
