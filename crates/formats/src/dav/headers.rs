//! The headers of WebDAV but `If` (RFC 4918 section 10): a header's text to its meaning.
//!
//! Called by `web`. Takes the text of a header that was sent once; which status a mistake is answered with is
//! `web`'s to say.

use super::error::BadHeader;
use super::href::Path;
use super::limits::TIMEOUTS_MAX;

/// How far below a resource a method reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// The resource alone.
    Zero,
    /// It and what it holds.
    One,
    /// All below it.
    Infinity,
}

impl Depth {
    /// Reads a `Depth` header (section 10.2); without one, the method's default.
    ///
    /// # Errors
    /// [`BadHeader::Malformed`] for anything but `0`, `1` and `infinity`.
    pub fn parse(header: Option<&str>, default: Self) -> Result<Self, BadHeader> {
        match header.map(str::trim) {
            None => Ok(default),
            Some("0") => Ok(Self::Zero),
            Some("1") => Ok(Self::One),
            Some(text) if text.eq_ignore_ascii_case("infinity") => Ok(Self::Infinity),
            Some(_) => Err(malformed("Depth", "it is not 0, 1 or infinity")),
        }
    }

    /// As the header and the `DAV:depth` element have it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zero => "0",
            Self::One => "1",
            Self::Infinity => "infinity",
        }
    }
}

/// For how long a lock is wanted or given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timeout {
    /// So many seconds.
    Seconds(u32),
    /// Until it is unlocked.
    Infinite,
}

/// Reads a `Timeout` header (section 10.7): what the client would like, best first. What is not understood is
/// left out, as the server chooses anyway; so the list may be empty.
pub fn timeouts(header: Option<&str>) -> Vec<Timeout> {
    let wishes = header.unwrap_or_default().split(',').take(TIMEOUTS_MAX);
    wishes.filter_map(|wish| timeout(wish.trim())).collect()
}

fn timeout(wish: &str) -> Option<Timeout> {
    if wish.eq_ignore_ascii_case("infinite") {
        return Some(Timeout::Infinite);
    }
    let (unit, digits) = wish.split_once('-')?;
    if !unit.eq_ignore_ascii_case("second")
        || digits.is_empty()
        || !digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    // All digits: what does not fit is more than fits.
    Some(Timeout::Seconds(digits.parse().unwrap_or(u32::MAX)))
}

/// Reads an `Overwrite` header (section 10.6): whether COPY and MOVE may replace what is there, true without
/// one.
///
/// # Errors
/// [`BadHeader::Malformed`] for anything but `T` and `F`.
pub fn overwrite(header: Option<&str>) -> Result<bool, BadHeader> {
    match header.map(str::trim) {
        None | Some("T" | "t") => Ok(true),
        Some("F" | "f") => Ok(false),
        Some(_) => Err(malformed("Overwrite", "it is not T or F")),
    }
}

/// Reads a `Lock-Token` header (section 10.5): the token without its angle brackets.
///
/// # Errors
/// [`BadHeader::Malformed`].
pub fn lock_token(header: &str) -> Result<&str, BadHeader> {
    let token = header.trim().strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    match token {
        Some(token) if is_uri_reference(token) && token.contains(':') => Ok(token),
        _ => Err(malformed("Lock-Token", "it is not a URI in angle brackets")),
    }
}

/// Reads a `Destination` header (section 10.3), an absolute URI or an absolute path, into the path on this
/// server.
///
/// `authority` is this server's as the client knows it, the `Host` header's text. The scheme is not compared,
/// because a proxy in front may speak TLS for us; a port that is the scheme's default may be there or not.
///
/// # Errors
/// [`BadHeader::OtherServer`], [`BadHeader::Path`], [`BadHeader::Malformed`].
pub fn destination(header: &str, authority: &str) -> Result<Path, BadHeader> {
    path_of_reference("Destination", header.trim(), authority)
}

/// The path on this server that an absolute URI or an absolute path names.
pub(crate) fn path_of_reference(
    header: &'static str,
    text: &str,
    authority: &str,
) -> Result<Path, BadHeader> {
    let path = if text.starts_with('/') {
        text
    } else {
        let (scheme, rest) =
            text.split_once("://").ok_or(malformed(header, "it is neither a URI nor a path"))?;
        if !scheme.eq_ignore_ascii_case("http") && !scheme.eq_ignore_ascii_case("https") {
            return Err(BadHeader::OtherServer);
        }
        let (named, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
        if !without_default_port(named).eq_ignore_ascii_case(without_default_port(authority)) {
            return Err(BadHeader::OtherServer);
        }
        if path.is_empty() { "/" } else { path }
    };
    Path::parse(path).map_err(|source| BadHeader::Path { header, source })
}

fn without_default_port(authority: &str) -> &str {
    authority.strip_suffix(":80").or_else(|| authority.strip_suffix(":443")).unwrap_or(authority)
}

/// Whether the text can stand in angle brackets as a URI: visible characters, none of them a bracket.
pub(crate) fn is_uri_reference(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|character| !character.is_control() && !matches!(character, '<' | '>' | ' '))
}

