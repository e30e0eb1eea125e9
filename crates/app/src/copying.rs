//! Copying one content from a file store to another, for who follows a context that moves and for who moves it.

use futures_util::StreamExt;
use zebu_files::{FileStore, Key, parse_blake3};

use crate::error::{Error, Result};

/// What a content is known by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content<'a> {
    pub(crate) key: Key,
    /// Bytes.
    pub(crate) size: u64,
    /// Lower-case hex.
    pub(crate) blake3: &'a str,
}

impl Content<'_> {
    /// Its digest.
    pub(crate) fn digest(&self) -> Result<[u8; 32]> {
        let wrong = || Error::Internal(format!("{} has no digest: {}", self.key, self.blake3));
        parse_blake3(self.blake3).ok_or_else(wrong)
    }
}

/// Copies a content, piece by piece, and gives the copy its name if it is what it is said to be. `may_finish` is asked before
/// that. Returns whether there was something to copy: not if the target has it, as only what is whole has a name.
pub(crate) async fn copy<E: From<Error>>(
    from: &FileStore,
    to: &FileStore,
    content: &Content<'_>,
    may_finish: impl AsyncFnOnce() -> std::result::Result<(), E>,
) -> std::result::Result<bool, E> {
    let of_files = |error: zebu_files::Error| E::from(error.into());
    match to.size(content.key).await {
        Ok(size) if size == content.size => return Ok(false),
        Ok(size) => {
            let reason =
                format!("{} has {size} bytes at the target instead of {}", content.key, content.size);
            return Err(Error::Internal(reason).into());
        }
        Err(zebu_files::Error::Missing { .. }) => {}
        Err(error) => return Err(of_files(error)),
    }
    let digest = content.digest()?;
    let mut pieces = from.read(content.key, None).await.map_err(of_files)?;
    let mut upload = to.begin(content.key, u64::MAX);
    while let Some(piece) = pieces.next().await {
        upload.write(piece.map_err(of_files)?).await.map_err(of_files)?;
    }
    may_finish().await?;
    match upload.finish_as(digest).await {
        // Somebody else was faster.
        Err(zebu_files::Error::Exists { .. }) => Ok(false),
        done => done.map(|_| true).map_err(of_files),
    }
}
