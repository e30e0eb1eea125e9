//! The body of PROPPATCH: which properties to set and to remove, in order (RFC 4918 section 9.2).
//!
//! Called by `web`'s PROPPATCH. Values are handed on as they came; that some properties are protected is not
//! known here.

use super::document::{Attribute, Element, parse};
use super::error::BadBody;
use super::fragment::to_text;
use super::name::Name;

/// One instruction; they are carried out in document order, all or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// Gives a property its value.
    Set {
        /// The property.
        name: Name,
        /// Its text without surrounding white space, for properties that hold text.
        text: String,
        /// The whole property element, which declares every prefix it uses and has the `xml:lang` that was in
        /// force: what a dead property is kept as, and what [`super::Property::Fragment`] writes.
        xml: String,
    },
    /// Takes a property away.
    Remove {
        /// The property.
        name: Name,
    },
}

/// The instructions of a PROPPATCH body, at least one.
///
/// # Errors
/// [`BadBody`], also if there is no instruction.
pub fn changes(body: &[u8]) -> Result<Vec<Change>, BadBody> {
    let root = parse(body)?;
    if !root.name.is_dav("propertyupdate") {
        return Err(BadBody::Unexpected("the root element is not DAV:propertyupdate"));
    }
    let mut changes = Vec::new();
    for instruction in root.elements() {
        let is_set = instruction.name.is_dav("set");
        if !is_set && !instruction.name.is_dav("remove") {
            continue;
        }
        for prop in instruction.elements().filter(|element| element.name.is_dav("prop")) {
            let language = [prop, instruction, &root].into_iter().find_map(Element::language);
            changes.extend(prop.elements().map(|property| match is_set {
                true => set(property, language),
                false => Change::Remove { name: property.name.clone() },
            }));
        }
    }
    if changes.is_empty() {
        return Err(BadBody::Unexpected("there is nothing to set or to remove"));
    }
    Ok(changes)
}

/// The language is part of the value, also when an element around it says it (RFC 4918 section 4.3).
fn set(property: &Element, inherited: Option<&Attribute>) -> Change {
    let xml = match inherited {
        Some(language) if property.language().is_none() => {
            let mut property = property.clone();
            property.attributes.push(language.clone());
            to_text(&property)
        }
        _ => to_text(property),
    };
    Change::Set { name: property.name.clone(), text: property.text(), xml }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dav::name::MICROSOFT;

    fn check(body: &str, expected: &[Change]) {
        assert_eq!(changes(body.as_bytes()).as_deref(), Ok(expected), "{body}");
    }

    fn set(name: Name, text: &str, xml: &str) -> Change {
        Change::Set { name, text: text.into(), xml: xml.into() }
    }

    #[test]
    fn instructions_keep_the_order_of_the_document() {
        check(
            "<p:propertyupdate xmlns:p='DAV:' xmlns='u'><p:remove><p:prop><a/><b/></p:prop></p:remove>\
             <p:other/><p:set><p:prop><a> x </a></p:prop></p:set><p:remove><p:prop><a/></p:prop></p:remove></p:propertyupdate>",
            &[
                Change::Remove { name: Name::new("u", "a") },
                Change::Remove { name: Name::new("u", "b") },
                set(Name::new("u", "a"), "x", "<a xmlns=\"u\"> x </a>"),
                Change::Remove { name: Name::new("u", "a") },
            ],
        );
    }

    #[test]
    fn the_language_around_a_value_becomes_its_own() {
        check(
            "<propertyupdate xmlns='DAV:' xml:lang='en'><set><prop xml:lang='de'><a xmlns='u'>x</a>\
             <b xmlns='u' xml:lang='fr'/></prop><prop><c xmlns='u'/></prop></set></propertyupdate>",
            &[
                set(Name::new("u", "a"), "x", "<a xmlns=\"u\" xml:lang=\"de\">x</a>"),
                set(Name::new("u", "b"), "", "<b xmlns=\"u\" xml:lang=\"fr\"/>"),
                set(Name::new("u", "c"), "", "<c xmlns=\"u\" xml:lang=\"en\"/>"),
            ],
        );
    }

    #[test]
    fn the_windows_redirector_sets_times_like_this() {
        check(
            "<?xml version=\"1.0\" encoding=\"utf-8\" ?><D:propertyupdate xmlns:D=\"DAV:\" \
             xmlns:Z=\"urn:schemas-microsoft-com:\"><D:set><D:prop>\
             <Z:Win32CreationTime>Mon, 12 Oct 2026 08:00:00 GMT</Z:Win32CreationTime>\
             <Z:Win32FileAttributes>00000020</Z:Win32FileAttributes></D:prop></D:set></D:propertyupdate>",
            &[
                set(
                    Name::known(MICROSOFT, "Win32CreationTime"),
                    "Mon, 12 Oct 2026 08:00:00 GMT",
                    "<Z:Win32CreationTime xmlns:Z=\"urn:schemas-microsoft-com:\">Mon, 12 Oct 2026 08:00:00 GMT\
                     </Z:Win32CreationTime>",
                ),
                set(
                    Name::known(MICROSOFT, "Win32FileAttributes"),
                    "00000020",
                    "<Z:Win32FileAttributes xmlns:Z=\"urn:schemas-microsoft-com:\">00000020</Z:Win32FileAttributes>",
                ),
            ],
        );
    }

    #[test]
    fn litmus_sets_values_like_these() {
        let body = |property: &str| {
            format!(
                "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<propertyupdate xmlns=\"DAV:\"><set><prop>{property}</prop></set>\
                 </propertyupdate>\n"
            )
        };
        check(
            &body("<nonamespace xmlns=\"\">randomvalue</nonamespace>"),
            &[set(Name::new("", "nonamespace"), "randomvalue", "<nonamespace>randomvalue</nonamespace>")],
        );
        let litmus = "http://example.com/neon/litmus/";
        check(
            &body("<high-unicode xmlns=\"http://example.com/neon/litmus/\">&#65536;</high-unicode>"),
            &[set(
                Name::new(litmus, "high-unicode"),
                "\u{10000}",
                "<high-unicode xmlns=\"http://example.com/neon/litmus/\">\u{10000}</high-unicode>",
            )],
        );
        check(
            &body(
                "<t:valnspace xmlns:t='http://example.com/neon/litmus/'><foo xmlns='http://bar'/></t:valnspace>",
            ),
            &[set(
                Name::new(litmus, "valnspace"),
                "",
                "<t:valnspace xmlns:t=\"http://example.com/neon/litmus/\"><foo xmlns=\"http://bar\"/></t:valnspace>",
            )],
        );
    }

    #[test]
    fn a_body_without_instructions_is_refused() {
        for body in [
            "",
            "<propertyupdate xmlns='DAV:'/>",
            "<propertyupdate xmlns='DAV:'><set/></propertyupdate>",
            "<a/>",
        ] {
            assert!(changes(body.as_bytes()).is_err(), "{body}");
        }
    }
}