fn malformed(header: &'static str, what: &'static str) -> BadHeader {
    BadHeader::Malformed { header, what }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dav::error::BadPath;

    #[test]
    fn depths_are_read() {
        let check =
            |header, expected| assert_eq!(Depth::parse(header, Depth::One).ok(), expected, "{header:?}");
        check(None, Some(Depth::One));
        check(Some("0"), Some(Depth::Zero));
        check(Some(" 1 "), Some(Depth::One));
        check(Some("infinity"), Some(Depth::Infinity));
        check(Some("Infinity"), Some(Depth::Infinity));
        check(Some("2"), None);
        check(Some(""), None);
        check(Some("1,noroot"), None);
    }

    #[test]
    fn timeouts_are_wishes() {
        let check = |header, expected: &[Timeout]| assert_eq!(timeouts(header), expected, "{header:?}");
        check(None, &[]);
        check(Some("Second-600"), &[Timeout::Seconds(600)]);
        check(Some("Infinite, Second-4100000000"), &[Timeout::Infinite, Timeout::Seconds(4_100_000_000)]);
        check(Some("second-99999999999999999999"), &[Timeout::Seconds(u32::MAX)]);
        check(Some("Second--1, Second-, Extend-Infinite, 600,, Second-+5"), &[]);
    }

    #[test]
    fn overwrite_is_true_unless_it_says_f() {
        let check = |header, expected| assert_eq!(overwrite(header).ok(), expected, "{header:?}");
        check(None, Some(true));
        check(Some("T"), Some(true));
        check(Some("f"), Some(false));
        check(Some("no"), None);
    }

    #[test]
    fn lock_tokens_are_uris_in_brackets() {
        let check = |header, expected| assert_eq!(lock_token(header).ok(), expected, "{header}");
        check("<opaquelocktoken:a515cfa4>", Some("opaquelocktoken:a515cfa4"));
        check(" <urn:uuid:1> ", Some("urn:uuid:1"));
        check("opaquelocktoken:a515cfa4", None);
        check("<>", None);
        check("<token>", None);
        check("<a:b c>", None);
        check("<a:b><c:d>", None);
    }

    #[test]
    fn destinations_are_paths_on_this_server() {
        let check = |header: &str, expected: Result<&str, BadHeader>| {
            let path = destination(header, "Example.com:8080").map(|path| path.to_string());
            assert_eq!(
                path.as_deref().map_err(Clone::clone),
                expected.as_deref().map_err(Clone::clone),
                "{header}"
            );
        };
        let bad = |source| Err(BadHeader::Path { header: "Destination", source });
        check("http://example.com:8080/a%20b/c", Ok("/a%20b/c"));
        check("https://EXAMPLE.com:8080/a/", Ok("/a/"));
        check("/a/b", Ok("/a/b"));
        check("http://example.com:8080", Ok("/"));
        check("http://example.com/a", Err(BadHeader::OtherServer));
        check("http://other:8080/a", Err(BadHeader::OtherServer));
        check("http://user@example.com:8080/a", Err(BadHeader::OtherServer));
        check("ftp://example.com:8080/a", Err(BadHeader::OtherServer));
        check("http://example.com:8080/../a", bad(BadPath::Dots));
        check("http://example.com:8080/a?b", bad(BadPath::Query));
        check("http://example.com:8080#b", bad(BadPath::Relative));
        check("a/b", Err(malformed("Destination", "it is neither a URI nor a path")));
        check("", Err(malformed("Destination", "it is neither a URI nor a path")));
    }

    #[test]
    fn a_default_port_may_be_written_or_not() {
        for (header, authority) in
            [("http://h:80/a", "h"), ("https://h/a", "h:443"), ("https://h:443/a", "h")]
        {
            assert!(destination(header, authority).is_ok(), "{header}");
        }
        assert!(destination("http://[::1]:8080/a", "[::1]:8080").is_ok());
    }
}
