//! A connection to a file, and the thread it goes to with whatever may take long.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use rusqlite::{Connection, InterruptHandle, OpenFlags};
use tokio::sync::oneshot;

/// Prepared statements kept a connection: more than there are hot statements.
const STATEMENTS_KEPT: usize = 128;
/// Page cache a connection, KiB.
const CACHE_KIB: u32 = 2_048;
/// Between two looks for the write lock that another process holds.
const BUSY_STEP_MS: u64 = 1;
/// How many steps of SQLite's machine pass between two looks at the budget.
const STEPS_A_LOOK: i32 = 1_000;
/// Looks a query may take where it must not take long: some milliseconds of work, a listing of a few hundred rows.
const LOOKS_MAX: u32 = 20;
/// No budget.
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
    /// Looks left, or [`UNLIMITED`].
    budget: Arc<AtomicU32>,
    thread: mpsc::Sender<Job>,
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
        let budget = Arc::new(AtomicU32::new(UNLIMITED));
        let (path, watched) = (path.to_owned(), Arc::clone(&budget));
        // Nobody left to tell means that nobody waits for the connection either.
        let open: Job = Box::new(move || drop(opened.send(open(&path, watched))));
        let ended = || "its thread ended".to_owned();
        thread.send(open).map_err(|_| ended())?;
        let connection = outcome.await.map_err(|_| ended())?.map_err(|error| error.to_string())?;
        Ok(Link { connection: Some(connection), budget, thread })
    }

    /// Works on the thread that calls, without waiting for locks.
    pub(super) fn here<T>(&self, budget: Budget, work: impl FnOnce(&Connection) -> T) -> Option<T> {
        let connection = self.connection.as_ref()?;
        let looks = match budget {
            Budget::Small => LOOKS_MAX,
            Budget::None => UNLIMITED,
        };
        self.budget.store(looks, Ordering::Relaxed);
        let done = work(connection);
        self.budget.store(UNLIMITED, Ordering::Relaxed);
        Some(done)
    }

    /// For its own thread, which may wait.
    pub(super) fn connection(&self) -> Option<&Connection> {
        self.connection.as_ref()
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

fn open(path: &Path, budget: Arc<AtomicU32>) -> rusqlite::Result<Connection> {
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
    let exhausted = move || match budget.load(Ordering::Relaxed) {
        UNLIMITED => false,
        0 => true,
        left => {
            budget.store(left - 1, Ordering::Relaxed);
            false
        }
    };
    connection.progress_handler(STEPS_A_LOOK, Some(exhausted))?;
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
