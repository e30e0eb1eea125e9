//! What somebody with some rights must not be able to do or to learn.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use fixture::{ANNA, BEN, CONTEXT, Pair, TEAM, caller, code, folder, home, join, leave, on_each_engine, put};
use zebu_app::dav::{self, Located, LockRequest, OTHER_FOLDERS_NAME, Target};
use zebu_app::files::{self, Fields, FileChange, Holding, NewFile, Wanted};
use zebu_app::folders::{self, FolderChange, NewFolder};
use zebu_app::operator::{Named, contexts};
use zebu_app::{Caller, Error};
use zebu_model::folder::fixed;
use zebu_model::limits::LOCKS_MAX;
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, ObjectRight, Permission};
use zebu_model::{FileId, FolderId, Refusal};

/// Anna keeps a folder and gives Ben these rights in it.
async fn share(pair: &Pair, anna: &Caller, id: FolderId, bits: Bits) {
    let permissions = vec![
        Permission { entity: Entity::User(ANNA), bits: Bits::OWNER },
        Permission { entity: Entity::User(BEN), bits },
    ];
    let change = FolderChange { permissions: Some(permissions), ..FolderChange::default() };
    folders::update(&pair.one, anna, id, change).await.unwrap();
}

fn exclusive(deep: bool) -> LockRequest {
    LockRequest { shared: false, deep, owner: String::new(), seconds: 600 }
}

#[tokio::test]
async fn an_update_that_changes_nothing_needs_the_right_to_change() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        let (file, stamp) = put(&pair.one, &anna, plans, "a.txt", b"a").await.unwrap();
        share(&pair, &anna, plans, Bits::VIEWER).await;
        for folder in [None, Some(plans)] {
            let nothing = FileChange {
                folder,
                fields: Fields::default(),
                content: None,
                seen: None,
                holding: Holding::User,
            };
            assert_eq!(code(files::update(&pair.two, &ben, file, nothing).await), "IFO-0403");
        }
        let (file, _) = files::get(&pair.one, &anna, file, None).await.unwrap();
        assert_eq!((file.modified_by, file.modified), (ANNA, stamp));
    })
    .await;
}

#[tokio::test]
async fn a_lock_takes_the_right_to_change_what_it_shuts() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        let (hers, _) = put(&pair.one, &anna, plans, "a.txt", b"a").await.unwrap();
        let lock = async |target, deep| dav::lock(&pair.two, &ben, target, exclusive(deep)).await;

        // Everybody adds to the root of all files; nobody may shut it for everybody else.
        assert_eq!(code(lock(Target::Folder(fixed::INFOSTORE), true).await), "IFO-0403");
        assert_eq!(code(lock(Target::Folder(fixed::PUBLIC_INFOSTORE), false).await), "IFO-0403");

        share(&pair, &anna, plans, Bits::CONTRIBUTOR).await;
        assert_eq!(code(lock(Target::File(hers), false).await), "IFO-0403");
        let (his, _) = put(&pair.two, &ben, plans, "b.txt", b"b").await.unwrap();
        lock(Target::File(his), false).await.unwrap();

        // Where he may change everything he may lock it, but not what is hers alone below.
        share(&pair, &anna, plans, Bits::AUTHOR).await;
        lock(Target::File(hers), false).await.unwrap();
        let secret = folder(&pair.one, &anna, plans, "Secret").await;
        lock(Target::Folder(plans), false).await.unwrap();
        assert_eq!(code(lock(Target::Folder(plans), true).await), "IFO-0403");
        put(&pair.one, &anna, secret, "c.txt", b"c").await.unwrap();
        lock(Target::Folder(home(&pair.two, &ben).await), true).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_path_through_a_folder_one_does_not_see_leads_nowhere() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        put(&pair.one, &anna, plans, "a.txt", b"a").await.unwrap();
        share(&pair, &anna, plans, Bits::AUTHOR).await;
        let at = async |path: &[&str]| {
            let path: Vec<String> = path.iter().map(|s| (*s).to_owned()).collect();
            dav::locate(&pair.two, &ben, &path).await.unwrap()
        };
        // One place, one path: were there two, a file moved onto itself would be gone.
        assert!(matches!(at(&["Userstore", "Anna", "Plans"]).await, Located::Nowhere));
        assert!(matches!(at(&["Userstore", "Anna", "Plans", "a.txt"]).await, Located::Nowhere));
        assert!(matches!(at(&[OTHER_FOLDERS_NAME, "Plans"]).await, Located::Folder(_)));
        assert!(matches!(at(&[OTHER_FOLDERS_NAME, "Plans", "a.txt"]).await, Located::File { .. }));
    })
    .await;
}

