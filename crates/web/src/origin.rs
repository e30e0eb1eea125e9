//! Whether a request comes from one of our own pages: the defence against pages of others that have a browser send requests in
//! its user's name (CSRF), beside the session parameter, which such a page cannot know.
//!
//! Called before everything that changes something, of the HTTP API and of WebDAV. Browsers say where a request comes from, and pages
//! cannot make them lie; programs that are none say nothing and are let through.

use http::HeaderMap;
use http::header::{HOST, ORIGIN};
use zebu_app::Result;
use zebu_model::Refusal;

use crate::request::Request;

/// Refuses (`SVL-0020`) what a page of another origin had its browser send, unless the configuration trusts that origin.
pub(crate) fn check(request: &Request) -> Result<()> {
    let authority =
        text(&request.headers, "x-forwarded-host").or_else(|| text(&request.headers, HOST.as_str()));
    let authority = authority.or_else(|| request.uri.authority().map(http::uri::Authority::as_str));
    foreign(&request.headers, authority.unwrap_or_default(), &request.config.allowed_origins)
        .map_or(Ok(()), |origin| Err(Refusal::OriginForeign { origin }.into()))
}

/// The foreign origin that headers show, if they do.
fn foreign(headers: &HeaderMap, authority: &str, allowed: &[String]) -> Option<String> {
    let origin = text(headers, ORIGIN.as_str());
    if origin.is_some_and(|origin| allowed.iter().any(|allowed| allowed == origin)) {
        return None;
    }
    let named = || origin.unwrap_or("another site").chars().take(128).collect();
    match text(headers, "sec-fetch-site") {
        // `none`: the user's own doing, no page's. A site's other hosts (`same-site`) are not us.
        Some("same-origin" | "none") => None,
        Some(_) => Some(named()),
        None => {
            let origin = origin?;
            let same = origin.split_once("://").is_some_and(|(scheme, host)| {
                without_default_port(host, scheme) == without_default_port(authority, scheme)
            });
            (!same).then(named)
        }
    }
}

fn without_default_port(host: &str, scheme: &str) -> String {
    let port = if scheme == "https" { ":443" } else { ":80" };
    host.strip_suffix(port).unwrap_or(host).to_ascii_lowercase()
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(headers: &[(&'static str, &'static str)], allowed: &[&str], expected: Option<&str>) {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        let allowed: Vec<String> = allowed.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(foreign(&map, "mail.example.com", &allowed).as_deref(), expected, "{headers:?}");
    }

    #[test]
    fn a_page_of_another_origin_is_known_by_what_its_browser_says() {
        let (evil, own) = ("https://evil.example", "https://mail.example.com");
        check(&[], &[], None);
        check(&[("origin", own)], &[], None);
        check(&[("origin", "https://Mail.example.com:443")], &[], None);
        check(&[("origin", "http://mail.example.com:443")], &[], Some("http://mail.example.com:443"));
        check(&[("origin", evil)], &[], Some(evil));
        check(
            &[("origin", "https://mail.example.com.evil.example")],
            &[],
            Some("https://mail.example.com.evil.example"),
        );
        check(&[("origin", "null")], &[], Some("null"));
        check(&[("origin", evil)], &[evil], None);
        check(&[("sec-fetch-site", "same-origin"), ("origin", own)], &[], None);
        check(&[("sec-fetch-site", "none")], &[], None);
        check(&[("sec-fetch-site", "cross-site"), ("origin", evil)], &[], Some(evil));
        check(&[("sec-fetch-site", "cross-site"), ("origin", evil)], &[evil], None);
        check(&[("sec-fetch-site", "cross-site")], &[], Some("another site"));
        check(
            &[("sec-fetch-site", "same-site"), ("origin", "https://x.example.com")],
            &[],
            Some("https://x.example.com"),
        );
    }
}
