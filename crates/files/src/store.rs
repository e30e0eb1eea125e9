//! One file store: opening it, and what it does with a whole content at once.
//!
//! Opened at start-up for each registered file store, shared by all requests. Streaming is in
//! [`crate::upload`] and [`crate::read`]. Must never create anything outside its directory.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::ObjectStoreExt as _;
use object_store::local::LocalFileSystem;
use object_store::{MultipartUpload, PutPayload};
use tokio::task::JoinHandle;

use crate::config::Config;
use crate::error::{Error, Result};
use crate::jobs::Jobs;
use crate::key::{Key, context_directory};

/// An open file store; clones are the same store.
#[derive(Debug, Clone)]
pub struct FileStore {
    pub(crate) directory: Arc<Directory>,
}

/// The directory behind a store, and the way to it.
#[derive(Debug)]
pub(crate) struct Directory {
    pub(crate) jobs: Jobs,
    root: PathBuf,
    objects: LocalFileSystem,
    fsync: bool,
}

impl FileStore {
    /// Opens the store that `config` names, after writing and removing a file there.
    ///
    /// # Errors
    /// [`Error::Config`] naming the setting or the path if the directory is missing and cannot be created, is
    /// none, or cannot be written to.
    pub async fn open(config: &Config) -> Result<Self> {
        let root = config.directory()?;
        if config.jobs_max == 0 {
            return Err(Error::Config("file store jobs_max: must be 1 or more".into()));
        }
        let jobs = Jobs::new(config.jobs_max, Duration::from_millis(config.wait_ms_max));
        let fsync = config.fsync;
        let (root, objects) = jobs.run(move || prepare(&root, fsync)).await?;
        Ok(Self { directory: Arc::new(Directory { jobs, root, objects, fsync }) })
    }

    /// Bytes of the content.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Unavailable`].
    pub async fn size(&self, key: Key) -> Result<u64> {
        let path = self.directory.path(key);
        self.directory
            .jobs
            .run(move || match retry_stale(|| fs::metadata(&path)) {
                Ok(metadata) => Ok(metadata.len()),
                Err(error) => Err(Error::of_key(key, "look at", &path, error)),
            })
            .await
    }

    /// Removes the content and whatever interrupted uploads of the key left, durably. Whether there was a
    /// content; asking again is no error.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: ask again.
    pub async fn delete(&self, key: Key) -> Result<bool> {
        let directory = Arc::clone(&self.directory);
        self.directory
            .jobs
            .run(move || {
                let path = directory.path(key);
                directory.remove_staged(key)?;
                let was_there = remove(&path)?;
                // Even if nothing was there: an earlier attempt may have removed it and died before this
                // line.
                directory.sync_shelf_of(&path)?;
                Ok(was_there)
            })
            .await
    }

    /// Removes everything of a context. Asking again is no error.
    ///
    /// # Errors
    /// [`Error::Unavailable`], also when an upload or (on NFS) a reader kept a directory from being removed:
    /// ask again.
    pub async fn remove_context(&self, context: u32) -> Result<()> {
        let directory = Arc::clone(&self.directory);
        self.directory
            .jobs
            .run(move || {
                let path = directory.context_path(context);
                match fs::remove_dir_all(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        Err(Error::of_path("remove", &path, error))
                    }
                    _ => directory.sync_root(),
                }
            })
            .await
    }
}

impl Directory {
    /// Where the content of `key` is.
    pub(crate) fn path(&self, key: Key) -> PathBuf {
        self.root.join(key.to_string())
    }

    /// Where an upload of `key` writes before it gives the content its name: `object_store` calls these files
    /// `<name>#1`, and `#2` and so on when the former is taken.
    pub(crate) fn staged_path(&self, key: Key, attempt: u32) -> PathBuf {
        self.root.join(format!("{key}#{attempt}"))
    }

    /// Where a context's contents are.
    pub(crate) fn context_path(&self, context: u32) -> PathBuf {
        self.root.join(context_directory(context))
    }

    /// A file of this name beside the contexts' directories.
    pub(crate) fn root_path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Makes changes to the contexts' directories durable.
    pub(crate) fn sync_root(&self) -> Result<()> {
        self.sync(&self.root)
    }

    /// Writes a whole content at once.
    pub(crate) async fn put(self: &Arc<Self>, key: Key, content: PutPayload) -> Result<()> {
        let directory = Arc::clone(self);
        let put = async move {
            let put = directory.objects.put(&object_path(key), content).await;
            put.map(|_| ()).map_err(Error::of_write)
        };
        self.jobs.start(put).await?.await.map_err(Error::of_job)?
    }

    /// Creates the file under a name of its own that the parts of a content are written to.
    pub(crate) async fn put_parts(self: &Arc<Self>, key: Key) -> Result<Box<dyn MultipartUpload>> {
        let directory = Arc::clone(self);
        let runtime = tokio::runtime::Handle::current();
        // In a job because object_store creates the file, and the directories it needs, on the calling
        // thread.
        self.jobs
            .run(move || {
                let begun = runtime.block_on(directory.objects.put_multipart(&object_path(key)));
                begun.map_err(Error::of_write)
            })
            .await
    }

