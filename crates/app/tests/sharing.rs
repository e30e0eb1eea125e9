//! Folders, rights and files over two nodes: what one node answered is true on the other.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use std::sync::Arc;

use fixture::{
    ANNA, BEN, CONTEXT, TEAM, caller, code, folder, for_ben, home, join, leave, on_each_engine, owner, put,
    share,
};
use zebu_app::files::{Fields, FileChange, Holding, Wanted};
use zebu_app::folders::{self, Details, FolderChange, FolderRef, NewFolder};
use zebu_app::{App, Caller, files, maintenance};
use zebu_model::folder::{Module, fixed};
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, ObjectRight, Permission};
use zebu_model::{FolderId, Version};

fn renamed(name: &str) -> FileChange<'static> {
    FileChange {
        folder: None,
        fields: Fields { filename: Some(name.to_owned()), ..Fields::default() },
        content: None,
        seen: None,
        holding: Holding::User,
    }
}

#[tokio::test]
async fn a_share_and_its_withdrawal_are_true_on_the_other_node_at_once() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let mine = home(&pair.one, &anna).await;
        let plans = folder(&pair.one, &anna, mine, "Plans").await;
        let (file, _) = put(&pair.one, &anna, plans, "a.txt", b"first").await.unwrap();
        assert_eq!(code(files::list(&pair.two, &ben, plans).await), "FLD-0003");

        share(&pair, &anna, plans, vec![owner(), for_ben(Bits::AUTHOR)]).await;
        assert_eq!(files::list(&pair.two, &ben, plans).await.unwrap().0.len(), 1);
        files::update(&pair.two, &ben, file, renamed("b.txt")).await.unwrap();
        assert_eq!(files::get(&pair.one, &anna, file, None).await.unwrap().0.name(), "b.txt");

        share(&pair, &anna, plans, vec![owner()]).await;
        assert_eq!(code(files::list(&pair.two, &ben, plans).await), "FLD-0003");
        assert_eq!(code(files::update(&pair.two, &ben, file, renamed("c.txt")).await), "IFO-0300");
        assert_eq!(code(put(&pair.two, &ben, plans, "d.txt", b"x").await), "FLD-0003");
    })
    .await;
}

#[tokio::test]
async fn rights_withdrawn_during_an_upload_keep_the_file_out() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        share(&pair, &anna, plans, vec![owner(), for_ben(Bits::AUTHOR)]).await;
        let mut upload = files::upload(&pair.two, &ben, Some(plans), None).await.unwrap();
        upload.write("half".into()).await.unwrap();
        share(&pair, &anna, plans, vec![owner()]).await;
        let stored = upload.finish().await.unwrap();
        let fields = Fields { filename: Some("late.txt".to_owned()), ..Fields::default() };
        let late =
            files::create(&pair.two, &ben, files::NewFile { folder: plans, fields, content: Some(stored) });
        assert_eq!(code(late.await), "FLD-0003");

        // The bytes have no name; once the sweeper came they are gone too.
        pair.clock.advance_ms(120_000);
        assert_eq!(maintenance::sweep(&pair.two).await.unwrap(), 1);
        let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
        assert!(found.is_clean() && found.files == 0, "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn a_group_s_right_counts_from_the_moment_of_membership() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        let everybody_in_it = Permission { entity: Entity::Group(TEAM), bits: Bits::VIEWER };
        share(&pair, &anna, plans, vec![owner(), everybody_in_it]).await;
        let pair = &pair;
        let seen = |ben: Caller| async move {
            folders::get(&pair.two, &ben, plans.into(), Details::default())
                .await
                .map(|(view, _)| view.granted.bits)
        };
        assert_eq!(code(seen(caller(&pair.two, "ben").await).await), "FLD-0003");
        join(&pair.one, BEN).await;
        assert_eq!(seen(caller(&pair.two, "ben").await).await.unwrap(), Bits::VIEWER);
        leave(&pair.one, BEN).await;
        assert_eq!(code(seen(caller(&pair.two, "ben").await).await), "FLD-0003");
    })
    .await;
}

