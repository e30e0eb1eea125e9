//! A file with its connections: one that writes, a few that read.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::link::{Job, Link};
use crate::engine::Begin;
use crate::error::{Error, Result};

/// A database file.
#[derive(Debug)]
pub(super) struct File {
    pub(super) name: String,
    path: PathBuf,
    wait_ms_max: u64,
    readers: Side,
    writer: Side,
}

#[derive(Debug)]
struct Side {
    most: usize,
    turns: Arc<Semaphore>,
    idle: Mutex<Vec<Idle>>,
}

/// A connection that nobody uses.
#[derive(Debug)]
struct Idle {
    link: Box<Link>,
    /// When it was first seen so: whoever gives one back does not look at the clock.
    since: Option<Instant>,
}

/// A connection in use, with the leave to use it.
#[derive(Debug)]
pub(super) struct Held {
    /// Boxed, since it changes hands with every statement.
    pub(super) link: Box<Link>,
    begin: Begin,
    _turn: OwnedSemaphorePermit,
}

impl Side {
    fn new(most: usize) -> Side {
        Side { most, turns: Arc::new(Semaphore::new(most)), idle: Mutex::new(Vec::new()) }
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl File {
    pub(super) fn new(path: PathBuf, wait_ms_max: u64, readers_max: usize) -> Arc<File> {
        Arc::new(File {
            name: format!("sqlite:{}", path.display()),
            path,
            wait_ms_max,
            readers: Side::new(readers_max.max(1)),
            writer: Side::new(1),
        })
    }

    fn side(&self, begin: Begin) -> &Side {
        match begin {
            Begin::Read => &self.readers,
            Begin::Write => &self.writer,
        }
    }

    /// An idle connection, if nobody has to be waited for.
    pub(super) fn take_now(&self, begin: Begin) -> Option<Held> {
        let side = self.side(begin);
        let turn = Arc::clone(&side.turns).try_acquire_owned().ok()?;
        let Idle { link, .. } = side.idle().pop()?;
        Some(Held { link, begin, _turn: turn })
    }

    /// A connection, idle or new; waits its turn, but no longer than configured.
    pub(super) async fn take(&self, begin: Begin) -> Result<Held> {
        let side = self.side(begin);
        let turn = tokio::time::timeout(self.wait(), Arc::clone(&side.turns).acquire_owned()).await;
        let turn = turn.ok().and_then(std::result::Result::ok).ok_or_else(|| self.busy())?;
        let idle = side.idle().pop();
        let link = match idle {
            Some(Idle { link, .. }) => link,
            None => {
                let link = Link::open(&self.path, self.wait_ms_max).await;
                Box::new(link.map_err(|reason| self.unavailable(reason))?)
            }
        };
        Ok(Held { link, begin, _turn: turn })
    }

    /// Takes a connection back that is in no transaction.
    pub(super) fn put(&self, held: Held) {
        let Held { link, begin, _turn } = held;
        let side = self.side(begin);
        let mut idle = side.idle();
        if idle.len() < side.most {
            idle.push(Idle { link, since: None });
        }
    }

    /// Rolls back on the connection's own thread and takes it back.
    pub(super) fn undo(self: &Arc<Self>, held: Held) {
        let file = Arc::clone(self);
        let thread = held.link.thread();
        let job: Job = Box::new(move || file.undo_here(held));
        // A thread that is gone leaves the job, and the connection in it, to be dropped.
        let _ = thread.send(job);
    }

    /// The same, on the thread that calls.
    pub(super) fn undo_here(&self, held: Held) {
        let done = held.link.connection().map(|connection| {
            // It may be over already: some errors end a transaction.
            if connection.is_autocommit() {
                return Ok(0);
            }
            connection.prepare_cached("ROLLBACK")?.execute([])
        });
        // A connection in an unknown state is closed.
        if let Some(Ok(_)) = done {
            self.put(held);
        }
    }

    /// Moves what was committed into the file on the connection's own thread, and takes it back.
    pub(super) fn checkpoint(self: &Arc<Self>, held: Held) {
        let file = Arc::clone(self);
        let thread = held.link.thread();
        let job: Job = Box::new(move || {
            held.link.checkpoint();
            file.put(held);
        });
        // As in `undo`.
        let _ = thread.send(job);
    }

    /// Closes what nobody has used for so long since this looked at it.
    pub(super) fn close_idle(&self, idle_max: Duration) {
        for side in [&self.readers, &self.writer] {
            side.idle().retain_mut(|idle| idle.since.get_or_insert_with(Instant::now).elapsed() <= idle_max);
        }
    }

    /// Connections in use, and idle ones.
    pub(super) fn connections(&self) -> (usize, usize) {
        [&self.readers, &self.writer].into_iter().fold((0, 0), |(used, idle), side| {
            (used + side.most - side.turns.available_permits(), idle + side.idle().len())
        })
    }

    pub(super) fn busy(&self) -> Error {
        Error::Busy { database: self.name.clone(), waited_ms: self.wait_ms_max }
    }

    pub(super) fn wait(&self) -> Duration {
        Duration::from_millis(self.wait_ms_max)
    }

    pub(super) fn unavailable(&self, reason: impl Into<String>) -> Error {
        Error::Unavailable { database: self.name.clone(), reason: reason.into() }
    }
}
