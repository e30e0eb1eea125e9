//! Contents and the bytes they are counted with: nothing too much, nothing lost, nothing left over, whoever pauses or
//! comes at the same time.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use bytes::Bytes;
use fixture::{CONTEXT, Pair, caller, code, folder, home, on_each_engine, put};
use futures_util::future::join_all;
use zebu_app::files::{Fields, Holding, NewFile, Stored, Wanted};
use zebu_app::{App, Caller, files, maintenance};
use zebu_model::FolderId;
use zebu_model::quota::Quota;

async fn stored(app: &App, who: &Caller, folder: FolderId, content: &'static [u8]) -> Stored {
    let mut upload = files::upload(app, who, Some(folder), None).await.unwrap();
    upload.write(Bytes::from_static(content)).await.unwrap();
    upload.finish().await.unwrap()
}

fn named(folder: FolderId, name: &str, content: Stored) -> NewFile {
    let fields = Fields { filename: Some(name.to_owned()), ..Fields::default() };
    NewFile { folder, fields, content: Some(content) }
}

/// What the consistency check finds, which must be nothing wrong; returns how many versions there are.
async fn clean(pair: &Pair) -> u64 {
    let found = maintenance::check(&pair.two, CONTEXT).await.unwrap();
    assert!(found.is_clean(), "{found:?}");
    found.files
}

#[tokio::test]
async fn uploads_into_different_folders_at_one_time_do_not_exceed_the_quota_together() {
    on_each_engine(Quota::Bytes(100), async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let mut waiting = Vec::new();
        for n in 0..12 {
            let below = folder(&pair.one, &anna, mine, &n.to_string()).await;
            let app = if n % 2 == 0 { &pair.one } else { &pair.two };
            let content = stored(app, &anna, below, &[0; 30]).await;
            waiting.push(files::create(app, &anna, named(below, "a", content)));
        }
        let done = join_all(waiting).await;
        assert_eq!(done.iter().filter(|done| done.is_ok()).count(), 3, "{done:?}");
        for refused in done.into_iter().filter(Result::is_err) {
            assert_eq!(code(refused), "FLS-0024");
        }
        assert_eq!(clean(&pair).await, 3);
    })
    .await;
}