#[tokio::test]
async fn a_shared_folder_is_found_in_the_view_of_those_whose_parents_are_not_visible() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        let inner = folder(&pair.one, &anna, plans, "Inner").await;
        let others = || folders::list(&pair.two, &ben, fixed::OTHER_FILES.into(), Details::default());
        assert!(others().await.unwrap().folders.is_empty());
        share(&pair, &anna, plans, vec![owner(), for_ben(Bits::VIEWER)]).await;
        share(&pair, &anna, inner, vec![owner(), for_ben(Bits::VIEWER)]).await;
        let listed: Vec<_> = others().await.unwrap().folders.iter().map(|v| (v.id, v.subfolders)).collect();
        assert_eq!(listed, [(FolderRef::Id(plans), true)], "only the top of what is shared");
        let way = folders::path(&pair.two, &ben, inner.into(), Details::default()).await.unwrap();
        let way: Vec<String> = way.folders.iter().map(|v| v.id.to_string()).collect();
        assert_eq!(way, [inner.to_string(), plans.to_string(), "14".to_owned(), "9".to_owned()]);
        let root = folders::list(&pair.two, &ben, fixed::INFOSTORE.into(), Details::default()).await.unwrap();
        assert!(root.folders.iter().any(|v| v.id == fixed::OTHER_FILES.into()));
    })
    .await;
}

#[tokio::test]
async fn a_private_calendar_shared_is_found_below_its_owner() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let new = NewFolder {
            parent: fixed::PRIVATE,
            title: "Club".to_owned(),
            module: Some(Module::Calendar),
            permissions: None,
        };
        let (club, _) = folders::create(&pair.one, &anna, new).await.unwrap();
        let shared = || folders::list(&pair.two, &ben, fixed::SHARED.into(), Details::default());
        assert!(shared().await.unwrap().folders.is_empty());
        share(&pair, &anna, club, vec![owner(), for_ben(Bits::VIEWER)]).await;
        let owners: Vec<String> = shared().await.unwrap().folders.iter().map(|v| v.id.to_string()).collect();
        assert_eq!(owners, ["u:3"]);
        let below = folders::list(&pair.two, &ben, FolderRef::Owner(ANNA), Details::default()).await.unwrap();
        assert_eq!(below.folders.len(), 1);
        let view = &below.folders[0];
        assert_eq!((view.id, view.granted.folder.kind.seen_by(ANNA, BEN)), (club.into(), 3));
        let visible =
            folders::all_visible(&pair.two, &ben, Module::Calendar, Details::default()).await.unwrap();
        assert_eq!((visible.private.len(), visible.shared.len()), (1, 1));
        let own = folders::list(&pair.two, &ben, fixed::PRIVATE.into(), Details::default()).await.unwrap();
        assert_eq!(own.folders.len(), 3, "calendar, contacts, tasks, and nothing of anna's");
        let mine = folders::update(
            &pair.two,
            &ben,
            club,
            FolderChange { parent: Some(FolderId(2)), ..FolderChange::default() },
        );
        assert_eq!(code(mine.await), "FLD-0023");
    })
    .await;
}

#[tokio::test]
async fn changes_and_departures_are_told_once() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let (a, _) = put(&pair.one, &anna, mine, "a", b"a").await.unwrap();
        let (b, t1) = put(&pair.two, &anna, mine, "b", b"b").await.unwrap();
        let told = files::updates(&pair.one, &anna, mine, Version::NONE).await.unwrap();
        assert_eq!((told.changed.len(), told.gone.len(), told.version), (2, 0, t1));
        files::delete(&pair.two, &anna, &[Wanted { file: a, folder: Some(mine) }], None, Holding::User)
            .await
            .unwrap();
        let t2 = files::update(&pair.one, &anna, b, renamed("c")).await.unwrap();
        let told = files::updates(&pair.two, &anna, mine, t1).await.unwrap();
        let changed: Vec<_> = told.changed.iter().map(|f| f.id).collect();
        assert_eq!((changed, told.gone, told.version), (vec![b], vec![a], t2));
        let told = files::updates(&pair.two, &anna, mine, t2).await.unwrap();
        assert!(told.changed.is_empty() && told.gone.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_file_that_comes_and_goes_is_told_in_each_folder_as_it_is_there_now() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let other = folder(&pair.one, &anna, mine, "Other").await;
        let (file, start) = put(&pair.one, &anna, mine, "a", b"a").await.unwrap();
        let to = |folder| FileChange {
            folder: Some(folder),
            fields: Fields::default(),
            content: None,
            seen: None,
            holding: Holding::User,
        };
        for _ in 0..2 {
            files::update(&pair.one, &anna, file, to(other)).await.unwrap();
            let told = files::updates(&pair.two, &anna, mine, start).await.unwrap();
            assert_eq!((told.changed.len(), told.gone), (0, vec![file]));
            files::update(&pair.two, &anna, file, to(mine)).await.unwrap();
            let told = files::updates(&pair.one, &anna, mine, start).await.unwrap();
            assert_eq!((told.changed.len(), told.gone), (1, vec![]));
            let told = files::updates(&pair.one, &anna, other, Version::NONE).await.unwrap();
            assert_eq!((told.changed.len(), told.gone), (0, vec![file]));
        }
        files::delete(&pair.one, &anna, &[Wanted { file, folder: Some(mine) }], None, Holding::User)
            .await
            .unwrap();
        let told = files::updates(&pair.two, &anna, mine, start).await.unwrap();
        assert_eq!((told.changed.len(), told.gone), (0, vec![file]));
    })
    .await;
}

