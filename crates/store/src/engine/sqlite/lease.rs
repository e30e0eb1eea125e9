//! A connection on loan for one transaction.
//!
//! To hand every statement to a thread and wait for its answer costs several times what a statement of a few rows costs.
//! So a query runs where it is asked, on a budget; if it exceeds that, or finds a lock, it is asked again on the
//! connection's own thread. A write that is interrupted is lost, so it has no budget: it runs where it is asked if the same
//! text was little work the last time on this connection, and else goes to the thread. A write waits for no disk, its pages
//! stay in memory until the commit; and that runs where it is asked only on a disk that was fast so far (see [`disk`]).
//!
//! What runs where it is asked waits for nothing, and a task that asks one statement after another would never let go of its
//! thread: once in a while it does (see [`turn`]).
//!
//! [`disk`]: super::disk

use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode};
use tokio::sync::oneshot;

use super::Directory;
use super::convert::{self, Stop};
use super::disk::Disk;
use super::file::{File, Held};
use super::link::{Budget, Job};
use super::turn;
use crate::engine::Begin;
use crate::engine::gate::Pass;
use crate::error::{Error, Result};
use crate::meter::{self, Begun};
use crate::statement::Statement;
use crate::value::Row;

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

/// A connection on loan. Given back, transaction rolled back, when dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    directory: Arc<Directory>,
    file: Arc<File>,
    pass: Pass,
    begin: Begin,
    /// Away while its thread works; if nobody waits for that any more, the thread gives it back.
    held: Option<Held>,
    /// The transaction may have begun.
    open: bool,
    /// It may have changed something.
    wrote: bool,
    /// What was asked last was tried where it was asked, and is not to be done there.
    not_here: Option<Begun>,
}

impl Lease {
    pub(super) fn new(
        directory: Arc<Directory>,
        file: Arc<File>,
        pass: Pass,
        begin: Begin,
        held: Held,
    ) -> Lease {
        Lease { directory, file, pass, begin, held: Some(held), open: false, wrote: false, not_here: None }
    }

    pub(in crate::engine) fn database(&self) -> String {
        self.file.name.clone()
    }

    /// Runs a query if it has to wait for nothing, and nobody for it: the way of nearly every one, and without the future that
    /// waiting takes. `None`: [`Lease::query`] is to be asked.
    #[inline]
    pub(in crate::engine) fn query_now(&mut self, statement: &Statement) -> Option<Result<Vec<Row>>> {
        self.now(|lease| lease.query_here(statement))
    }

    /// The same of a query that has one row at most.
    #[inline]
    pub(in crate::engine) fn query_one_now(&mut self, statement: &Statement) -> Option<Result<Option<Row>>> {
        self.now(|lease| lease.here(Budget::Small, |connection| convert::query_one(connection, statement)))
    }

    /// The same of a statement that changes something.
    #[inline]
    pub(in crate::engine) fn execute_now(&mut self, statement: &Statement) -> Option<Result<u64>> {
        self.now(|lease| lease.execute_here(statement))
    }

    #[inline]
    fn now<T>(&mut self, work: impl FnOnce(&mut Self) -> Result<Option<T>>) -> Option<Result<T>> {
        if self.not_here.is_some() || turn::is_over() {
            return None;
        }
        let begun = meter::begin();
        match work(self).transpose() {
            Some(done) => {
                begun.statement();
                Some(done)
            }
            None => {
                self.not_here = Some(begun);
                None
            }
        }
    }

