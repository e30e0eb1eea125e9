//! A request body as a small tree of elements.
//!
//! Used by the parser of each method's body. Everything a hostile document can do is stopped here, by the
//! limits of [`super::limits`]: nesting, number, lengths that multiply, entities, broken names. Comments and
//! processing instructions are skipped.

use quick_xml::XmlVersion;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, ResolveResult};
use quick_xml::reader::NsReader;

use super::error::BadBody;
use super::escape::is_xml_char;
use super::limits::{ATTRIBUTES_MAX, DEPTH_MAX, ELEMENTS_MAX, LANGUAGE_BYTES_MAX, NAMESPACE_BYTES_MAX};
use super::name::{Name, is_nc_name};

/// The namespace of `xml:lang`, whose prefix is never declared.
pub(crate) const XML: &str = "http://www.w3.org/XML/1998/namespace";
/// The namespace of declarations, in which nothing may have its name.
const XMLNS: &str = "http://www.w3.org/2000/xmlns/";

/// An element with all that is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: Name,
    /// As the client wrote it, because RFC 4918 section 4.3 asks to keep it in dead properties.
    pub(crate) prefix: Option<String>,
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) children: Vec<Node>,
}

/// An attribute that declares no namespace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attribute {
    pub(crate) name: Name,
    pub(crate) prefix: Option<String>,
    pub(crate) value: String,
}

/// A child of an element. Neighbouring texts are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// Its child elements, in order.
    pub(crate) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|child| match child {
            Node::Element(element) => Some(element),
            Node::Text(_) => None,
        })
    }

    /// The first child of this name in `DAV:`.
    pub(crate) fn dav_child(&self, local: &str) -> Option<&Element> {
        self.elements().find(|element| element.name.is_dav(local))
    }

    /// The names of its child elements, in order.
    pub(crate) fn child_names(&self) -> Vec<Name> {
        self.elements().map(|element| element.name.clone()).collect()
    }

    /// Its own text, without its children's and without white space at the ends.
    pub(crate) fn text(&self) -> String {
        let texts = self.children.iter().filter_map(|child| match child {
            Node::Text(text) => Some(text.as_str()),
            Node::Element(_) => None,
        });
        texts.collect::<String>().trim().to_owned()
    }

    /// The value of its `xml:lang`.
    pub(crate) fn language(&self) -> Option<&Attribute> {
        self.attributes.iter().find(|attribute| attribute.name.ns == XML && attribute.name.local == "lang")
    }
}

