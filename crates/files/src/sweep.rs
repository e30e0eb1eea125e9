//! Removing what uploads left that ended with their process.
//!
//! Called by `app`'s background work. Must never touch an upload that goes on, so the caller names an age
//! that no living upload has: each of its parts makes its file young again.

use std::time::SystemTime;

use futures_util::TryStreamExt as _;

use crate::error::Result;
use crate::list::Entry;
use crate::store::{FileStore, remove};

impl FileStore {
    /// Removes the temporary files of a context that were last written to before `older_than`, by the file
    /// server's clock, and says how many there were. Contents stay.
    ///
    /// Choose hours: the longest that a client may be silent in the middle of an upload, and more than clocks
    /// differ.
    ///
    /// # Errors
    /// [`crate::Error::Unavailable`]: ask again.
    pub async fn sweep_temporary(&self, context: u32, older_than: SystemTime) -> Result<u64> {
        let mut removed = 0;
        let mut entries = self.list(context);
        while let Some(entry) = entries.try_next().await? {
            if let Entry::Temporary { key, attempt, modified, .. } = entry
                && modified < older_than
            {
                let path = self.directory.staged_path(key, attempt);
                removed += u64::from(self.directory.jobs.run(move || remove(&path)).await?);
            }
        }
        Ok(removed)
    }
}
