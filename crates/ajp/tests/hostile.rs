//! What has gone wrong in others, and random bytes: each is an error, and none an accident.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use zebu_ajp::answer::{self, Message};
use zebu_ajp::asking::{Answer, Asking};
use zebu_ajp::framing::Framing;
use zebu_ajp::request::{Forward, Incoming};
use zebu_ajp::serving::Upload;
use zebu_ajp::{Error, PacketSize, Sender, packet};

fn size() -> PacketSize {
    PacketSize::default()
}

/// A request's payload with these bytes as headers (count and all) and attributes.
fn request(headers: &[u8], attributes: &[u8]) -> Vec<u8> {
    let start = b"\x02\x04\x00\x08HTTP/1.1\0\x00\x02/a\0\xFF\xFF\xFF\xFF\x00\x01s\0\x00\x50\x00";
    [&start[..], headers, attributes, &[0xFF]].concat()
}

fn refused(payload: &[u8]) -> Error {
    Incoming::read(payload).map(|incoming| panic!("{incoming:?}")).unwrap_err()
}

fn attribute(name: &str, value: &str) -> Vec<u8> {
    let string = |text: &str| [&[0, text.len() as u8][..], text.as_bytes(), &[0]].concat();
    [vec![0x0A], string(name), string(value)].concat()
}

fn answered(write: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    let mut out = Vec::new();
    write(&mut out);
    packet::first(Sender::Container, &out, size()).unwrap().unwrap().payload.to_vec()
}

/// CVE-2020-1938 (Ghostcat): attributes of the inside of a container, from outside. They are read as what they are, under
/// their whole names, for the container to refuse; none of them has an effect here.
#[test]
fn ghostcat_shaped_attributes_are_seen_under_their_names() {
    let names = [
        "javax.servlet.include.request_uri",
        "javax.servlet.include.path_info",
        "javax.servlet.include.servlet_path",
    ];
    let attributes: Vec<u8> = names.iter().flat_map(|name| attribute(name, "/WEB-INF/web.xml")).collect();
    let payload = request(&[0, 0], &attributes);
    let Incoming::Forward(read) = Incoming::read(&payload).unwrap() else { panic!() };
    let seen: Vec<String> = read.attributes.map(|attribute| format!("{attribute:?}")).collect();
    assert_eq!(seen.len(), 3);
    assert_eq!(read.uri, b"/a");
}

#[test]
fn an_attribute_or_header_cut_anywhere_is_an_error() {
    let whole = request(b"\0\x01\x00\x03x-a\0\x00\x01b\0", &attribute("name", "value"));
    assert!(Incoming::read(&whole).is_ok());
    for end in 0..whole.len() {
        assert!(Incoming::read(&whole[..end]).is_err(), "{end}");
    }
    for more in [&b"\0"[..], b"\xFF", b"\x12\x34\x00\x01\x0A"] {
        assert_eq!(refused(&[&whole, more].concat()), Error::Trailing(more.len()));
    }
}

/// CVE-2022-26377, CVE-2022-36760: a request hidden behind another one whose length two readers see differently.
#[test]
fn a_request_hidden_in_a_body_is_never_read_as_one() {
    let both = b"\0\x02\xA0\x08\0\x01\x35\0\x00\x11transfer-encoding\0\0\x07chunked\0";
    assert!(matches!(refused(&request(both, &[])), Error::Twice(_)));
    let odd = b"\0\x01\x00\x11transfer-encoding\0\0\x08 chunked\0";
    assert!(matches!(refused(&request(odd, &[])), Error::Malformed(_)));
    // A body packet that is a request for whoever does not count.
    let mut hidden = Vec::new();
    Forward { method: "DELETE", ..Forward::default() }.write([], [], size(), &mut hidden).unwrap();
    let payload = packet::first(Sender::Front, &hidden, size()).unwrap().unwrap().payload;
    assert!(Upload::new(Framing::Length(5), size()).receive(payload).is_err());
    let mut chunked = Upload::new(Framing::Chunked, size());
    assert!(chunked.receive(payload).is_err());
}

