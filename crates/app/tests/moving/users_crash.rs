//! Workers that delete a user die, anywhere, and others go on.

use std::cell::RefCell;
use std::collections::BTreeSet;

use zebu_app::folders::{self, FolderChange, NewFolder};
use zebu_app::operator::Named;
use zebu_app::operator::users::{self, Estate};
use zebu_app::{files, jobs, maintenance};
use zebu_model::folder::{Module, fixed};
use zebu_model::quota::Quota;
use zebu_model::rights::Bits;
use zebu_model::{FileId, UserId};
use zebu_store::configdb::jobs::State;

use crate::estate::{named, user as permission};
use crate::fixture::{BEN, CONTEXT, Pair, caller, dies_after, folder, home, on_each_engine, put, user};
use crate::ground::{Ground, SILENT_MS, work_to_the_end};

/// A little of each kind, of a user who was just made; and a file of Ben's in a folder of theirs.
async fn leave_a_little(pair: &Pair, n: usize) -> (UserId, FileId) {
    let made = users::create(&pair.one, CONTEXT, &user("carla", "Carla"), false).await.unwrap();
    let (carla, ben) = (caller(&pair.one, "carla").await, caller(&pair.two, "ben").await);
    let all = || vec![permission(made.id, Bits::OWNER), permission(BEN, Bits::AUTHOR)];
    let mine = home(&pair.one, &carla).await;
    let below = folder(&pair.one, &carla, mine, "below").await;
    put(&pair.one, &carla, below, "a", b"a").await.unwrap();
    let private = Some(Module::Tasks);
    let new = NewFolder {
        parent: fixed::PRIVATE,
        title: "x".to_owned(),
        module: private,
        permissions: Some(all()),
    };
    folders::create(&pair.one, &carla, new).await.unwrap();
    let public = folder(&pair.one, &carla, fixed::PUBLIC_INFOSTORE, &format!("public {n}")).await;
    let change = FolderChange { permissions: Some(all()), ..FolderChange::default() };
    folders::update(&pair.one, &carla, public, change).await.unwrap();
    put(&pair.one, &carla, public, "b", b"b").await.unwrap();
    let bens = put(&pair.two, &ben, public, "of Ben", b"ben").await.unwrap().0;
    (made.id, bens)
}

#[tokio::test]
async fn a_deletion_of_a_user_whose_workers_die_anywhere_is_finished_by_others() {
    let all_died_in = RefCell::new(BTreeSet::new());
    on_each_engine(Quota::Unlimited, async |pair| {
        let ground = Ground::of(&pair).await;
        let place = ground.place().await.unwrap();
        let (mut polls, mut n, mut lived) = (3, 0, 0);
        // Until one of each kind was done by a worker that did not die.
        while lived < 2 {
            let estate = if n % 2 == 0 { Estate::HandedOver(Some(BEN)) } else { Estate::Deleted };
            let (carla, bens) = leave_a_little(&pair, n).await;
            let asked = users::delete(&pair.one, CONTEXT, &Named::Id(carla), estate, false).await;
            let (_, job) = asked.unwrap().unwrap();
            let mut deaths = 0;
            while dies_after(polls, jobs::work(&pair.two)).await.is_none() && deaths < 3 {
                deaths += 1;
                let at = jobs::get(&pair.one, job).await.unwrap().unwrap();
                all_died_in.borrow_mut().insert(at.step);
                pair.clock.advance_ms(SILENT_MS);
            }
            pair.clock.advance_ms(SILENT_MS);
            let done = work_to_the_end(&pair, &pair.one, job).await;
            assert_eq!(done.state, State::Done, "{done:?} after {polls} polls");
            assert_eq!(named(&ground, &place, carla).await, Vec::<String>::new(), "after {polls} polls");
            let ben = caller(&pair.two, "ben").await;
            assert_eq!(files::some(&pair.two, &ben, &[bens]).await.unwrap().len(), 1);
            lived = if deaths == 0 { lived + 1 } else { 0 };
            (polls, n) = (polls + if polls < 100 { 5 } else { 19 }, n + 1);
        }
        pair.clock.advance_ms(120_000);
        maintenance::sweep(&pair.one).await.unwrap();
        let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
        assert!(found.is_clean(), "{found:?}");
        println!("{n} users, up to {polls} polls");
    })
    .await;
    let died_in = all_died_in.into_inner();
    for step in ["", "close", "withdraw", "files", "folders", "rights", "forget"] {
        assert!(died_in.contains(step), "nobody died in {step:?}: {died_in:?}");
    }
}
