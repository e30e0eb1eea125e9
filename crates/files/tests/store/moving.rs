//! Moving contents between stores: a name only for what is known, a removal only in time, and no store taken for two.

use std::time::{Duration, Instant};

use zebu_files::{Config, Error, FileStore, parse_blake3};

use crate::support::{PART, content, eventually, files_under, get, key, put, store};

#[tokio::test]
async fn a_content_that_is_not_what_it_is_said_to_be_gets_no_name() {
    for size in [0, 10, PART, 3 * PART + 1] {
        let (directory, store) = store(true).await;
        let (right, wrong) = (content(1, size), content(2, size + 1));
        let known = parse_blake3(&blake3::hash(&right).to_hex()).unwrap();
        let mut upload = store.begin(key(1), u64::MAX);
        upload.write(wrong).await.unwrap();
        let refused = upload.finish_as(known).await.unwrap_err();
        assert!(matches!(refused, Error::Corrupt { key: of } if of == key(1)), "{refused:?}");
        eventually("the temporary file is removed", || files_under(directory.path()).is_empty()).await;
        let mut upload = store.begin(key(1), u64::MAX);
        upload.write(right.clone()).await.unwrap();
        assert_eq!(upload.finish_as(known).await.unwrap().blake3, known);
        assert!(get(&store, key(1)).await == right, "{size} bytes");
    }
    assert_eq!(parse_blake3("00"), None);
}

#[tokio::test]
async fn a_content_is_not_removed_too_late() {
    let (_directory, store) = store(true).await;
    put(&store, key(1), &content(1, 10), 10).await;
    let now = Instant::now();
    store.delete_until(key(1), now - Duration::from_nanos(1)).await.unwrap_err();
    assert_eq!(store.size(key(1)).await.unwrap(), 10);
    let soon = now + Duration::from_secs(3_600);
    assert!(store.delete_until(key(1), soon).await.unwrap());
    assert!(!store.delete_until(key(1), soon).await.unwrap(), "it was gone");
}

#[tokio::test]
async fn only_what_is_empty_is_removed_of_a_context() {
    let (directory, store) = store(true).await;
    assert!(store.remove_empty(1).await.unwrap(), "there is none");
    for n in [1, 2] {
        put(&store, key(n), &content(n.into(), 10), 10).await;
    }
    store.delete(key(1)).await.unwrap();
    assert!(!store.remove_empty(1).await.unwrap());
    assert_eq!(files_under(directory.path()).len(), 1);
    store.delete(key(2)).await.unwrap();
    assert!(store.remove_empty(1).await.unwrap());
    assert!(!directory.path().join("1_ctx_store").exists());
}

#[tokio::test]
async fn one_directory_under_two_names_is_one_store() {
    let (directory, first) = store(false).await;
    let (_other, other) = store(false).await;
    let link = directory.path().with_extension("link");
    std::os::unix::fs::symlink(directory.path(), &link).unwrap();
    let second = FileStore::open(&Config::new(format!("file:{}", link.display()))).await.unwrap();
    assert!(first.is_same_as(&second, [7; 16]).await.unwrap());
    assert!(!first.is_same_as(&other, [7; 16]).await.unwrap());
    assert!(files_under(directory.path()).is_empty(), "the probe is gone");
    std::fs::remove_file(link).unwrap();
}
