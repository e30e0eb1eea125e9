//! Reading the route out of `JSESSIONID`: pure, no allocation on the usual path.
//!
//! The node appends `.<route>` to the session id; a request that shows it goes back to that node. The cookie
//! counts before the path parameter. Called by `admit` (path) and `forward` (cookie). Never judges whether
//! the session exists: that is the node's business.

use http::HeaderMap;
use http::header::COOKIE;

const COOKIE_NAME: &str = "JSESSIONID";
const PATH_PARAMETER: &str = ";jsessionid=";

/// The routes named by `JSESSIONID` cookies, in the order sent. A browser may send several (one each path and
/// host), of which one may name a node of another cluster; the caller takes the first it knows.
pub(crate) fn routes_in_cookies(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().strip_prefix(COOKIE_NAME)?.trim_start().strip_prefix('='))
        .filter_map(|id| route_of(id.trim().trim_matches('"')))
}

/// What follows the last dot of a session id; none without a dot or with nothing behind it.
pub(crate) fn route_of(session_id: &str) -> Option<&str> {
    session_id.rsplit_once('.').map(|(_, route)| route).filter(|route| !route.is_empty())
}

/// A path without its session id.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unmarked {
    /// The path to forward.
    pub(crate) path: String,
    /// The route of the session id that was taken out.
    pub(crate) route: Option<String>,
}

/// Takes `;jsessionid=…` out of a path (no query), wherever in the path it stands; `None` if there is none.
///
/// It is taken out because servlet containers did so before the application saw the path: nodes match paths
/// and derive resource names from them. It also keeps session ids out of every log on the way.
pub(crate) fn take_from_path(path: &str) -> Option<Unmarked> {
    let (before, mut marked) = before_parameter(path)?;
    let mut kept = String::with_capacity(path.len());
    kept.push_str(before);
    let mut route = None;
    loop {
        let (id, after) = marked.split_at(marked.find(['/', ';']).unwrap_or(marked.len()));
        route = route.or_else(|| route_of(id).map(str::to_owned));
        // What follows begins with `/` or `;`, so joining the parts never spells the parameter anew.
        match after.split_once(PATH_PARAMETER) {
            Some((between, next)) => {
                kept.push_str(between);
                marked = next;
            }
            None => {
                kept.push_str(after);
                return Some(Unmarked { path: kept, route });
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
        routes_in_cookies(&headers).map(str::to_owned).collect()
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
                expected.map(|(path, route)| Unmarked { path: path.into(), route: route.map(str::to_owned) });
            assert_eq!(take_from_path(path), expected, "{path}");
        };
        check("/ajax/login", None);
        check("/ajax/login;jsessionid=abc.OX-1", Some(("/ajax/login", Some("OX-1"))));
        check("/ajax;jsessionid=abc.OX-1/login", Some(("/ajax/login", Some("OX-1"))));
        check("/ajax/login;jsessionid=abc", Some(("/ajax/login", None)));
        check("/ajax/login;jsessionid=", Some(("/ajax/login", None)));
        check("/a;v=1;jsessionid=x.B;w=2", Some(("/a;v=1;w=2", Some("B"))));
        check("/a;jsessionid=x;jsessionid=y.B", Some(("/a", Some("B"))));
        check("/a;jsession;jsessionid=x.A;id=id=y.B", Some(("/a;jsession;id=id=y.B", Some("A"))));
        check("/a;jsess;jsessionid=x.Aionid=y.B", Some(("/a;jsess", Some("B"))));
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