#[tokio::test]
async fn a_newer_file_or_folder_is_not_overwritten() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let (file, seen) = put(&pair.one, &anna, mine, "a", b"a").await.unwrap();
        files::update(&pair.two, &anna, file, renamed("b")).await.unwrap();
        let stale = FileChange { seen: Some(seen), ..renamed("c") };
        assert_eq!(code(files::update(&pair.one, &anna, file, stale).await), "IFO-1302");
        let kept =
            files::delete(&pair.one, &anna, &[Wanted { file, folder: None }], Some(seen), Holding::User)
                .await;
        assert_eq!(kept.unwrap().0, [file]);
        let plans = folder(&pair.one, &anna, mine, "Plans").await;
        let title =
            |t: &str, seen| FolderChange { title: Some(t.to_owned()), seen, ..FolderChange::default() };
        let t1 = folders::update(&pair.one, &anna, plans, title("P", None)).await.unwrap();
        folders::update(&pair.two, &anna, plans, title("Q", None)).await.unwrap();
        assert_eq!(code(folders::update(&pair.one, &anna, plans, title("R", Some(t1))).await), "FLD-0009");
        assert_eq!(code(folders::delete(&pair.one, &anna, plans, Some(t1)).await), "FLD-0009");
    })
    .await;
}

#[tokio::test]
async fn versions_are_kept_and_each_has_its_own_bytes() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let (file, _) = put(&pair.one, &anna, mine, "a.txt", b"one").await.unwrap();
        let mut upload = files::upload(&pair.two, &anna, Some(mine), None).await.unwrap();
        upload.write("second".into()).await.unwrap();
        let content = Some(upload.finish().await.unwrap());
        let change = FileChange {
            folder: None,
            fields: Fields::default(),
            content,
            seen: None,
            holding: Holding::User,
        };
        files::update(&pair.two, &anna, file, change).await.unwrap();
        let (now, versions, _) = files::versions(&pair.one, &anna, file).await.unwrap();
        assert_eq!((now.versions, versions.len()), (2, 2));
        for (version, expected) in [(None, "second"), (Some(1), "one"), (Some(2), "second")] {
            let opened = files::open(&pair.one, &anna, file, version).await.unwrap();
            assert_eq!(read(&pair.one, &opened).await, expected.as_bytes());
        }
        assert_eq!(code(files::open(&pair.one, &anna, file, Some(3)).await), "IFO-0438");
        let found = maintenance::check(&pair.two, CONTEXT).await.unwrap();
        assert!(found.is_clean(), "{found:?}");
        assert_eq!((found.files, found.bytes), (2, 9));
    })
    .await;
}

async fn read(app: &Arc<App>, opened: &files::Opened) -> Vec<u8> {
    use futures_util::TryStreamExt;
    let chunks: Vec<bytes::Bytes> = opened.read(app, None).await.unwrap().try_collect().await.unwrap();
    chunks.concat()
}

#[tokio::test]
async fn deleting_a_tree_leaves_no_byte_behind() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        let inner = folder(&pair.two, &anna, plans, "Inner").await;
        for n in 0..5 {
            put(&pair.one, &anna, plans, &format!("{n}"), &[n; 100]).await.unwrap();
            put(&pair.two, &anna, inner, &format!("{n}"), &[n; 100]).await.unwrap();
        }
        folders::delete(&pair.two, &anna, plans, None).await.unwrap();
        assert_eq!(code(files::list(&pair.one, &anna, inner).await), "FLD-0003");
        assert_eq!(maintenance::sweep(&pair.one).await.unwrap(), 10);
        let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
        assert!(found.is_clean(), "{found:?}");
        assert_eq!((found.files, found.bytes), (0, 0));
    })
    .await;
}

