//! Writing one content: bytes come in as the network brings them, leave in parts, and get their name when all
//! are durable.
//!
//! Called by `app` for every new file version. Holds a bounded number of bytes whatever the size: one part
//! that fills, two that are on their way. A content that is not finished must never be found under its key.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use object_store::{MultipartUpload, PutPayload, PutPayloadMut};
use tokio::task::JoinHandle;

use crate::digests::Digests;
use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::{Directory, FileStore};

/// Bytes of a part, all but the last. Large enough that a part's hand-over costs nothing beside its digests.
const PART_BYTES: usize = 1 << 20;
/// Parts that are being written at one time.
const PARTS_IN_FLIGHT_MAX: usize = 2;
/// Bytes after which the disk is set to work on what has arrived: at the end of a large upload only the last of it has to
/// be waited for. Large enough that a flush costs little beside what it flushes.
const FLUSH_BYTES: u64 = 64 << 20;
/// Chunks shorter than this are copied together, because a chunk of one byte may keep a buffer of many in
/// memory.
const CHUNK_BYTES_MIN: usize = 4 << 10;

/// A content on its way into the store. Dropping it before [`Upload::finish`] returns removes what was
/// written.
#[derive(Debug)]
pub struct Upload {
    key: Key,
    // None once a call failed or was abandoned half-way: the content would have a hole.
    progress: Option<Progress>,
}

/// What was stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    /// Bytes of the content.
    pub size: u64,
    /// Its BLAKE3 digest, for [`FileStore::verify`].
    pub blake3: [u8; 32],
    /// Its MD5 digest, which the HTTP API shows as `file_md5sum`.
    pub md5: [u8; 16],
}

struct Progress {
    directory: Arc<Directory>,
    key: Key,
    size: u64,
    size_max: u64,
    part: PutPayloadMut,
    digests: Digests,
    // None until a second part is needed, so that a small content costs one call.
    parts: Option<Box<dyn MultipartUpload>>,
    writes: VecDeque<JoinHandle<Result<()>>>,
    unflushed: u64,
    flush: Option<JoinHandle<Result<()>>>,
}

impl FileStore {
    /// Begins to write the content of `key`, of `size_max` bytes at most. Nothing is on the disk until a part
    /// is full.
    pub fn begin(&self, key: Key, size_max: u64) -> Upload {
        let progress = Progress {
            directory: Arc::clone(&self.directory),
            key,
            size: 0,
            size_max,
            part: PutPayloadMut::new().with_block_size(2 * CHUNK_BYTES_MIN),
            digests: Digests::default(),
            parts: None,
            writes: VecDeque::new(),
            unflushed: 0,
            flush: None,
        };
        Upload { key, progress: Some(progress) }
    }
}

impl Upload {
    /// Takes the next bytes of the content. Returns when there is room for more, not when they are written.
    ///
    /// # Errors
    /// [`Error::TooLarge`], [`Error::Full`], [`Error::Unavailable`], perhaps for bytes of an earlier call;
    /// the upload is over then, and every later call answers [`Error::Interrupted`], as it does if the future
    /// of a call was dropped.
    pub async fn write(&mut self, chunk: Bytes) -> Result<()> {
        let mut progress = self.progress.take().ok_or(Error::Interrupted { key: self.key })?;
        progress.take_in(chunk).await?;
        self.progress = Some(progress);
        Ok(())
    }

    /// Makes the content durable under its key.
    ///
    /// If the returned future is dropped, the content may or may not be stored, as after a crash.
    ///
    /// # Errors
    /// As [`Upload::write`], and [`Error::Exists`].
    pub async fn finish(mut self) -> Result<Stored> {
        let progress = self.progress.take().ok_or(Error::Interrupted { key: self.key })?;
        progress.publish(None).await
    }

    /// The same for a content that is known by its BLAKE3 digest: with another it gets no name, and nothing of it stays.
    ///
    /// # Errors
    /// As [`Upload::finish`], and [`Error::Corrupt`].
    pub async fn finish_as(mut self, blake3: [u8; 32]) -> Result<Stored> {
        let progress = self.progress.take().ok_or(Error::Interrupted { key: self.key })?;
        progress.publish(Some(blake3)).await
    }

    /// Bytes taken so far; 0 once the upload is interrupted.
    pub fn size(&self) -> u64 {
        self.progress.as_ref().map_or(0, |progress| progress.size)
    }
}

impl Progress {
    async fn take_in(&mut self, mut chunk: Bytes) -> Result<()> {
        let size = self.size.saturating_add(chunk.len() as u64);
        if size > self.size_max {
            return Err(Error::TooLarge { limit: self.size_max });
        }
        self.size = size;
        while !chunk.is_empty() {
            let room = PART_BYTES.saturating_sub(self.part.content_length());
            if room == 0 {
                self.send_part().await?;
                continue;
            }
            let piece = chunk.split_to(room.min(chunk.len()));
            if piece.len() < CHUNK_BYTES_MIN {
                self.part.extend_from_slice(&piece);
            } else {
                self.part.push(piece);
            }
        }
        Ok(())
    }

