//! Contents and the bytes they are counted with: nothing too much, nothing lost, nothing left over, whoever pauses or
//! comes at the same time.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use bytes::Bytes;
use fixture::{CONTEXT, Pair, caller, code, folder, home, on_each_engine, put};
use futures_util::future::join_all;
use zebu_app::cluster::{self, Role};
use zebu_app::dav::{self, LockRequest};
use zebu_app::files::{Fields, Holding, NewFile, Stored, Wanted};
use zebu_app::{App, Caller, files, maintenance};
use zebu_model::FolderId;
use zebu_model::limits::{COMMENT_CHARS_MAX, DESCRIPTION_CHARS_MAX, NAME_CHARS_MAX, URL_CHARS_MAX};
use zebu_model::lock::Target;
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

#[tokio::test]
async fn a_node_that_is_silent_for_minutes_keeps_its_uploads() {
    on_each_engine(Quota::Unlimited, async |pair| {
        cluster::enter(&pair.one, Role::Groupware, None).await.unwrap();
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let content = stored(&pair.one, &anna, mine, b"slow").await;
        pair.clock.advance_ms(20 * 60_000);
        assert_eq!(maintenance::sweep(&pair.two).await.unwrap(), 0);
        files::create(&pair.one, &anna, named(mine, "slow", content)).await.unwrap();
        // What it had reserved beforehand is as good as ever.
        put(&pair.one, &anna, mine, "next", b"next").await.unwrap();
        assert_eq!(clean(&pair).await, 2);
    })
    .await;
}

#[tokio::test]
async fn a_node_that_wakes_after_it_was_swept_leaves_nothing_behind_and_goes_on() {
    on_each_engine(Quota::Unlimited, async |pair| {
        cluster::enter(&pair.one, Role::Groupware, None).await.unwrap();
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let mut upload = files::upload(&pair.one, &anna, Some(mine), None).await.unwrap();
        pair.clock.advance_ms(2 * 3_600_000);
        assert_eq!(maintenance::sweep(&pair.two).await.unwrap(), 0, "nothing was written yet");
        // The key is swept and forgotten; the node that slept knows nothing of it.
        upload.write(Bytes::from_static(b"late")).await.unwrap();
        let content = upload.finish().await.unwrap();
        let late = files::create(&pair.one, &anna, named(mine, "late", content)).await;
        assert_eq!(code(late), "DBP-0001");
        put(&pair.one, &anna, mine, "next", b"next").await.unwrap();
        cluster::enter(&pair.one, Role::Groupware, None).await.unwrap();
        pair.clock.advance_ms(120_000);
        assert_eq!(maintenance::sweep(&pair.one).await.unwrap(), 1);
        assert_eq!(clean(&pair).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_context_that_cannot_be_swept_keeps_no_other_from_it_and_is_swept_later() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        // An upload that came to nothing, in a file store that is out of reach for a while.
        drop(stored(&pair.one, &anna, mine, b"nothing").await);
        let (shelf, away) = (pair.dir.path().join("files"), pair.dir.path().join("away"));
        std::fs::rename(&shelf, &away).unwrap();
        std::fs::write(&shelf, "no directory").unwrap();
        pair.clock.advance_ms(120_000);
        maintenance::sweep(&pair.one).await.unwrap_err();
        std::fs::remove_file(&shelf).unwrap();
        std::fs::rename(&away, &shelf).unwrap();
        assert_eq!(maintenance::sweep(&pair.one).await.unwrap(), 1);
        assert_eq!(clean(&pair).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_check_amid_uploads_deletions_and_sweeps_finds_nothing_wrong() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        // Much to list, so that a good deal happens between the listing's beginning and its end.
        for n in 0..1_000 {
            std::fs::create_dir_all(pair.dir.path().join(format!("files/1_ctx_store/x{n}"))).unwrap();
        }
        let work = async |of: &str| {
            for n in 0..10 {
                let name = format!("{of}-{n}");
                let (file, _) = put(&pair.one, &anna, mine, &name, b"content").await.unwrap();
                let wanted = [Wanted { file, folder: None }];
                files::delete(&pair.one, &anna, &wanted, None, Holding::User).await.unwrap();
                maintenance::sweep(&pair.one).await.unwrap();
            }
        };
        let over = std::cell::Cell::new(false);
        let watch = async {
            while !over.get() {
                clean(&pair).await;
            }
        };
        let work = async {
            tokio::join!(work("a"), work("b"), work("c"), work("d"));
            over.set(true);
        };
        tokio::join!(work, watch);
    })
    .await;
}

#[tokio::test]
async fn the_longest_values_that_are_taken_are_kept_whole() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let long = |chars: usize| "\u{1f403}".repeat(chars);
        let name = long(NAME_CHARS_MAX);
        let below = folder(&pair.one, &anna, mine, &name).await;
        let fields = Fields {
            title: Some(name.clone()),
            filename: Some(name.clone()),
            mime: Some(long(255)),
            description: Some(long(DESCRIPTION_CHARS_MAX)),
            url: Some(long(URL_CHARS_MAX)),
            version_comment: Some(long(COMMENT_CHARS_MAX)),
        };
        let content = stored(&pair.one, &anna, below, b"x").await;
        let new = NewFile { folder: below, fields: fields.clone(), content: Some(content) };
        let (file, _) = files::create(&pair.one, &anna, new).await.unwrap();
        let (found, _) = files::get(&pair.two, &anna, file, None).await.unwrap();
        assert_eq!(Some(found.description), fields.description);
        assert_eq!(found.content.map(|c| c.name), fields.filename);

        // What the WebDAV tier lets through.
        let property = [("n".repeat(512), Some("v".repeat(64 << 10)))];
        dav::set_properties(&pair.one, &anna, Target::File(file), &property).await.unwrap();
        let kept = dav::properties(&pair.two, &anna, Target::File(file)).await.unwrap();
        assert_eq!(kept, [(property[0].0.clone(), property[0].1.clone().unwrap())]);
        let request = LockRequest { shared: false, deep: false, owner: long(200_000), seconds: 60 };
        let taken = dav::lock(&pair.one, &anna, Target::File(file), request).await.unwrap();
        assert_eq!(dav::locks_at(&pair.two, &anna, Target::File(file)).await.unwrap(), [taken]);
    })
    .await;
}
