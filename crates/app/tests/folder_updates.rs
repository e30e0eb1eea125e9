//! `updates` of folders: what comes and goes with a change of access is told, on whichever node one asks.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use fixture::{
    ANNA, BEN, CONTEXT, Pair, TEAM, caller, folder, for_ben, give, home, join, leave, on_each_engine, owner,
    share,
};
use zebu_app::Caller;
use zebu_app::folders::{self, Details, FolderChange, FolderRef, NewFolder};
use zebu_app::operator::{Named, groups};
use zebu_model::access::{self, Flag};
use zebu_model::folder::{Module, OTHER_FOLDERS, fixed, is_view};
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{FolderId, Version};

/// A folder that anna makes.
async fn make(
    pair: &Pair,
    parent: FolderId,
    module: Module,
    permissions: Option<Vec<Permission>>,
) -> FolderId {
    make_named(pair, parent, "Plans", module, permissions).await
}

/// The same under a title.
async fn make_named(
    pair: &Pair,
    parent: FolderId,
    title: &str,
    module: Module,
    permissions: Option<Vec<Permission>>,
) -> FolderId {
    let anna = caller(&pair.one, "anna").await;
    let new = NewFolder { parent, title: title.to_owned(), module: Some(module), permissions };
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

/// What ben, who has no tasks, is told that is gone, wherever he looks.
async fn gone_anywhere(pair: &Pair, since: Version) -> Vec<FolderRef> {
    let places = [fixed::PRIVATE, fixed::PUBLIC, fixed::SHARED, fixed::PUBLIC_INFOSTORE, fixed::USERSTORE];
    let views =
        OTHER_FOLDERS.iter().filter(|(.., module, _)| *module != Module::Tasks).map(|(view, ..)| *view);
    let places = places.into_iter().chain(views).map(FolderRef::Id);
    let mut gone = Vec::new();
    for at in places.chain([FolderRef::Owner(ANNA)]) {
        gone.extend(told(pair, at, since).await.1);
    }
    gone
}

/// What ben is told below a folder, without the views there: those have everybody's ids.
async fn folders_told(pair: &Pair, at: FolderRef, since: Version) -> (Vec<FolderRef>, Vec<FolderRef>) {
    let (changed, mut gone) = told(pair, at, since).await;
    gone.retain(|id| !matches!(id, FolderRef::Id(id) if is_view(*id)));
    (changed, gone)
}

fn for_the_team() -> Permission {
    Permission { entity: Entity::Group(TEAM), bits: Bits::VIEWER }
}

#[tokio::test]
async fn nobody_is_told_that_a_folder_is_gone_that_was_never_theirs_to_see() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let anna = caller(&pair.one, "anna").await;
        give(&pair.one, BEN, access::ALL.set(Flag::Tasks, false)).await;
        let before = now(&pair).await;
        let open = vec![owner(), for_ben(Bits::VIEWER)];
        let mut made = vec![
            make(&pair, fixed::PRIVATE, Module::Calendar, None).await,
            make(&pair, fixed::PUBLIC, Module::Calendar, Some(vec![owner(), for_the_team()])).await,
            make_named(&pair, fixed::PUBLIC, "Tasks", Module::Tasks, Some(open)).await,
            make(&pair, fixed::PUBLIC_INFOSTORE, Module::Infostore, Some(vec![owner()])).await,
        ];
        made.push(folder(&pair.one, &anna, home(&pair.one, &anna).await, "Below").await);
        assert_eq!(gone_anywhere(&pair, before).await, [], "as they are made");
        for id in &made {
            let change = FolderChange { title: Some(format!("Other {id}")), ..FolderChange::default() };
            folders::update(&pair.one, &anna, *id, change).await.unwrap();
        }
        assert_eq!(gone_anywhere(&pair, before).await, [], "as they change");
        for id in &made {
            folders::delete(&pair.one, &anna, *id, None).await.unwrap();
        }
        assert_eq!(gone_anywhere(&pair, before).await, [], "as they go");
    })
    .await;
}

#[tokio::test]
async fn what_a_group_showed_is_gone_for_who_leaves_it_and_with_the_group_and_for_nobody_else() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair.one, BEN).await;
        let (at, node) = (FolderRef::Id(fixed::PUBLIC), FolderRef::Owner(ANNA));
        let team = || Some(vec![owner(), for_the_team()]);
        let public = FolderRef::Id(make(&pair, fixed::PUBLIC, Module::Tasks, team()).await);
        let private = FolderRef::Id(make(&pair, fixed::PRIVATE, Module::Tasks, team()).await);
        let shared = FolderRef::Id(fixed::SHARED);
        let before = now(&pair).await;
        leave(&pair.one, BEN).await;
        for (at, gone) in [(at, public), (node, private), (shared, node)] {
            assert_eq!(folders_told(&pair, at, before).await, (vec![], vec![gone]), "as he leaves, at {at}");
        }
        let before = now(&pair).await;
        let FolderRef::Id(id) = public else { panic!("{public}") };
        let anna = caller(&pair.one, "anna").await;
        share(&pair, &anna, id, vec![owner()]).await;
        share(&pair, &anna, id, vec![owner(), for_the_team()]).await;
        assert_eq!(folders_told(&pair, at, before).await, (vec![], vec![]), "it is not his any more");
        join(&pair.one, BEN).await;
        let before = now(&pair).await;
        groups::delete(&pair.one, CONTEXT, &Named::Id(TEAM)).await.unwrap();
        for (at, gone) in [(at, public), (node, private), (shared, node)] {
            assert_eq!(
                folders_told(&pair, at, before).await,
                (vec![], vec![gone]),
                "as the group goes, at {at}"
            );
        }
    })
    .await;
}
