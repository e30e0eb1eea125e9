//! The handful of differences between the engines, each a named function.

/// Whose SQL a database speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    Sqlite,
    MariaDb,
    /// 8.0 or later.
    MySql,
}

impl Dialect {
    /// A server's, by what it answers to `SELECT VERSION()`.
    pub(crate) fn of_version(version: &str) -> Dialect {
        if version.to_ascii_lowercase().contains("mariadb") { Dialect::MariaDb } else { Dialect::MySql }
    }

    /// What ends every `CREATE TABLE`. Rows are clustered by their key: InnoDB keeps them so anyway. Text is compared byte by
    /// byte, trailing blanks included: SQLite does so anyway.
    fn table(self) -> &'static str {
        match self {
            Dialect::Sqlite => "WITHOUT ROWID",
            Dialect::MariaDb => "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_nopad_bin",
            Dialect::MySql => "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_bin",
        }
    }

    /// A migration's text.
    pub(crate) fn migration(self, text: &str) -> String {
        text.replace("{table}", self.table())
    }

    /// The assignment that lets the server itself give up statements that take longer; 0 for never. MySQL does so for
    /// queries only.
    pub(crate) fn statement_limit(self, ms: u64) -> String {
        match self {
            Dialect::Sqlite | Dialect::MariaDb => {
                format!("max_statement_time = {}.{:03}", ms / 1_000, ms % 1_000)
            }
            Dialect::MySql => format!("max_execution_time = {ms}"),
        }
    }

    /// The assignment that lets the server close a session that asks nothing for so long in the middle of a transaction, which
    /// undoes it and frees its rows; `None` for as long as the server is set up for. MySQL knows no such limit for
    /// transactions alone: there a session that rests between two of them is closed as well.
    pub(crate) fn idle_limit(self, ms: Option<u64>) -> String {
        let variable = match self {
            Dialect::Sqlite | Dialect::MariaDb => "idle_transaction_timeout",
            Dialect::MySql => "wait_timeout",
        };
        match ms {
            Some(ms) => format!("{variable} = {}", ms.div_ceil(1_000).max(1)),
            None => format!("{variable} = DEFAULT"),
        }
    }
}

/// How a write asks whether its context lives here, and whether the server takes writes at all: 1 if it does not. The row
/// stays as it is until the write ends, so that a context leaves only between two writes.
pub(crate) const HOME_ON_SQLITE: &str =
    "SELECT state, born, epoch, filestore, filestore_from, enabled, 0 FROM homes WHERE cid = ?";

/// The same on a server.
pub(crate) const HOME_ON_MARIA: &str = "SELECT state, born, epoch, filestore, filestore_from, enabled, @@global.read_only FROM homes WHERE cid = ? LOCK IN SHARE MODE";

/// The same for who changes the row: waits for every write under way, and keeps new ones waiting.
pub(crate) const HOLD_HOME_ON_MARIA: &str = "SELECT state, born, epoch, filestore, filestore_from, enabled, @@global.read_only FROM homes WHERE cid = ? FOR UPDATE";

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
            statements(&Dialect::Sqlite.migration(text)),
            ["CREATE TABLE a (\n  b BIGINT\n) WITHOUT ROWID", "CREATE INDEX c ON a (b)"]
        );
    }

    #[test]
    fn a_server_is_known_by_its_version() {
        let check = |version, expected| assert_eq!(Dialect::of_version(version), expected, "{version}");
        check("10.11.14-MariaDB-0+deb12u2", Dialect::MariaDb);
        check("11.4.2-MariaDB-log", Dialect::MariaDb);
        check("8.0.36", Dialect::MySql);
        check("8.4.3-0ubuntu1", Dialect::MySql);
        check("8.0.35-27", Dialect::MySql);
    }

    #[test]
    fn servers_are_told_the_limit_of_a_statement_each_in_its_words() {
        assert_eq!(Dialect::MariaDb.statement_limit(15_050), "max_statement_time = 15.050");
        assert_eq!(Dialect::MySql.statement_limit(15_050), "max_execution_time = 15050");
    }

    #[test]
    fn servers_are_told_in_whole_seconds_how_long_a_write_may_stand_still_and_never_that_it_may_for_ever() {
        assert_eq!(Dialect::MariaDb.idle_limit(Some(2_001)), "idle_transaction_timeout = 3");
        // 0 would be no limit.
        assert_eq!(Dialect::MariaDb.idle_limit(Some(0)), "idle_transaction_timeout = 1");
        assert_eq!(Dialect::MySql.idle_limit(Some(2_000)), "wait_timeout = 2");
        assert_eq!(Dialect::MySql.idle_limit(None), "wait_timeout = DEFAULT");
    }

    /// Words that MySQL 8.4 reserves and MariaDB or SQLite do not, from the manual's "Keywords and Reserved Words".
    const RESERVED_BY_MYSQL: &[&str] = &[
        "cube",
        "cume_dist",
        "dense_rank",
        "empty",
        "except",
        "first_value",
        "function",
        "generated",
        "get",
        "grouping",
        "groups",
        "io_after_gtids",
        "io_before_gtids",
        "json_table",
        "lag",
        "last_value",
        "lateral",
        "lead",
        "manual",
        "master_bind",
        "nth_value",
        "ntile",
        "of",
        "optimizer_costs",
        "over",
        "parallel",
        "partition",
        "percent_rank",
        "qualify",
        "rank",
        "recursive",
        "row",
        "row_number",
        "rows",
        "stored",
        "system",
        "tablesample",
        "virtual",
        "window",
        "usage",
        "condition",
        "key",
        "keys",
        "range",
        "read",
        "write",
        "schema",
        "schemas",
        "signal",
    ];

    #[test]
    fn the_schemas_use_no_name_that_mysql_reserves() {
        for text in crate::migrate::CONFIG.iter().chain(crate::migrate::SHARD) {
            for sql in statements(&Dialect::MySql.migration(text)) {
                let names = sql.lines().filter_map(|line| {
                    let words = line.trim_start().trim_start_matches("CREATE TABLE ");
                    words.split(|c: char| !c.is_alphanumeric() && c != '_').next()
                });
                for name in names {
                    assert!(
                        !RESERVED_BY_MYSQL.contains(&name.to_ascii_lowercase().as_str()),
                        "{name} in {sql}"
                    );
                }
            }
        }
    }

    #[test]
    fn text_is_compared_byte_by_byte_on_each_server_by_a_name_it_knows() {
        let table = |dialect: Dialect| dialect.migration("CREATE TABLE t (v TEXT) {table};");
        assert!(table(Dialect::MariaDb).ends_with("COLLATE=utf8mb4_nopad_bin;"));
        // MySQL has no _nopad_bin; its _0900_bin does not pad either.
        assert!(table(Dialect::MySql).ends_with("COLLATE=utf8mb4_0900_bin;"));
        assert_eq!(table(Dialect::Sqlite), "CREATE TABLE t (v TEXT) WITHOUT ROWID;");
    }
}
