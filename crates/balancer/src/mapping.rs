//! Which paths belong to which balancer, when the configuration says so; else `routes` knows.
//!
//! Pure. As in Apache, the first that fits counts, prefixes fit whole parts of a path only, and `!` means that a path
//! belongs to none. Asked once a request by `tier`.

use http::uri::PathAndQuery;
use http::{Method, Uri};
use regex::bytes::{Regex, RegexBuilder};

use crate::routes::{Target, target};

/// Longest compiled form of a pattern, bytes.
const PATTERN_BYTES_MAX: usize = 1024 * 1024;

/// A line of the table.
#[derive(Debug, Clone)]
pub(crate) struct Mapping {
    pub(crate) from: From,
    /// None: such paths belong to no balancer.
    pub(crate) to: Option<To>,
}

/// The paths that a line is about.
#[derive(Debug, Clone)]
pub(crate) enum From {
    /// At or below this one.
    Prefix(String),
    /// Those that match.
    Pattern(Regex),
}

/// Where they go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct To {
    /// Place of the balancer in the configuration.
    pub(crate) balancer: usize,
    /// What stands for the prefix there; for a pattern with `$1` and so on for its groups.
    pub(crate) path: String,
}

impl From {
    /// A regular expression as in `ProxyPassMatch`.
    ///
    /// # Errors
    /// It is none, or too large.
    pub(crate) fn pattern(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).unicode(false).size_limit(PATTERN_BYTES_MAX).build();
        built.map(Self::Pattern).map_err(|error| format!("\"{text}\" is no regular expression: {error}"))
    }
}

/// The whole table.
#[derive(Debug, Clone)]
pub(crate) enum Mappings {
    /// The paths of our nodes, all to the first balancer.
    Nodes,
    /// These lines, in their order.
    Listed(Vec<Mapping>),
}

/// Who answers a path.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) balancer: usize,
    /// The path there, if it is another.
    pub(crate) path: Option<String>,
}

impl Mappings {
    /// The balancer of a path (no query); none if the web client's files are asked for.
    pub(crate) fn find(&self, method: &Method, path: &str) -> Option<Found> {
        match self {
            Self::Nodes => {
                (target(method, path) == Target::Node).then_some(Found { balancer: 0, path: None })
            }
            Self::Listed(lines) => lines.iter().find_map(|line| line.find(path)).flatten(),
        }
    }

    /// Whether anything at or below a path goes to a balancer.
    pub(crate) fn serves(&self, path: &str) -> bool {
        self.find(&Method::GET, path).is_some()
    }
}

impl Mapping {
    /// None if it is not about this path; `Some(None)` if the path belongs to no balancer.
    fn find(&self, path: &str) -> Option<Option<Found>> {
        let path = match &self.from {
            From::Prefix(prefix) => {
                let rest = below(path, prefix)?;
                self.to.as_ref().map(|to| (to, (to.path != *prefix).then(|| join(&to.path, rest))))
            }
            From::Pattern(pattern) => {
                let groups = pattern.captures(path.as_bytes())?;
                self.to.as_ref().map(|to| {
                    let mut expanded = Vec::new();
                    groups.expand(to.path.as_bytes(), &mut expanded);
                    let expanded = String::from_utf8_lossy(&expanded).into_owned();
                    (to, (expanded != path).then_some(expanded))
                })
            }
        };
        Some(path.map(|(to, path)| Found { balancer: to.balancer, path }))
    }
}

/// What follows a prefix that fits whole parts: `/a` fits `/a` and `/a/b`, not `/ab`.
fn below<'a>(path: &'a str, prefix: &str) -> Option<&'a str> {
    let rest = path.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/') || prefix.ends_with('/')).then_some(rest)
}

fn join(prefix: &str, rest: &str) -> String {
    let rest = if prefix.ends_with('/') { rest.strip_prefix('/').unwrap_or(rest) } else { rest };
    let joined = format!("{prefix}{rest}");
    if joined.starts_with('/') { joined } else { format!("/{joined}") }
}

/// A request's target with another path; the query stays. None if it is no target any more.
pub(crate) fn rewritten(uri: &Uri, path: &str) -> Option<Uri> {
    let target = match uri.query() {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    PathAndQuery::try_from(target).ok().map(Uri::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(from: &str, to: Option<(usize, &str)>) -> Mapping {
        let to = to.map(|(balancer, path)| To { balancer, path: path.to_owned() });
        Mapping { from: From::Prefix(from.to_owned()), to }
    }

    /// A balancer, and the path there if it is another.
    type Expected<'a> = Option<(usize, Option<&'a str>)>;

    fn check(lines: Vec<Mapping>, expected: &[(&str, Expected<'_>)]) {
        let mappings = Mappings::Listed(lines);
        for (path, expected) in expected {
            let expected = expected.map(|(balancer, path)| Found { balancer, path: path.map(str::to_owned) });
            assert_eq!(mappings.find(&Method::GET, path), expected, "{path}");
        }
    }

    #[test]
    fn the_first_prefix_that_fits_whole_parts_counts() {
        let lines = vec![
            prefix("/ajax/private", None),
            prefix("/ajax", Some((0, "/ajax"))),
            prefix("/tomcat", Some((1, "/examples"))),
            prefix("/x/", Some((1, "/"))),
        ];
        check(
            lines,
            &[
                ("/ajax", Some((0, None))),
                ("/ajax/login", Some((0, None))),
                ("/ajaxx", None),
                ("/ajax/private/a", None),
                ("/ajax/privately", Some((0, None))),
                ("/tomcat/a/b", Some((1, Some("/examples/a/b")))),
                ("/tomcat", Some((1, Some("/examples")))),
                ("/x/y", Some((1, Some("/y")))),
                ("/x", None),
                ("/", None),
            ],
        );
    }

    #[test]
    fn a_root_takes_everything_that_is_not_excluded_before() {
        let lines = vec![prefix("/static", None), prefix("/", Some((0, "/app/")))];
        check(
            lines,
            &[("/static/a", None), ("/", Some((0, Some("/app/")))), ("/a/b", Some((0, Some("/app/a/b"))))],
        );
    }

    #[test]
    fn patterns_exclude_and_rewrite() {
        let pattern = |text: &str, to: Option<(usize, &str)>| Mapping {
            from: From::pattern(text).unwrap(),
            to: to.map(|(balancer, path)| To { balancer, path: path.to_owned() }),
        };
        let lines = vec![
            pattern(r"^/app/.*\.gif$", None),
            pattern(r"^/app/(\d+)/(.*)$", Some((0, "/v$1/$2"))),
            pattern("^/same", Some((0, "/same"))),
        ];
        check(
            lines,
            &[
                ("/app/1/a.gif", None),
                ("/app/17/a.txt", Some((0, Some("/v17/a.txt")))),
                ("/app/x", None),
                ("/same", Some((0, None))),
            ],
        );
        assert!(From::pattern("(").is_err());
        assert!(From::pattern("(((a{1000}){1000}){1000})").is_err(), "no pattern that eats the memory");
    }

    #[test]
    fn the_query_stays_when_the_path_changes() {
        let uri: Uri = "/a/b?c=d".parse().unwrap();
        assert_eq!(rewritten(&uri, "/x/b").unwrap(), "/x/b?c=d");
        assert!(rewritten(&uri, "/x\n").is_none());
    }
}
