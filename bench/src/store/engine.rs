//! The databases of a run: where they are, and statements past the store to fill them quickly.

use std::cell::RefCell;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::TempDir;
use zebu_mariadb::Server;

/// One engine with its data.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) configdb: String,
    /// Name of the shards' server, and where it is: a socket, or `sqlite:/directory`.
    pub(crate) shard: (String, String),
    pub(crate) folder: TempDir,
    server: Option<Server>,
    /// Connections that keep the databases of SQLite open.
    settled: RefCell<HashMap<PathBuf, rusqlite::Connection>>,
}

impl Engine {
    /// Starts the engine with its data below `dir`. A commit is on the disk before it is answered, as in earnest.
    pub(crate) fn start(name: &str, dir: &Path) -> Engine {
        let folder = tempfile::Builder::new().prefix("zebu-bench-").tempdir_in(dir).unwrap();
        let at = folder.path().display().to_string();
        if name == "sqlite" {
            let (configdb, shard) =
                (format!("sqlite:{at}/config.db"), ("shard".to_owned(), format!("sqlite:{at}")));
            return Engine {
                name: "SQLite",
                configdb,
                shard,
                folder,
                server: None,
                settled: RefCell::default(),
            };
        }
        let server = Server::own();
        server.start_again(&[
            "--innodb-buffer-pool-size=3G",
            "--innodb-log-file-size=512M",
            "--innodb-flush-log-at-trx-commit=1",
        ]);
        let (configdb, shard) = (server.schema(), (server.name(), server.socket().display().to_string()));
        Engine { name: "MariaDB", configdb, shard, folder, server: Some(server), settled: RefCell::default() }
    }

    /// Copies the context 1 of schema `from` to the contexts `first..=last` of schema `to`, every table that has a column
    /// `cid`.
    pub(crate) fn copy_context(&self, from: &str, to: &str, first: u32, last: u32) {
        match &self.server {
            None => self.copy_in_sqlite(from, to, first, last),
            Some(server) => copy_in_maria(server, from, to, first, last),
        }
    }

    /// The file of a schema (SQLite).
    fn path_of(&self, schema: &str) -> PathBuf {
        self.folder.path().join(format!("{schema}.db"))
    }

    fn copy_in_sqlite(&self, from: &str, to: &str, first: u32, last: u32) {
        let db = rusqlite::Connection::open(self.path_of(to)).unwrap();
        db.execute_batch("PRAGMA synchronous = OFF; PRAGMA cache_size = -262144;").unwrap();
        let source = if from == to { "main" } else { "tpl" };
        if from != to {
            db.execute("ATTACH ? AS tpl", [self.path_of(from).display().to_string()]).unwrap();
        }
        let tables = strings(
            &db,
            "SELECT name FROM main.sqlite_schema t WHERE type = 'table' AND EXISTS \
             (SELECT 1 FROM pragma_table_info(t.name) WHERE name = 'cid')",
        );
        db.execute_batch("BEGIN").unwrap();
        for table in tables {
            let columns =
                strings(&db, &format!("SELECT name FROM pragma_table_info('{table}') WHERE name <> 'cid'"));
            let columns = columns.join(", ");
            let sql = format!(
                "WITH RECURSIVE n (cid) AS (SELECT {first} UNION ALL SELECT cid + 1 FROM n WHERE cid < {last}) \
                 INSERT INTO main.{table} (cid, {columns}) SELECT n.cid, {} FROM n CROSS JOIN {source}.{table} t \
                 WHERE t.cid = 1",
                of_t(&columns)
            );
            db.execute_batch(&sql).unwrap();
        }
        db.execute_batch("COMMIT; PRAGMA wal_checkpoint(TRUNCATE);").unwrap();
    }

    /// Copies the entry of the context 1 in configdb to the contexts `first..=last`, which live in `schema`.
    pub(crate) fn copy_entry(&self, schema: &str, first: u32, last: u32) {
        let set = |name: &str, of: &str| of.replace("$name", name);
        // Ids and names differ; everything else is the first one's.
        let fill = |numbers: &str, text: &dyn Fn(&str) -> String, columns: &str| {
            format!(
                "INSERT INTO contexts (cid, name, db_schema, {columns}) SELECT n.cid, {}, '{schema}', {} FROM {numbers} n \
                 CROSS JOIN contexts t WHERE t.cid = 1;\n\
                 INSERT INTO login_mappings (mapping, cid) SELECT {}, n.cid FROM {numbers} n;",
                text("name"),
                of_t(columns),
                text("c")
            )
        };
        match &self.server {
            None => {
                let path = self.configdb.strip_prefix("sqlite:").unwrap();
                let db = rusqlite::Connection::open(path).unwrap();
                let columns = strings(
                    &db,
                    &set(
                        "contexts",
                        "SELECT name FROM pragma_table_info('$name') \
                     WHERE name NOT IN ('cid', 'name', 'db_schema')",
                    ),
                );
                db.execute_batch(&format!(
                    "CREATE TEMP TABLE numbers AS WITH RECURSIVE n (cid) AS (SELECT {first} UNION ALL SELECT cid + 1 FROM n \
                     WHERE cid < {last}) SELECT cid FROM n;"
                ))
                .unwrap();
                db.execute_batch(&fill("numbers", &|word| format!("'{word}' || n.cid"), &columns.join(", ")))
                    .unwrap();
            }
            Some(server) => {
                let config = schema_in(&self.configdb);
                let columns = columns_in_maria(server, config, "contexts", "'cid', 'name', 'db_schema'");
                let numbers = format!("(SELECT seq AS cid FROM seq_{first}_to_{last})");
                let sql = fill(&numbers, &|word| format!("CONCAT('{word}', n.cid)"), &columns);
                server.sql(&format!("USE {config}; {sql}"));
            }
        }
    }

