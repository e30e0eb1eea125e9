//! Reading: ranges are exact, and a content that is cut off is an error, never a shorter content.

use std::fs::OpenOptions;
use std::ops::Range;

use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _};
use zebu_files::Error;

use crate::support::{content, key, put, store};

const CHUNK: u64 = 256 << 10;

#[tokio::test]
async fn ranges_are_exact() {
    let (_directory, store) = store(false).await;
    let size = 3 * CHUNK + 100;
    let content = content(1, size as usize);
    put(&store, key(1), &content, 1 << 20).await;
    let ranges: [Range<u64>; 9] = [
        0..0,
        0..1,
        5..5,
        size..size,
        size - 1..size,
        0..size,
        CHUNK - 1..CHUNK + 1,
        CHUNK..2 * CHUNK,
        1..size - 1,
    ];
    for range in ranges {
        let reader = store.read(key(1), Some(range.clone())).await.unwrap();
        assert_eq!(reader.size(), size);
        let read = reader.try_collect::<Vec<Bytes>>().await.unwrap().concat();
        assert!(read == content[range.start as usize..range.end as usize], "{range:?}");
    }
}

#[tokio::test]
async fn chunks_are_large() {
    let (_directory, store) = store(false).await;
    put(&store, key(1), &content(1, 4 << 20), 1 << 20).await;
    let chunks: Vec<Bytes> = store.read(key(1), None).await.unwrap().try_collect().await.unwrap();
    assert_eq!(chunks.len(), 16);
}

#[tokio::test]
async fn a_range_behind_the_end_is_refused() {
    let (_directory, store) = store(false).await;
    put(&store, key(1), &content(1, 100), 100).await;
    for range in [0..101, 100..101, 200..300, 0..u64::MAX] {
        let error = store.read(key(1), Some(range)).await.unwrap_err();
        assert!(matches!(error, Error::OutOfRange { size: 100, .. }), "{error:?}");
    }
    let backwards = Range { start: 6, end: 5 };
    assert!(matches!(store.read(key(1), Some(backwards)).await, Err(Error::OutOfRange { .. })));
}

#[tokio::test]
async fn a_missing_content_is_said_before_the_first_byte() {
    let (_directory, store) = store(false).await;
    assert!(matches!(store.read(key(1), None).await, Err(Error::Missing { .. })));
    assert!(matches!(store.size(key(1)).await, Err(Error::Missing { .. })));
}

#[tokio::test]
async fn a_content_that_is_cut_off_while_it_is_read_is_an_error() {
    let (directory, store) = store(false).await;
    put(&store, key(1), &content(1, 5 * CHUNK as usize), 1 << 20).await;
    let mut reader = store.read(key(1), None).await.unwrap();
    let path = directory.path().join(key(1).to_string());
    OpenOptions::new().write(true).open(path).unwrap().set_len(3 * CHUNK - 1).unwrap();
    let mut outcome = Vec::new();
    while let Some(chunk) = reader.next().await {
        outcome.push(chunk);
    }
    assert!(matches!(outcome.last(), Some(Err(Error::Corrupt { .. }))), "{:?}", outcome.last());
}

#[tokio::test]
async fn a_content_that_is_deleted_while_it_is_read_is_read_to_its_end() {
    let (_directory, store) = store(false).await;
    let content = content(1, 3 << 20);
    put(&store, key(1), &content, 1 << 20).await;
    let reader = store.read(key(1), None).await.unwrap();
    assert!(store.delete(key(1)).await.unwrap());
    assert!(reader.try_collect::<Vec<Bytes>>().await.unwrap().concat() == content);
}

#[tokio::test]
async fn a_reader_can_be_sent_to_another_task() {
    fn check<T: Send + 'static>(value: T) -> T {
        value
    }
    let (_directory, store) = store(false).await;
    put(&store, key(1), &content(1, 10), 10).await;
    let reader = check(store.read(key(1), None).await.unwrap());
    let read = tokio::spawn(reader.try_collect::<Vec<Bytes>>()).await.unwrap().unwrap();
    assert_eq!(read.concat(), content(1, 10));
}
