//! Both sides of an AJP13 connection, fed with bytes as they may come from anybody. Nothing here knows what is right; it
//! holds the codec to what it says of itself: no accident, no byte outside of its packet, and whatever is read can be written and
//! read again as the same.

use zebu_ajp::answer::{self, Message};
use zebu_ajp::asking::{Answer, Asking};
use zebu_ajp::attribute::Attribute;
use zebu_ajp::framing::Framing;
use zebu_ajp::request::{Forward, Incoming, Request};
use zebu_ajp::serving::Upload;
use zebu_ajp::{PacketSize, Sender, packet};

/// Reads what a front may have sent, as a container does, until something is refused. Says how many packets were believed.
pub fn container(mut bytes: &[u8]) -> usize {
    let size = PacketSize::default();
    let (mut upload, mut believed) = (None::<Upload>, 0);
    while let Ok(Some(packet)) = packet::first(Sender::Front, bytes, size) {
        assert!(packet.bytes <= bytes.len() && packet.payload.len() + 4 == packet.bytes);
        bytes = bytes.get(packet.bytes..).unwrap_or_default();
        match &mut upload {
            Some(under_way) => {
                under_way.ask();
                let Ok(data) = under_way.receive(packet.payload) else { return believed };
                assert!(data.len() <= usize::from(size.body_bytes()));
                upload = upload.filter(|upload| !upload.is_ended());
            }
            None => match Incoming::read(packet.payload) {
                Ok(Incoming::Forward(request)) => {
                    again(&request);
                    upload = Some(Upload::new(request.framing, size)).filter(|upload| !upload.is_ended());
                }
                Ok(Incoming::Ping) => {}
                _ => return believed,
            },
        }
        believed += 1;
    }
    believed
}

/// Reads what a container may have sent, as a front does, until something is refused. The first byte says what was asked.
pub fn front(bytes: &[u8]) -> usize {
    let size = PacketSize::default();
    let Some((first, mut bytes)) = bytes.split_first() else { return 0 };
    let framing = match first >> 1 {
        0 => Framing::None,
        1 => Framing::Chunked,
        length => Framing::Length(u64::from(length) * 300),
    };
    let mut asking = Asking::new(if first & 1 == 0 { "GET" } else { "HEAD" }, framing, size);
    let mut believed = 0;
    while let Ok(Some(packet)) = packet::first(Sender::Container, bytes, size) {
        bytes = bytes.get(packet.bytes..).unwrap_or_default();
        if let Some(due) = asking.due() {
            assert!(due <= size.body_bytes());
            asking.sent(due).unwrap_or_default();
        }
        match asking.receive(packet.payload) {
            Ok(Answer::Head(head)) => answered_again(&head),
            Ok(Answer::Chunk(data)) => assert!(!data.is_empty()),
            Ok(_) => {}
            Err(_) => return believed,
        }
        believed += 1;
    }
    believed
}

/// A request that was believed is written, and read as the same. It may not fit a second time: a code may have come as a name.
fn again(request: &Request<'_>) {
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
    let attributes = request.attributes.filter(|attribute| !matches!(attribute, Attribute::StoredMethod(_)));
    let (mut out, size) = (Vec::new(), PacketSize::new(16_384).unwrap_or_default());
    let written = forward.write(request.headers, attributes, size, &mut out);
    assert_eq!(written, Ok(request.framing));
    let packet = packet::first(Sender::Front, &out, size).ok().flatten();
    let read = packet.and_then(|packet| Incoming::read(packet.payload).ok());
    let Some(Incoming::Forward(read)) = read else { unreachable!("what was written is a request") };
    assert_eq!((read.method, read.uri, read.query), (request.method, request.uri, request.query));
    assert_eq!((read.secret, read.framing), (request.secret, request.framing));
    assert!(
        read.headers
            .zip(request.headers)
            .all(|(one, other)| one.0.eq_ignore_ascii_case(other.0) && one.1 == other.1)
    );
    assert_eq!(read.headers.count(), request.headers.count());
}

fn answered_again(head: &answer::Head<'_>) {
    let (mut out, size) = (Vec::new(), PacketSize::new(16_384).unwrap_or_default());
    let Ok(message) = std::str::from_utf8(head.message) else { return };
    assert_eq!(answer::head(head.status, message, head.headers, size, &mut out), Ok(()));
    let packet = packet::first(Sender::Container, &out, size).ok().flatten();
    let read = packet.and_then(|packet| Message::read(packet.payload).ok());
    let Some(Message::Head(read)) = read else { unreachable!("what was written is a head") };
    assert_eq!((read.status, read.content_length), (head.status, head.content_length));
    assert_eq!(read.headers.count(), head.headers.count());
}
