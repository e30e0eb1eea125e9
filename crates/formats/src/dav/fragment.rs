//! An element as text that can stand alone or inside any other document: it declares every prefix it uses.
//!
//! Used to keep dead properties and lock owners, which a server stores without understanding them. Names,
//! attributes, order, text and prefixes stay as the client sent them (RFC 4918 section 4.3); comments and the
//! way of escaping do not.

use super::document::{Attribute, Element, Node, XML};
use super::escape::{push_attribute, push_text};

/// The element as text, to be placed where no default namespace is declared.
pub(crate) fn to_text(element: &Element) -> String {
    let mut out = String::new();
    push(&mut out, element, &mut Vec::new());
    out
}

/// The prefixes that are declared where an element stands, the innermost last; the default namespace has an
/// empty prefix.
type Declared<'a> = Vec<(&'a str, &'a str)>;

fn push<'a>(out: &mut String, element: &'a Element, declared: &mut Declared<'a>) {
    let outside = declared.len();
    let prefix = element.prefix.as_deref().unwrap_or_default();
    out.push('<');
    push_name(out, prefix, &element.name.local);
    declare(out, declared, prefix, &element.name.ns);
    for Attribute { name, prefix, value } in &element.attributes {
        let prefix = prefix.as_deref().unwrap_or_default();
        if !prefix.is_empty() {
            declare(out, declared, prefix, &name.ns);
        }
        out.push(' ');
        push_name(out, prefix, &name.local);
        out.push_str("=\"");
        push_attribute(out, value);
        out.push('"');
    }
    if element.children.is_empty() {
        out.push_str("/>");
    } else {
        out.push('>');
        for child in &element.children {
            match child {
                Node::Element(child) => push(out, child, declared),
                Node::Text(text) => push_text(out, text),
            }
        }
        out.push_str("</");
        push_name(out, prefix, &element.name.local);
        out.push('>');
    }
    declared.truncate(outside);
}

fn push_name(out: &mut String, prefix: &str, local: &str) {
    if !prefix.is_empty() {
        out.push_str(prefix);
        out.push(':');
    }
    out.push_str(local);
}

fn declare<'a>(out: &mut String, declared: &mut Declared<'a>, prefix: &'a str, ns: &'a str) {
    let current = declared.iter().rev().find(|(known, _)| *known == prefix).map(|(_, ns)| *ns);
    // Without a declaration, names without a prefix are in no namespace, and `xml` is what it is.
    if current.unwrap_or_default() == ns || ns == XML {
        return;
    }
    out.push_str(if prefix.is_empty() { " xmlns" } else { " xmlns:" });
    out.push_str(prefix);
    out.push_str("=\"");
    push_attribute(out, ns);
    out.push('"');
    declared.push((prefix, ns));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dav::document::parse;

    fn check(body: &str, expected: &str) {
        let element = parse(body.as_bytes()).unwrap();
        let text = to_text(&element);
        assert_eq!(text, expected);
        assert_eq!(parse(text.as_bytes()).unwrap(), element, "reading it back gives the same element");
    }

    #[test]
    fn each_prefix_is_declared_where_it_is_first_used() {
        check("<a/>", "<a/>");
        check("<d:a xmlns:d='DAV:'><d:b/></d:a>", "<d:a xmlns:d=\"DAV:\"><d:b/></d:a>");
        check("<a xmlns='u'><b xmlns=''/><c/></a>", "<a xmlns=\"u\"><b xmlns=\"\"/><c/></a>");
        check(
            "<a xmlns:p='u'><p:b><p:c xmlns:p='v'/><p:d/></p:b></a>",
            "<a><p:b xmlns:p=\"u\"><p:c xmlns:p=\"v\"/><p:d/></p:b></a>",
        );
        check("<a xmlns:p='u&amp;v' p:b='&quot;' c='d'/>", "<a xmlns:p=\"u&amp;v\" p:b=\"&quot;\" c=\"d\"/>");
        check("<a xml:lang='de'>&lt;t&gt;</a>", "<a xml:lang=\"de\">&lt;t&gt;</a>");
        check("<a>&#13;<![CDATA[]]>]]&gt;</a>", "<a>&#13;]]&gt;</a>");
    }
}
