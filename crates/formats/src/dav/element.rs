//! Writing elements: their tags, with the prefixes that a document's root declares for the namespaces we
//! know.
//!
//! Used by everything that writes a body. The root never declares a default namespace, because fragments of
//! clients are placed below it that may have names without one.

use super::escape::{push_attribute, push_text};
use super::name::{CALDAV, CALENDAR_SERVER, CARDDAV, DAV, Name};

/// What every body begins with.
pub(crate) const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n";

/// The prefixes of the namespaces we know. The Windows redirector looks for `D:`, not for the namespace
/// behind it.
const PREFIXES: [(&str, &str); 4] = [(DAV, "D"), (CALDAV, "C"), (CARDDAV, "CR"), (CALENDAR_SERVER, "CS")];

/// The start tag of a root element, with all prefixes.
pub(crate) fn declare_all(out: &mut String, name: &Name) {
    out.push('<');
    push_qualified(out, name);
    for (ns, prefix) in PREFIXES {
        for part in [" xmlns:", prefix, "=\"", ns, "\""] {
            out.push_str(part);
        }
    }
    out.push('>');
}

/// A start tag.
pub(crate) fn start(out: &mut String, name: &Name) {
    open(out, name);
    out.push('>');
}

/// An end tag.
pub(crate) fn end(out: &mut String, name: &Name) {
    out.push_str("</");
    push_qualified(out, name);
    out.push('>');
}

/// An element with nothing in it.
pub(crate) fn empty(out: &mut String, name: &Name) {
    open(out, name);
    out.push_str("/>");
}

/// An element with text in it.
pub(crate) fn leaf(out: &mut String, name: &Name, text: &str) {
    start(out, name);
    push_text(out, text);
    end(out, name);
}

/// A `DAV:href` of a URI or an encoded path.
pub(crate) fn href(out: &mut String, uri: &str) {
    leaf(out, &Name::dav("href"), uri);
}

fn open(out: &mut String, name: &Name) {
    out.push('<');
    push_qualified(out, name);
    if !name.ns.is_empty() && prefix_of(&name.ns).is_none() {
        out.push_str(" xmlns:x=\"");
        push_attribute(out, &name.ns);
        out.push('"');
    }
}

fn push_qualified(out: &mut String, name: &Name) {
    if !name.ns.is_empty() {
        out.push_str(prefix_of(&name.ns).unwrap_or("x"));
        out.push(':');
    }
    out.push_str(&name.local);
}

fn prefix_of(ns: &str) -> Option<&'static str> {
    PREFIXES.into_iter().find(|(known, _)| *known == ns).map(|(_, prefix)| prefix)
}