#[tokio::test]
async fn the_quota_holds_for_both_nodes_together() {
    on_each_engine(Quota::Bytes(1_000), async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        put(&pair.one, &anna, mine, "a", &[0; 600]).await.unwrap();
        assert_eq!(code(put(&pair.two, &anna, mine, "b", &[0; 401]).await), "FLS-0024");
        let (b, _) = put(&pair.two, &anna, mine, "b", &[0; 400]).await.unwrap();
        assert_eq!(code(put(&pair.one, &anna, mine, "c", b"1").await), "FLS-0024");
        files::delete(&pair.one, &anna, &[Wanted { file: b, folder: None }], None, Holding::User)
            .await
            .unwrap();
        put(&pair.two, &anna, mine, "c", b"1").await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn names_are_unique_in_a_folder_whoever_comes_first() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let (one, two) = tokio::join!(
            put(&pair.one, &anna, mine, "same", b"1"),
            put(&pair.two, &anna, mine, "same", b"2")
        );
        assert!(one.is_ok() != two.is_ok());
        assert_eq!(code(if one.is_ok() { two } else { one }), "IFO-0441");
        folder(&pair.one, &anna, mine, "F").await;
        let again = NewFolder { parent: mine, title: "F".to_owned(), module: None, permissions: None };
        assert_eq!(code(folders::create(&pair.two, &anna, again).await), "FLD-0012");
    })
    .await;
}

#[tokio::test]
async fn many_uploads_on_both_nodes_into_one_folder_all_arrive() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let uploads = (0..40u32).map(|n| {
            let app = if n % 2 == 0 { &pair.one } else { &pair.two };
            let (anna, name) = (&anna, format!("{n}"));
            async move { put(app, anna, mine, &name, name.as_bytes()).await.unwrap() }
        });
        let mut stamps: Vec<Version> =
            futures_util::future::join_all(uploads).await.into_iter().map(|(_, stamp)| stamp).collect();
        stamps.sort_unstable();
        stamps.dedup();
        assert_eq!(stamps.len(), 40, "every write has a stamp of its own");
        assert_eq!(files::list(&pair.two, &anna, mine).await.unwrap().0.len(), 40);
    })
    .await;
}

#[tokio::test]
async fn an_author_of_own_objects_touches_no_others() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        let own = Bits {
            read: ObjectRight::Own,
            write: ObjectRight::Own,
            delete: ObjectRight::Own,
            ..Bits::AUTHOR
        };
        share(&pair, &anna, plans, vec![owner(), for_ben(own)]).await;
        let (hers, _) = put(&pair.one, &anna, plans, "hers", b"1").await.unwrap();
        let (his, _) = put(&pair.two, &ben, plans, "his", b"2").await.unwrap();
        let listed: Vec<_> =
            files::list(&pair.two, &ben, plans).await.unwrap().0.iter().map(|f| f.id).collect();
        assert_eq!(listed, [his]);
        assert_eq!(code(files::get(&pair.two, &ben, hers, None).await), "IFO-0400");
        assert_eq!(code(files::update(&pair.two, &ben, hers, renamed("x")).await), "IFO-0400");
        let (pair, ben) = (&pair, &ben);
        let gone = |file| async move {
            files::delete(&pair.two, ben, &[Wanted { file, folder: None }], None, Holding::User).await
        };
        assert_eq!(code(gone(hers).await), "IFO-0445");
        gone(his).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_dead_node_s_reservations_are_swept_and_its_late_write_is_refused() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let mut upload = files::upload(&pair.one, &anna, Some(mine), None).await.unwrap();
        upload.write("half".into()).await.unwrap();
        let stored = upload.finish().await.unwrap();
        // Node one is registered nowhere: to node two it is dead, and what it stored without a name goes.
        pair.clock.advance_ms(120_000);
        assert_eq!(maintenance::sweep(&pair.two).await.unwrap(), 1);
        let fields = Fields { filename: Some("late".to_owned()), ..Fields::default() };
        let late =
            files::create(&pair.one, &anna, files::NewFile { folder: mine, fields, content: Some(stored) });
        assert_eq!(code(late.await), "DBP-0001", "try again: nothing may name content that is gone");
        assert!(files::list(&pair.one, &anna, mine).await.unwrap().0.is_empty());
    })
    .await;
}
