//! The names in a certificate: of the cluster and of the node, in one URI among its alternative names.
//!
//! `zebu://oxserver/OX-1`. Chosen over a DNS name because a node's name is none: it may have capitals and underscores, and
//! nobody resolves it.

use std::fmt;
use std::sync::Arc;

use super::{Error, Result};

/// Bytes of a cluster's or node's name, at most.
pub const NAME_BYTES_MAX: usize = 64;
const SCHEME: &str = "zebu://";

/// The name of a cluster or a node: 1 to 64 letters, digits, `-`, `_`, `.`, the first a letter or a digit. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// Checks a name. `field` says in the error which one it is.
    ///
    /// # Errors
    /// [`Error::Name`].
    pub fn new(field: &'static str, name: &str) -> Result<Self> {
        let first = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
        let all = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
        if first && all && name.len() <= NAME_BYTES_MAX {
            Ok(Self(name.into()))
        } else {
            Err(Error::Name { field, name: name.chars().take(2 * NAME_BYTES_MAX).collect() })
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The URI that stands for a node of a cluster in its certificate.
pub(super) fn uri(cluster: &Name, node: &Name) -> String {
    format!("{SCHEME}{cluster}/{node}")
}

/// Cluster and node of such a URI.
pub(super) fn parse(uri: &str) -> Option<(Name, Name)> {
    let (cluster, node) = uri.strip_prefix(SCHEME)?.split_once('/')?;
    Some((Name::new("cluster", cluster).ok()?, Name::new("node", node).ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_be_misread_are_refused() {
        for good in ["OX-1", "a", "9_lives", "node.example.org", &"x".repeat(NAME_BYTES_MAX)] {
            assert!(Name::new("name", good).is_ok(), "{good}");
        }
        for bad in ["", "-x", ".x", "a b", "a/b", "ä", "a\nb", "../x", &"x".repeat(NAME_BYTES_MAX + 1)] {
            let error = Name::new("name", bad).unwrap_err().to_string();
            assert!(error.starts_with("name \"") && error.contains("1 to 64"), "{error}");
        }
    }

    #[test]
    fn a_uri_gives_both_names_back_and_nothing_else_does() {
        let name = |text| Name::new("name", text).unwrap();
        let whole = uri(&name("oxserver"), &name("OX-1"));
        assert_eq!(parse(&whole), Some((name("oxserver"), name("OX-1"))));
        for other in ["zebu://oxserver", "http://oxserver/OX-1", "zebu://a/b/c", "zebu:///b"] {
            assert_eq!(parse(other), None, "{other}");
        }
    }
}
