//! SQLite as a full engine: a file in WAL mode, one writing connection a process and a few that read.
//!
//! Each connection lives on a thread of its own and is spoken to by messages: no statement ever blocks the async
//! runtime, and statements of one transaction keep their order. Other processes (the other nodes of this machine)
//! share the file; SQLite's one write lock stands in for the row locks of a server.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, OpenFlags, ToSql};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::Begin;
use super::gate::Gate;
use crate::config::Config;
use crate::error::{Error, Result};
use crate::meter;
use crate::statement::Statement;
use crate::value::{Row, Value};

/// Prepared statements kept a connection: more than there are hot statements.
const STATEMENTS_KEPT: usize = 128;
/// Page cache a connection, KiB.
const CACHE_KIB: u32 = 2_048;

/// What SQLite is to believe of the tables of a shard. Of a database that was never analysed it believes that a context has
/// ten rows, and reads the whole context instead of using an index; one that was analysed while it was empty, or held one
/// large context, makes it believe other things. So it is told: contexts are large, what their indexes name is small.
const SHAPE: &str = "
    ANALYZE;
    DELETE FROM sqlite_stat1;
    INSERT INTO sqlite_stat1 (tbl, idx, stat)
    SELECT t.name, iif(i.origin = 'pk', t.name, i.name), '1000000 ' || (
        SELECT group_concat(CASE
            WHEN i.\"unique\" AND c.seqno = (SELECT MAX(seqno) FROM pragma_index_info(i.name)) THEN 1
            WHEN c.seqno = 0 THEN 100000 WHEN c.seqno = 1 THEN 20 WHEN c.seqno = 2 THEN 5 ELSE 2 END, ' ')
        FROM (SELECT seqno FROM pragma_index_info(i.name) ORDER BY seqno) c)
    FROM sqlite_schema t JOIN pragma_index_list(t.name) i
    WHERE t.type = 'table' AND EXISTS (SELECT 1 FROM pragma_index_info(i.name) WHERE seqno = 0 AND name = 'cid');
    ANALYZE sqlite_schema;";

/// What a database file's name ends in.
const SUFFIX: &str = ".db";

/// A directory of database files: what stands for a server.
#[derive(Debug)]
pub(crate) struct Directory {
    gate: Gate,
    path: PathBuf,
    wait_ms_max: u64,
    readers_max: usize,
    files: Mutex<HashMap<String, Arc<Sqlite>>>,
}

impl Directory {
    pub(super) fn new(config: &Config, url: &str) -> Result<Arc<Directory>> {
        let path = path_in(url)?;
        Ok(Arc::new(Directory {
            gate: Gate::new(url.to_owned()),
            path,
            wait_ms_max: config.wait_ms_max,
            readers_max: config.readers_max,
            files: Mutex::default(),
        }))
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// A connection for one transaction in the file of a schema.
    pub(super) async fn lease(&self, schema: &str, begin: Begin) -> Result<Lease> {
        let mut pass = self.gate.pass()?;
        let file = self.file(schema);
        self.gate.while_open(&mut pass, file.lease(begin)).await?
    }

    /// Whether files can be made here. Leaves none behind.
    pub(super) fn try_out(&self) -> Result<()> {
        let path = self.path.join(format!("zebu_try_{:08x}", std::process::id()));
        let tried = std::fs::File::create_new(&path).and_then(|_| std::fs::remove_file(&path));
        tried.map_err(|error| self.gate.unavailable(format!("{}: {error}", self.path.display())))
    }

    fn file(&self, schema: &str) -> Arc<Sqlite> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(file) = files.get(schema) {
            return Arc::clone(file);
        }
        let path = self.path.join(format!("{schema}{SUFFIX}"));
        let file = Sqlite::new(path, self.wait_ms_max, self.readers_max);
        files.insert(schema.to_owned(), Arc::clone(&file));
        file
    }

    /// Connections in use, and idle ones.
    pub(super) fn connections(&self) -> (usize, usize) {
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.values().flat_map(|file| [&file.readers, &file.writer]).fold((0, 0), |(used, idle), side| {
            let rests = side.idle.lock().unwrap_or_else(PoisonError::into_inner).len();
            (used + side.most - side.permits.available_permits(), idle + rests)
        })
    }
}

