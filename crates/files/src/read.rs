//! Reading one content, or a range of it, as a stream of chunks with one chunk read ahead.
//!
//! Called by `app` for downloads. Reads the file directly, because `object_store` hands local files out in
//! chunks of 8 KiB. The stream must never end early without an error: a client would take half a file for the
//! whole.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_util::Stream;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};
use crate::key::Key;
use crate::store::{Directory, FileStore, retry_stale};

/// Bytes of a chunk, all but the last: few thread changes, and little memory for each of many downloads (two
/// chunks).
pub(crate) const CHUNK_BYTES: u64 = 256 << 10;

/// The chunks of a content, in order. Ends after the last one, or after the first error.
#[derive(Debug)]
pub struct Reader {
    directory: Arc<Directory>,
    key: Key,
    size: u64,
    // Bytes of the range that are not asked for yet.
    rest: u64,
    ahead: Option<JoinHandle<Result<(File, Bytes)>>>,
}

impl FileStore {
    /// Opens the content of `key`, or the bytes `range` of it, and begins to read.
    ///
    /// # Errors
    /// [`Error::Missing`], [`Error::Unavailable`], and [`Error::OutOfRange`] if the range ends behind the
    /// content or before its own start.
    pub async fn read(&self, key: Key, range: Option<Range<u64>>) -> Result<Reader> {
        let path = self.directory.path(key);
        let (file, size, range) = self
            .directory
            .jobs
            .run(move || {
                let fail = |error| Error::of_key(key, "open", &path, error);
                let mut file = retry_stale(|| File::open(&path)).map_err(fail)?;
                let size = file.metadata().map_err(fail)?.len();
                let range = range.unwrap_or(0..size);
                if range.end > size || range.start > range.end {
                    return Err(Error::OutOfRange { key, size });
                }
                if range.start > 0 {
                    file.seek(SeekFrom::Start(range.start)).map_err(fail)?;
                }
                Ok((file, size, range))
            })
            .await?;
        let directory = Arc::clone(&self.directory);
        let mut reader =
            Reader { directory, key, size, rest: range.end.saturating_sub(range.start), ahead: None };
        reader.read_ahead(file);
        Ok(reader)
    }
}

impl Reader {
    /// Bytes of the whole content, also when a range of it is read.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Starts to read the next chunk, if there is one.
    fn read_ahead(&mut self, file: File) {
        let length = self.rest.min(CHUNK_BYTES);
        if length == 0 {
            return;
        }
        self.rest -= length;
        let (directory, key) = (Arc::clone(&self.directory), self.key);
        self.ahead = Some(tokio::spawn(async move {
            let path = directory.path(key);
            directory
                .jobs
                .run(move || match read_chunk(&file, length) {
                    Ok(chunk) if chunk.len() as u64 == length => Ok((file, chunk)),
                    Ok(_) => Err(Error::Corrupt { key }),
                    Err(error) => Err(Error::of_path("read", &path, error)),
                })
                .await
        }));
    }
}

/// The next `length` bytes of the file, or fewer at its end.
pub(crate) fn read_chunk(file: &File, length: u64) -> std::io::Result<Bytes> {
    let mut chunk = Vec::with_capacity(usize::try_from(length).unwrap_or_default());
    file.take(length).read_to_end(&mut chunk)?;
    Ok(chunk.into())
}

impl Stream for Reader {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let Some(ahead) = &mut self.ahead else {
            return Poll::Ready(None);
        };
        let read = ready!(Pin::new(ahead).poll(context));
        self.ahead = None;
        match read.map_err(Error::of_job) {
            Ok(Ok((file, chunk))) => {
                self.read_ahead(file);
                Poll::Ready(Some(Ok(chunk)))
            }
            Ok(Err(error)) | Err(error) => Poll::Ready(Some(Err(error))),
        }
    }
}
