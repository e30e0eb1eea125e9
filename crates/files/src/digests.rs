//! The two digests of an upload, taken part by part on threads of their own while the part is written to the
//! disk.
//!
//! Called by [`crate::upload`]. BLAKE3 is what the scrubber checks, MD5 what the HTTP API shows as
//! `file_md5sum`; they run side by side because MD5 alone is the slowest step of a large upload. Must never
//! run on an async thread.

use md5::Md5;
use md5::digest::Digest as _;
use object_store::PutPayload;
use tokio::task::JoinHandle;

use crate::error::{Error, Result};

/// Both digests of what was pushed. Of no use after a failed or abandoned call: the job it waited for is
/// lost.
#[derive(Default)]
pub(crate) struct Digests {
    blake3: Option<JoinHandle<blake3::Hasher>>,
    md5: Option<JoinHandle<Md5>>,
}

impl Digests {
    /// Waits for the part before, then starts on `part` and returns: at most one part is held.
    ///
    /// # Errors
    /// [`Error::Unavailable`] while the runtime shuts down.
    pub(crate) async fn push(&mut self, part: &PutPayload) -> Result<()> {
        let blake3 = settled(self.blake3.take()).await?;
        self.blake3 = Some(start(blake3, part.clone(), |hasher, bytes| {
            hasher.update(bytes);
        }));
        let md5 = settled(self.md5.take()).await?;
        self.md5 = Some(start(md5, part.clone(), |hasher, bytes| hasher.update(bytes)));
        Ok(())
    }

    /// BLAKE3 and MD5 of all that was pushed.
    ///
    /// # Errors
    /// As [`Digests::push`].
    pub(crate) async fn finish(self) -> Result<([u8; 32], [u8; 16])> {
        let blake3 = settled(self.blake3).await?;
        let md5 = settled(self.md5).await?;
        Ok((blake3.finalize().into(), md5.finalize().into()))
    }
}

async fn settled<H: Default>(job: Option<JoinHandle<H>>) -> Result<H> {
    match job {
        Some(job) => job.await.map_err(Error::of_job),
        None => Ok(H::default()),
    }
}

fn start<H: Send + 'static>(mut hasher: H, part: PutPayload, update: fn(&mut H, &[u8])) -> JoinHandle<H> {
    tokio::task::spawn_blocking(move || {
        part.iter().for_each(|bytes| update(&mut hasher, bytes));
        hasher
    })
}
