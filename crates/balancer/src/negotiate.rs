//! Reading `Accept-Encoding` and `If-None-Match`: pure. Called by `assets`.

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};

/// A content coding we may have a file in, best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Coding {
    Brotli,
    Gzip,
    Identity,
}

impl Coding {
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Brotli => &["br"],
            Self::Gzip => &["gzip", "x-gzip"],
            Self::Identity => &["identity"],
        }
    }
}

/// The coding the client likes best among those we have (RFC 9110 §12.5.3); ours first where it likes several
/// alike. Identity if it refuses everything: an answer it may not like is better than none.
pub(crate) fn coding(headers: &HeaderMap, available: impl Fn(Coding) -> bool) -> Coding {
    let mut best = (Coding::Identity, 0);
    for candidate in [Coding::Brotli, Coding::Gzip, Coding::Identity] {
        let liking = liking(headers, candidate);
        if liking > best.1 && available(candidate) {
            best = (candidate, liking);
        }
    }
    best.0
}

/// The weight the client gives a coding, in thousandths.
fn liking(headers: &HeaderMap, coding: Coding) -> u32 {
    let lines = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut anything_else = None;
    for item in lines.flat_map(|line| line.split(',')) {
        let (name, parameters) = item.split_once(';').unwrap_or((item, ""));
        let name = name.trim();
        if coding.names().iter().any(|own| own.eq_ignore_ascii_case(name)) {
            return weight(parameters);
        }
        if name == "*" {
            anything_else = Some(weight(parameters));
        }
    }
    // Identity is acceptable unless it is refused, but any coding asked for is liked better.
    anything_else.unwrap_or(if coding == Coding::Identity { 1 } else { 0 })
}

/// `q=0.8` is 800; without `q` it is 1000; nonsense is 0.
fn weight(parameters: &str) -> u32 {
    let q = parameters.split(';').find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        name.trim().eq_ignore_ascii_case("q").then_some(value.trim())
    });
    let Some(q) = q else { return 1000 };
    let (whole, fraction) = q.split_once('.').unwrap_or((q, ""));
    let thousandths = format!("{fraction:0<3}").parse::<u32>();
    match (whole, thousandths) {
        ("1", Ok(0)) => 1000,
        ("0", Ok(n)) if fraction.len() <= 3 => n,
        _ => 0,
    }
}

/// Whether `If-None-Match` names this tag (RFC 9110 §13.1.2: weak comparison). `tag` with its quotes.
pub(crate) fn has_it_already(headers: &HeaderMap, tag: &str) -> bool {
    let lines = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|item| item == "*" || item.strip_prefix("W/").unwrap_or(item) == tag)
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn with(name: http::HeaderName, value: &'static str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_static(value))])
    }

    #[test]
    fn the_clients_weights_decide_then_our_order() {
        let check = |accept: &'static str, expected: Coding| {
            assert_eq!(coding(&with(ACCEPT_ENCODING, accept), |_| true), expected, "{accept}");
        };
        check("gzip, deflate, br, zstd", Coding::Brotli);
        check("gzip, deflate", Coding::Gzip);
        check("x-gzip", Coding::Gzip);
        check("GZip;Q=0.5", Coding::Gzip);
        check("br;q=0.5, gzip;q=0.8", Coding::Gzip);
        check("br;q=0, gzip;q=0", Coding::Identity);
        check("br;q=0.001, gzip;q=0.002, identity;q=0.003", Coding::Identity);
        check("*", Coding::Brotli);
        check("*;q=0.5, gzip", Coding::Gzip);
        check("*;q=0", Coding::Identity);
        check("br;q=2, gzip;q=x, identity;q=0", Coding::Identity);
        check("", Coding::Identity);
        check("deflate", Coding::Identity);
        assert_eq!(coding(&HeaderMap::new(), |_| true), Coding::Identity);
    }

    #[test]
    fn a_coding_we_have_not_is_passed_over() {
        let accept = with(ACCEPT_ENCODING, "br, gzip");
        assert_eq!(coding(&accept, |coding| coding != Coding::Brotli), Coding::Gzip);
        assert_eq!(coding(&accept, |coding| coding == Coding::Identity), Coding::Identity);
    }

    #[test]
    fn a_tag_is_found_in_a_list_weak_or_strong() {
        let check = |value: &'static str, expected: bool| {
            assert_eq!(has_it_already(&with(IF_NONE_MATCH, value), "\"a-br\""), expected, "{value}");
        };
        check("\"a-br\"", true);
        check("W/\"a-br\"", true);
        check("\"x\", \"a-br\"", true);
        check("*", true);
        check("\"a\"", false);
        check("a-br", false);
    }
}