/// The root element of a body.
///
/// # Errors
/// All of [`BadBody`] but [`BadBody::Unexpected`].
pub(crate) fn parse(body: &[u8]) -> Result<Element, BadBody> {
    let text = std::str::from_utf8(body).map_err(|_| malformed("it is not UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !text.chars().all(is_xml_char) {
        return Err(malformed("it has a character that XML does not allow"));
    }
    let mut reader = NsReader::from_str(text);
    reader.config_mut().expand_empty_elements = true;
    reader.resolver_mut().set_max_declarations_per_element(ATTRIBUTES_MAX);
    let mut tree = Tree::default();
    loop {
        match reader.read_event().map_err(of_reader)? {
            Event::Start(start) => tree.open(&reader, &start)?,
            Event::End(_) => tree.close()?,
            Event::Text(text) => {
                tree.text(&text.xml10_content().map_err(|error| of_reader(error.into()))?)?
            }
            Event::CData(text) => {
                tree.text(&text.xml10_content().map_err(|error| of_reader(error.into()))?)?
            }
            Event::GeneralRef(reference) => tree.character(referenced(&reference)?)?,
            Event::DocType(_) => return Err(BadBody::Declaration),
            Event::Decl(declaration) => {
                let encoding =
                    declaration.encoding().transpose().map_err(|_| malformed("bad declaration"))?;
                if encoding.is_some_and(|encoding| !is_utf8_label(&encoding)) {
                    return Err(malformed("it declares an encoding other than UTF-8"));
                }
            }
            // Expanded above, so it does not come.
            Event::Empty(_) => {}
            Event::Comment(_) | Event::PI(_) => {}
            Event::Eof => return tree.finish(),
        }
    }
}

/// The tree while it grows: the elements that are still open, the innermost last.
#[derive(Default)]
struct Tree {
    open: Vec<Element>,
    root: Option<Element>,
    elements: usize,
    attributes: usize,
}

impl Tree {
    fn open(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<(), BadBody> {
        if self.root.is_some() {
            return Err(malformed("it has two root elements"));
        }
        if self.open.len() >= DEPTH_MAX {
            return Err(BadBody::TooDeep);
        }
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(BadBody::TooMany);
        }
        let (resolved, local) = reader.resolver().resolve_element(start.name());
        let name = qualified(resolved, local.as_ref())?;
        if name.ns == XML || name.ns == XMLNS {
            return Err(malformed("an element is in a namespace that is not for elements"));
        }
        let prefix = start.name().prefix().map(|prefix| text_of(prefix.as_ref())).transpose()?;
        let attributes = self.attributes(reader, start)?;
        self.open.push(Element { name, prefix, attributes, children: Vec::new() });
        Ok(())
    }

    fn attributes(
        &mut self,
        reader: &NsReader<&[u8]>,
        start: &BytesStart<'_>,
    ) -> Result<Vec<Attribute>, BadBody> {
        let mut attributes: Vec<Attribute> = Vec::new();
        for (position, attribute) in start.attributes().enumerate() {
            self.attributes += 1;
            if position >= ATTRIBUTES_MAX || self.attributes > ELEMENTS_MAX {
                return Err(BadBody::TooMany);
            }
            let attribute = attribute.map_err(|error| of_reader(error.into()))?;
            let value = attribute.normalized_value(XmlVersion::Explicit1_0).map_err(of_reader)?.into_owned();
            if !value.chars().all(is_xml_char) {
                return Err(malformed("it has a character that XML does not allow"));
            }
            if let Some(declared) = attribute.key.as_namespace_binding() {
                // Namespaces in XML 1.0 has no way to take a prefix back.
                if value.is_empty() && declared != quick_xml::name::PrefixDeclaration::Default {
                    return Err(malformed("it declares a prefix for no namespace"));
                }
                continue;
            }
            let (resolved, local) = reader.resolver().resolve_attribute(attribute.key);
            let name = qualified(resolved, local.as_ref())?;
            if name.ns == XML && name.local == "lang" && value.len() > LANGUAGE_BYTES_MAX {
                return Err(BadBody::TooLong);
            }
            if attributes.iter().any(|other| other.name == name) {
                return Err(malformed("an element has an attribute twice"));
            }
            let prefix = attribute.key.prefix().map(|prefix| text_of(prefix.as_ref())).transpose()?;
            attributes.push(Attribute { name, prefix, value });
        }
        Ok(attributes)
    }

    fn close(&mut self) -> Result<(), BadBody> {
        // The reader has matched the tags already.
        let closed = self.open.pop().ok_or_else(|| malformed("a tag is closed that is not open"))?;
        match self.open.last_mut() {
            Some(parent) => parent.children.push(Node::Element(closed)),
            None => self.root = Some(closed),
        }
        Ok(())
    }

    fn character(&mut self, character: char) -> Result<(), BadBody> {
        self.text(character.encode_utf8(&mut [0; 4]))
    }

    fn text(&mut self, text: &str) -> Result<(), BadBody> {
        let Some(parent) = self.open.last_mut() else {
            return if text.trim().is_empty() {
                Ok(())
            } else {
                Err(malformed("it has text outside the root element"))
            };
        };
        match parent.children.last_mut() {
            Some(Node::Text(before)) => before.push_str(text),
            _ => parent.children.push(Node::Text(text.to_owned())),
        }
        Ok(())
    }

    fn finish(self) -> Result<Element, BadBody> {
        match self.root {
            Some(root) if self.open.is_empty() => Ok(root),
            _ => Err(malformed("it ends too early")),
        }
    }
}

fn qualified(resolved: ResolveResult<'_>, local: &[u8]) -> Result<Name, BadBody> {
    let ns = match resolved {
        ResolveResult::Bound(Namespace(ns)) => {
            if ns.len() > NAMESPACE_BYTES_MAX {
                return Err(BadBody::TooLong);
            }
            // The reader compares and returns namespaces as they were written.
            unescape(&text_of(ns)?).map_err(|error| of_reader(error.into()))?.into_owned()
        }
        ResolveResult::Unbound => String::new(),
        ResolveResult::Unknown(_) => return Err(malformed("it uses a prefix that is not declared")),
    };
    let local = text_of(local)?;
    if !is_nc_name(&local) || !ns.chars().all(is_xml_char) {
        return Err(malformed("it has a bad name"));
    }
    Ok(Name::new(ns, local))
}

/// The character that a reference stands for; only XML's own five entities exist, as nothing can be declared.
fn referenced(reference: &BytesRef<'_>) -> Result<char, BadBody> {
    if let Some(character) = reference.resolve_char_ref().map_err(of_reader)? {
        return if is_xml_char(character) {
            Ok(character)
        } else {
            Err(malformed("it refers to a character that XML does not allow"))
        };
    }
    match reference.as_ref() {
        b"amp" => Ok('&'),
        b"lt" => Ok('<'),
        b"gt" => Ok('>'),
        b"quot" => Ok('"'),
        b"apos" => Ok('\''),
        _ => Err(malformed("it refers to an entity that is not declared")),
    }
}

fn is_utf8_label(encoding: &[u8]) -> bool {
    [&b"utf-8"[..], b"utf8", b"us-ascii"].iter().any(|label| encoding.eq_ignore_ascii_case(label))
}

fn text_of(bytes: &[u8]) -> Result<String, BadBody> {
    // The body was checked as a whole; a part of it is cut at ASCII characters.
    String::from_utf8(bytes.to_vec()).map_err(|_| malformed("it is not UTF-8"))
}

fn malformed(what: &str) -> BadBody {
    BadBody::Malformed(what.to_owned())
}

fn of_reader(error: quick_xml::Error) -> BadBody {
    use quick_xml::name::NamespaceError;
    match error {
        quick_xml::Error::Namespace(NamespaceError::TooManyDeclarations(_)) => BadBody::TooMany,
        // Cut, because it may quote the body at any length.
        error => BadBody::Malformed(error.to_string().chars().take(200).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(body: &str) -> BadBody {
        parse(body.as_bytes()).expect_err(body)
    }

    #[test]
    fn names_texts_and_attributes_are_read() {
        let body = "\u{feff}<?xml version='1.0' encoding='UTF-8'?>\n<!-- a comment -->\
            <d:a xmlns:d='DAV:' xmlns='urn:x&amp;y' one='1&lt;2' d:two='&#x41;'> t&amp;&#65;<![CDATA[<raw>]]> <b/><c xmlns=''/> </d:a>\n";
        let root = parse(body.as_bytes()).unwrap();
        assert_eq!(root.name, Name::dav("a"));
        assert_eq!(root.prefix.as_deref(), Some("d"));
        assert_eq!(root.text(), "t&A<raw>");
        assert_eq!(root.child_names(), [Name::new("urn:x&y", "b"), Name::new("", "c")]);
        let attributes: Vec<_> = root.attributes.iter().map(|a| (&a.name, a.value.as_str())).collect();
        assert_eq!(attributes, [(&Name::new("", "one"), "1<2"), (&Name::dav("two"), "A")]);
    }

    #[test]
    fn billion_laughs_are_refused_before_any_entity_is_seen() {
        let body = "<?xml version=\"1.0\"?>\n<!DOCTYPE lolz [\n<!ENTITY lol \"lol\">\n\
            <!ENTITY lol2 \"&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;\">\n]>\n<lolz>&lol2;</lolz>";
        assert_eq!(refusal(body), BadBody::Declaration);
    }

    #[test]
    fn external_entities_are_refused() {
        let body = "<!DOCTYPE a SYSTEM \"file:///etc/passwd\"><a/>";
        assert_eq!(refusal(body), BadBody::Declaration);
        assert!(matches!(refusal("<a>&xxe;</a>"), BadBody::Malformed(_)));
        assert!(matches!(refusal("<a b='&xxe;'/>"), BadBody::Malformed(_)));
    }

    #[test]
    fn nesting_is_accepted_up_to_the_limit_and_refused_beyond() {
        let nested = |depth| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
        assert!(parse(nested(DEPTH_MAX).as_bytes()).is_ok());
        assert_eq!(refusal(&nested(DEPTH_MAX + 1)), BadBody::TooDeep);
        assert_eq!(refusal(&"<a>".repeat(1_000_000)), BadBody::TooDeep);
    }

    #[test]
    fn elements_are_accepted_up_to_the_limit_and_refused_beyond() {
        let many = |count| format!("<r>{}</r>", "<a/>".repeat(count));
        assert!(parse(many(ELEMENTS_MAX - 1).as_bytes()).is_ok());
        assert_eq!(refusal(&many(ELEMENTS_MAX)), BadBody::TooMany);
    }

    #[test]
    fn attributes_and_declarations_are_refused_beyond_their_limit() {
        let attributes = |count| (0..count).map(|i| format!(" a{i}=''")).collect::<String>();
        assert!(parse(format!("<r{}/>", attributes(ATTRIBUTES_MAX)).as_bytes()).is_ok());
        assert_eq!(refusal(&format!("<r{}/>", attributes(ATTRIBUTES_MAX + 1))), BadBody::TooMany);
        let declarations = |count| (0..count).map(|i| format!(" xmlns:a{i}='u'")).collect::<String>();
        assert_eq!(refusal(&format!("<r{}/>", declarations(100_000))), BadBody::TooMany);
        let element = format!("<a{}/>", attributes(ATTRIBUTES_MAX));
        assert_eq!(
            refusal(&format!("<r>{}</r>", element.repeat(ELEMENTS_MAX / ATTRIBUTES_MAX + 1))),
            BadBody::TooMany
        );
    }

    #[test]
    fn what_every_element_would_carry_a_copy_of_is_short() {
        let namespace =
            |bytes| format!("<a:r xmlns:a='{}'>{}</a:r>", "u".repeat(bytes), "<a:b/>".repeat(9000));
        assert!(parse(namespace(NAMESPACE_BYTES_MAX).as_bytes()).is_ok());
        assert_eq!(refusal(&namespace(NAMESPACE_BYTES_MAX + 1)), BadBody::TooLong);
        let language = |bytes| format!("<r xml:lang='{}'/>", "l".repeat(bytes));
        assert!(parse(language(LANGUAGE_BYTES_MAX).as_bytes()).is_ok());
        assert_eq!(refusal(&language(LANGUAGE_BYTES_MAX + 1)), BadBody::TooLong);
    }

    #[test]
    fn what_is_not_well_formed_is_refused() {
        for body in [
            "",
            " ",
            "text",
            "<a>",
            "<a></b>",
            "</a>",
            "<a/><b/>",
            "<a/>text",
            "text<a/>",
            "<a b='1' b='2'/>",
            "<a xmlns:x='u' xmlns:y='u' x:b='1' y:b='2'/>",
            "<a b=1/>",
            "<a b/>",
            "<x:a/>",
            "<a x:b=''/>",
            "<x:a xmlns:x=''/>",
            "<xmlns:a/>",
            "<xml:a/>",
            "<a xmlns='http://www.w3.org/2000/xmlns/'/>",
            "<a xmlns='http://www.w3.org/XML/1998/namespace'/>",
            "<a:b:c xmlns:a='u'/>",
            "<:a/>",
            "<a:/>",
            "<1a/>",
            "<a>&#0;</a>",
            "<a>&#1;</a>",
            "<a>&#xd800;</a>",
            "<a>&#x110000;</a>",
            "<a b='&#1;'/>",
            "<a>\u{1}</a>",
            "<a>& b</a>",
            "<a>&nbsp;</a>",
            "<?xml version='1.0' encoding='utf-16'?><a/>",
            "<?xml version='1.0' encoding='iso-8859-1'?><a/>",
            "<a><!-- </a>",
            "<a><![CDATA[ </a>",
        ] {
            assert!(matches!(refusal(body), BadBody::Malformed(_)), "{body}");
        }
        assert!(matches!(parse(b"<a>\xff</a>"), Err(BadBody::Malformed(_))));
        assert!(matches!(parse(b"\xff\xfe<\0a\0/\0>\0"), Err(BadBody::Malformed(_))));
    }
}
