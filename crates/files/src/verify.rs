//! Whether a content is still what was stored, for the scrubber that reads every file from time to time.
//!
//! Called by `app`'s background work. Only looks; must never remove or repair.

use std::fs::File;

use crate::error::{Error, Result};
use crate::key::Key;
use crate::read::read_chunk;
use crate::store::{FileStore, retry_stale};

/// Bytes read and hashed in one job: long enough to be cheap, short enough that a shutdown does not wait for
/// a large file.
const STEP_BYTES: u64 = 4 << 20;

/// What the scrubber finds out about a content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The bytes are those that were stored.
    Intact,
    /// They are others.
    Damaged {
        /// Bytes of the content now.
        size: u64,
        /// Its BLAKE3 digest now.
        blake3: [u8; 32],
    },
    /// There is no content under the key.
    Missing,
}

impl FileStore {
    /// Reads the whole content and compares its BLAKE3 digest with `expected`.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: nothing was found out.
    pub async fn verify(&self, key: Key, expected: [u8; 32]) -> Result<Verdict> {
        let path = self.directory.path(key);
        let jobs = &self.directory.jobs;
        let opened = jobs.run({
            let path = path.clone();
            move || {
                retry_stale(|| File::open(&path)).map_err(|error| Error::of_key(key, "open", &path, error))
            }
        });
        let mut file = match opened.await {
            Ok(file) => file,
            Err(Error::Missing { .. }) => return Ok(Verdict::Missing),
            Err(error) => return Err(error),
        };
        let mut hasher = blake3::Hasher::new();
        loop {
            let path = path.clone();
            let step = jobs.run(move || {
                let chunk =
                    read_chunk(&file, STEP_BYTES).map_err(|error| Error::of_path("read", &path, error))?;
                hasher.update(&chunk);
                Ok((file, hasher, chunk.is_empty()))
            });
            let at_end;
            (file, hasher, at_end) = step.await?;
            if at_end {
                break;
            }
        }
        let (size, blake3) = (hasher.count(), *hasher.finalize().as_bytes());
        Ok(if blake3 == expected { Verdict::Intact } else { Verdict::Damaged { size, blake3 } })
    }
}
