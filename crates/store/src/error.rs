//! What can go wrong with a database, sorted by what the caller can do about it.

use zebu_cluster::Outcome;

/// Result of a store function.
pub type Result<T> = std::result::Result<T, Error>;

/// A failure of storage. None of these is a refusal: whether something is allowed is decided elsewhere.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No connection, no write lock or no lock on a row within the configured wait. Trying again later may succeed.
    #[error("no connection to {database}, or no lock in it, within {waited_ms} ms")]
    Busy {
        /// The database.
        database: String,
        /// How long the request waited.
        waited_ms: u64,
    },
    /// The database cannot be opened or does not answer.
    #[error("{database} is not available: {reason}")]
    Unavailable {
        /// The database.
        database: String,
        /// The engine's words.
        reason: String,
    },
    /// The answer to a commit was lost: what the transaction wrote may be there, whole, or not. Never tried again by itself.
    #[error("{database} did not confirm a commit, which may have happened: {reason}")]
    InDoubt {
        /// The database.
        database: String,
        /// What came instead of the answer.
        reason: String,
    },
    /// A unique key of the table is taken.
    #[error("duplicate key in {table}")]
    Duplicate {
        /// The table that was written to.
        table: &'static str,
    },
    /// The database let another transaction go first (a deadlock). Nothing was written: start over.
    #[error("another transaction was in the way")]
    Contended,
    /// What was read on a replica has changed since, and the rest has to be read on the master: start over.
    #[error("what a replica answered has changed since")]
    Overtaken,
    /// A replica failed in the middle of a read: start over. The request is answered by the master from then on.
    #[error("a replica failed in the middle of a read: {reason}")]
    ReplicaFailed {
        /// The engine's words.
        reason: String,
    },
    /// A store function read from a replica without saying which scope it reads: a defect, and the reason why nothing is
    /// answered.
    #[error("a read of {table} on a replica did not say which scope it is of")]
    Unnamed {
        /// The table.
        table: &'static str,
    },
    /// What the write relied on has changed since it was read (P2): fetch it again and start over.
    #[error("what the write relied on has changed")]
    Stale,
    /// What went since the version that was asked for is not known any more (see `shard::tombstones`).
    #[error("what went since that version is not known any more")]
    Forgotten,
    /// A row holds what no version of this program wrote.
    #[error("corrupt row in {table}: {detail}")]
    Corrupt {
        /// The table or statement.
        table: &'static str,
        /// What was wrong.
        detail: String,
    },
    /// A store function changed a scope that its transaction did not name at the start: a defect, and the
    /// reason why nothing of the transaction is committed.
    #[error("a write touched the scope {0:?}, which its transaction did not name")]
    Undeclared(zebu_model::Scope),
    /// The schema is newer than this program: an older binary must not write to it.
    #[error(
        "{database} has schema version {found}, this program knows up to {known}: start the newer program"
    )]
    SchemaNewer {
        /// The database.
        database: String,
        /// Its version.
        found: i64,
        /// The newest this program knows.
        known: i64,
    },
    /// A statement failed in a way nobody planned for.
    #[error("statement failed: {reason} (in: {sql})")]
    Statement {
        /// The statement, without its values.
        sql: String,
        /// The engine's words.
        reason: String,
    },
    /// The context does not live where it was looked for, or is just leaving: find out where it lives now.
    #[error("context {0} does not live in this database")]
    Moved(zebu_model::ContextId),
    /// The context has been deleted since its place was looked up; another may have its id.
    #[error("context {0} does not exist any more")]
    Gone(zebu_model::ContextId),
    /// The context was disabled since its place was looked up: nothing is written in it for its users.
    #[error("context {0} is disabled")]
    Disabled(zebu_model::ContextId),
    /// A password can neither be sealed nor opened.
    #[error("a database's password: {reason}")]
    Secret {
        /// What is missing or wrong.
        reason: String,
    },
    /// A database server that configdb does not know (any more).
    #[error("database {0} is not registered")]
    Unregistered(i64),
    /// A URL that leads to no database.
    #[error("the database URL {url:?} is not usable: {reason}")]
    Url {
        /// The URL, without credentials.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
}

impl Error {
    /// How a commit ended, by its answer.
    pub(crate) fn outcome(answer: &Result<()>, version: i64) -> Outcome {
        match answer {
            Ok(()) => Outcome::Committed(version),
            Err(Error::InDoubt { .. }) => Outcome::InDoubt,
            Err(_) => Outcome::Aborted,
        }
    }

    /// Whether a unique key of `table` was taken.
    #[must_use]
    pub fn is_duplicate_in(&self, table: &str) -> bool {
        matches!(self, Error::Duplicate { table: found } if *found == table)
    }

    /// For rows that whoever comes first makes: one that somebody else made meanwhile is a reason to start over.
    pub(crate) fn of_first_comer(self) -> Error {
        if matches!(self, Error::Duplicate { .. }) { Error::Contended } else { self }
    }

    /// For a row of `table` that was looked for before it was made: one that came between is a reason to look again.
    #[must_use]
    pub fn started_over_if_duplicate_in(self, table: &str) -> Error {
        if self.is_duplicate_in(table) { Error::Contended } else { self }
    }

    /// Whether to start over at once: the ground moved, or somebody was in the way; nothing was written.
    #[must_use]
    pub fn asks_to_start_over(&self) -> bool {
        matches!(self, Error::Stale | Error::Contended | Error::Overtaken | Error::ReplicaFailed { .. })
    }

    /// Whether the same request may succeed in a moment.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Error::Busy { .. }
                | Error::Unavailable { .. }
                | Error::Stale
                | Error::Contended
                | Error::Overtaken
                | Error::ReplicaFailed { .. }
                | Error::Moved(_)
        )
    }
}
