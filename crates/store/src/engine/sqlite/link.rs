//! A connection to a file, and the thread it goes to with whatever may take long.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::hooks::Wal;
use rusqlite::{Connection, InterruptHandle, OpenFlags};
use tokio::sync::oneshot;

use super::turn;

/// Prepared statements kept a connection: more than there are hot statements.
const STATEMENTS_KEPT: usize = 128;
/// Page cache a connection, KiB.
const CACHE_KIB: u32 = 2_048;
/// Pages in the log after which it is moved into the file: SQLite's own measure.
const LOG_PAGES_MAX: i32 = 1_000;
/// Between two looks for the write lock that another process holds.
const BUSY_STEP_MS: u64 = 1;
/// How many steps of SQLite's machine pass between two looks at the budget.
const STEPS_A_LOOK: i32 = 1_000;
/// Looks a query may take where it must not take long: some milliseconds of work, a listing of a few hundred rows.
const LOOKS_MAX: u32 = 20;
/// No budget: more than there will ever be.
const UNLIMITED: u32 = u32::MAX;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// How long something may take on the thread that asks.
#[derive(Clone, Copy, Debug)]
pub(super) enum Budget {
    /// [`LOOKS_MAX`]; beyond it is interrupted.
    Small,
    /// As long as it takes: nothing may be interrupted that is lost then.
    None,
}

/// A connection. Closed on its own thread when dropped, because the last one of a file tidies it up.
#[derive(Debug)]
pub(super) struct Link {
    connection: Option<Connection>,
    watch: Arc<Watch>,
    thread: mpsc::Sender<Job>,
}

/// What SQLite asks and tells while it works.
#[derive(Debug)]
struct Watch {
    /// Looks left.
    budget: AtomicU32,
    /// Pages in the log of what was committed, after the last commit.
    log_pages: AtomicI32,
}

impl Link {
    /// Opens a file. `wait_ms`: how long its thread waits for a lock.
    pub(super) async fn open(path: &Path, wait_ms: u64) -> Result<Link, String> {
        let (thread, inbox) = mpsc::channel::<Job>();
        let tries_max = i32::try_from(wait_ms / BUSY_STEP_MS).unwrap_or(i32::MAX);
        std::thread::Builder::new()
            .name("sqlite".to_owned())
            .stack_size(512 << 10)
            .spawn(move || {
                BUSY_TRIES_MAX.with(|cell| cell.set(tries_max));
                while let Ok(job) = inbox.recv() {
                    job();
                }
            })
            .map_err(|error| error.to_string())?;
        let (opened, outcome) = oneshot::channel();
        let watch = Arc::new(Watch { budget: AtomicU32::new(UNLIMITED), log_pages: AtomicI32::new(0) });
        let (path, watching) = (path.to_owned(), Arc::clone(&watch));
        // Nobody left to tell means that nobody waits for the connection either.
        let open: Job = Box::new(move || drop(opened.send(open(&path, &watching))));
        let ended = || "its thread ended".to_owned();
        thread.send(open).map_err(|_| ended())?;
        let connection = outcome.await.map_err(|_| ended())?.map_err(|error| error.to_string())?;
        Ok(Link { connection: Some(connection), watch, thread })
    }

    /// Works on the thread that calls, without waiting for locks. Counts on its turn.
    #[inline]
    pub(super) fn here<T>(&self, budget: Budget, work: impl FnOnce(&Connection) -> T) -> Option<T> {
        let connection = self.connection.as_ref()?;
        let looks = match budget {
            Budget::Small => LOOKS_MAX,
            Budget::None => UNLIMITED,
        };
        self.watch.budget.store(looks, Ordering::Relaxed);
        let done = work(connection);
        turn::worked(looks.saturating_sub(self.watch.budget.swap(UNLIMITED, Ordering::Relaxed)));
        Some(done)
    }

    /// For its own thread, which may wait.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
    }

    /// Whether so much was committed that it is time to move it into the file.
    pub(super) fn is_checkpoint_due(&self) -> bool {
        self.watch.log_pages.load(Ordering::Relaxed) >= LOG_PAGES_MAX
    }

    /// Moves what was committed into the file, as far as nobody reads what was there before. For its own thread.
    pub(super) fn checkpoint(&self) {
        let done = self
            .connection
            .as_ref()
            .map(|connection| connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())));
        // Nothing is lost by it: the next one moves this too.
        if let Some(Err(error)) = done {
            tracing::warn!("SQLite's log stays where it is until the next checkpoint: {error}");
        }
    }

    /// Stops what it is doing.
    pub(super) fn interrupt_handle(&self) -> Option<InterruptHandle> {
        self.connection.as_ref().map(Connection::get_interrupt_handle)
    }

    /// Where its long work is done.
    pub(super) fn thread(&self) -> mpsc::Sender<Job> {
        self.thread.clone()
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        let connection = self.connection.take();
        let close: Job = Box::new(move || drop(connection));
        // A thread that is gone leaves the job, and the connection in it, to be dropped here.
        let _ = self.thread.send(close);
    }
}

fn open(path: &Path, watch: &Arc<Watch>) -> rusqlite::Result<Connection> {
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(wait_a_little))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_KEPT);
    // FULL: a commit is on disk before it is answered (P3), also if the power goes.
    connection.execute_batch(&format!(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
         PRAGMA cache_size = -{CACHE_KIB}; PRAGMA temp_store = MEMORY;"
    ))?;
    let watching = Arc::clone(watch);
    let exhausted = move || {
        let left = watching.budget.load(Ordering::Relaxed);
        watching.budget.store(left.saturating_sub(1), Ordering::Relaxed);
        left == 0
    };
    connection.progress_handler(STEPS_A_LOOK, Some(exhausted))?;
    // Instead of a checkpoint in the commit that makes the log long: who waits for that commit would wait for it too.
    let watching = Arc::clone(watch);
    let committed = move |_: &mut Wal, pages| {
        watching.log_pages.store(pages, Ordering::Relaxed);
        Ok(())
    };
    connection.wal_hook(Some(committed))?;
    Ok(connection)
}

thread_local! {
    /// How often this thread looks for a lock again. Not at all, but on the threads of connections.
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