    /// Runs a query and returns its rows.
    pub(in crate::engine) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        turn::wait().await;
        if let Some(done) = self.query_now(&statement) {
            return done;
        }
        let begun = self.not_here.take().unwrap_or_else(meter::begin);
        let rows = self.away(move |connection| match convert::query(connection, &statement, false) {
            Ok(rows) => Ok(rows),
            Err(Stop::Failed(error)) => Err(error),
            Err(Stop::Elsewhere) => Err(Error::Contended),
        });
        let rows = rows.await;
        begun.statement();
        rows
    }

    /// Runs a statement and returns how many rows it changed.
    pub(in crate::engine) async fn execute(&mut self, statement: Statement) -> Result<u64> {
        turn::wait().await;
        if let Some(done) = self.execute_now(&statement) {
            return done;
        }
        let begun = self.not_here.take().unwrap_or_else(meter::begin);
        self.wrote = true;
        let changed = self.away(move |connection| convert::execute(connection, &statement)).await;
        begun.statement();
        changed
    }

    /// Runs a definition; here definitions are part of the transaction.
    pub(in crate::engine) async fn define(&mut self, sql: String) -> Result<()> {
        self.wrote = true;
        self.away(move |connection| {
            let done = connection.execute_batch(&sql);
            done.map_err(|error| Error::Statement { sql: sql.clone(), reason: error.to_string() })
        })
        .await
    }

    /// Tells SQLite how the tables are filled, for its choice of indexes.
    pub(in crate::engine) async fn describe(&mut self) -> Result<()> {
        self.define(SHAPE.to_owned()).await
    }

    /// Commits. On an error nothing was written, except after [`Error::InDoubt`].
    pub(in crate::engine) async fn commit(mut self) -> Result<()> {
        if !self.wrote {
            return Ok(());
        }
        turn::wait().await;
        let begun = meter::begin();
        let done = match self.commit_here().transpose() {
            Some(done) => done,
            None => self.commit_away().await,
        };
        if self.begin == Begin::Write {
            begun.commit();
        }
        // After an error the transaction may still be open: drop rolls it back.
        self.open = done.is_err();
        if let Some(held) = self.held.take_if(|held| !self.open && held.link.is_checkpoint_due()) {
            self.file.checkpoint(held);
        }
        done
    }

    /// Commits on the thread that asks. `None`: not to be done here.
    fn commit_here(&mut self) -> Result<Option<()>> {
        if !self.directory.disk.is_fast() {
            return Ok(None);
        }
        let (directory, file) = (Arc::clone(&self.directory), Arc::clone(&self.file));
        self.here(Budget::None, |connection| match commit(connection, &directory.disk) {
            Ok(took) => {
                turn::took(took);
                Ok(())
            }
            // The transaction is still open.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Err(Stop::Elsewhere),
            Err(error) => Err(Stop::Failed(file.unavailable(error.to_string()))),
        })
    }

    async fn commit_away(&mut self) -> Result<()> {
        if self.held.is_none() {
            return Err(self.lost());
        }
        let directory = Arc::clone(&self.directory);
        let file = Arc::clone(&self.file);
        let commit = move |connection: &Connection| {
            let done = commit(connection, &directory.disk).map(drop);
            Ok(done.map_err(|error| file.unavailable(error.to_string())))
        };
        self.away(commit).await.unwrap_or_else(|lost| {
            Err(Error::InDoubt { database: self.database(), reason: lost.to_string() })
        })
    }

    fn lost(&self) -> Error {
        self.file.unavailable("its thread ended")
    }

    /// Runs a query on the thread that asks. `None`: not to be done here.
    fn query_here(&mut self, statement: &Statement) -> Result<Option<Vec<Row>>> {
        self.here(Budget::Small, |connection| convert::query(connection, statement, true))
    }

    /// The same of a statement that changes something.
    fn execute_here(&mut self, statement: &Statement) -> Result<Option<u64>> {
        self.wrote = true;
        self.here(Budget::None, |connection| convert::execute_if_small(connection, statement))
    }

    #[inline]
    fn here<T>(
        &mut self,
        budget: Budget,
        work: impl FnOnce(&Connection) -> std::result::Result<T, Stop>,
    ) -> Result<Option<T>> {
        if let Some(reason) = self.pass.withdrawn_now() {
            return Err(self.file.unavailable(&*reason));
        }
        // Taken, so that a panic leaves nobody a connection in an unknown state.
        let held = self.held.take().ok_or_else(|| self.lost())?;
        let begin = (!self.open).then_some(self.begin);
        let done = held.link.here(budget, |connection| {
            if let Some(begin) = begin
                && let Err(error) = start(connection, begin)
            {
                return match error.sqlite_error_code() {
                    Some(ErrorCode::DatabaseBusy) => Err((false, Stop::Elsewhere)),
                    _ => Err((false, Stop::Failed(self.file.unavailable(error.to_string())))),
                };
            }
            work(connection).map_err(|stop| (true, stop))
        });
        let done = done.ok_or_else(|| self.lost())?;
        self.held = Some(held);
        self.open |= !matches!(done, Err((false, _)));
        match done {
            Ok(done) => Ok(Some(done)),
            Err((_, Stop::Elsewhere)) => Ok(None),
            Err((_, Stop::Failed(error))) => Err(error),
        }
    }

    /// Works on the connection's own thread.
    async fn away<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&Connection) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let held = self.held.take().ok_or_else(|| self.lost())?;
        let begin = (!self.open).then_some(self.begin);
        let (answer, outcome) = oneshot::channel();
        let (thread, interrupt) = (held.link.thread(), held.link.interrupt_handle());
        let file = Arc::clone(&self.file);
        let job: Job = Box::new(move || {
            let result = match held.link.connection() {
                Some(connection) => begin
                    .map_or(Ok(()), |begin| start(connection, begin))
                    .map_err(|error| match error.sqlite_error_code() {
                        Some(ErrorCode::DatabaseBusy) => file.busy(),
                        _ => file.unavailable(error.to_string()),
                    })
                    .and_then(|()| work(connection)),
                None => Err(file.unavailable("its connection is closed")),
            };
            // Nobody waits any more: the request went away.
            if let Err((held, _)) = answer.send((held, result)) {
                file.undo_here(held);
            }
        });
        // From here on the transaction may be open, whether or not this future is polled to its end.
        self.open = true;
        if thread.send(job).is_err() {
            return Err(self.lost());
        }
        let limit = self.directory.statement_max + begin.map_or(Duration::ZERO, |_| self.file.wait());
        let outcome = tokio::time::timeout(limit, outcome);
        match self.directory.gate().while_open(&self.pass, outcome).await? {
            Ok(Ok((held, result))) => {
                self.held = Some(held);
                result
            }
            Ok(Err(_)) => Err(self.lost()),
            Err(_) => {
                interrupt.inspect(rusqlite::InterruptHandle::interrupt);
                Err(self.file.unavailable(format!("no answer within {} ms", limit.as_millis())))
            }
        }
    }
}

