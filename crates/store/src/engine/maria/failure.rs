//! What a server's error numbers mean to whoever asked.

use super::Maria;
use crate::error::Error;

impl Maria {
    /// The meaning of an error of a statement.
    pub(super) fn failure(&self, table: &'static str, sql: &str, error: &mysql_async::Error) -> Error {
        let mysql_async::Error::Server(server) = error else {
            return self.gate.unavailable(error.to_string());
        };
        match server.code {
            1062 => Error::Duplicate { table },
            // A row moved, or chosen to give way in a deadlock: nothing was written.
            1020 | 1213 => Error::Contended,
            // Waited for a row as long as anybody may wait: to start over would be to wait as long again.
            1205 => self.busy(),
            // Read-only, shutting down, too many connections, killed, access or schema refused.
            1290 | 1792 | 1836 | 1053 | 1040 | 1927 | 1045 | 1044 | 1049 |
            // Took longer than `statement_ms_max`, as MariaDB and as MySQL say it.
            1969 | 3024 => self.gate.unavailable(server.message.clone()),
            _ => Error::Statement { sql: sql.to_owned(), reason: server.to_string() },
        }
    }

    /// The meaning of an error of `COMMIT`: only a few of them say that nothing was written.
    pub(super) fn commit_failure(&self, error: &mysql_async::Error) -> Error {
        const NOTHING_WRITTEN: [u16; 6] = [
            1213, // chosen to give way (a cluster decides that at the end)
            1205, // waited for a lock
            1290, 1836, // read-only
            1792, // in a transaction that only reads
            1196, // rolled back
        ];
        match error {
            mysql_async::Error::Server(server) if NOTHING_WRITTEN.contains(&server.code) => {
                self.failure("", "COMMIT", error)
            }
            other => self.in_doubt(other.to_string()),
        }
    }

    /// The answer to a `COMMIT` did not come.
    pub(super) fn in_doubt(&self, reason: String) -> Error {
        Error::InDoubt { database: self.name().to_owned(), reason }
    }
}
