//! Deleting, listing and sweeping, with what crashes leave.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use futures_util::TryStreamExt as _;
use zebu_files::{Entry, FileStore, Key};

use crate::support::{content, eventually, files_under, key, put, store};

async fn list(store: &FileStore, context: u32) -> Vec<Entry> {
    store.list(context).try_collect().await.unwrap()
}

#[tokio::test]
async fn every_content_of_the_context_is_listed_and_no_other() {
    let (directory, store) = store(false).await;
    let mut expected = BTreeSet::new();
    for number in 0..100u8 {
        // Some on the same shelf, some on their own.
        let key = Key::new(1, std::array::from_fn(|i| if i == 0 { number % 7 } else { number }));
        put(&store, key, &content(1, usize::from(number)), 100).await;
        expected.insert((key, u64::from(number)));
    }
    put(&store, Key::new(11, [1; 16]), &content(1, 1), 1).await;
    let context = directory.path().join("1_ctx_store");
    std::fs::write(context.join("stray"), "a file where shelves are").unwrap();
    std::fs::write(context.join("00/.nfs0001"), "a file that no key names").unwrap();
    std::fs::write(context.join("00/short"), "another").unwrap();

    let found = list(&store, 1).await;
    assert_eq!(found.len(), 100);
    let found = found.into_iter().map(|entry| match entry {
        Entry::Content { key, size } => (key, size),
        Entry::Temporary { .. } => panic!("{entry:?}"),
    });
    assert_eq!(found.collect::<BTreeSet<_>>(), expected);
    assert_eq!(list(&store, 2).await, []);
}

#[tokio::test]
async fn a_listing_longer_than_a_batch_is_complete() {
    let (directory, store) = store(false).await;
    put(&store, key(0), &content(1, 1), 1).await;
    for number in 0..2500u32 {
        let mut random = [0xff; 16];
        random[..4].copy_from_slice(&number.to_le_bytes());
        let path = directory.path().join(Key::new(1, random).to_string());
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, "").unwrap();
    }
    let keys: BTreeSet<Key> = list(&store, 1)
        .await
        .into_iter()
        .map(|entry| match entry {
            Entry::Content { key, .. } | Entry::Temporary { key, .. } => key,
        })
        .collect();
    assert_eq!(keys.len(), 2501);
}

#[tokio::test]
async fn deleting_twice_says_what_was_there() {
    for fsync in [true, false] {
        let (directory, store) = store(fsync).await;
        assert!(!store.delete(key(1)).await.unwrap(), "the context has no directory yet");
        put(&store, key(1), &content(1, 10), 10).await;
        assert!(store.delete(key(1)).await.unwrap());
        assert!(!store.delete(key(1)).await.unwrap());
        assert_eq!(files_under(directory.path()), Vec::<String>::new());
    }
}

/// What a process leaves that is killed in the middle of an upload: the file that the library writes to,
/// pinned here to the name that it has for an upload that goes on.
async fn killed_upload(store: &FileStore, directory: &std::path::Path, key: Key) {
    let mut upload = store.begin(key, u64::MAX);
    upload.write(content(1, 3 << 20)).await.unwrap();
    let written = files_under(directory);
    let [path] = written.as_slice() else { panic!("{written:?}") };
    assert_eq!(*path, format!("{}/{key}#1", directory.display()));
    drop(upload);
    eventually("the temporary file is removed", || files_under(directory).is_empty()).await;
    std::fs::write(path, "half a content").unwrap();
}

#[tokio::test]
async fn what_a_killed_upload_left_is_listed_as_temporary() {
    let (directory, store) = store(false).await;
    killed_upload(&store, directory.path(), key(1)).await;
    let found = list(&store, 1).await;
    assert!(
        matches!(found[..], [Entry::Temporary { key: found, attempt: 1, size: 14, .. }] if found == key(1)),
        "{found:?}"
    );
}

#[tokio::test]
async fn deleting_a_reserved_key_removes_what_its_killed_upload_left() {
    let (directory, store) = store(true).await;
    killed_upload(&store, directory.path(), key(1)).await;
    assert!(!store.delete(key(1)).await.unwrap(), "there was no content");
    assert_eq!(files_under(directory.path()), Vec::<String>::new());
}

#[tokio::test]
async fn a_key_can_be_uploaded_again_after_a_killed_upload() {
    let (directory, store) = store(false).await;
    killed_upload(&store, directory.path(), key(1)).await;
    let content = content(2, 3 << 20);
    put(&store, key(1), &content, 1 << 20).await;
    assert!(crate::support::get(&store, key(1)).await == content);
}

#[tokio::test]
async fn the_sweep_removes_old_temporary_files_and_spares_young_ones_and_contents() {
    let (directory, store) = store(false).await;
    killed_upload(&store, directory.path(), key(1)).await;
    put(&store, key(2), &content(1, 10), 10).await;
    let second = directory.path().join(format!("{}#2", key(3)));
    std::fs::create_dir_all(second.parent().unwrap()).unwrap();
    std::fs::write(second, "the first attempt is gone, the second is not").unwrap();

    let long_ago = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    assert_eq!(store.sweep_temporary(1, long_ago).await.unwrap(), 0);
    assert_eq!(files_under(directory.path()).len(), 3);
    let far_future = SystemTime::UNIX_EPOCH + Duration::from_secs(10_000_000_000);
    assert_eq!(store.sweep_temporary(2, far_future).await.unwrap(), 0, "another context");
    assert_eq!(store.sweep_temporary(1, far_future).await.unwrap(), 2);
    assert_eq!(
        files_under(directory.path()),
        [directory.path().join(key(2).to_string()).display().to_string()]
    );
}

#[tokio::test]
async fn removing_a_context_leaves_the_others() {
    let (directory, store) = store(true).await;
    killed_upload(&store, directory.path(), key(1)).await;
    put(&store, key(2), &content(1, 10), 10).await;
    let other = Key::new(12, [1; 16]);
    put(&store, other, &content(1, 10), 10).await;
    store.remove_context(1).await.unwrap();
    store.remove_context(1).await.unwrap();
    assert!(!directory.path().join("1_ctx_store").exists());
    assert_eq!(store.size(other).await.unwrap(), 10);
}