#[tokio::test]
async fn in_the_view_of_other_folders_no_folder_passes_for_another() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let mine = home(&pair.one, &anna).await;
        let first = folder(&pair.one, &anna, mine, "Plans").await;
        let forged = folder(&pair.one, &anna, mine, &format!("Plans ({first})")).await;
        let below = folder(&pair.one, &anna, mine, "Below").await;
        let second = folder(&pair.one, &anna, below, "Plans").await;
        for id in [first, forged, second] {
            share(&pair, &anna, id, Bits::VIEWER).await;
        }
        for (name, id) in [
            (format!("Plans ({first})"), first),
            (format!("Plans ({second})"), second),
            (format!("Plans ({first}) ({forged})"), forged),
        ] {
            let path = [OTHER_FOLDERS_NAME.to_owned(), name];
            let found = dav::locate(&pair.two, &ben, &path).await.unwrap();
            assert_eq!(found.target(), Some(Target::Folder(id)), "{path:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_deletion_tells_nobody_where_a_hidden_file_is() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let hidden = home(&pair.one, &anna).await;
        let (file, _) = put(&pair.one, &anna, hidden, "a.txt", b"a").await.unwrap();
        let delete = async |file, folder| {
            let wanted = [Wanted { file, folder }];
            files::delete(&pair.two, &ben, &wanted, None, Holding::User).await.map(|(left, _)| left)
        };
        let his = home(&pair.two, &ben).await;
        let missing = FileId(4_000_000);
        for folder in [None, Some(his)] {
            assert_eq!(delete(file, folder).await.unwrap(), delete(missing, folder).await.unwrap());
        }
        assert_eq!(code(delete(file, Some(hidden)).await), "FLD-0003");
        assert_eq!(code(delete(missing, Some(hidden)).await), "FLD-0003");
        files::get(&pair.one, &anna, file, None).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_refused_deletion_names_no_hidden_folder() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        share(&pair, &anna, plans, Bits::OWNER).await;
        folder(&pair.one, &anna, plans, "Secret").await;
        match folders::delete(&pair.two, &ben, plans, None).await {
            Err(Error::Refused(Refusal::ObjectsNotDeletable { folder })) => assert_eq!(folder, plans),
            other => panic!("{other:?}"),
        }
    })
    .await;
}

#[tokio::test]
async fn a_file_asked_for_often_is_answered_once() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        let (first, _) = put(&pair.one, &anna, plans, "a.txt", b"a").await.unwrap();
        let (second, _) = put(&pair.one, &anna, plans, "b.txt", b"b").await.unwrap();
        let listed = files::some(&pair.one, &anna, &[second, first, second, second]).await.unwrap();
        assert_eq!(listed.iter().map(|f| f.id).collect::<Vec<_>>(), [second, first]);

        // Own-only: what is not his is an error as before.
        share(&pair, &anna, plans, Bits { read: ObjectRight::Own, ..Bits::CONTRIBUTOR }).await;
        let (his, _) = put(&pair.two, &ben, plans, "c.txt", b"c").await.unwrap();
        assert_eq!(files::some(&pair.two, &ben, &[his, his]).await.unwrap().len(), 1);
        assert_eq!(code(files::some(&pair.two, &ben, &[his, first]).await), "IFO-0400");
    })
    .await;
}

