//! Many who write to the same things at the same moment: each is served, and nobody is told to try again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests fail their test")]

mod fixture;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use fixture::{ANNA, BEN, Pair, caller, folder, home, on_each_engine};
use zebu_app::files::{self, Fields, FileChange, Holding, NewFile};
use zebu_app::folders::{self, FolderChange};
use zebu_app::{App, Caller};
use zebu_model::FolderId;
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};

/// Who puts files into the one folder, and renames them there.
const WRITERS: usize = 24;
/// What each of them does: an item, and a change of it.
const ITEMS: usize = 3;
/// Who changes the tree as long as they do, which is what their rights come from.
const TREE_CHANGERS: usize = 8;

fn titled(title: String) -> Fields {
    Fields { title: Some(title), ..Fields::default() }
}

async fn put_and_rename(app: &App, who: &Caller, folder: FolderId, mine: usize) -> zebu_app::Result<()> {
    for item in 0..ITEMS {
        let new = NewFile { folder, fields: titled(format!("{mine} {item}")), content: None };
        let (file, _) = files::create(app, who, new).await?;
        let change = FileChange {
            folder: None,
            fields: titled(format!("{mine} {item} again")),
            content: None,
            seen: None,
            holding: Holding::User,
        };
        files::update(app, who, file, change).await?;
    }
    Ok(())
}

/// Grants and withdraws a right until the writers are done.
async fn change_tree(app: &App, who: &Caller, folder: FolderId, left: &AtomicUsize) -> zebu_app::Result<()> {
    let all = [
        Permission { entity: Entity::User(ANNA), bits: Bits::OWNER },
        Permission { entity: Entity::User(BEN), bits: Bits::VIEWER },
    ];
    let mut turns = all.iter().zip(1..).cycle();
    while left.load(Ordering::SeqCst) > 0 {
        let Some((_, count)) = turns.next() else { break };
        let permissions = all.iter().take(count).copied().collect();
        let change = FolderChange { permissions: Some(permissions), ..FolderChange::default() };
        folders::update(app, who, folder, change).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_thirty_two_who_write_to_one_folder_and_its_tree_at_once_none_is_refused() {
    on_each_engine(Quota::Unlimited, async |Pair { one, two, dir: _dir, .. }| {
        let anna = caller(&one, "anna").await;
        let own = home(&one, &anna).await;
        let plans = folder(&one, &anna, own, "Plans").await;
        let left = Arc::new(AtomicUsize::new(WRITERS));
        let mut work = tokio::task::JoinSet::new();
        for number in 0..WRITERS + TREE_CHANGERS {
            let (app, left) = (Arc::clone(if number % 2 == 0 { &one } else { &two }), Arc::clone(&left));
            let (anna, other) = (anna.clone(), folder(&one, &anna, own, &format!("Other {number}")).await);
            work.spawn(async move {
                if number >= WRITERS {
                    return change_tree(&app, &anna, other, &left).await;
                }
                let done = put_and_rename(&app, &anna, plans, number).await;
                left.fetch_sub(1, Ordering::SeqCst);
                done
            });
        }
        for done in work.join_all().await {
            done.unwrap_or_else(|error| panic!("{}", error.cause_chain()));
        }
        let found = files::list(&two, &anna, plans).await.unwrap().0;
        assert_eq!(found.len(), WRITERS * ITEMS);
        assert!(found.iter().all(|file| file.title.ends_with("again")));
    })
    .await;
}