#[test]
fn a_count_of_headers_that_lies_is_an_error() {
    assert!(Incoming::read(&request(b"\0\x02\x00\x03x-a\0\x00\x01b\0", &[])).is_err());
    assert!(Incoming::read(&request(b"\xFF\xFF", &[])).is_err());
    assert!(Incoming::read(&request(b"\0\0\x00\x03x-a\0\x00\x01b\0", &[])).is_err());
}

#[test]
fn an_attribute_that_may_be_there_once_is_refused_twice() {
    let secret = b"\x0C\0\x01a\0";
    assert!(Incoming::read(&request(&[0, 0], secret)).is_ok());
    assert!(matches!(refused(&request(&[0, 0], &[&secret[..], secret].concat())), Error::Twice(_)));
    let stored = b"\x0D\0\x03GET\0";
    assert!(matches!(refused(&request(&[0, 0], stored)), Error::Twice(_)));
}

#[test]
fn a_path_is_a_path() {
    let with = |uri: &[u8]| {
        [
            &b"\x02\x02\x00\x08HTTP/1.1\0\x00"[..],
            &[uri.len() as u8],
            uri,
            b"\0\xFF\xFF\xFF\xFF\0\0\0\0\x50\0\0\0\xFF",
        ]
        .concat()
    };
    assert!(Incoming::read(&with(b"/a;jsessionid=b.OX-1")).is_ok());
    assert!(Incoming::read(&with(b"*")).is_ok());
    for uri in [&b""[..], b"a", b"http://b/", b"/a b", b"/a\r\nHost: b", b"/a\0", b"/a?b", b"/a#b", b"/\x7f"]
    {
        assert!(Incoming::read(&with(uri)).is_err(), "{uri:?}");
    }
}

/// CVE-2022-1319: two packets answered one bad request, and the connection was used again.
#[test]
fn a_second_head_or_anything_after_the_end_poisons_nobody_else_s_answer() {
    let head = answered(|out| answer::head(400, "Bad Request", [], size(), out).unwrap());
    let end = answered(|out| answer::end(true, out));
    let mut asking = Asking::new("GET", Framing::None, size());
    asking.receive(&head).unwrap();
    assert!(matches!(asking.receive(&head), Err(Error::Order(_))));
    let mut asking = Asking::new("GET", Framing::None, size());
    asking.receive(&head).unwrap();
    asking.receive(&end).unwrap();
    assert!(asking.may_reuse());
    for late in [&head, &end, &answered(answer::pong)] {
        assert!(matches!(asking.clone().receive(late), Err(Error::Order(_))));
    }
}

/// CVE-2012-3502: a connection was used again although its answer, or its request, was not whole.
#[test]
fn a_connection_is_used_again_only_when_all_was_said() {
    let head = answered(|out| answer::head(200, "", [], size(), out).unwrap());
    let end = |reuse| answered(|out| answer::end(reuse, out));
    let check = |framing, sent: &[u16], reuse, expected| {
        let mut asking = Asking::new("POST", framing, size());
        for bytes in sent {
            if asking.due().is_none() {
                asking.receive(&answered(|out| answer::ask(100, out))).unwrap();
            }
            asking.sent(*bytes).unwrap();
        }
        assert!(!asking.may_reuse());
        asking.receive(&head).unwrap();
        assert!(!asking.may_reuse());
        asking.receive(&end(reuse)).unwrap();
        assert_eq!(asking.may_reuse(), expected, "{framing:?} {sent:?} {reuse}");
    };
    check(Framing::None, &[], true, true);
    check(Framing::None, &[], false, false);
    check(Framing::Length(5), &[], true, false);
    check(Framing::Length(5), &[5], true, true);
    check(Framing::Length(5), &[3, 2], true, true);
    check(Framing::Length(5), &[3], true, false);
    check(Framing::Length(5), &[3, 0], true, false);
    check(Framing::Chunked, &[], true, false);
    check(Framing::Chunked, &[7], true, false);
    check(Framing::Chunked, &[7, 0], true, true);
}

/// CVE-2026-34059 and its like: answers whose lengths lead past their ends.
#[test]
fn a_hostile_answer_is_refused_at_every_length() {
    let chunk = answered(|out| assert_eq!(answer::chunk(b"hello", size(), out), 5));
    for end in 0..chunk.len() {
        assert!(Message::read(&chunk[..end]).is_err(), "{end}");
    }
    let mut longer = chunk.clone();
    longer[2] = 6;
    assert!(Message::read(&longer).is_err());
    let mut shorter = chunk.clone();
    shorter[2] = 4;
    assert!(Message::read(&shorter).is_err());
    let mut unended = chunk;
    *unended.last_mut().unwrap() = 1;
    assert!(matches!(Message::read(&unended), Err(Error::Terminator(_))));
}

