//! `updates` of folders: what comes and goes with a change of access is told, on whichever node one asks.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use fixture::{ANNA, BEN, Pair, caller, folder, for_ben, give, home, on_each_engine, owner, share};
use zebu_app::Caller;
use zebu_app::folders::{self, Details, FolderRef, NewFolder};
use zebu_model::access::{self, Flag};
use zebu_model::folder::{Module, fixed};
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Permission};
use zebu_model::{FolderId, Version};

/// A folder that anna makes.
async fn make(
    pair: &Pair,
    parent: FolderId,
    module: Module,
    permissions: Option<Vec<Permission>>,
) -> FolderId {
    let anna = caller(&pair.one, "anna").await;
    let new = NewFolder { parent, title: "Plans".to_owned(), module: Some(module), permissions };
    folders::create(&pair.one, &anna, new).await.unwrap().0
}

/// What ben is told of the changes below a folder or in a view since a version: what came or changed, and what is gone.
async fn told(pair: &Pair, at: FolderRef, since: Version) -> (Vec<FolderRef>, Vec<FolderRef>) {
    let ben = caller(&pair.two, "ben").await;
    let found = folders::updates(&pair.two, &ben, at, since, Details::default()).await.unwrap();
    (found.changed.iter().map(|view| view.id).collect(), found.gone)
}

/// The version of the tree now.
async fn now(pair: &Pair) -> Version {
    let ben = caller(&pair.two, "ben").await;
    folders::root(&pair.two, &ben, Details::default()).await.unwrap().version
}

#[tokio::test]
async fn a_folder_in_a_view_that_goes_with_the_one_above_it_is_told() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, ben) = (caller(&pair.one, "anna").await, caller(&pair.two, "ben").await);
        let hidden = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Hidden").await;
        let seen = folder(&pair.one, &anna, hidden, "Seen").await;
        share(&pair, &anna, seen, vec![owner(), for_ben(Bits::VIEWER)]).await;
        let view = FolderRef::Id(fixed::OTHER_FILES);
        let before = folders::list(&pair.two, &ben, view, Details::default()).await.unwrap();
        assert!(before.folders.iter().any(|v| v.id == seen.into()));
        folders::delete(&pair.one, &anna, hidden, None).await.unwrap();
        let told = folders::updates(&pair.two, &ben, view, before.version, Details::default()).await.unwrap();
        assert!(told.gone.contains(&seen.into()), "{told:?}");
    })
    .await;
}

#[tokio::test]
async fn who_begins_to_share_comes_to_the_shared_folders_and_goes_with_the_last_of_them() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let hers = make(&pair, fixed::PRIVATE, Module::Calendar, None).await;
        let (shared, node) = (FolderRef::Id(fixed::SHARED), FolderRef::Owner(ANNA));
        let before = now(&pair).await;
        share(&pair, &anna, hers, vec![owner(), for_ben(Bits::VIEWER)]).await;
        assert_eq!(told(&pair, shared, before).await, (vec![node], vec![]));
        assert_eq!(told(&pair, node, before).await, (vec![hers.into()], vec![]));
        let before = now(&pair).await;
        assert_eq!(told(&pair, shared, before).await, (vec![], vec![]));
        share(&pair, &anna, hers, vec![owner()]).await;
        assert_eq!(told(&pair, shared, before).await, (vec![], vec![node]));
        assert_eq!(told(&pair, node, before).await, (vec![], vec![hers.into()]));
        share(&pair, &anna, hers, vec![owner(), for_ben(Bits::VIEWER)]).await;
        let before = now(&pair).await;
        folders::delete(&pair.one, &anna, hers, None).await.unwrap();
        assert_eq!(told(&pair, shared, before).await, (vec![], vec![node]));
    })
    .await;
}

#[tokio::test]
async fn a_folder_comes_to_a_view_and_leaves_it_with_the_rights_in_the_one_above() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        let above = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Above").await;
        let seen = folder(&pair.one, &anna, above, "Seen").await;
        let (view, root) = (FolderRef::Id(fixed::OTHER_FILES), FolderRef::Id(fixed::INFOSTORE));
        let before = now(&pair).await;
        share(&pair, &anna, seen, vec![owner(), for_ben(Bits::VIEWER)]).await;
        assert_eq!(told(&pair, root, before).await, (vec![view], vec![]), "something is in the view now");
        assert_eq!(told(&pair, view, before).await.0, [seen.into()]);
        let before = now(&pair).await;
        share(&pair, &anna, above, vec![owner(), for_ben(Bits::VIEWER)]).await;
        assert_eq!(told(&pair, view, before).await, (vec![above.into()], vec![seen.into()]));
        let before = now(&pair).await;
        share(&pair, &anna, above, vec![owner()]).await;
        assert_eq!(told(&pair, view, before).await, (vec![seen.into()], vec![above.into()]));
        let before = now(&pair).await;
        share(&pair, &anna, seen, vec![owner()]).await;
        assert_eq!(told(&pair, root, before).await, (vec![], vec![view]), "nothing is in it any more");
    })
    .await;
}

#[tokio::test]
async fn folders_that_come_or_go_with_module_access_are_told_to_who_synchronises() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let two = &pair.two;
        let permissions = Some(vec![owner(), for_ben(Bits::VIEWER)]);
        let plans = FolderRef::Id(make(&pair, fixed::PUBLIC, Module::Tasks, permissions).await);
        let told = async |ben: &Caller, since| {
            let told = folders::updates(two, ben, fixed::PUBLIC.into(), since, Details::default()).await;
            let told = told.unwrap();
            let is_told = told.changed.iter().any(|view| view.id == plans);
            (is_told, told.gone.contains(&plans), told.version)
        };
        let ben = caller(two, "ben").await;
        let before = folders::root(two, &ben, Details::default()).await.unwrap().version;
        let (_, _, before) = told(&ben, before).await;
        give(&pair.one, BEN, access::ALL.set(Flag::Tasks, false)).await;
        let ben = caller(two, "ben").await;
        let (came, went, before) = told(&ben, before).await;
        assert_eq!((came, went), (false, true));
        give(&pair.one, BEN, access::ALL).await;
        let ben = caller(two, "ben").await;
        let (came, went, before) = told(&ben, before).await;
        assert_eq!((came, went), (true, false));
        assert_eq!(told(&ben, before).await, (false, false, before));
    })
    .await;
}
