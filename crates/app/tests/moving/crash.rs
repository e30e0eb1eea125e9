//! Workers die, anywhere: a worker is a future, and a future that is dropped after so many polls has died there, with its
//! transactions rolled back and, perhaps, its last statement still being carried out. Others go on.

use std::cell::RefCell;
use std::collections::BTreeSet;

use zebu_app::jobs;
use zebu_model::quota::Quota;
use zebu_store::configdb::jobs::State;

use crate::fixture::{CONTEXT, dies_after, on_each_engine};
use crate::ground::{Engine, Ground, KEPT_MS, SILENT_MS, fill};

#[tokio::test]
async fn a_move_whose_workers_die_anywhere_is_finished_by_others_and_not_a_row_is_different() {
    let all_died_in = RefCell::new(BTreeSet::new());
    on_each_engine(Quota::Unlimited, async |pair| {
        fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let first = ground.place().await.unwrap();
        let before = ground.rows(&first).await;
        let there = ground.register(&pair, Engine::Sqlite).await;
        let (mut died_in, mut deaths, mut target) = (BTreeSet::new(), 0, there);
        // Each move has a worker that dies a little later than the last one's, then another that dies, then one that lives.
        let mut polls = 5;
        loop {
            let job = jobs::move_database::order(&pair.one, CONTEXT, target).await.unwrap();
            let from = ground.place().await.unwrap();
            let (mut lived, mut step) = (false, if polls < 60 { 1 } else { 5 });
            // The third dies while it clears away, if the move has come so far.
            for (n, app) in [&pair.one, &pair.two, &pair.one].into_iter().enumerate() {
                let live = [polls, polls + 7, polls % 90][n];
                let died = dies_after(live, jobs::work(app)).await.is_none();
                let at = jobs::get(app, job).await.unwrap().unwrap();
                lived |= n == 0 && at.step == "wait" && at.state == State::Waiting;
                if died && at.state == State::Running {
                    // Where it matters most, every other moment is tried.
                    let matters = n == 0 && ["switch", "arrive"].contains(&at.step.as_str());
                    step = if matters { step.min(2) } else { step };
                    died_in.insert(at.step);
                    deaths += 1;
                }
                pair.clock.advance_ms(if n == 1 { KEPT_MS } else { SILENT_MS });
            }
            for _ in 0..4 {
                while jobs::work(&pair.one).await.unwrap() {}
                pair.clock.advance_ms(KEPT_MS);
            }
            let job = jobs::get(&pair.one, job).await.unwrap().unwrap();
            assert_eq!(job.state, State::Done, "{job:?} after {polls} polls");
            let place = ground.place().await.unwrap();
            assert_eq!(place.database, target);
            assert_eq!(ground.rows(&place).await, before, "after {polls} polls");
            assert!(ground.is_empty(&from).await, "after {polls} polls");
            target = if target == there { first.database } else { there };
            polls += step;
            if lived {
                break;
            }
        }
        println!("{deaths} deaths, in {died_in:?}");
        all_died_in.borrow_mut().extend(died_in);
        let counts = ground.counts().await;
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<i64>(), 1, "{counts:?}");
    })
    .await;
    let died_in = all_died_in.into_inner();
    for step in ["", "copy", "follow", "switch", "arrive", "clear"] {
        assert!(died_in.contains(step), "nobody died in {step:?}: {died_in:?}");
    }
}

#[tokio::test]
async fn a_move_that_is_called_off_while_workers_die_is_undone_or_done_and_never_half() {
    on_each_engine(Quota::Unlimited, async |pair| {
        fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let before = ground.rows(&ground.place().await.unwrap()).await;
        let first = ground.place().await.unwrap().database;
        let there = ground.register(&pair, Engine::Sqlite).await;
        let mut ends = BTreeSet::new();
        for polls in (10..400).step_by(30) {
            let from = ground.place().await.unwrap();
            let target = if from.database == there { first } else { there };
            let job = jobs::move_database::order(&pair.one, CONTEXT, target).await.unwrap();
            dies_after(polls, jobs::work(&pair.one)).await;
            jobs::cancel(&pair.two, job).await.unwrap();
            pair.clock.advance_ms(SILENT_MS);
            dies_after(polls / 2, jobs::work(&pair.two)).await;
            for _ in 0..4 {
                pair.clock.advance_ms(KEPT_MS);
                while jobs::work(&pair.one).await.unwrap() {}
            }
            let job = jobs::get(&pair.one, job).await.unwrap().unwrap();
            let place = ground.place().await.unwrap();
            let moved = place.database == target;
            assert_eq!(job.state, if moved { State::Done } else { State::Cancelled }, "{job:?}");
            assert_eq!(ground.rows(&place).await, before, "{job:?}");
            if moved {
                assert!(ground.is_empty(&from).await, "{job:?}");
            }
            let counts = ground.counts().await;
            assert_eq!(counts.iter().map(|(_, count)| count).sum::<i64>(), 1, "{counts:?}");
            ends.insert(moved);
        }
        assert_eq!(ends.len(), 2, "each was called off in time, or none");
    })
    .await;
}