#[test]
fn an_answer_that_could_become_two_is_not_written_and_not_read() {
    let mut out = Vec::new();
    for header in [
        ("set-cookie", &b"a\r\nb: c"[..]),
        ("a b", b"c"),
        ("transfer-encoding", b"chunked"),
        ("content-length", b"+5"),
    ] {
        assert!(answer::head(200, "OK", [header], size(), &mut out).is_err(), "{header:?}");
    }
    assert!(answer::head(200, "O\r\nK", [], size(), &mut out).is_err());
    assert!(answer::head(199, "", [], size(), &mut out).is_err());
    assert!(answer::head(200, "", [("x", &[b'a'; 9_000][..])], size(), &mut out).is_err());
    assert!(out.is_empty());
    assert!(Message::read(b"\x04\x00\x64\xFF\xFF\0\0").is_err());
    assert!(Message::read(b"\x04\x00\xC8\0\x01\n\0\0\0").is_err());
    assert!(Message::read(b"\x04\x00\xC8\xFF\xFF\0\0").is_ok());
}

#[test]
fn an_answer_is_as_long_as_it_said() {
    let head = answered(|out| answer::head(200, "", [("content-length", &b"5"[..])], size(), out).unwrap());
    let chunk = |bytes: &[u8]| {
        answered(|out| assert_eq!(usize::from(answer::chunk(bytes, size(), out)), bytes.len()))
    };
    let end = answered(|out| answer::end(true, out));
    let begun = |method| {
        let mut asking = Asking::new(method, Framing::None, size());
        asking.receive(&head).unwrap();
        asking
    };
    let mut asking = begun("GET");
    assert!(matches!(asking.receive(&chunk(b"hel")), Ok(Answer::Chunk(b"hel"))));
    assert!(matches!(asking.receive(&chunk(b"")), Ok(Answer::Flush)));
    assert!(asking.clone().receive(&end).is_err());
    assert!(asking.clone().receive(&chunk(b"lo!")).is_err());
    asking.receive(&chunk(b"lo")).unwrap();
    assert!(matches!(asking.receive(&end), Ok(Answer::End)));
    let mut asking = begun("HEAD");
    assert!(asking.clone().receive(&chunk(b"hello")).is_err());
    assert!(matches!(asking.receive(&end), Ok(Answer::End)));
}

#[test]
fn a_container_that_asks_too_often_or_too_early_is_refused() {
    let wanted = |bytes| answered(|out| answer::ask(bytes, out));
    let mut asking = Asking::new("POST", Framing::Length(9_000), size());
    assert_eq!(asking.due(), Some(8_186));
    assert!(asking.clone().receive(&wanted(10)).is_err());
    assert!(asking.clone().sent(8_187).is_err());
    asking.sent(8_186).unwrap();
    assert!(asking.clone().sent(1).is_err());
    assert!(asking.clone().receive(&wanted(0)).is_err());
    asking.receive(&wanted(10)).unwrap();
    assert_eq!(asking.due(), Some(10));
    asking.sent(10).unwrap();
    asking.receive(&wanted(u16::MAX)).unwrap();
    assert_eq!(asking.due(), Some(804));
    asking.sent(804).unwrap();
    // It may ask for the end, once.
    asking.receive(&wanted(8_186)).unwrap();
    assert_eq!(asking.due(), Some(0));
    asking.sent(0).unwrap();
    assert!(matches!(asking.receive(&wanted(8_186)), Err(Error::Order(_))));
    let head = answered(|out| answer::head(200, "", [], size(), out).unwrap());
    for early in [
        answered(|out| answer::end(true, out)),
        answered(|out| assert_eq!(answer::chunk(b"a", size(), out), 1)),
    ] {
        assert!(matches!(Asking::new("GET", Framing::None, size()).receive(&early), Err(Error::Order(_))));
    }
    assert!(Asking::new("GET", Framing::None, size()).receive(&head).is_ok());
}
