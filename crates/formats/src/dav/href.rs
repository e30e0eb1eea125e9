//! Paths of resources: percent-encoded text to the names it means, and back (RFC 3986 section 3.3).
//!
//! Used for request targets, `Destination`, tagged lists and every `DAV:href`. A path that was accepted can
//! be shown and cannot lead upwards; whether it exists is not known here.

use std::fmt;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use super::error::BadPath;
use super::escape::is_xml_char;
use super::limits::PATH_SEGMENTS_MAX;

/// What a segment cannot have as it is: all but unreserved characters, sub-delimiters, colon and at sign.
const NOT_IN_SEGMENT: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'/')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// An absolute path. Two texts that mean the same resource are equal paths.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Path {
    segments: Vec<String>,
    trailing_slash: bool,
}

impl Path {
    /// Reads an encoded path. Slashes in a row count as one.
    ///
    /// # Errors
    /// [`BadPath`].
    pub fn parse(text: &str) -> Result<Self, BadPath> {
        let rest = text.strip_prefix('/').ok_or(BadPath::Relative)?;
        if rest.contains(['?', '#']) {
            return Err(BadPath::Query);
        }
        let segments: Vec<String> = rest
            .split('/')
            .filter(|segment| !segment.is_empty())
            .take(PATH_SEGMENTS_MAX + 1)
            .map(decode)
            .collect::<Result<_, _>>()?;
        if segments.len() > PATH_SEGMENTS_MAX {
            return Err(BadPath::TooLong);
        }
        Ok(Self { trailing_slash: rest.is_empty() || rest.ends_with('/'), segments })
    }

    /// The path of these names, below the root, with or without a slash at its end; the root always has one.
    pub fn new<T: Into<String>>(segments: impl IntoIterator<Item = T>, trailing_slash: bool) -> Self {
        let segments: Vec<String> = segments.into_iter().map(Into::into).collect();
        Self { trailing_slash: trailing_slash || segments.is_empty(), segments }
    }

    /// The decoded names, outermost first; none for the root.
    pub fn segments(&self) -> &[String] {
        &self.segments
    }

    /// Whether it ends in a slash, as paths of collections should.
    pub fn has_trailing_slash(&self) -> bool {
        self.trailing_slash
    }

    /// The path of a resource in this collection.
    pub fn child(&self, name: impl Into<String>, trailing_slash: bool) -> Self {
        let mut segments = Vec::with_capacity(self.segments.len() + 1);
        segments.extend_from_slice(&self.segments);
        segments.push(name.into());
        Self { segments, trailing_slash }
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for segment in &self.segments {
            write!(f, "/{}", utf8_percent_encode(segment, NOT_IN_SEGMENT))?;
        }
        if self.trailing_slash { f.write_str("/") } else { Ok(()) }
    }
}

fn decode(segment: &str) -> Result<String, BadPath> {
    let mut rest = segment.bytes();
    while let Some(byte) = rest.next() {
        let mut is_digit = || rest.next().is_some_and(|digit| digit.is_ascii_hexdigit());
        if byte == b'%' && !(is_digit() && is_digit()) {
            return Err(BadPath::Escape);
        }
    }
    let decoded = percent_decode_str(segment).decode_utf8().map_err(|_| BadPath::NotUtf8)?;
    match decoded.as_ref() {
        "." | ".." => Err(BadPath::Dots),
        name if name.contains('/') => Err(BadPath::Slash),
        name if !name.chars().all(|character| is_xml_char(character) && !character.is_control()) => {
            Err(BadPath::Control)
        }
        name => Ok(name.to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<(&[&str], bool), BadPath>) {
        let path = Path::parse(text);
        let parts = path.as_ref().map(|path| {
            (path.segments().iter().map(String::as_str).collect::<Vec<_>>(), path.has_trailing_slash())
        });
        assert_eq!(
            parts.map_err(|error| *error),
            expected.map(|(segments, slash)| (segments.to_vec(), slash)),
            "{text}"
        );
        if let Ok(path) = path {
            assert_eq!(Path::parse(&path.to_string()), Ok(path), "{text}");
        }
    }

    #[test]
    fn paths_are_decoded_by_segment() {
        check("/", Ok((&[], true)));
        check("/a", Ok((&["a"], false)));
        check("/a/b/", Ok((&["a", "b"], true)));
        check("//a///b", Ok((&["a", "b"], false)));
        check("/a%20b+c/%C3%A4%25", Ok((&["a b+c", "ä%"], false)));
        check("/ä b", Ok((&["ä b"], false)));
        check("/...", Ok((&["..."], false)));
        check("/.a", Ok((&[".a"], false)));
    }

    #[test]
    fn paths_that_name_nothing_are_refused() {
        check("", Err(BadPath::Relative));
        check("a", Err(BadPath::Relative));
        check("*", Err(BadPath::Relative));
        check("/..", Err(BadPath::Dots));
        check("/a/../b", Err(BadPath::Dots));
        check("/a/%2e%2E/b", Err(BadPath::Dots));
        check("/./b", Err(BadPath::Dots));
        check("/a%2Fb", Err(BadPath::Slash));
        check("/a%2f..%2fb", Err(BadPath::Slash));
        check("/a%00", Err(BadPath::Control));
        check("/a%0d%0aX", Err(BadPath::Control));
        check("/a\u{7f}", Err(BadPath::Control));
        check("/%EF%BF%BE", Err(BadPath::Control));
        check("/%ff", Err(BadPath::NotUtf8));
        check("/%c3", Err(BadPath::NotUtf8));
        check("/%ed%a0%80", Err(BadPath::NotUtf8));
        check("/100%", Err(BadPath::Escape));
        check("/%zz", Err(BadPath::Escape));
        check("/%1", Err(BadPath::Escape));
        check("/a?b", Err(BadPath::Query));
        check("/a#b", Err(BadPath::Query));
        check(&"/a".repeat(PATH_SEGMENTS_MAX + 1), Err(BadPath::TooLong));
    }

    #[test]
    fn only_what_must_be_is_encoded() {
        let path = Path::new(["a-z.A_Z~0", "!$&'()*+,;=:@", "?#[]%\\\"<>^`{|} ", "ä"], false);
        assert_eq!(
            path.to_string(),
            "/a-z.A_Z~0/!$&'()*+,;=:@/%3F%23%5B%5D%25%5C%22%3C%3E%5E%60%7B%7C%7D%20/%C3%A4"
        );
        assert_eq!(Path::parse(&path.to_string()), Ok(path));
        assert_eq!(Path::new::<String>([], false).to_string(), "/");
        assert_eq!(Path::default().child("a b", true).to_string(), "/a%20b/");
    }
}