/// The directory and the schema that the URL of a file means.
pub(super) fn file_in(url: &str) -> Result<(String, String)> {
    let path = path_in(url)?;
    let place = path.parent().zip(path.file_name());
    let place = place.and_then(|(directory, file)| Some((directory.to_str()?, file.to_str()?)));
    let schema = place.and_then(|(directory, file)| Some((directory, file.strip_suffix(SUFFIX)?)));
    let (directory, schema) = schema.ok_or_else(|| Error::Url {
        url: url.to_owned(),
        reason: format!("it does not end in a file name with {SUFFIX}"),
    })?;
    Ok((format!("sqlite:{directory}"), schema.to_owned()))
}

fn path_in(url: &str) -> Result<PathBuf> {
    let path = url.strip_prefix("sqlite:").map(PathBuf::from).filter(|path| path.is_absolute());
    path.ok_or_else(|| Error::Url {
        url: url.to_owned(),
        reason: "it is neither sqlite:/absolute/path nor mysql://user@host/schema".to_owned(),
    })
}

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A database file with its connections.
#[derive(Debug)]
pub(crate) struct Sqlite {
    name: String,
    path: PathBuf,
    wait_ms_max: u64,
    readers: Side,
    writer: Side,
}

#[derive(Debug)]
struct Side {
    most: usize,
    permits: Arc<Semaphore>,
    idle: Mutex<Vec<Link>>,
}

impl Side {
    fn new(count: usize) -> Side {
        Side { most: count, permits: Arc::new(Semaphore::new(count)), idle: Mutex::new(Vec::new()) }
    }
}

/// The way to a connection's thread; the thread ends when this is dropped.
#[derive(Debug)]
struct Link {
    jobs: mpsc::Sender<Job>,
}

/// A connection on loan. Given back, transaction rolled back, when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    home: Arc<Sqlite>,
    begin: Begin,
    link: Option<Link>,
    open: bool,
    _permit: OwnedSemaphorePermit,
}

impl Sqlite {
    fn new(path: PathBuf, wait_ms_max: u64, readers_max: usize) -> Arc<Sqlite> {
        Arc::new(Sqlite {
            name: format!("sqlite:{}", path.display()),
            path,
            wait_ms_max,
            readers: Side::new(readers_max.max(1)),
            writer: Side::new(1),
        })
    }

    /// A connection for one transaction; waits its turn, but no longer than configured.
    async fn lease(self: &Arc<Self>, begin: Begin) -> Result<Lease> {
        let side = self.side(begin);
        let wait = Duration::from_millis(self.wait_ms_max);
        let permit = tokio::time::timeout(wait, Arc::clone(&side.permits).acquire_owned())
            .await
            .ok()
            .and_then(std::result::Result::ok)
            .ok_or_else(|| Error::Busy { database: self.name.clone(), waited_ms: self.wait_ms_max })?;
        let idle = side.idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let link = match idle {
            Some(link) => link,
            None => self.connect().await?,
        };
        Ok(Lease { home: Arc::clone(self), begin, link: Some(link), open: false, _permit: permit })
    }

    fn side(&self, begin: Begin) -> &Side {
        match begin {
            Begin::Read => &self.readers,
            Begin::Write => &self.writer,
        }
    }

    async fn connect(&self) -> Result<Link> {
        let (jobs, inbox) = mpsc::channel::<Job>();
        let (opened, outcome) = oneshot::channel();
        let (path, wait_ms) = (self.path.clone(), self.wait_ms_max);
        std::thread::Builder::new()
            .name("sqlite".to_owned())
            .stack_size(512 << 10)
            .spawn(move || match open(&path, wait_ms) {
                Ok(mut connection) => {
                    if opened.send(Ok(())).is_ok() {
                        while let Ok(job) = inbox.recv() {
                            job(&mut connection);
                        }
                    }
                }
                Err(error) => {
                    // Nobody left to tell means that nobody waits for the connection either.
                    let _ = opened.send(Err(error.to_string()));
                }
            })
            .map_err(|error| self.unavailable(error.to_string()))?;
        match outcome.await {
            Ok(Ok(())) => Ok(Link { jobs }),
            Ok(Err(reason)) => Err(self.unavailable(reason)),
            Err(_) => Err(self.unavailable("its thread ended".to_owned())),
        }
    }

