//! Everything that a context has in the store, for consistency checks and for moving a context.
//!
//! Called by `app`'s background work and the `checkconsistency` command. Walks the directory itself, because
//! `object_store` hides what interrupted uploads left, and that is what a check is after.

use std::fs::{self, DirEntry, ReadDir};
use std::io;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use futures_util::stream::{self, BoxStream, StreamExt as _, TryStreamExt as _};

use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::FileStore;

/// Entries read in one job; bounds the memory of a listing.
const BATCH_ENTRIES: usize = 1024;

/// One file in a context's directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// The content of a key.
    Content {
        /// Its key.
        key: Key,
        /// Its bytes.
        size: u64,
    },
    /// What an upload of the key has written so far, or left when it was interrupted.
    Temporary {
        /// The key of the upload.
        key: Key,
        /// Which attempt at it, 1 unless the key was begun twice.
        attempt: u32,
        /// Bytes written.
        size: u64,
        /// When it was last written to, by the clock of the file server.
        modified: SystemTime,
    },
}

impl FileStore {
    /// All files of a context, in no order. Empty for a context that has no directory.
    ///
    /// What comes or goes meanwhile may or may not be listed. Names that are no keys, such as `.nfs…`, are
    /// not.
    ///
    /// # Errors
    /// [`Error::Unavailable`], after which the stream ends.
    pub fn list(&self, context: u32) -> BoxStream<'static, Result<Entry>> {
        let walk = Walk { context, root: self.directory.context_path(context), shelves: None, shelf: None };
        let jobs = self.directory.jobs.clone();
        stream::try_unfold(Some(walk), move |walk| {
            let jobs = jobs.clone();
            async move {
                match walk {
                    Some(walk) => Ok(Some(jobs.run(|| walk.batch()).await?)),
                    None => Ok(None),
                }
            }
        })
        .map_ok(|batch| stream::iter(batch).map(Ok))
        .try_flatten()
        .boxed()
    }
}

/// How far a listing has come.
struct Walk {
    context: u32,
    root: PathBuf,
    shelves: Option<ReadDir>,
    shelf: Option<Shelf>,
}

struct Shelf {
    name: String,
    path: PathBuf,
    files: ReadDir,
}

impl Walk {
    /// The next entries, and the walk if there may be more.
    fn batch(mut self) -> Result<(Vec<Entry>, Option<Self>)> {
        let mut batch = Vec::new();
        while batch.len() < BATCH_ENTRIES {
            match self.next_file()? {
                Some(Some(entry)) => batch.push(entry),
                Some(None) => {}
                None => return Ok((batch, None)),
            }
        }
        Ok((batch, Some(self)))
    }

    /// The next file: `None` behind the last one, `Some(None)` if it is no entry.
    fn next_file(&mut self) -> Result<Option<Option<Entry>>> {
        loop {
            let Some(shelf) = &mut self.shelf else {
                match self.next_shelf()? {
                    Some(shelf) => self.shelf = Some(shelf),
                    None => return Ok(None),
                }
                continue;
            };
            match shelf
                .files
                .next()
                .transpose()
                .map_err(|error| Error::of_path("list", &shelf.path, error))?
            {
                Some(file) => return Ok(Some(entry(self.context, &shelf.name, &file)?)),
                None => self.shelf = None,
            }
        }
    }

    fn next_shelf(&mut self) -> Result<Option<Shelf>> {
        let fail = |path: &Path, error| Error::of_path("list", path, error);
        let shelves = match &mut self.shelves {
            Some(shelves) => shelves,
            none => match fs::read_dir(&self.root) {
                Ok(shelves) => none.insert(shelves),
                Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
                Err(error) => return Err(fail(&self.root, error)),
            },
        };
        for shelf in shelves {
            let shelf = shelf.map_err(|error| fail(&self.root, error))?;
            let (path, name) = (shelf.path(), shelf.file_name());
            match (fs::read_dir(&path), name.into_string()) {
                (Ok(files), Ok(name)) => return Ok(Some(Shelf { name, path, files })),
                (Err(error), Ok(_)) if !is_stranger(&error) => return Err(fail(&path, error)),
                _ => {}
            }
        }
        Ok(None)
    }
}

/// Whether the error of opening a directory says that it is none, or is gone.
fn is_stranger(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// The entry that the file is, if its name is one of ours and it is still there.
fn entry(context: u32, shelf: &str, file: &DirEntry) -> Result<Option<Entry>> {
    let name = file.file_name();
    let Some(name) = name.to_str() else { return Ok(None) };
    let (name, attempt) = match name.split_once('#') {
        Some((name, attempt)) => match attempt.parse::<u32>() {
            Ok(attempt) => (name, Some(attempt)),
            Err(_) => return Ok(None),
        },
        None => (name, None),
    };
    let Some(key) = Key::from_names(context, shelf, name) else { return Ok(None) };
    let metadata = match file.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Error::of_path("look at", &file.path(), error)),
    };
    let size = metadata.len();
    Ok(Some(match attempt {
        None => Entry::Content { key, size },
        Some(attempt) => {
            let modified =
                metadata.modified().map_err(|error| Error::of_path("look at", &file.path(), error))?;
            Entry::Temporary { key, attempt, size, modified }
        }
    }))
}
