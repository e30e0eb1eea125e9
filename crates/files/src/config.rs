//! The store's settings, as they stand in the node's configuration file or in a registered file store's row.
//!
//! Read by the binary and by `app`; must never hold a default that loses data.

use std::path::PathBuf;

use percent_encoding::percent_decode_str;

use crate::error::{Error, Result};

/// Where contents are kept and how carefully.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `file:///directory` (or `file:/directory`), percent-encoded, absolute, the same content on every node.
    /// The last directory of the path is created if it is missing; the ones above it are not, so that a mount
    /// that is not there is noticed.
    pub url: String,
    /// Whether a content and its name are on the disk (with NFS: on the server's) before its upload is
    /// answered. Default true. False is some ten times faster for small files on a local disk and loses
    /// answered uploads in a power failure.
    #[serde(default = "fsync_default")]
    pub fsync: bool,
    /// The most operations that wait for this store's disk at one time, 1 or more. Default 64. Bounds the
    /// threads that a file server that hangs can hold.
    #[serde(default = "jobs_max_default")]
    pub jobs_max: usize,
    /// How long, in milliseconds, an operation waits for one of those places before it fails as unavailable.
    /// Default 10,000.
    #[serde(default = "wait_ms_max_default")]
    pub wait_ms_max: u64,
}

fn fsync_default() -> bool {
    true
}

fn jobs_max_default() -> usize {
    64
}

fn wait_ms_max_default() -> u64 {
    10_000
}

impl Config {
    /// The defaults, for the store at `url`.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            fsync: fsync_default(),
            jobs_max: jobs_max_default(),
            wait_ms_max: wait_ms_max_default(),
        }
    }

    /// Whether the URL can name a file store at all. Looks at no disk.
    ///
    /// # Errors
    /// [`Error::Config`], which says what is wrong with it.
    pub fn check(&self) -> Result<()> {
        self.directory().map(drop)
    }

    /// The directory that the URL names.
    ///
    /// # Errors
    /// [`Error::Config`] if the scheme is not `file`, a host other than `localhost` is named, or the path is
    /// relative or not UTF-8.
    pub(crate) fn directory(&self) -> Result<PathBuf> {
        let refuse = |why| Error::Config(format!("file store url {:?}: {why}", self.url));
        let rest =
            self.url.strip_prefix("file:").ok_or_else(|| refuse("only file:///directory is supported"))?;
        let path = match rest.strip_prefix("//") {
            Some(rest) => rest.strip_prefix("localhost").unwrap_or(rest),
            None => rest,
        };
        if !path.starts_with('/') {
            return Err(refuse("the path must be absolute and on this machine, as in file:///srv/files"));
        }
        let path = percent_decode_str(path).decode_utf8().map_err(|_| refuse("the path is not UTF-8"))?;
        if path.contains('\0') {
            return Err(refuse("the path holds a NUL"));
        }
        Ok(PathBuf::from(path.as_ref()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_alone_is_a_whole_configuration() {
        let config: Config = toml::from_str("url = 'file:///srv/files'").unwrap();
        assert_eq!(config, Config::new("file:///srv/files"));
        assert!(config.fsync);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = toml::from_str::<Config>("url = 'file:///srv/files'\nfsnyc = false").unwrap_err();
        assert!(error.to_string().contains("fsnyc"), "{error}");
    }

    #[test]
    fn urls_name_absolute_directories_of_this_machine() {
        let check = |url: &str, expected: Option<&str>| {
            assert_eq!(Config::new(url).directory().ok(), expected.map(PathBuf::from), "{url}");
        };
        check("file:///srv/files", Some("/srv/files"));
        check("file:/srv/files", Some("/srv/files"));
        check("file://localhost/srv/files", Some("/srv/files"));
        check("file:///srv/with%20space", Some("/srv/with space"));
        check("file://other/srv/files", None);
        check("file:srv/files", None);
        check("file://", None);
        check("file:///%ff", None);
        check("file:///%00", None);
        check("/srv/files", None);
        check("s3://bucket", None);
    }
}
