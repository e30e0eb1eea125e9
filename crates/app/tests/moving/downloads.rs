//! Downloads that are under way while contents move, and what a node that died keeps a move waiting for.

use futures_util::{StreamExt, TryStreamExt};
use zebu_app::cluster::{self, Role};
use zebu_app::files::{self, Download, Opened};
use zebu_app::jobs;
use zebu_model::quota::Quota;
use zebu_model::{FileId, FolderId};
use zebu_store::configdb::jobs::State;

use crate::fixture::{CONTEXT, Pair, caller, home, node, on_each_engine, put};
use crate::ground::{KEPT_MS, SILENT_MS, work};
use crate::shelves::{FIRST, another, clean, has_left, join, lying, moved, sweep, work_to_the_end};

/// More than a reader has read ahead after its first chunk.
const BYTES: usize = (2 << 20) + 17;
/// Longer than a node that is not heard of keeps what it reserved, ms.
const FORGOTTEN_MS: i64 = 3_700_000;

async fn large(pair: &Pair) -> (FolderId, FileId, Vec<u8>) {
    let anna = caller(&pair.one, "anna").await;
    let mine = home(&pair.one, &anna).await;
    let bytes: Vec<u8> = (0..BYTES).map(|n| u8::try_from((n + (n >> 10)) % 251).unwrap()).collect();
    let file = put(&pair.one, &anna, mine, "large", &bytes).await.unwrap().0;
    (mine, file, bytes)
}

/// A download on the other node that has come as far as its first chunk.
async fn begun(pair: &Pair, file: FileId, from: usize) -> (Opened, Download, Vec<u8>) {
    let anna = caller(&pair.two, "anna").await;
    let opened = files::open(&pair.two, &anna, file, None).await.unwrap();
    let range = (from > 0).then(|| u64::try_from(from).unwrap()..opened.content.size - 9);
    let mut download = opened.read(&pair.two, range).await.unwrap();
    let first = download.next().await.unwrap().unwrap();
    assert!(first.len() < BYTES / 4, "{} bytes at once", first.len());
    (opened, download, first.to_vec())
}

/// Another name of a content's file, which stays when that is removed: what is done to it happens to whoever has it open.
fn held(pair: &Pair, opened: &Opened) -> std::fs::File {
    let path = pair.dir.path().join(FIRST).join(&opened.content.key);
    std::fs::OpenOptions::new().write(true).open(path).unwrap()
}

async fn rest(download: Download) -> zebu_files::Result<Vec<u8>> {
    let chunks: Vec<bytes::Bytes> = download.try_collect().await?;
    Ok(chunks.concat())
}

#[tokio::test]
async fn a_download_under_way_goes_on_where_the_content_is_when_its_file_goes_with_a_move() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let (_, file, bytes) = large(&pair).await;
        let second = another(&pair, "second").await;
        let (opened, whole, first) = begun(&pair, file, 0).await;
        let (_, part, first_of_part) = begun(&pair, file, 70_000).await;
        let held = held(&pair, &opened);
        moved(&pair, second).await;
        assert!(has_left(&pair, FIRST), "{:?}", lying(&pair, FIRST));
        // As a mounted file store does it: what was removed is not there for who has it open either.
        held.set_len(0).unwrap();
        let found = [first, rest(whole).await.unwrap()].concat();
        assert!(found == bytes, "{} bytes that are others", found.len());
        let found = [first_of_part, rest(part).await.unwrap()].concat();
        assert!(found == bytes[70_000..BYTES - 9], "{} bytes of a part that are others", found.len());
    })
    .await;
}

#[tokio::test]
async fn a_download_of_what_is_damaged_breaks_off_and_does_not_begin_again_for_ever() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (_, file, _) = large(&pair).await;
        let (opened, download, _) = begun(&pair, file, 0).await;
        held(&pair, &opened).set_len(300_000).unwrap();
        assert!(matches!(rest(download).await, Err(zebu_files::Error::Corrupt { .. })));
    })
    .await;
}

#[tokio::test]
async fn a_node_that_died_while_it_wrote_keeps_what_was_left_behind_for_an_hour_and_no_longer() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let (mine, _, _) = large(&pair).await;
        let second = another(&pair, "second").await;
        let killed = node(&pair.configdb, "OX-3", &pair.clock).await;
        cluster::enter(&killed, Role::Groupware, None).await.unwrap();
        let anna = caller(&killed, "anna").await;
        let mut slow = files::upload(&killed, &anna, Some(mine), None).await.unwrap();
        slow.write("slow".into()).await.unwrap();
        let job = jobs::move_filestore::order(&pair.one, CONTEXT, second).await.unwrap();
        // Whoever worked on it dies too, as soon as the contents are there.
        assert_eq!(work(&pair.one, job).await.step, "wait");
        std::mem::forget(slow);
        for _ in 0..3 {
            pair.clock.advance_ms(KEPT_MS);
            sweep(&pair).await;
            assert_eq!(work(&pair.two, job).await.step, "wait", "it may still be writing");
        }
        pair.clock.advance_ms(FORGOTTEN_MS);
        sweep(&pair).await;
        let done = work_to_the_end(&pair, &pair.two, job).await;
        assert_eq!(done.state, State::Done, "{done:?}");
        pair.clock.advance_ms(SILENT_MS);
        assert!(has_left(&pair, FIRST), "{:?}", lying(&pair, FIRST));
        clean(&pair).await;
    })
    .await;
}