    fn unavailable(&self, reason: String) -> Error {
        Error::Unavailable { database: self.name.clone(), reason }
    }
}

fn open(path: &Path, wait_ms: u64) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    let tries_max = i32::try_from(wait_ms / BUSY_STEP_MS).unwrap_or(i32::MAX);
    BUSY_TRIES_MAX.with(|cell| cell.set(tries_max));
    connection.busy_handler(Some(wait_a_little))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // FULL: a commit is on disk before it is answered (P3), also if the power goes.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA cache_size = -{CACHE_KIB}; PRAGMA temp_store = MEMORY;"
    ))?;
    Ok(connection)
}

const BUSY_STEP_MS: u64 = 1;

thread_local! {
    static BUSY_TRIES_MAX: std::cell::Cell<i32> = const { std::cell::Cell::new(0) };
}

/// Another process holds the write lock: look again in a millisecond, so that two nodes take turns quickly.
/// SQLite's own handler waits up to 100 ms between looks.
#[allow(
    clippy::disallowed_methods,
    reason = "SQLite offers no wake-up across processes, and this thread is the connection's own"
)]
fn wait_a_little(tries: i32) -> bool {
    if tries >= BUSY_TRIES_MAX.with(std::cell::Cell::get) {
        return false;
    }
    std::thread::sleep(Duration::from_millis(BUSY_STEP_MS));
    true
}

impl Lease {
    pub(super) fn database(&self) -> String {
        self.home.name.clone()
    }

