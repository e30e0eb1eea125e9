//! A document as a list, read by another reader than ours: what the tests of our writers compare with.

use quick_xml::events::Event;
use quick_xml::name::ResolveResult;
use quick_xml::reader::NsReader;

/// The local names, namespaces and texts of a document, by another reader than ours.
pub(crate) fn flatten(body: &[u8]) -> Vec<(String, String, String)> {
    let mut reader = NsReader::from_reader(body);
    let (mut found, mut buffer) = (Vec::new(), Vec::new());
    loop {
        buffer.clear();
        let (resolved, event) = reader.read_resolved_event_into(&mut buffer).unwrap();
        match event {
            Event::Start(start) | Event::Empty(start) => {
                let ns = match resolved {
                    ResolveResult::Bound(ns) => String::from_utf8(ns.as_ref().to_vec()).unwrap(),
                    ResolveResult::Unbound => String::new(),
                    ResolveResult::Unknown(prefix) => panic!("{prefix:?} is not declared"),
                };
                found.push((
                    ns,
                    String::from_utf8(start.local_name().as_ref().to_vec()).unwrap(),
                    String::new(),
                ));
            }
            Event::Text(text) => {
                if let Some((_, _, last)) = found.last_mut() {
                    last.push_str(&text.decode().unwrap());
                }
            }
            Event::GeneralRef(reference) => {
                let text = format!("&{};", reference.decode().unwrap());
                found.last_mut().unwrap().2.push_str(&quick_xml::escape::unescape(&text).unwrap());
            }
            Event::Eof => return found,
            _ => {}
        }
    }
}
