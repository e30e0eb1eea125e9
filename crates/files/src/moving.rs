//! What it takes to move contents from one store to another, beside reading and writing them.
//!
//! Called by `app`'s job that moves a context. Whoever removes the content of a key here says until when they may: a process
//! that was stopped in between must not remove what has come back meanwhile.

use std::fs;
use std::io;
use std::path::Path;
use std::time::Instant;

use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::{FileStore, remove};

/// The BLAKE3 digest that a text of 64 hexadecimal digits names.
#[must_use]
pub fn parse_blake3(text: &str) -> Option<[u8; 32]> {
    blake3::Hash::from_hex(text).ok().map(|hash| *hash.as_bytes())
}

impl FileStore {
    /// Removes the content of `key`, unless it is later than `until`. Returns whether there was one.
    ///
    /// # Errors
    /// [`Error::Unavailable`], also if it is too late.
    pub async fn delete_until(&self, key: Key, until: Instant) -> Result<bool> {
        let path = self.directory.path(key);
        let delete = move || {
            if Instant::now() > until {
                let source = io::Error::from(io::ErrorKind::TimedOut);
                return Err(Error::of_path("remove in time", &path, source));
            }
            remove(&path)
        };
        self.directory.jobs.run(delete).await
    }

    /// Removes the directories of a context that are empty, durably. Returns whether nothing of it is left.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: ask again.
    pub async fn remove_empty(&self, context: u32) -> Result<bool> {
        let directory = std::sync::Arc::clone(&self.directory);
        let work = move || {
            let path = directory.context_path(context);
            let fail = |error| Error::of_path("list", &path, error);
            let shelves = match fs::read_dir(&path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
                other => other.map_err(fail)?,
            };
            for shelf in shelves {
                let shelf = shelf.map_err(fail)?;
                if shelf.file_type().map_err(fail)?.is_dir() {
                    remove_directory(&shelf.path())?;
                }
            }
            let gone = remove_directory(&path)?;
            directory.sync_root()?;
            Ok(gone)
        };
        self.directory.jobs.run(work).await
    }

    /// Whether this and the other are one directory under two names: found out by writing a file here and looking for it
    /// there, as no path tells what is mounted where.
    ///
    /// # Errors
    /// [`Error::Unavailable`].
    pub async fn is_same_as(&self, other: &FileStore, random: [u8; 16]) -> Result<bool> {
        let name = format!(".zebu-probe-{:032x}", u128::from_be_bytes(random));
        let (here, there) = (self.directory.root_path(&name), other.directory.root_path(&name));
        // In one job, which goes on to its end even if nobody waits for it any more: it leaves nothing.
        let look = move || {
            fs::write(&here, b"may be removed").map_err(|error| Error::of_path("write", &here, error))?;
            let found = match fs::symlink_metadata(&there) {
                Ok(_) => Ok(true),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
                Err(error) => Err(Error::of_path("look at", &there, error)),
            };
            remove(&here)?;
            found
        };
        self.directory.jobs.run(look).await
    }
}

/// Removes a directory if it is empty. Returns whether it is gone.
fn remove_directory(path: &Path) -> Result<bool> {
    match fs::remove_dir(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(Error::of_path("remove", path, error)),
    }
}
