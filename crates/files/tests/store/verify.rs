//! The scrubber's question.

use std::io::{Seek as _, SeekFrom, Write as _};

use zebu_files::Verdict;

use crate::support::{content, key, put, store};

#[tokio::test]
async fn one_flipped_byte_is_found() {
    let (directory, store) = store(false).await;
    let content = content(1, (9 << 20) + 5);
    let stored = put(&store, key(1), &content, 1 << 20).await;
    assert_eq!(store.verify(key(1), stored.blake3).await.unwrap(), Verdict::Intact);

    let position = 5_000_001;
    let mut damaged = content.to_vec();
    damaged[position] ^= 1;
    let path = directory.path().join(key(1).to_string());
    let mut file = std::fs::OpenOptions::new().write(true).open(path).unwrap();
    file.seek(SeekFrom::Start(position as u64)).unwrap();
    file.write_all(&damaged[position..=position]).unwrap();
    let expected = Verdict::Damaged { size: stored.size, blake3: *blake3::hash(&damaged).as_bytes() };
    assert_eq!(store.verify(key(1), stored.blake3).await.unwrap(), expected);
}

#[tokio::test]
async fn a_missing_content_is_a_finding_and_no_error() {
    let (_directory, store) = store(false).await;
    assert_eq!(store.verify(key(1), [0; 32]).await.unwrap(), Verdict::Missing);
}

#[tokio::test]
async fn an_empty_content_is_intact() {
    let (_directory, store) = store(true).await;
    let stored = put(&store, key(1), &content(1, 0), 1).await;
    assert_eq!(store.verify(key(1), stored.blake3).await.unwrap(), Verdict::Intact);
}
