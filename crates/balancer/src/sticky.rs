//! Finding a session's id, and in it the route: pure, no allocation on the usual path.
//!
//! The node appends `.<route>` to the session id; a request that shows it goes back to that node. The parameter of the
//! address counts before the cookie. Called by `admit` (path) and `forward`. Never judges whether the session exists: that
//! is the node's business.

use http::HeaderMap;
use http::header::COOKIE;

use crate::params::balancer::Sticky;

/// What stands before a session id in a path.
pub(crate) const PATH_PARAMETER: &str = ";jsessionid=";

/// The session ids in cookies of this name, in the order sent. A browser may send several (one each path and host), of
/// which one may name a node of another cluster; the caller takes the first whose route it knows.
pub(crate) fn ids_in_cookies<'a>(headers: &'a HeaderMap, name: &'a str) -> impl Iterator<Item = &'a str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(move |pair| id_in_pair(pair.trim(), name))
}

/// The session id in `name=value` of a cookie of this name.
pub(crate) fn id_in_pair<'a>(pair: &'a str, name: &str) -> Option<&'a str> {
    let value = pair.strip_prefix(name)?.trim_start().strip_prefix('=')?;
    Some(value.trim().trim_matches('"'))
}

/// The session id in a parameter of this name, wherever in the path or the query it stands; as mod_proxy_balancer finds
/// it.
pub(crate) fn id_in_target<'a>(target: &'a str, sticky: &Sticky) -> Option<&'a str> {
    let mut rest = target;
    loop {
        let (_, after) = rest.split_once(sticky.parameter.as_str())?;
        if let Some(id) = after.strip_prefix('=') {
            let ends = |c: char| c == '?' || c == '&' || (sticky.semicolon_ends && c == ';');
            return id.split(ends).next().filter(|id| !id.is_empty());
        }
        rest = after;
    }
}

/// The route in a session id: what follows the last separator. Apache looks behind the first; as no route has one in it,
/// what is a route there is one here too.
pub(crate) fn route_of(session_id: &str, separator: Option<char>) -> Option<&str> {
    let route = match separator {
        Some(separator) => session_id.rsplit_once(separator).map(|(_, route)| route)?,
        None => session_id,
    };
    Some(route).filter(|route| !route.is_empty())
}

/// A path without its session id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unmarked {
    /// The path to forward.
    pub(crate) path: String,
    /// The session id that was taken out; of several the first that has a route, else the first.
    pub(crate) id: Option<String>,
}

/// Takes `;jsessionid=…` out of a path (no query), wherever in the path it stands; `None` if there is none.
///
/// It is taken out because servlet containers did so before the application saw the path: nodes match paths
/// and derive resource names from them. It also keeps session ids out of every log on the way.
pub(crate) fn take_from_path(path: &str) -> Option<Unmarked> {
    let (before, mut marked) = before_parameter(path)?;
    let mut kept = String::with_capacity(path.len());
    kept.push_str(before);
    let (mut found, mut first) = (None, None);
    loop {
        let (id, after) = marked.split_at(marked.find(['/', ';']).unwrap_or(marked.len()));
        found = found.or_else(|| route_of(id, Some('.')).map(|_| id));
        first = first.or(Some(id).filter(|id| !id.is_empty()));
        // What follows begins with `/` or `;`, so joining the parts never spells the parameter anew.
        match after.split_once(PATH_PARAMETER) {
            Some((between, next)) => {
                kept.push_str(between);
                marked = next;
            }
            None => {
                kept.push_str(after);
                return Some(Unmarked { path: kept, id: found.or(first).map(str::to_owned) });
            }
        }
    }
}