    /// Begins to bring what an upload has written so far to the disk; `None` if nothing here has to survive a power failure.
    pub(crate) async fn flush_staged(self: &Arc<Self>, key: Key) -> Result<Option<JoinHandle<Result<()>>>> {
        if !self.fsync {
            return Ok(None);
        }
        let path = self.staged_path(key, 1);
        let work = move || match fs::File::open(&path).and_then(|file| file.sync_data()) {
            // Only the final flush is a promise; were the file elsewhere, that one would do it all.
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                Err(Error::of_path("flush", &path, error))
            }
            _ => Ok(()),
        };
        let flush = async move { tokio::task::spawn_blocking(work).await.map_err(Error::of_job)? };
        self.jobs.start(flush).await.map(Some)
    }

    /// Gives the written parts their name. If that fails they are removed, which object_store leaves to its
    /// caller.
    pub(crate) async fn complete(
        self: &Arc<Self>,
        key: Key,
        mut parts: Box<dyn MultipartUpload>,
    ) -> Result<()> {
        let directory = Arc::clone(self);
        let complete = async move {
            let Err(error) = parts.complete().await else {
                return Ok(());
            };
            let cleaned = tokio::task::spawn_blocking(move || directory.remove_staged(key));
            if !matches!(cleaned.await, Ok(Ok(()))) {
                tracing::warn!(%key, "an upload that failed left a temporary file, which the next sweep removes");
            }
            Err(Error::of_write(error))
        };
        self.jobs.start(complete).await?.await.map_err(Error::of_job)?
    }

    /// Refuses a key that has content already. Not atomic with the rename that publishes a content, and need
    /// not be: keys are random and reserved, so this only keeps a defect elsewhere from destroying a file.
    pub(crate) async fn refuse_taken(self: &Arc<Self>, key: Key) -> Result<()> {
        let path = self.path(key);
        self.jobs
            .run(move || match fs::symlink_metadata(&path) {
                Ok(_) => Err(Error::Exists { key }),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(Error::of_path("look at", &path, error)),
            })
            .await
    }

    /// Makes changes to the entries of the directory durable.
    pub(crate) fn sync(&self, path: &Path) -> Result<()> {
        if !self.fsync {
            return Ok(());
        }
        let synced = fs::File::open(path).and_then(|directory| directory.sync_all());
        synced.map_err(|error| Error::of_path("sync", path, error))
    }

    /// As [`Directory::sync`] for the directory of a content, which may never have been created.
    fn sync_shelf_of(&self, path: &Path) -> Result<()> {
        match path.parent() {
            Some(shelf) if shelf.exists() => self.sync(shelf),
            _ => Ok(()),
        }
    }

    /// Removes what uploads of the key wrote before they gave it its name. A key is uploaded once, so the
    /// first attempt that is missing is the end.
    fn remove_staged(&self, key: Key) -> Result<()> {
        for attempt in 1.. {
            if !remove(&self.staged_path(key, attempt))? {
                break;
            }
        }
        Ok(())
    }
}

/// Makes sure that the directory is there and can be written to.
fn prepare(root: &Path, fsync: bool) -> Result<(PathBuf, LocalFileSystem)> {
    let refuse = |what: &str, error: &dyn std::error::Error| {
        Error::Config(format!("file store {}: {what}: {error}", root.display()))
    };
    match fs::create_dir(root) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
            return Err(refuse("cannot create the directory", &error));
        }
        _ => {}
    }
    // Names the process, so that nodes that start together do not remove each other's.
    let probe = root.join(format!(".zebu-probe-{}", std::process::id()));
    fs::write(&probe, b"may be removed").map_err(|error| refuse("cannot write to the directory", &error))?;
    remove(&probe).map_err(|error| refuse("cannot remove from the directory", &error))?;
    let objects = LocalFileSystem::new_with_prefix(root).map_err(|error| refuse("cannot open", &error))?;
    let canonical = root.canonicalize().map_err(|error| refuse("cannot open", &error))?;
    Ok((canonical, objects.with_fsync(fsync)))
}

fn object_path(key: Key) -> object_store::path::Path {
    object_store::path::Path::from(key.to_string())
}

/// Removes a file; whether there was one.
pub(crate) fn remove(path: &Path) -> Result<bool> {
    match retry_stale(|| fs::remove_file(path)) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(Error::of_path("remove", path, error)),
    }
}

/// Calls twice if the first answer is that an NFS handle is stale: another node has replaced a directory on
/// the way, and the second call looks it up anew.
pub(crate) fn retry_stale<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    match call() {
        Err(error) if error.kind() == io::ErrorKind::StaleNetworkFileHandle => call(),
        answer => answer,
    }
}
