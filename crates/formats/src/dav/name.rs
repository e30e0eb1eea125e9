//! Names of elements and properties: a namespace and a local name, as XML has them.
//!
//! Used by everything that reads or writes DAV bodies. Prefixes are not part of a name and must never be
//! compared.

use std::borrow::Cow;

/// The namespace of WebDAV itself.
pub const DAV: &str = "DAV:";
/// CalDAV (RFC 4791).
pub const CALDAV: &str = "urn:ietf:params:xml:ns:caldav";
/// CardDAV (RFC 6352).
pub const CARDDAV: &str = "urn:ietf:params:xml:ns:carddav";
/// Apple's extensions, `getctag` among them.
pub const CALENDAR_SERVER: &str = "http://calendarserver.org/ns/";
/// What the Windows redirector sets on files (`Win32CreationTime` and others).
pub const MICROSOFT: &str = "urn:schemas-microsoft-com:";

/// A qualified name; names of no namespace have an empty one.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name {
    /// The namespace's URI.
    pub ns: Cow<'static, str>,
    /// The local name.
    pub local: Cow<'static, str>,
}

impl Name {
    /// A name that this program knows.
    pub const fn known(ns: &'static str, local: &'static str) -> Self {
        Self { ns: Cow::Borrowed(ns), local: Cow::Borrowed(local) }
    }

    /// A known name in `DAV:`.
    pub const fn dav(local: &'static str) -> Self {
        Self::known(DAV, local)
    }

    /// A name that came from outside.
    pub fn new(ns: impl Into<String>, local: impl Into<String>) -> Self {
        Self { ns: Cow::Owned(ns.into()), local: Cow::Owned(local.into()) }
    }

    /// Whether it is this name in `DAV:`.
    pub fn is_dav(&self, local: &str) -> bool {
        self.ns == DAV && self.local == local
    }
}

/// Whether the text is an XML name without a colon (Namespaces in XML 1.0, NCName).
pub(crate) fn is_nc_name(text: &str) -> bool {
    let mut characters = text.chars();
    characters.next().is_some_and(is_name_start) && characters.all(|c| is_name_start(c) || is_name_rest(c))
}

fn is_name_start(character: char) -> bool {
    matches!(character,
        'A'..='Z' | '_' | 'a'..='z' | '\u{c0}'..='\u{d6}' | '\u{d8}'..='\u{f6}' | '\u{f8}'..='\u{2ff}'
        | '\u{370}'..='\u{37d}' | '\u{37f}'..='\u{1fff}' | '\u{200c}'..='\u{200d}' | '\u{2070}'..='\u{218f}'
        | '\u{2c00}'..='\u{2fef}' | '\u{3001}'..='\u{d7ff}' | '\u{f900}'..='\u{fdcf}' | '\u{fdf0}'..='\u{fffd}'
        | '\u{10000}'..='\u{effff}')
}

fn is_name_rest(character: char) -> bool {
    matches!(character, '-' | '.' | '0'..='9' | '\u{b7}' | '\u{300}'..='\u{36f}' | '\u{203f}'..='\u{2040}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn xml_names_are_told_from_other_text() {
        for name in ["a", "getetag", "_x", "a-b.c9", "größe", "名前"] {
            assert!(is_nc_name(name), "{name}");
        }
        for text in ["", "9a", "-a", ".a", "a b", "a:b", "a\"", "a<", "a&b", "\u{d7}"] {
            assert!(!is_nc_name(text), "{text}");
        }
    }

    #[test]
    fn names_are_equal_however_they_were_made() {
        assert_eq!(Name::dav("prop"), Name::new("DAV:", "prop"));
        assert!(Name::new("DAV:", "prop").is_dav("prop"));
        assert_ne!(Name::dav("prop"), Name::new("", "prop"));
    }
}