/// A path up to its session id, and what follows `;jsessionid=`; `None` without one.
pub(crate) fn before_parameter(path: &str) -> Option<(&str, &str)> {
    // Hardly any path has a semicolon, and looking for one byte is much cheaper than looking for a text.
    path.as_bytes().contains(&b';').then(|| path.split_once(PATH_PARAMETER)).flatten()
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    fn routes(cookies: &[&str]) -> Vec<String> {
        let mut headers = HeaderMap::new();
        for line in cookies {
            headers.append(COOKIE, HeaderValue::from_str(line).unwrap());
        }
        let ids = ids_in_cookies(&headers, "JSESSIONID");
        ids.filter_map(|id| route_of(id, Some('.'))).map(str::to_owned).collect()
    }

    #[test]
    fn the_route_is_what_follows_the_last_dot_of_the_cookie() {
        let check =
            |cookies: &[&str], expected: &[&str]| assert_eq!(routes(cookies), expected, "{cookies:?}");
        check(&["JSESSIONID=abc.OX-1"], &["OX-1"]);
        check(&["a=b; JSESSIONID=abc.x.OX-2; c=d"], &["OX-2"]);
        check(&["a=b;JSESSIONID=abc.OX-2;c=d"], &["OX-2"]);
        check(&["JSESSIONID=\"abc.OX-1\""], &["OX-1"]);
        check(&["JSESSIONID = abc.OX-1"], &["OX-1"]);
        check(&["JSESSIONID=a.OX-1; JSESSIONID=b.OX-2"], &["OX-1", "OX-2"]);
        check(&["x=1", "JSESSIONID=a.OX-1"], &["OX-1"]);
    }

    #[test]
    fn what_only_looks_like_the_cookie_names_no_route() {
        for line in [
            "",
            "JSESSIONID=abc",
            "JSESSIONID=abc.",
            "JSESSIONID",
            "XJSESSIONID=a.OX-1",
            "JSESSIONIDX=a.OX-1",
            "jsessionid=a.OX-1",
            "a=JSESSIONID.OX-1",
        ] {
            assert_eq!(routes(&[line]), Vec::<String>::new(), "{line}");
        }
    }

    #[test]
    fn the_session_id_is_taken_out_of_the_path() {
        let check = |path: &str, expected: Option<(&str, Option<&str>)>| {
            let expected =
                expected.map(|(path, id)| Unmarked { path: path.into(), id: id.map(str::to_owned) });
            assert_eq!(take_from_path(path), expected, "{path}");
        };
        check("/ajax/login", None);
        check("/ajax/login;jsessionid=abc.OX-1", Some(("/ajax/login", Some("abc.OX-1"))));
        check("/ajax;jsessionid=abc.OX-1/login", Some(("/ajax/login", Some("abc.OX-1"))));
        check("/ajax/login;jsessionid=abc", Some(("/ajax/login", Some("abc"))));
        check("/ajax/login;jsessionid=", Some(("/ajax/login", None)));
        check("/a;v=1;jsessionid=x.B;w=2", Some(("/a;v=1;w=2", Some("x.B"))));
        check("/a;jsessionid=x;jsessionid=y.B", Some(("/a", Some("y.B"))));
        check("/a;jsession;jsessionid=x.A;id=id=y.B", Some(("/a;jsession;id=id=y.B", Some("x.A"))));
        check("/a;jsess;jsessionid=x.Aionid=y.B", Some(("/a;jsess", Some("x.Aionid=y.B"))));
    }

    #[test]
    fn a_parameter_of_another_name_is_found_in_path_and_query_as_apache_finds_it() {
        let check = |target: &str, semicolon_ends: bool, expected: Option<&str>| {
            let sticky = Sticky { parameter: "sid".into(), semicolon_ends, ..Sticky::default() };
            assert_eq!(id_in_target(target, &sticky), expected, "{target}");
        };
        check("/a;sid=x.B", false, Some("x.B"));
        check("/a;sid=x.B;v=1", false, Some("x.B;v=1"));
        check("/a;sid=x.B;v=1", true, Some("x.B"));
        check("/a?b=1&sid=x.B&c=2", false, Some("x.B"));
        check("/sid/a;sid=x.B?y", false, Some("x.B"));
        check("/a?sid=", false, None);
        check("/sid", false, None);
        check("/a", false, None);
    }

    #[test]
    fn a_separator_may_be_another_or_none() {
        assert_eq!(route_of("x!OX-1", Some('!')), Some("OX-1"));
        assert_eq!(route_of("x.OX-1", Some('!')), None);
        assert_eq!(route_of("OX-1", None), Some("OX-1"));
        assert_eq!(route_of("", None), None);
    }

    proptest! {
        #[test]
        fn no_session_id_survives_in_the_path(path in "(/|;|jsessionid=|a|\\.|;jsessionid=){0,12}") {
            if let Some(unmarked) = take_from_path(&path) {
                prop_assert!(!unmarked.path.contains(PATH_PARAMETER));
            }
        }
    }
}
