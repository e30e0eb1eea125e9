//! Cookies, both ways: reading the ones a request carries, writing the ones an answer sets.
//!
//! All of ours are `HttpOnly` and `SameSite=Lax`, for the path `/`, and `Secure` when the client came by TLS.

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};

/// All values of cookies of this name, in the order sent.
pub(crate) fn all<'a>(headers: &'a HeaderMap, name: &str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(move |pair| pair.trim().split_once('=').filter(|(candidate, _)| *candidate == name))
        .map(|(_, value)| value.trim_matches('"'))
}

/// The first value of that name.
pub(crate) fn get<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    all(headers, name).next()
}

/// Cookies one request may have of a name that goes on; a browser of good will has one or two.
const BEGINNING_MAX: usize = 32;

/// All cookies whose names begin so, by the rest of their names.
pub(crate) fn beginning(headers: &HeaderMap, prefix: &str) -> Vec<(String, String)> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs
        .filter_map(|(name, value)| Some((name.strip_prefix(prefix)?, value)))
        .take(BEGINNING_MAX)
        .map(|(rest, value)| (rest.to_owned(), value.trim_matches('"').to_owned()))
        .collect()
}

/// How long a browser keeps a cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Age {
    /// Until it is closed.
    Browser,
    /// So many seconds.
    Seconds(u32),
    /// It is to be forgotten now.
    Gone,
}

/// A `Set-Cookie` value. Name and value must be letters, digits, `-`, `_` or `.`; anything else sets no cookie.
pub(crate) fn set(name: &str, value: &str, age: Age, secure: bool) -> Option<HeaderValue> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b));
    if !plain(name) || !plain(value) {
        return None;
    }
    let mut line = format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax");
    match age {
        Age::Browser => {}
        Age::Seconds(seconds) => line.push_str(&format!("; Max-Age={seconds}")),
        Age::Gone => line.push_str("; Max-Age=0"),
    }
    if secure {
        line.push_str("; Secure");
    }
    HeaderValue::from_str(&line).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_found_in_every_header_line() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; b=\"2\""));
        headers.append(COOKIE, HeaderValue::from_static("c=3;a=4"));
        assert_eq!(get(&headers, "b"), Some("2"));
        assert_eq!(all(&headers, "a").collect::<Vec<_>>(), ["1", "4"]);
        assert_eq!(get(&headers, "d"), None);
    }

    #[test]
    fn a_cookie_says_who_may_read_it() {
        let check = |age, secure, expected: &str| {
            assert_eq!(set("n", "v.OX-1", age, secure).unwrap(), expected);
        };
        check(Age::Browser, false, "n=v.OX-1; Path=/; HttpOnly; SameSite=Lax");
        check(Age::Seconds(60), true, "n=v.OX-1; Path=/; HttpOnly; SameSite=Lax; Max-Age=60; Secure");
        check(Age::Gone, false, "n=v.OX-1; Path=/; HttpOnly; SameSite=Lax; Max-Age=0");
    }

    #[test]
    fn what_could_break_out_of_the_header_sets_nothing() {
        assert_eq!(set("n", "v; Domain=evil", Age::Browser, false), None);
        assert_eq!(set("n\r\n", "v", Age::Browser, false), None);
    }
}