    async fn run<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let (answer, outcome) = oneshot::channel();
        let begin = (!self.open).then_some(self.begin);
        let database = self.home.name.clone();
        let waited_ms = self.home.wait_ms_max;
        let job: Job = Box::new(move |connection| {
            let result = match begin {
                Some(Begin::Read) => connection.execute_batch("BEGIN"),
                Some(Begin::Write) => connection.execute_batch("BEGIN IMMEDIATE"),
                None => Ok(()),
            }
            .map_err(|error| match error.sqlite_error_code() {
                Some(rusqlite::ErrorCode::DatabaseBusy) => Error::Busy { database, waited_ms },
                _ => Error::Unavailable { database, reason: error.to_string() },
            })
            .and_then(|()| work(connection));
            // A dropped receiver is a request that went away; the lease's own drop rolls back.
            let _ = answer.send(result);
        });
        let gone = || self.home.unavailable("its thread ended".to_owned());
        let link = self.link.as_ref().ok_or_else(gone)?;
        // From here on the transaction may be open, whether or not this future is polled to its end.
        self.open = true;
        let answered = match link.jobs.send(job) {
            Ok(()) => outcome.await.ok(),
            Err(_) => None,
        };
        answered.unwrap_or_else(|| {
            // Nobody is to meet this connection again.
            self.link = None;
            Err(self.home.unavailable("its thread ended".to_owned()))
        })
    }

    /// Runs a query and returns its rows.
    pub(super) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let begun = Instant::now();
        let rows = self
            .run(move |connection| {
                let failed = |error| failure(&statement, &error);
                let mut prepared = connection.prepare_cached(&statement.sql).map_err(failed)?;
                let columns = prepared.column_count();
                let mut cursor =
                    prepared.query(rusqlite::params_from_iter(&statement.args)).map_err(failed)?;
                let mut rows = Vec::new();
                while let Some(row) = cursor.next().map_err(failed)? {
                    let mut values = Vec::with_capacity(columns);
                    for column in 0..columns {
                        values.push(row.get_ref(column).map_err(failed).and_then(|v| value(&statement, v))?);
                    }
                    rows.push(Row::new(statement.table, values));
                }
                Ok(rows)
            })
            .await;
        meter::statement(begun.elapsed());
        rows
    }

    /// Runs a statement and returns how many rows it changed.
    pub(super) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        let begun = Instant::now();
        let changed = self
            .run(move |connection| {
                let failed = |error| failure(&statement, &error);
                let mut prepared = connection.prepare_cached(&statement.sql).map_err(failed)?;
                let changed =
                    prepared.execute(rusqlite::params_from_iter(&statement.args)).map_err(failed)?;
                Ok(changed as u64)
            })
            .await;
        meter::statement(begun.elapsed());
        changed
    }

    /// Runs a definition; here definitions are part of the transaction.
    pub(super) async fn define(&mut self, sql: String) -> Result<()> {
        self.run(move |connection| {
            connection
                .execute_batch(&sql)
                .map_err(|error| Error::Statement { sql: sql.clone(), reason: error.to_string() })
        })
        .await
    }

    /// Tells SQLite how the tables are filled, for its choice of indexes.
    pub(super) async fn describe(&mut self) -> Result<()> {
        self.define(SHAPE.to_owned()).await
    }

    /// Commits. On an error nothing was written, except when its thread ended with the answer.
    pub(super) async fn commit(mut self) -> Result<()> {
        if !self.open {
            return Ok(());
        }
        let begun = Instant::now();
        let database = self.home.name.clone();
        let refused =
            move |error: rusqlite::Error| Error::Unavailable { database, reason: error.to_string() };
        let done = self.run(move |connection| Ok(connection.execute_batch("COMMIT").map_err(refused))).await;
        let done = done.unwrap_or_else(|lost| {
            Err(Error::InDoubt { database: self.home.name.clone(), reason: lost.to_string() })
        });
        if self.begin == Begin::Write {
            meter::commit(begun.elapsed());
        }
        // After an error the transaction may still be open: drop rolls it back.
        self.open = done.is_err();
        done
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else { return };
        if self.open {
            let rollback: Job = Box::new(|connection| {
                if !connection.is_autocommit() {
                    // It fails only if the transaction is over already.
                    let _ = connection.execute_batch("ROLLBACK");
                }
            });
            if link.jobs.send(rollback).is_err() {
                return;
            }
        }
        let side = self.home.side(self.begin);
        side.idle.lock().unwrap_or_else(PoisonError::into_inner).push(link);
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Value::Null => ValueRef::Null,
            Value::Int(v) => ValueRef::Integer(*v),
            Value::Text(v) => ValueRef::Text(v.as_bytes()),
            Value::Blob(v) => ValueRef::Blob(v),
        }))
    }
}

fn value(statement: &Statement, value: ValueRef<'_>) -> Result<Value> {
    let corrupt = |detail: &str| Error::Corrupt { table: statement.table, detail: detail.to_owned() };
    Ok(match value {
        ValueRef::Null => Value::Null,
        ValueRef::Integer(v) => Value::Int(v),
        ValueRef::Text(v) => {
            Value::Text(String::from_utf8(v.to_vec()).map_err(|_| corrupt("a text is not UTF-8"))?)
        }
        ValueRef::Blob(v) => Value::Blob(v.to_vec()),
        ValueRef::Real(_) => return Err(corrupt("a number is not whole")),
    })
}

fn failure(statement: &Statement, error: &rusqlite::Error) -> Error {
    let reason = error.to_string();
    if error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
        && reason.starts_with("UNIQUE constraint failed: ")
    {
        return Error::Duplicate { table: statement.table };
    }
    Error::Statement { sql: statement.sql.to_string(), reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_whose_thread_ended_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let home = Sqlite::new(dir.path().join("x.db"), 10_000, 4);
        for _ in 0..20 {
            let mut lease = home.lease(Begin::Write).await.unwrap();
            let ended = lease.run::<()>(|_| panic!("a defect in a job")).await;
            assert!(matches!(ended, Err(Error::Unavailable { .. })), "{ended:?}");
            drop(lease);
            let mut lease = home.lease(Begin::Write).await.unwrap();
            lease.run(|_| Ok(())).await.unwrap();
        }
    }
}
