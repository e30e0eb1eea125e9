//! What the tests of the store share: a store in a directory of its own, bytes that look random, and ways to
//! look.

use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use tempfile::TempDir;
use zebu_files::{Config, FileStore, Key, Stored};

/// Bytes of one part, as the store has it; the interesting sizes are around it.
pub(crate) const PART: usize = 1 << 20;

/// A store in a new directory, which lives as long as the first value.
pub(crate) async fn store(fsync: bool) -> (TempDir, FileStore) {
    store_with(Config { fsync, ..Config::new("") }).await
}

/// As `store`, with other settings than the default ones.
pub(crate) async fn store_with(mut config: Config) -> (TempDir, FileStore) {
    let directory = TempDir::new().unwrap();
    config.url = format!("file://{}", directory.path().display());
    let store = FileStore::open(&config).await.unwrap();
    (directory, store)
}

/// A key of context 1.
pub(crate) fn key(number: u8) -> Key {
    Key::new(1, [number; 16])
}

/// `length` bytes that depend on the seed and repeat nowhere near a part's size.
pub(crate) fn content(seed: u64, length: usize) -> Bytes {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

/// Stores `content` in chunks of `chunk` bytes.
pub(crate) async fn put(store: &FileStore, key: Key, content: &Bytes, chunk: usize) -> Stored {
    let mut upload = store.begin(key, u64::MAX);
    let mut rest = content.clone();
    while !rest.is_empty() {
        upload.write(rest.split_to(chunk.min(rest.len()))).await.unwrap();
    }
    upload.finish().await.unwrap()
}

/// All bytes of a content.
pub(crate) async fn get(store: &FileStore, key: Key) -> Vec<u8> {
    let chunks: Vec<Bytes> = store.read(key, None).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

/// The files anywhere under a directory.
pub(crate) fn files_under(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories = vec![directory.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_dir() {
                directories.push(entry.path());
            } else {
                found.push(entry.path().display().to_string());
            }
        }
    }
    found
}

/// Waits until `condition` holds, giving way to other tasks in between.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let waited = tokio::time::timeout(std::time::Duration::from_secs(30), async {
        while !condition() {
            tokio::task::yield_now().await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("{what}: not within 30 s"));
}
