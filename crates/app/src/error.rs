//! What a use case can answer instead of a result.

use std::error::Error as _;

use zebu_model::{Category, Refusal};

/// Result of a use case.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a use case did not do what it was asked. [`std::fmt::Display`] is the sentence for the outside; the causes are for the log.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It is not allowed, or the input is wrong: an answer, not a failure.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// A database failed.
    #[error("{}", store_sentence(.0))]
    Store(#[source] zebu_store::Error),
    /// The file store failed.
    #[error(transparent)]
    Files(zebu_files::Error),
    /// A defect, or a machine without the means to work.
    #[error("An internal error happened. It has been logged.")]
    Internal(String),
}

fn store_sentence(error: &zebu_store::Error) -> &'static str {
    match error {
        // Not "try again": that might do it twice.
        zebu_store::Error::InDoubt { .. } => {
            "The database did not confirm the change. It may have been saved or not: please look before you repeat it."
        }
        error if error.is_transient() => {
            "The database is busy or not reachable at the moment. Please try again."
        }
        _ => "An internal error happened. It has been logged.",
    }
}

impl From<zebu_store::Error> for Error {
    fn from(error: zebu_store::Error) -> Error {
        match error {
            zebu_store::Error::Disabled(_) => Refusal::SessionContextDisabled {}.into(),
            zebu_store::Error::Gone(_) => Refusal::SessionExpired {}.into(),
            zebu_store::Error::Forgotten => Refusal::SyncStartOver {}.into(),
            other => Error::Store(other),
        }
    }
}

impl From<zebu_files::Error> for Error {
    fn from(error: zebu_files::Error) -> Error {
        match error {
            zebu_files::Error::TooLarge { limit } => Refusal::FileTooLarge { limit_bytes: limit }.into(),
            other => Error::Files(other),
        }
    }
}

impl Error {
    /// The stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Error::Refused(refusal) => refusal.code(),
            Error::Store(error) if error.is_transient() => "DBP-0001",
            Error::Store(zebu_store::Error::InDoubt { .. }) => "DBP-0003",
            Error::Store(_) => "DBP-0002",
            Error::Files(_) => "FLS-0001",
            Error::Internal(_) => "SVL-0011",
        }
    }

    /// The kind of answer.
    #[must_use]
    pub fn category(&self) -> Category {
        match self {
            Error::Refused(refusal) => refusal.category(),
            Error::Store(error) if error.is_transient() => Category::TryAgain,
            Error::Files(zebu_files::Error::Full { .. }) => Category::Capacity,
            Error::Files(_) => Category::ServiceDown,
            Error::Store(_) | Error::Internal(_) => Category::Error,
        }
    }

    /// Whether this is an answer (a refusal) rather than a failure.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        matches!(self, Error::Refused(_))
    }

    /// Whether the same request may succeed in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Error::Store(error) => error.is_transient(),
            Error::Files(error) => matches!(error, zebu_files::Error::Unavailable { .. }),
            Error::Refused(_) | Error::Internal(_) => false,
        }
    }

    /// All causes, for the log.
    #[must_use]
    pub fn cause_chain(&self) -> String {
        let mut text = match self {
            Error::Store(error) => return error.to_string(),
            Error::Internal(reason) => return reason.clone(),
            other => other.to_string(),
        };
        let mut cause = self.source();
        while let Some(error) = cause {
            text.push_str(": ");
            text.push_str(&error.to_string());
            cause = error.source();
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_commit_in_doubt_is_told_as_what_it_is_and_not_to_be_tried_again() {
        let doubt = || zebu_store::Error::InDoubt { database: "db".to_owned(), reason: "silence".to_owned() };
        let error = Error::from(doubt());
        assert!(!error.is_transient() && !doubt().asks_to_start_over());
        assert_eq!((error.code(), error.category()), ("DBP-0003", Category::Error));
        assert!(error.to_string().contains("may have been saved or not"), "{error}");
        assert!(error.cause_chain().contains("silence"), "{}", error.cause_chain());
    }
}
