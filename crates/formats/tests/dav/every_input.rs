//! What holds for every input: parsers answer and never panic, and what was written is read back.

use proptest::prelude::*;
use zebu_formats::dav::{
    Change, Depth, IfHeader, LockRequest, Multistatus, Name, Path, Precondition, Property, Propfind,
    Propstat, Report, changes, destination, error_body, lock_token, overwrite, timeouts,
};

use crate::flatten::flatten;

fn parse_everything(body: &[u8]) {
    let _ = Propfind::parse(body);
    let _ = changes(body);
    let _ = LockRequest::parse(body);
    let _ = Report::parse(body);
    if let Ok(text) = std::str::from_utf8(body) {
        let _ = IfHeader::parse(text).map(|header| {
            let _ = header.holds(|_, _| true);
            header.lists.iter().for_each(|list| drop(list.path("h")));
        });
        let _ = Depth::parse(Some(text), Depth::One);
        let _ = overwrite(Some(text));
        let _ = timeouts(Some(text));
        let _ = lock_token(text);
        let _ = destination(text, "h");
    }
}

/// Text that gets past the first character of the parsers: pieces of their own languages in any order.
fn nearly_valid() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>",
        "<propfind xmlns=\"DAV:\">",
        "</propfind>",
        "<prop>",
        "</prop>",
        "<set>",
        "</set>",
        "<propertyupdate xmlns='DAV:' xml:lang='de'>",
        "</propertyupdate>",
        "<a xmlns:b='u' b:c='d'>",
        "</a>",
        "<b:x/>",
        "<lockinfo xmlns='DAV:'>",
        "</lockinfo>",
        "<lockscope><shared/></lockscope>",
        "<locktype><write/></locktype>",
        "<owner>",
        "</owner>",
        "<!-- c -->",
        "<![CDATA[x]]>",
        "<!DOCTYPE a>",
        "&amp;",
        "&#65;",
        "&#0;",
        "&x;",
        "&",
        "<",
        ">",
        "\"",
        "'",
        "/",
        "text",
        "\u{feff}",
        "\u{0}",
        "ä",
        "(",
        ")",
        "<t:1>",
        "[",
        "]",
        "[\"e\"]",
        "W/",
        "Not ",
        " ",
        "%",
        "%2e",
        "%ff",
        "..",
        "http://h",
        "Second-",
        "Infinite",
        ",",
    ]);
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn no_bytes_make_a_parser_panic(body in prop::collection::vec(any::<u8>(), 0..512)) {
        parse_everything(&body);
    }

    #[test]
    fn no_text_made_of_real_pieces_makes_a_parser_panic(text in nearly_valid()) {
        parse_everything(text.as_bytes());
    }

    #[test]
    fn every_path_is_read_back_from_its_text(segments in prop::collection::vec("[^/\\p{Cc}\u{fffe}\u{ffff}]{1,12}", 0..6), slash: bool) {
        prop_assume!(segments.iter().all(|segment| segment != "." && segment != ".."));
        let path = Path::new(segments, slash);
        let text = path.to_string();
        prop_assert!(text.is_ascii() && !text.contains(' '));
        prop_assert_eq!(Path::parse(&text), Ok(path));
    }

    #[test]
    fn what_a_multistatus_says_is_read_back(
        name in "[^/\\p{Cc}\u{fffe}\u{ffff}]{1,12}",
        display in "[^\\p{Cc}\u{fffe}\u{ffff}]{0,40}",
        ns in "[a-z:&<>\"' ]{0,12}",
        local in "[a-z_][a-z0-9._-]{0,8}",
    ) {
        prop_assume!(name != "." && name != "..");
        let path = Path::new([name], false);
        let missing = Name::new(ns.clone(), local.clone());
        let (found, lost) = ([Property::DisplayName(&display)], [Property::Name(&missing)]);
        let mut multistatus = Multistatus::new();
        multistatus.properties(&path, &[
            Propstat { status: 200, properties: &found, error: None },
            Propstat { status: 404, properties: &lost, error: None },
        ]);
        let body = multistatus.finish();
        let read = flatten(&body);
        let text = |wanted: &str| read.iter().find(|(_, local, _)| local == wanted).map(|(_, _, text)| text.as_str());
        prop_assert_eq!(text("href").map(Path::parse), Some(Ok(path)));
        prop_assert_eq!(text("displayname"), Some(display.as_str()));
        let raw_ns = |ns: &str| quick_xml::escape::unescape(ns).unwrap().into_owned();
        prop_assert!(read.iter().any(|(read_ns, read_local, _)| raw_ns(read_ns) == ns && *read_local == local));
    }

    #[test]
    fn a_dead_property_comes_back_as_it_was_set(
        value in "[^\\p{Cc}\u{fffe}\u{ffff}]{0,40}",
        ns in "[a-z][a-z:/&<>\" ]{0,12}",
        local in "[a-z_][a-z0-9._-]{0,8}",
    ) {
        let escaped = |text: &str| quick_xml::escape::escape(text.to_owned()).into_owned();
        let body = |property: &str| {
            format!("<D:propertyupdate xmlns:D='DAV:'><D:set><D:prop>{property}</D:prop></D:set></D:propertyupdate>")
        };
        let property = format!("<p:{local} xmlns:p='{}' p:a='{}'><b>{}</b></p:{local}>", escaped(&ns), escaped(&value), escaped(&value));
        let set = changes(body(&property).as_bytes()).unwrap();
        let [Change::Set { name, xml, .. }] = set.as_slice() else { panic!("{set:?}") };
        prop_assert_eq!(name, &Name::new(ns, local));
        // Set again as it is answered, it is the same.
        prop_assert_eq!(&changes(body(xml).as_bytes()).unwrap(), &set);
        // And it stands well in an answer.
        let mut multistatus = Multistatus::new();
        let properties = [Property::Fragment(xml)];
        multistatus.properties(&Path::default(), &[Propstat { status: 200, properties: &properties, error: None }]);
        let read = flatten(&multistatus.finish());
        prop_assert!(read.iter().any(|(ns, local, text)| ns.is_empty() && local == "b" && *text == value));
    }
}

#[test]
fn an_error_body_is_well_formed() {
    let paths = [Path::new(["a & b", "<c>"], true)];
    let body = error_body(&[Precondition { name: Name::dav("lock-token-submitted"), paths: &paths }]);
    assert_eq!(flatten(&body).last().map(|(_, _, text)| text.as_str()), Some("/a%20&%20b/%3Cc%3E/"));
}
