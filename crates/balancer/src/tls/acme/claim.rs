//! That one web tier orders at a time: a claim in a file, which ends by itself if its holder dies.
//!
//! The file is locked only while it is read and written; who orders is what is written in it. Web tiers on several hosts need
//! clocks that differ by less than the claim's reserve over the longest order.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// How long a claim holds, milliseconds: twice the longest order.
pub(super) const CLAIM_MS: i64 = 10 * 60_000;
/// Bytes of the file, at most.
const BYTES_MAX: u64 = 4_096;

#[derive(Debug, Serialize, Deserialize)]
struct Held {
    /// A random number of the holder's.
    by: u64,
    /// Milliseconds since 1970.
    until: i64,
}

/// The right to order; given back when dropped.
#[derive(Debug)]
pub(super) struct Claim {
    folder: PathBuf,
    by: u64,
}

impl Claim {
    /// Takes it, unless another has it. `by` is the taker's own number.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(super) fn take(folder: &Path, by: u64, now_ms: i64) -> Result<Option<Self>, String> {
        exclusively(folder, |file| {
            let held = read(file)?;
            if held.is_some_and(|held| held.by != by && held.until > now_ms) {
                return Ok(None);
            }
            let text = serde_json::to_string(&Held { by, until: now_ms.saturating_add(CLAIM_MS) });
            write(file, &text.map_err(|error| error.to_string())?).map_err(|error| error.to_string())?;
            Ok(Some(Self { folder: folder.to_owned(), by }))
        })
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let given_back = exclusively(&self.folder, |file| match read(file)? {
            Some(held) if held.by == self.by => write(file, "").map_err(|error| error.to_string()),
            _ => Ok(()),
        });
        if let Err(reason) = given_back {
            tracing::warn!(reason, "the claim of the ACME folder is not given back; it ends by itself");
        }
    }
}

/// Does something while no other process does such a thing in this folder.
///
/// # Errors
/// A sentence that names the file, or what `task` says.
pub(super) fn exclusively<T>(
    folder: &Path,
    task: impl FnOnce(&mut File) -> Result<T, String>,
) -> Result<T, String> {
    let path = folder.join("lock");
    let failed = |error: io::Error| format!("{}: {error}", path.display());
    let mut options = OpenOptions::new();
    let mut file = options
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(failed)?;
    // Given back when the file is closed, whatever happens.
    file.lock().map_err(failed)?;
    task(&mut file)
}

/// Who has it. What cannot be read was written by nobody who still runs.
fn read(file: &mut File) -> Result<Option<Held>, String> {
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text).map_err(|error| error.to_string())?;
    Ok(serde_json::from_str(&text).ok())
}

fn write(file: &mut File, text: &str) -> io::Result<()> {
    file.set_len(0)?;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_has_it_until_it_is_given_back_or_over() {
        let dir = tempfile::tempdir().unwrap();
        let take = |by, now_ms| Claim::take(dir.path(), by, now_ms).unwrap();
        let first = take(1, 1_000).expect("it is free");
        assert!(take(2, 1_000).is_none());
        drop(first);
        let dead = take(2, 1_000).expect("it was given back");
        assert!(take(1, 1_000 + CLAIM_MS - 1).is_none());
        let second = take(1, 1_000 + CLAIM_MS).expect("its holder is silent");
        drop(dead);
        assert!(take(3, 1_000 + CLAIM_MS).is_none(), "what is over gives nothing back");
        drop(second);
        assert!(take(3, 1_000 + CLAIM_MS).is_some());
    }
}
