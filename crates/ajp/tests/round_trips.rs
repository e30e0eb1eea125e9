//! Whatever is written is read back as it was; and nothing that is read, however strange, is an accident.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use proptest::collection::vec;
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, prop_oneof, proptest};
use zebu_ajp::answer::{self, Message};
use zebu_ajp::asking::{Answer, Asking};
use zebu_ajp::attribute::Attribute;
use zebu_ajp::framing::Framing;
use zebu_ajp::request::{Forward, Incoming};
use zebu_ajp::serving::Upload;
use zebu_ajp::{METHODS, PacketSize, Sender, body, packet};

fn names() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z][a-z0-9-]{0,20}", "(accept|cookie|host|set-cookie|location|date|pragma|user-agent)"]
        .prop_filter("how long a body is has tests of its own", |name: &String| {
            name != "content-length" && name != "transfer-encoding"
        })
}

fn headers() -> impl Strategy<Value = Vec<(String, Vec<u8>)>> {
    vec((names(), vec(32_u8..127, 0..60)), 0..20)
}

fn borrowed(headers: &[(String, Vec<u8>)]) -> Vec<(&str, &[u8])> {
    headers.iter().map(|(name, value)| (name.as_str(), value.as_slice())).collect()
}

proptest! {
    #[test]
    fn a_request_is_read_as_it_was_written(
        method in prop_oneof![prop::sample::select(METHODS.to_vec()).prop_map(str::to_owned), "[A-Z]{1,12}"],
        uri in "/[!-~&&[^#?]]{0,80}",
        query in prop::option::of("[!-~&&[^#]]{0,80}"),
        address in prop::option::of("[0-9a-f.:]{1,30}"),
        port in any::<u16>(),
        is_ssl in any::<bool>(),
        headers in headers(),
        other in prop::option::of(("[A-Za-z_.]{1,20}", "[ -~]{0,20}")),
        length in prop::option::of(any::<u64>()),
    ) {
        let forward = Forward {
            method: &method, uri: uri.as_bytes(), remote_address: address.as_deref(), server_name: "a.example",
            server_port: port, is_ssl, ..Forward::default()
        };
        let length = length.map(|length| length.to_string());
        let mut headers = borrowed(&headers);
        headers.extend(length.iter().map(|length| ("content-length", length.as_bytes())));
        let mut attributes: Vec<Attribute<'_>> = other.iter()
            .map(|(name, value)| Attribute::Other { name: name.as_bytes(), value: Some(value.as_bytes()) }).collect();
        attributes.extend(query.as_deref().map(|query| Attribute::Query(Some(query.as_bytes()))));
        let mut out = Vec::new();
        let framing = forward.write(headers.iter().copied(), attributes.iter().copied(), PacketSize::default(), &mut out)?;
        let packet = packet::first(Sender::Front, &out, PacketSize::default())?.unwrap();
        prop_assert_eq!(packet.bytes, out.len());
        let Incoming::Forward(read) = Incoming::read(packet.payload)? else { panic!() };
        prop_assert_eq!((read.method, read.uri), (method.as_str(), uri.as_bytes()));
        prop_assert_eq!(read.query, query.as_deref().map(str::as_bytes));
        prop_assert_eq!((read.remote_address, read.server_port, read.is_ssl), (address.as_deref(), port, is_ssl));
        prop_assert_eq!(read.framing, framing);
        prop_assert_eq!(read.headers.collect::<Vec<_>>(), headers);
        let kept: Vec<_> = read.attributes.filter(|one| !matches!(one, Attribute::StoredMethod(_))).collect();
        prop_assert_eq!(kept, attributes);
    }

    #[test]
    fn an_answer_is_read_as_it_was_written(
        status in 200_u16..1000, message in "[ -~]{0,30}", headers in headers(), data in vec(any::<u8>(), 0..30_000),
        bytes in 8_192_usize..=65_536, reuse in any::<bool>(),
    ) {
        let size = PacketSize::new(bytes)?;
        let headers = borrowed(&headers);
        let mut out = Vec::new();
        answer::head(status, &message, headers.iter().copied(), size, &mut out)?;
        let mut rest = data.as_slice();
        while !rest.is_empty() {
            let written = answer::chunk(rest, size, &mut out);
            rest = &rest[usize::from(written)..];
        }
        answer::end(reuse, &mut out);
        let mut asking = Asking::new("GET", Framing::None, size);
        let (mut wire, mut got) = (out.as_slice(), Vec::new());
        while let Some(packet) = packet::first(Sender::Container, wire, size)? {
            wire = &wire[packet.bytes..];
            match asking.receive(packet.payload) {
                Ok(Answer::Head(head)) => {
                    prop_assert_eq!((head.status, head.message), (status, message.as_bytes()));
                    prop_assert_eq!(head.headers.collect::<Vec<_>>(), headers.clone());
                }
                Ok(Answer::Chunk(data)) => got.extend_from_slice(data),
                Ok(Answer::End) => prop_assert!(wire.is_empty()),
                Err(error) => { prop_assert!(matches!(status, 204 | 304) && !data.is_empty(), "{}", error); return Ok(()); }
                other => panic!("{other:?}"),
            }
        }
        prop_assert_eq!(got, data);
        prop_assert_eq!(asking.may_reuse(), reuse);
    }

    #[test]
    fn a_body_arrives_whole_whatever_pieces_it_is_sent_in(
        data in vec(any::<u8>(), 1..40_000), pieces in vec(1_usize..9_000, 1..40), is_chunked in any::<bool>(),
    ) {
        let size = PacketSize::default();
        let framing = if is_chunked { Framing::Chunked } else { Framing::Length(data.len() as u64) };
        let (mut upload, mut asking) = (Upload::new(framing, size), Asking::new("PUT", framing, size));
        let (mut rest, mut got, mut pieces) = (data.as_slice(), Vec::new(), pieces.into_iter().cycle());
        while !upload.is_ended() {
            if let Some(bytes) = upload.ask() {
                let mut out = Vec::new();
                answer::ask(bytes, &mut out);
                asking.receive(packet::first(Sender::Container, &out, size)?.unwrap().payload)?;
            }
            let most = usize::from(asking.due().unwrap()).min(pieces.next().unwrap()).min(rest.len());
            let mut out = Vec::new();
            let written = body::write(&rest[..most], size, &mut out);
            asking.sent(written)?;
            rest = &rest[usize::from(written)..];
            got.extend_from_slice(upload.receive(packet::first(Sender::Front, &out, size)?.unwrap().payload)?);
        }
        prop_assert_eq!(got, data);
    }

    #[test]
    fn no_bytes_make_a_reader_panic(payload in vec(any::<u8>(), 0..300), sender in any::<bool>()) {
        let sender = if sender { Sender::Front } else { Sender::Container };
        let found = packet::first(sender, &payload, PacketSize::default());
        if let Ok(Some(packet)) = found {
            prop_assert!(packet.bytes <= payload.len());
        }
        for kind in [2, 3, 4, 5, 6, 7, 8, 9, 10] {
            let typed = [&[kind][..], &payload].concat();
            if let Ok(Incoming::Forward(request)) = Incoming::read(&typed) {
                prop_assert_eq!(request.headers.count(), request.headers.size_hint().0);
            }
            if let Ok(Message::Head(head)) = Message::read(&typed) {
                prop_assert_eq!(head.headers.count(), head.headers.size_hint().0);
            }
        }
    }
}
