//! The one table of which paths belong to the nodes; everything else is the web client's own files.
//!
//! Pure. Asked once a request by `tier`. Prefixes match whole path components only, on the path as it was
//! sent: a percent-encoded spelling of a node's path is not a node's path.

use http::Method;

/// Who answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    /// One of the members.
    Node,
    /// The web client's files, from memory.
    Assets,
}

/// Everything below these is a node's (and the path itself).
pub(crate) const NODE_PATHS: [&str; 10] = [
    "/ajax",
    "/infostore",
    "/servlet",
    "/caldav",
    "/carddav",
    "/.well-known/caldav",
    "/.well-known/carddav",
    "/axis2",
    "/webservices",
    "/publications",
];

/// ActiveSync is one resource, not a tree.
const ACTIVE_SYNC: &str = "/Microsoft-Server-ActiveSync";

/// Decides who answers `method path`. `path` has no query.
pub(crate) fn target(method: &Method, path: &str) -> Target {
    if path == ACTIVE_SYNC || NODE_PATHS.iter().any(|prefix| is_at_or_below(path, prefix)) {
        return Target::Node;
    }
    // Windows asks the root what the server can do before it opens a WebDAV folder below it.
    if path == "/" && (method == Method::OPTIONS || method.as_str() == "PROPFIND") {
        return Target::Node;
    }
    Target::Assets
}

/// Whether errors for this path are given in the JSON envelope of the HTTP API.
pub(crate) fn speaks_json(path: &str) -> bool {
    is_at_or_below(path, "/ajax")
}

fn is_at_or_below(path: &str, prefix: &str) -> bool {
    path.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &str, path: &str, expected: Target) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        assert_eq!(target(&method, path), expected, "{method} {path}");
    }

    #[test]
    fn every_service_of_the_nodes_goes_to_a_node() {
        for path in [
            "/ajax/login",
            "/ajax/infostore/a.txt",
            "/infostore",
            "/infostore/",
            "/infostore/My%20files/a.txt",
            "/servlet/dav/caldav/33",
            "/caldav",
            "/caldav/",
            "/carddav/x.vcf",
            "/.well-known/caldav",
            "/.well-known/carddav",
            "/axis2/services/OXContextService",
            "/webservices/OXUserService",
            "/publications/files/abc",
            "/Microsoft-Server-ActiveSync",
        ] {
            for method in ["GET", "POST", "PROPFIND", "OPTIONS"] {
                check(method, path, Target::Node);
            }
        }
    }

    #[test]
    fn everything_else_is_the_web_client() {
        for path in [
            "/",
            "/index.html",
            "/assets/index-1.js",
            "/files/12",
            "/ajaxx/login",
            "/infostoreless",
            "/Microsoft-Server-ActiveSync/x",
            "/.well-known/acme",
            "/%61jax/login",
            "/x/ajax/login",
            "*",
        ] {
            check("GET", path, Target::Assets);
        }
    }

    #[test]
    fn only_the_questions_of_webdav_clients_at_the_root_go_to_a_node() {
        check("OPTIONS", "/", Target::Node);
        check("PROPFIND", "/", Target::Node);
        check("POST", "/", Target::Assets);
        check("OPTIONS", "/index.html", Target::Assets);
    }
}
