//! The handful of differences between the engines, each a named function.

/// What ends every `CREATE TABLE`: rows clustered by their key, as InnoDB keeps them anyway.
pub(crate) const SQLITE_TABLE: &str = "WITHOUT ROWID";

/// Fills the places of a migration's text that differ by engine.
pub(crate) fn migration_for_sqlite(text: &str) -> String {
    text.replace("{table}", SQLITE_TABLE)
}