#[tokio::test]
async fn a_membership_withdrawn_during_a_request_keeps_its_write_out() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
        let (file, _) = put(&pair.one, &anna, plans, "a.txt", b"a").await.unwrap();
        let permissions = vec![
            Permission { entity: Entity::User(ANNA), bits: Bits::OWNER },
            Permission { entity: Entity::Group(TEAM), bits: Bits::OWNER },
        ];
        let change = FolderChange { permissions: Some(permissions), ..FolderChange::default() };
        folders::update(&pair.one, &anna, plans, change).await.unwrap();
        join(&pair.one, BEN).await;

        // Who he is was found out when his request began; then it sends for an hour.
        let (two, ben) = (&pair.two, caller(&pair.two, "ben").await);
        let mut upload = files::upload(two, &ben, Some(plans), None).await.unwrap();
        upload.write("half".into()).await.unwrap();
        leave(&pair.one, BEN).await;
        let stored = upload.finish().await.unwrap();
        let fields = Fields { filename: Some("late".to_owned()), ..Fields::default() };
        let late = NewFile { folder: plans, fields: fields.clone(), content: Some(stored) };
        assert_eq!(code(files::create(two, &ben, late).await), "FLD-0003");
        let change = FileChange { folder: None, fields, content: None, seen: None, holding: Holding::User };
        assert_eq!(code(files::update(two, &ben, file, change).await), "IFO-0300");
        let wanted = [Wanted { file, folder: Some(plans) }];
        assert_eq!(code(files::delete(two, &ben, &wanted, None, Holding::User).await), "FLD-0003");
        let new = NewFolder { parent: plans, title: "New".to_owned(), module: None, permissions: None };
        assert_eq!(code(folders::create(two, &ben, new).await), "FLD-0003");
        let title = Some("Mine".to_owned());
        let change = FolderChange { title, ..FolderChange::default() };
        assert_eq!(code(folders::update(two, &ben, plans, change).await), "FLD-0003");
        assert_eq!(code(folders::delete(two, &ben, plans, None).await), "FLD-0003");
        assert_eq!(code(dav::lock(two, &ben, Target::File(file), exclusive(false)).await), "IFO-0300");
        let property = [("{urn:x}a".to_owned(), Some("<a/>".to_owned()))];
        assert_eq!(code(dav::set_properties(two, &ben, Target::Folder(plans), &property).await), "FLD-0003");
        assert_eq!(files::list(&pair.one, &anna, plans).await.unwrap().0.len(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_quota_lowered_or_a_context_disabled_during_an_upload_keeps_the_file_out() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        let stored = async || {
            let mut upload = files::upload(&pair.one, &anna, Some(mine), None).await.unwrap();
            upload.write("four".into()).await.unwrap();
            upload.finish().await.unwrap()
        };
        let fields = || Fields { filename: Some("a.txt".to_owned()), ..Fields::default() };
        let named = |content| NewFile { folder: mine, fields: fields(), content: Some(content) };
        let (first, second, third) = (stored().await, stored().await, stored().await);
        contexts::set_quota(&pair.two, CONTEXT, Quota::Bytes(3)).await.unwrap();
        assert_eq!(code(files::create(&pair.one, &anna, named(first)).await), "FLS-0024");
        contexts::set_quota(&pair.two, CONTEXT, Quota::Bytes(4)).await.unwrap();
        let (file, _) = files::create(&pair.one, &anna, named(second)).await.unwrap();
        let change = FileChange {
            folder: None,
            fields: fields(),
            content: Some(third),
            seen: None,
            holding: Holding::User,
        };
        contexts::set_quota(&pair.two, CONTEXT, Quota::Unlimited).await.unwrap();
        contexts::disable(&pair.two, &Named::Id(CONTEXT), None).await.unwrap();
        assert_eq!(code(files::update(&pair.one, &anna, file, change).await), "SES-0204");
    })
    .await;
}

#[tokio::test]
async fn no_folder_takes_the_name_of_a_view_beside_it() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let make = async |parent, title: &str| {
            let new = NewFolder { parent, title: title.to_owned(), module: None, permissions: None };
            folders::create(&pair.one, &anna, new).await
        };
        assert_eq!(code(make(fixed::INFOSTORE, OTHER_FOLDERS_NAME).await), "FLD-0012");
        let (plain, _) = make(fixed::INFOSTORE, "Others").await.unwrap();
        let (below, _) = make(plain, OTHER_FOLDERS_NAME).await.unwrap();
        let change = |title: Option<&str>, parent| FolderChange {
            title: title.map(str::to_owned),
            parent,
            ..FolderChange::default()
        };
        let renamed = folders::update(&pair.one, &anna, plain, change(Some(OTHER_FOLDERS_NAME), None)).await;
        assert_eq!(code(renamed), "FLD-0012");
        let moved = folders::update(&pair.one, &anna, below, change(None, Some(fixed::INFOSTORE))).await;
        assert_eq!(code(moved), "FLD-0022");
    })
    .await;
}

#[tokio::test]
async fn shared_locks_on_one_file_are_bounded() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let (file, _) = put(&pair.one, &anna, home(&pair.one, &anna).await, "a.txt", b"a").await.unwrap();
        let take = async || {
            let shared = LockRequest { shared: true, ..exclusive(false) };
            dav::lock(&pair.one, &anna, Target::File(file), shared).await
        };
        for _ in 0..LOCKS_MAX {
            take().await.unwrap();
        }
        assert_eq!(code(take().await), "IFO-0415");
        pair.clock.advance_ms(601_000);
        take().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn a_folder_carries_nobody_elses_folders_along() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let mine = home(&pair.one, &anna).await;
        let plans = folder(&pair.one, &anna, mine, "Plans").await;
        let archive = folder(&pair.one, &anna, mine, "Archive").await;
        share(&pair, &anna, plans, Bits::AUTHOR).await;
        let his = folder(&pair.two, &ben, plans, "His").await;
        let there = || FolderChange { parent: Some(archive), ..FolderChange::default() };
        assert_eq!(code(folders::update(&pair.one, &anna, plans, there()).await), "FLD-0029");
        folders::delete(&pair.two, &ben, his, None).await.unwrap();
        folders::update(&pair.one, &anna, plans, there()).await.unwrap();
    })
    .await;
}