    /// What was filled in is still on its way to the disk, and commits would wait behind it. And a log that grows costs each commit
    /// the file system's own; it is written over once it has been as long as it gets, which is soon, but later for ten logs than for
    /// one.
    fn settle_in_sqlite(&self, path: PathBuf) {
        let mut settled = self.settled.borrow_mut();
        // The last one to close a database deletes its log.
        let db = settled.entry(path.clone()).or_insert_with(|| rusqlite::Connection::open(&path).unwrap());
        db.execute_batch(&format!(
            "CREATE TABLE filler (x BLOB); INSERT INTO filler VALUES (zeroblob({LOG_BYTES})); DROP TABLE filler;"
        ))
        .unwrap();
        std::fs::File::open(path).unwrap().sync_all().unwrap();
    }

    /// How often a transaction has waited for another's row so far; `None` where the engine has one writer.
    pub(crate) fn row_waits(&self) -> Option<u64> {
        let said = self.server.as_ref()?.sql("SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_waits'");
        said.split_whitespace().last().and_then(|count| count.parse().ok())
    }

    /// Lets the engine look at what was filled in, and have it on disk.
    pub(crate) fn settle(&self, schemas: &[String]) {
        let Some(server) = &self.server else {
            let config = self.configdb.strip_prefix("sqlite:").map(PathBuf::from);
            let shards = schemas.iter().map(|schema| self.path_of(schema));
            for path in config.into_iter().chain(shards) {
                self.settle_in_sqlite(path);
            }
            return;
        };
        for schema in schemas {
            let tables = server.sql(&format!(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = '{schema}'"
            ));
            let tables: Vec<String> = tables.lines().map(|table| format!("{schema}.{table}")).collect();
            server.sql(&format!("ANALYZE TABLE {}", tables.join(", ")));
        }
        server.sql("SET GLOBAL innodb_max_dirty_pages_pct = 0");
        let deadline = Instant::now() + FLUSHED_MAX;
        while dirty_pages(server) > DIRTY_PAGES && Instant::now() < deadline {}
        server.sql("SET GLOBAL innodb_max_dirty_pages_pct = DEFAULT");
    }
}

/// More than the thousand pages that a log has before it is begun anew.
const LOG_BYTES: usize = 5 << 20;
/// How long the pages of a filling may take to the disk.
const FLUSHED_MAX: Duration = Duration::from_secs(300);
/// As many pages are always on their way.
const DIRTY_PAGES: u64 = 200;

fn dirty_pages(server: &Server) -> u64 {
    let said = server.sql("SHOW GLOBAL STATUS LIKE 'Innodb_buffer_pool_pages_dirty'");
    said.split_whitespace().last().and_then(|count| count.parse().ok()).unwrap_or(0)
}

fn of_t(columns: &str) -> String {
    columns.split(", ").map(|column| format!("t.{column}")).collect::<Vec<_>>().join(", ")
}

fn strings(db: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut statement = db.prepare(sql).unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn schema_in(url: &str) -> &str {
    url.split('?').next().and_then(|url| url.rsplit('/').next()).unwrap()
}

fn columns_in_maria(server: &Server, schema: &str, table: &str, without: &str) -> String {
    let columns = server.sql(&format!(
        "SELECT column_name FROM information_schema.columns WHERE table_schema = '{schema}' AND table_name = '{table}' \
         AND column_name NOT IN ({without}) ORDER BY ordinal_position"
    ));
    columns.lines().collect::<Vec<_>>().join(", ")
}

fn copy_in_maria(server: &Server, from: &str, to: &str, first: u32, last: u32) {
    let tables = server.sql(&format!(
        "SELECT table_name FROM information_schema.columns WHERE table_schema = '{from}' AND column_name = 'cid'"
    ));
    for table in tables.lines() {
        let columns = columns_in_maria(server, from, table, "'cid'");
        // With both checks off, InnoDB loads a table that is empty page by page: a schema's first rows, if they are not those
        // of the first context's own schema.
        server.sql(&format!(
            "SET unique_checks = 0, foreign_key_checks = 0; USE {to}; INSERT INTO {to}.{table} (cid, {columns}) SELECT n.seq, {} \
             FROM seq_{first}_to_{last} n CROSS JOIN {from}.{table} t WHERE t.cid = 1",
            of_t(&columns)
        ));
    }
}
