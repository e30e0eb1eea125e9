//! Uploads: what goes in is there, whole, under its key; what is given up leaves nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use md5::Digest as _;
use zebu_files::{Config, Error, Stored};

use crate::support::{PART, content, eventually, files_under, get, key, put, store, store_with};

#[tokio::test]
async fn contents_of_every_size_come_back_with_their_digests() {
    for fsync in [true, false] {
        let (_directory, store) = store(fsync).await;
        let mut number = 0;
        for size in [0, 1, 4095, 4096, PART - 1, PART, PART + 1, 2 * PART, 3 * PART + 17, 5 * PART] {
            for chunk in [1000, 100_000, 7 * PART] {
                number += 1;
                let content = content(number.into(), size);
                let stored = put(&store, key(number), &content, chunk).await;
                let expected = Stored {
                    size: size as u64,
                    blake3: *blake3::hash(&content).as_bytes(),
                    md5: md5::Md5::digest(&content).into(),
                };
                assert_eq!(stored, expected, "{size} bytes in chunks of {chunk}");
                assert!(get(&store, key(number)).await == content, "{size} bytes in chunks of {chunk}");
                assert_eq!(store.size(key(number)).await.unwrap(), size as u64);
            }
        }
    }
}

#[tokio::test]
async fn an_abandoned_upload_leaves_no_file() {
    for size in [10, PART, PART + 1, 4 * PART] {
        let (directory, store) = store(true).await;
        let mut upload = store.begin(key(1), u64::MAX);
        upload.write(content(1, size)).await.unwrap();
        assert_eq!(upload.size(), size as u64);
        assert!(matches!(store.size(key(1)).await, Err(Error::Missing { .. })));
        drop(upload);
        eventually("the temporary file is removed", || files_under(directory.path()).is_empty()).await;
    }
}

#[tokio::test]
async fn an_upload_above_its_limit_is_refused_at_the_first_byte_too_many() {
    let (directory, store) = store(false).await;
    let limit = 2 * PART as u64 + 10;
    let mut upload = store.begin(key(1), limit);
    upload.write(content(1, 2 * PART + 10)).await.unwrap();
    let error = upload.write(Bytes::from_static(b"x")).await.unwrap_err();
    assert!(matches!(error, Error::TooLarge { limit: given } if given == limit));
    assert!(matches!(upload.write(Bytes::new()).await, Err(Error::Interrupted { .. })));
    assert!(matches!(upload.finish().await, Err(Error::Interrupted { .. })));
    eventually("the temporary file is removed", || files_under(directory.path()).is_empty()).await;
}

#[tokio::test]
async fn an_upload_of_exactly_its_limit_is_stored() {
    let (_directory, store) = store(false).await;
    let mut upload = store.begin(key(1), 5);
    upload.write(Bytes::from_static(b"12345")).await.unwrap();
    assert_eq!(upload.finish().await.unwrap().size, 5);
}

#[tokio::test]
async fn content_is_never_overwritten() {
    let (directory, store) = store(false).await;
    put(&store, key(1), &content(1, 100), 100).await;
    for size in [10, 3 * PART] {
        let mut upload = store.begin(key(1), u64::MAX);
        upload.write(content(2, size)).await.unwrap();
        assert!(matches!(upload.finish().await, Err(Error::Exists { .. })));
    }
    assert!(get(&store, key(1)).await == content(1, 100));
    eventually("the temporary file is removed", || files_under(directory.path()).len() == 1).await;
}

#[tokio::test]
async fn uploads_at_the_same_time_do_not_mix() {
    let (directory, store) = store(false).await;
    let uploads = (0..24u8).map(|number| {
        let store = store.clone();
        tokio::spawn(async move {
            let content = content(number.into(), usize::from(number) * 300_000);
            put(&store, key(number), &content, 10_000 + usize::from(number)).await;
        })
    });
    for upload in uploads.collect::<Vec<_>>() {
        upload.await.unwrap();
    }
    for number in 0..24u8 {
        assert!(get(&store, key(number)).await == content(number.into(), usize::from(number) * 300_000));
    }
    assert_eq!(files_under(directory.path()).len(), 24);
}

/// Bytes that count how many of their kind are alive.
struct Counted {
    bytes: Vec<u8>,
    alive: Arc<AtomicUsize>,
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.alive.fetch_sub(self.bytes.len(), Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_large_upload_holds_three_parts_and_a_chunk_in_memory_at_most() {
    let (_directory, store) = store(false).await;
    let alive = Arc::new(AtomicUsize::new(0));
    let mut upload = store.begin(key(1), u64::MAX);
    const CHUNK: usize = 60_000;
    let mut most = 0;
    for _ in 0..64 * PART / CHUNK {
        alive.fetch_add(CHUNK, Ordering::Relaxed);
        upload
            .write(Bytes::from_owner(Counted { bytes: vec![7; CHUNK], alive: Arc::clone(&alive) }))
            .await
            .unwrap();
        most = most.max(alive.load(Ordering::Relaxed));
    }
    upload.finish().await.unwrap();
    // A chunk on the border of two parts is kept by both.
    assert!(most <= 3 * PART + 3 * CHUNK, "{most} bytes");
    assert!(most > PART, "the count counts: {most} bytes");
    assert_eq!(alive.load(Ordering::Relaxed), 0);
}

#[tokio::test]
async fn chunks_of_one_byte_do_not_keep_their_buffers() {
    let (_directory, store) = store(false).await;
    let alive = Arc::new(AtomicUsize::new(0));
    let mut upload = store.begin(key(1), u64::MAX);
    const BUFFER: usize = 10_000;
    for _ in 0..1000 {
        alive.fetch_add(BUFFER, Ordering::Relaxed);
        let buffer = Bytes::from_owner(Counted { bytes: vec![7; BUFFER], alive: Arc::clone(&alive) });
        upload.write(buffer.slice(5..6)).await.unwrap();
    }
    assert_eq!(alive.load(Ordering::Relaxed), 0);
    upload.finish().await.unwrap();
    assert_eq!(get(&store, key(1)).await, vec![7; 1000]);
}

#[tokio::test]
async fn an_upload_whose_write_was_given_up_half_way_cannot_be_finished() {
    // With one place for jobs, the question behind the upload is answered only after the upload's job has
    // ended.
    let (directory, store) = store_with(Config { jobs_max: 1, ..Config::new("") }).await;
    let mut upload = store.begin(key(1), u64::MAX);
    {
        let write = upload.write(content(1, 9 * PART));
        let mut write = std::pin::pin!(write);
        // One poll starts the write; nine parts cannot be done in it.
        assert!(futures_util::poll!(&mut write).is_pending());
    }
    assert!(matches!(store.size(key(1)).await, Err(Error::Missing { .. })));
    assert!(matches!(upload.finish().await, Err(Error::Interrupted { .. })));
    eventually("the temporary file is removed", || files_under(directory.path()).is_empty()).await;
}
