//! SQLite as a full engine: files in WAL mode, for each one writing connection a process and a few that read.
//!
//! Other processes (the other nodes of this machine) share the files; SQLite's one write lock stands in for the row locks
//! of a server. Nothing that may take long runs on a thread of the async runtime: see [`lease`].

mod convert;
mod disk;
mod file;
mod lease;
mod link;
mod turn;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use foldhash::fast::RandomState;

use super::Begin;
use super::gate::Gate;
use crate::config::Config;
use crate::error::{Error, Result};

use disk::Disk;
use file::File;
pub(crate) use lease::Lease;

/// How long a connection that nobody uses is kept.
const IDLE_MAX: Duration = Duration::from_secs(60);

/// What a database file's name ends in.
const SUFFIX: &str = ".db";

/// A directory of database files: what stands for a server.
#[derive(Debug)]
pub(crate) struct Directory {
    gate: Gate,
    path: PathBuf,
    disk: Disk,
    wait_ms_max: u64,
    readers_max: usize,
    statement_max: Duration,
    /// Looked up by every transaction, hence the hasher.
    files: Mutex<HashMap<String, Arc<File>, RandomState>>,
}

impl Directory {
    pub(super) fn new(config: &Config, url: &str) -> Result<Arc<Directory>> {
        let path = path_in(url)?;
        Ok(Arc::new(Directory {
            gate: Gate::new(url.to_owned()),
            path,
            disk: Disk::default(),
            wait_ms_max: config.wait_ms_max,
            readers_max: config.readers_max,
            statement_max: Duration::from_millis(config.statement_ms_max),
            files: Mutex::default(),
        }))
    }

    pub(super) fn gate(&self) -> &Gate {
        &self.gate
    }

    /// A connection for one transaction in the file of a schema; waits its turn, but no longer than configured.
    pub(super) async fn lease(self: &Arc<Self>, schema: &str, begin: Begin) -> Result<Lease> {
        let pass = self.gate.pass()?;
        let file = self.file(schema);
        let held = match file.take_now(begin) {
            Some(held) => held,
            None => {
                // Who may have to open one more looks after those that nobody needs.
                self.close_idle();
                self.gate.while_open(&pass, file.take(begin)).await??
            }
        };
        Ok(Lease::new(Arc::clone(self), file, pass, begin, held))
    }

    /// Whether files can be made here, by making one of this name. Leaves none behind.
    pub(super) fn try_out(&self, name: &str) -> Result<()> {
        let path = self.path.join(name);
        let tried = std::fs::File::create_new(&path).and_then(|_| std::fs::remove_file(&path));
        tried.map_err(|error| self.gate.unavailable(format!("{}: {error}", self.path.display())))
    }

    fn file(&self, schema: &str) -> Arc<File> {
        let mut files = self.files();
        if let Some(file) = files.get(schema) {
            return Arc::clone(file);
        }
        let path = self.path.join(format!("{schema}{SUFFIX}"));
        let file = File::new(path, self.wait_ms_max, self.readers_max);
        files.insert(schema.to_owned(), Arc::clone(&file));
        file
    }

    fn close_idle(&self) {
        self.files().values().for_each(|file| file.close_idle(IDLE_MAX));
    }

    /// Connections in use, and idle ones.
    pub(super) fn connections(&self) -> (usize, usize) {
        let counted = self.files().values().map(|file| file.connections()).collect::<Vec<_>>();
        counted.into_iter().fold((0, 0), |(used, idle), (u, i)| (used + u, idle + i))
    }

    fn files(&self) -> MutexGuard<'_, HashMap<String, Arc<File>, RandomState>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
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
