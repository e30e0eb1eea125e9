//! The handful of differences between the engines, each a named function.

/// What ends every `CREATE TABLE` on SQLite: rows clustered by their key, as InnoDB keeps them anyway.
const SQLITE_TABLE: &str = "WITHOUT ROWID";

/// The same on a server. Text is compared byte by byte, trailing blanks included, as on SQLite.
const MARIA_TABLE: &str = "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin";

/// A migration's text for SQLite.
pub(crate) fn for_sqlite(text: &str) -> String {
    text.replace("{table}", SQLITE_TABLE)
}

/// A migration's text for MariaDB.
pub(crate) fn for_maria(text: &str) -> String {
    text.replace("{table}", MARIA_TABLE)
}

/// How a write asks whether its context lives here, and whether the server takes writes at all: 1 if it does not. The row
/// stays as it is until the write ends, so that a context leaves only between two writes.
pub(crate) const HOME_ON_SQLITE: &str = "SELECT state, born, epoch, filestore, 0 FROM homes WHERE cid = ?";

/// The same on a server.
pub(crate) const HOME_ON_MARIA: &str =
    "SELECT state, born, epoch, filestore, @@global.read_only FROM homes WHERE cid = ? LOCK IN SHARE MODE";

/// The same for who changes the row: waits for every write under way, and keeps new ones waiting.
pub(crate) const HOLD_HOME_ON_MARIA: &str =
    "SELECT state, born, epoch, filestore, @@global.read_only FROM homes WHERE cid = ? FOR UPDATE";

/// The statements of a migration's text: comment lines aside, each ends with a semicolon at the end of a line.
pub(crate) fn statements(text: &str) -> Vec<String> {
    let code: Vec<&str> = text.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
    code.join("\n")
        .split(";\n")
        .map(|sql| sql.trim().trim_end_matches(';').to_owned())
        .filter(|sql| !sql.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_is_taken_apart_at_the_ends_of_its_statements() {
        let text = "-- a; comment\nCREATE TABLE a (\n  b BIGINT\n) {table};\n\nCREATE INDEX c ON a (b);\n";
        assert_eq!(
            statements(&for_sqlite(text)),
            ["CREATE TABLE a (\n  b BIGINT\n) WITHOUT ROWID", "CREATE INDEX c ON a (b)"]
        );
    }
}
