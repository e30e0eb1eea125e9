//! Clients that follow the tree by `updates` alone, on every node, while a user is deleted: what they know is what there is.

use std::cell::Cell;
use std::collections::BTreeSet;

use zebu_app::folders::{self, Changes, Details, FolderRef};
use zebu_app::operator::users::{self, Estate};
use zebu_app::{App, Caller};
use zebu_model::folder::fixed;
use zebu_model::quota::Quota;
use zebu_model::{UserId, Version};
use zebu_store::configdb::jobs::State;

use crate::estate::{leave, order};
use crate::fixture::{ANNA, CONTEXT, Pair, caller, on_each_engine, user};
use crate::ground::work_to_the_end;

/// What a client knows of the folders in one place.
struct Follower<'a> {
    app: &'a App,
    who: Caller,
    at: FolderRef,
    known: BTreeSet<FolderRef>,
    version: Version,
}

impl<'a> Follower<'a> {
    async fn of(app: &'a App, login: &str, at: FolderRef) -> Follower<'a> {
        let who = caller(app, login).await;
        let (known, version) = listed(app, &who, at).await;
        Follower { app, who, at, known, version }
    }

    async fn told(&self) -> Changes {
        folders::updates(self.app, &self.who, self.at, self.version, Details::default()).await.unwrap()
    }

    async fn hear(&mut self) {
        let told = self.told().await;
        self.known.extend(told.changed.iter().map(|view| view.id));
        self.known.retain(|id| !told.gone.contains(id));
        self.version = told.version;
    }
}

async fn listed(app: &App, who: &Caller, at: FolderRef) -> (BTreeSet<FolderRef>, Version) {
    let found = folders::list(app, who, at, Details::default()).await.unwrap();
    (found.folders.iter().map(|view| view.id).collect(), found.version)
}

async fn follow(pair: &Pair, estate: Estate) {
    leave(pair).await;
    users::create(&pair.one, CONTEXT, &user("carla", "Carla"), false).await.unwrap();
    let stranger = Follower::of(&pair.two, "carla", FolderRef::Id(fixed::SHARED)).await;
    let nodes = [FolderRef::Id(fixed::SHARED), FolderRef::Owner(ANNA), FolderRef::Owner(UserId::ADMIN)];
    let places = [&pair.one, &pair.two].into_iter().flat_map(|app| nodes.map(|at| (app, at)));
    let (mut eager, mut lazy) = (Vec::new(), Vec::new());
    for (app, at) in places {
        eager.push(Follower::of(app, "ben", at).await);
        lazy.push(Follower::of(app, "ben", at).await);
    }
    assert!(eager[0].known.contains(&FolderRef::Owner(ANNA)), "{:?}", eager[0].known);
    let job = order(pair, estate).await;
    let (is_over, heard) = (Cell::new(false), Cell::new(0));
    let hearing = async {
        while !is_over.get() {
            for follower in &mut eager {
                follower.hear().await;
            }
            heard.set(heard.get() + 1);
        }
    };
    let working = async {
        let done = work_to_the_end(pair, &pair.two, job).await;
        assert_eq!(done.state, State::Done, "{done:?}");
        is_over.set(true);
    };
    tokio::join!(Box::pin(hearing), Box::pin(working));
    assert!(heard.get() > 1, "nobody heard of it while it went on");
    for follower in eager.iter_mut().chain(&mut lazy) {
        follower.hear().await;
        let (there, _) = listed(follower.app, &follower.who, follower.at).await;
        assert_eq!(follower.known, there, "at {}", follower.at);
        if follower.at == FolderRef::Id(fixed::SHARED) {
            assert!(!there.contains(&FolderRef::Owner(ANNA)), "{there:?}");
        }
    }
    assert_eq!(stranger.told().await.gone, [], "who never saw it hears nothing of it");
}

#[tokio::test]
async fn who_follows_the_shared_folders_hears_that_a_deleted_user_s_node_went_with_what_was_handed_over() {
    on_each_engine(Quota::Unlimited, async |pair| follow(&pair, Estate::HandedOver(None)).await).await;
}

#[tokio::test]
async fn who_follows_the_shared_folders_hears_that_a_deleted_user_s_node_went_with_what_was_deleted() {
    on_each_engine(Quota::Unlimited, async |pair| follow(&pair, Estate::Deleted).await).await;
}
