//! What can go wrong in the store: few kinds, each with a sentence that may be shown to a user.
//!
//! `Display` is the outside sentence, without paths or keys; the chain of `source()` is for the log. Made
//! throughout this crate, mapped to answers by `app`; a [`Error::Config`] is for the operator and names the
//! path.

use std::io;
use std::path::{Path, PathBuf};

use crate::key::Key;

/// The result of everything the store does.
pub type Result<T> = std::result::Result<T, Error>;

/// A cause of any kind, for the log.
pub type BoxedError = Box<dyn std::error::Error + Send + Sync>;

/// Why the store did not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no content under the key.
    #[error("The content of the file is missing in the file store.")]
    Missing {
        /// The key that was asked for.
        key: Key,
    },
    /// There already is content under the key of an upload; it was left alone. A defect of the caller: keys
    /// are used once.
    #[error("The file store holds a file of this name already.")]
    Exists {
        /// The key that was written twice.
        key: Key,
    },
    /// The disk is full, or the quota of the system's user on it. Nothing was stored.
    #[error("The file store is full.")]
    Full {
        /// What the system said.
        source: BoxedError,
    },
    /// The store did not answer in time, or with an error that may pass. After an upload's `finish` the
    /// content may or may not be stored: delete the key and start over with another.
    #[error("The file store is not available at the moment.")]
    Unavailable {
        /// What the system said.
        source: BoxedError,
    },
    /// More bytes were written than the upload may have. Nothing was stored.
    #[error("The file is larger than the {limit} bytes allowed.")]
    TooLarge {
        /// The most bytes this upload may have.
        limit: u64,
    },
    /// A range was asked for that the content does not have.
    #[error("The file has only {size} bytes.")]
    OutOfRange {
        /// The key that was asked for.
        key: Key,
        /// Bytes of the content.
        size: u64,
    },
    /// The content ended before its size: it was cut off while it was read.
    #[error("The content of the file is damaged.")]
    Corrupt {
        /// The key of the damaged content.
        key: Key,
    },
    /// The upload failed before, or one of its writes was given up half-way: what it would store has a hole.
    #[error("The upload was interrupted.")]
    Interrupted {
        /// The key of the upload.
        key: Key,
    },
    /// The store cannot be opened as configured; the text names the setting or the path.
    #[error("{0}")]
    Config(String),
}

/// What was tried on which path, and what the system said.
#[derive(Debug, thiserror::Error)]
#[error("cannot {action} {}", path.display())]
pub struct Failure {
    action: &'static str,
    path: PathBuf,
    source: io::Error,
}

impl Error {
    /// The error of a system call on the content of `key`.
    pub(crate) fn of_key(key: Key, action: &'static str, path: &Path, source: io::Error) -> Self {
        match source.kind() {
            io::ErrorKind::NotFound => Self::Missing { key },
            _ => Self::of_path(action, path, source),
        }
    }

    /// The error of a system call on a path of the store.
    pub(crate) fn of_path(action: &'static str, path: &Path, source: io::Error) -> Self {
        let kind = source.kind();
        Self::of_kind(Some(kind), Box::new(Failure { action, path: path.to_owned(), source }))
    }

    /// The error of a write through `object_store`, which wraps the system's.
    pub(crate) fn of_write(source: object_store::Error) -> Self {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(&source);
        let mut kind = None;
        while let Some(error) = cause {
            kind = error.downcast_ref::<io::Error>().map(io::Error::kind).or(kind);
            cause = error.source();
        }
        Self::of_kind(kind, Box::new(source))
    }

    /// The error of a job that ended without a result: it panicked, or the runtime shuts down.
    pub(crate) fn of_job(source: tokio::task::JoinError) -> Self {
        Self::Unavailable { source: Box::new(source) }
    }

    fn of_kind(kind: Option<io::ErrorKind>, source: BoxedError) -> Self {
        match kind {
            Some(io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) => Self::Full { source },
            _ => Self::Unavailable { source },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_write(kind: io::ErrorKind) -> Error {
        Error::of_write(object_store::Error::Generic {
            store: "test",
            source: Box::new(io::Error::from(kind)),
        })
    }

    #[test]
    fn a_full_disk_is_told_from_other_trouble() {
        assert!(matches!(of_write(io::ErrorKind::StorageFull), Error::Full { .. }));
        assert!(matches!(of_write(io::ErrorKind::QuotaExceeded), Error::Full { .. }));
        assert!(matches!(of_write(io::ErrorKind::StaleNetworkFileHandle), Error::Unavailable { .. }));
        let path = Path::new("/store");
        let full = Error::of_path("write", path, io::ErrorKind::StorageFull.into());
        assert!(matches!(full, Error::Full { .. }));
    }

    #[test]
    fn the_outside_sentence_has_no_path_and_the_cause_has_it() {
        let error =
            Error::of_path("open", Path::new("/secret/place"), io::ErrorKind::PermissionDenied.into());
        assert_eq!(error.to_string(), "The file store is not available at the moment.");
        let cause = std::error::Error::source(&error).unwrap();
        assert_eq!(cause.to_string(), "cannot open /secret/place");
        assert_eq!(cause.source().unwrap().to_string(), "permission denied");
    }
}