/// Commits, and lets the disk show how fast it is; answers how long it took.
fn commit(connection: &Connection, disk: &Disk) -> rusqlite::Result<Duration> {
    let begun = Instant::now();
    let done = connection.prepare_cached("COMMIT")?.execute([]);
    let took = begun.elapsed();
    disk.committed(took);
    done.map(|_| took)
}

fn start(connection: &Connection, begin: Begin) -> rusqlite::Result<()> {
    let sql = match begin {
        Begin::Read => "BEGIN",
        Begin::Write => "BEGIN IMMEDIATE",
    };
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

impl Drop for Lease {
    fn drop(&mut self) {
        let Some(held) = self.held.take() else { return };
        match (self.open, self.wrote) {
            (false, _) => self.file.put(held),
            (true, false) => self.file.undo_here(held),
            (true, true) => self.file.undo(held),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Config;
    use crate::value::args;

    async fn lease(directory: &Arc<Directory>, begin: Begin) -> Lease {
        directory.lease("x", begin).await.unwrap()
    }

    fn directory(dir: &tempfile::TempDir) -> Arc<Directory> {
        Directory::new(&Config::new(""), &format!("sqlite:{}", dir.path().display())).unwrap()
    }

    #[tokio::test]
    async fn a_connection_whose_thread_ended_is_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(&dir);
        for _ in 0..20 {
            let mut broken = lease(&directory, Begin::Write).await;
            let ended = broken.away::<()>(|_| panic!("a defect in a job")).await;
            assert!(matches!(ended, Err(Error::Unavailable { .. })), "{ended:?}");
            drop(broken);
            lease(&directory, Begin::Write).await.away(|_| Ok(())).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_query_that_takes_long_leaves_the_thread_that_asked() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(&dir);
        let mut lease = lease(&directory, Begin::Read).await;
        let count = |rows: i64| {
            let sql = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) SELECT COUNT(*) FROM n";
            Statement::new("n", sql, args![rows])
        };
        assert!(lease.query_here(&count(100)).unwrap().is_some());
        assert!(lease.query_here(&count(1_000_000)).unwrap().is_none());
        // Asked again elsewhere, in the same transaction.
        let rows = lease.query(count(1_000_000)).await.unwrap();
        assert_eq!(rows.into_iter().next().unwrap().int().unwrap(), 1_000_000);
    }

    #[tokio::test]
    async fn a_query_that_writes_is_never_done_on_the_thread_that_asked() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(&dir);
        let mut lease = lease(&directory, Begin::Write).await;
        lease.define("CREATE TABLE t (v INTEGER)".to_owned()).await.unwrap();
        let insert = Statement::new("t", "INSERT INTO t VALUES (7) RETURNING v", args![]);
        assert!(lease.query_here(&insert).unwrap().is_none());
        let rows = lease.query(insert).await.unwrap();
        assert_eq!(rows.into_iter().next().unwrap().int().unwrap(), 7);
    }

    #[tokio::test]
    async fn who_asks_one_statement_after_another_lets_others_work() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(&dir);
        let mut lease = lease(&directory, Begin::Read).await;
        let is_over = std::cell::Cell::new(false);
        let asks = async {
            let one = || Statement::new("t", "SELECT 1", args![]);
            for _ in 0..100_000 {
                assert_eq!(lease.query(one()).await.unwrap().len(), 1);
                if is_over.get() {
                    return true;
                }
            }
            false
        };
        let works = async {
            tokio::task::yield_now().await;
            is_over.set(true);
        };
        assert!(tokio::join!(asks, works).0);
    }

    #[tokio::test]
    async fn a_write_is_done_where_it_is_asked_as_long_as_it_was_little_work_the_last_time() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(&dir);
        let mut lease = lease(&directory, Begin::Write).await;
        lease.define("CREATE TABLE t (v INTEGER PRIMARY KEY, w INTEGER)".to_owned()).await.unwrap();
        lease
            .define(
                "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000) \
                 INSERT INTO t SELECT i, 0 FROM n"
                    .to_owned(),
            )
            .await
            .unwrap();
        let raise = |to: i64| Statement::new("t", "UPDATE t SET w = w + 1 WHERE v <= ?", args![to]);
        assert!(lease.execute_here(&raise(1)).unwrap().is_none(), "nobody knows how much work it is");
        assert_eq!(lease.execute(raise(1)).await.unwrap(), 1);
        assert_eq!(lease.execute_here(&raise(1)).unwrap(), Some(1));
        // Once that is wrong it is done to its end all the same, and the next time elsewhere.
        assert_eq!(lease.execute_here(&raise(10_000)).unwrap(), Some(10_000));
        assert!(lease.execute_here(&raise(1)).unwrap().is_none());
        assert_eq!(lease.execute(raise(1)).await.unwrap(), 1);
        let sum = Statement::new("t", "SELECT SUM(w) FROM t", args![]);
        assert_eq!(lease.query(sum).await.unwrap().into_iter().next().unwrap().int().unwrap(), 10_003);
    }

    #[tokio::test]
    async fn a_commit_is_done_where_it_is_asked_on_a_disk_that_was_fast() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(&dir);
        let mut first = lease(&directory, Begin::Write).await;
        first.define("CREATE TABLE t (v INTEGER)".to_owned()).await.unwrap();
        assert!(first.commit_here().unwrap().is_none(), "nobody knows how fast it is");
        first.commit().await.unwrap();
        (0..100).for_each(|_| directory.disk.committed(Duration::ZERO));
        let mut second = lease(&directory, Begin::Write).await;
        let insert = Statement::new("t", "INSERT INTO t VALUES (7)", args![]);
        assert_eq!(second.execute(insert).await.unwrap(), 1);
        assert!(second.commit_here().unwrap().is_some());
        let all = Statement::new("t", "SELECT v FROM t", args![]);
        let rows = lease(&directory, Begin::Read).await.query(all).await.unwrap();
        assert_eq!(rows.into_iter().next().unwrap().int().unwrap(), 7);
    }

    #[tokio::test]
    async fn what_was_committed_is_moved_into_the_file_once_it_is_much() {
        let dir = tempfile::tempdir().unwrap();
        let directory = directory(&dir);
        let size_after = async |sql: &str| {
            let mut writer = lease(&directory, Begin::Write).await;
            writer.define(sql.to_owned()).await.unwrap();
            writer.commit().await.unwrap();
            // Who writes next waits until it is moved.
            drop(lease(&directory, Begin::Write).await);
            std::fs::metadata(dir.path().join("x.db")).unwrap().len()
        };
        let little = size_after("CREATE TABLE t (v BLOB)").await;
        assert!(little < 8_192, "{little} bytes are in the file");
        let much = size_after("INSERT INTO t VALUES (zeroblob(8000000))").await;
        assert!(much > 8_000_000, "{much} bytes are in the file");
    }
}