    /// Hands the part over to be digested and written, once there is room for it among those on their way.
    async fn send_part(&mut self) -> Result<()> {
        let part = std::mem::take(&mut self.part).freeze();
        self.digests.push(&part).await?;
        if self.writes.len() >= PARTS_IN_FLIGHT_MAX {
            self.await_oldest_write().await?;
        }
        self.write_part(part).await
    }

    async fn write_part(&mut self, part: PutPayload) -> Result<()> {
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => none.insert(self.directory.put_parts(self.key).await?),
        };
        let bytes = part.content_length() as u64;
        let write = parts.put_part(part);
        let write = async move { write.await.map_err(Error::of_write) };
        self.writes.push_back(self.directory.jobs.start(write).await?);
        self.unflushed = self.unflushed.saturating_add(bytes);
        self.flush().await
    }

    /// Sets the disk to work, unless it still is.
    async fn flush(&mut self) -> Result<()> {
        if self.unflushed < FLUSH_BYTES || self.flush.as_ref().is_some_and(|flush| !flush.is_finished()) {
            return Ok(());
        }
        self.await_flush().await?;
        self.unflushed = 0;
        self.flush = self.directory.flush_staged(self.key).await?;
        Ok(())
    }

    async fn await_flush(&mut self) -> Result<()> {
        match self.flush.take() {
            Some(flush) => flush.await.map_err(Error::of_job)?,
            None => Ok(()),
        }
    }

    async fn await_oldest_write(&mut self) -> Result<()> {
        match self.writes.pop_front() {
            Some(write) => write.await.map_err(Error::of_job)?,
            None => Ok(()),
        }
    }

    async fn publish(mut self, expected: Option<[u8; 32]>) -> Result<Stored> {
        self.directory.refuse_taken(self.key).await?;
        let part = std::mem::take(&mut self.part).freeze();
        self.digests.push(&part).await?;
        // Beside the write, unless the name hangs on it.
        let digests = match expected {
            Some(expected) => {
                let digests = std::mem::take(&mut self.digests).finish().await?;
                if digests.0 != expected {
                    return Err(Error::Corrupt { key: self.key });
                }
                Some(digests)
            }
            None => None,
        };
        if self.parts.is_none() {
            self.directory.put(self.key, part).await?;
        } else {
            self.write_part(part).await?;
            while !self.writes.is_empty() {
                self.await_oldest_write().await?;
            }
            self.await_flush().await?;
            if let Some(parts) = self.parts.take() {
                self.directory.complete(self.key, parts).await?;
            }
        }
        let (blake3, md5) = match digests {
            Some(digests) => digests,
            None => std::mem::take(&mut self.digests).finish().await?,
        };
        Ok(Stored { size: self.size, blake3, md5 })
    }
}

impl Drop for Progress {
    /// Removes the parts, in the background and after the writes that are on their way. What cannot be
    /// removed, also because the process ends, is left to [`FileStore::delete`] and
    /// [`FileStore::sweep_temporary`].
    fn drop(&mut self) {
        let Some(mut parts) = self.parts.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        let (key, writes) = (self.key, std::mem::take(&mut self.writes));
        runtime.spawn(async move {
            for write in writes {
                // Its outcome no longer matters, only that it is over.
                let _ = write.await;
            }
            if let Err(error) = parts.abort().await {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(%key, error, "an abandoned upload left a temporary file, which the next sweep removes");
            }
        });
    }
}

impl std::fmt::Debug for Progress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Progress")
            .field("size", &self.size)
            .field("size_max", &self.size_max)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;

    use super::*;
    use crate::config::Config;

    /// Time stands still here while anything can be done without it, so that a time-out says "nothing moves".
    #[tokio::test(start_paused = true)]
    async fn an_upload_waits_when_two_parts_cannot_be_written() {
        let directory = tempfile::TempDir::new().unwrap();
        let store =
            FileStore::open(&Config::new(format!("file://{}", directory.path().display()))).await.unwrap();
        let mut upload = store.begin(Key::new(1, [1; 16]), u64::MAX);
        let mut stalled = Vec::new();
        for _ in 0..2 {
            let (release, released) = oneshot::channel::<()>();
            stalled.push(release);
            upload.progress.as_mut().unwrap().writes.push_back(tokio::spawn(async move {
                released.await.unwrap();
                Ok(())
            }));
        }
        upload.write(Bytes::from(vec![1; PART_BYTES])).await.unwrap();
        let write = upload.write(Bytes::from_static(b"one byte more than a part"));
        let mut write = std::pin::pin!(write);
        assert!(tokio::time::timeout(Duration::from_secs(1), &mut write).await.is_err());
        stalled.remove(0).send(()).unwrap();
        write.await.unwrap();
        drop(stalled);
    }
}
