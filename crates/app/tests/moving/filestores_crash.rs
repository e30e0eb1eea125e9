//! Workers that move contents die, anywhere: others go on, and no content is lost, damaged or left over.

use std::cell::RefCell;
use std::collections::BTreeSet;

use zebu_app::jobs;
use zebu_model::quota::Quota;
use zebu_store::configdb::jobs::State;

use crate::fixture::{CONTEXT, dies_after, on_each_engine};
use crate::ground::{Ground, KEPT_MS, SILENT_MS, fill};
use crate::shelves::{
    FIRST, all, another, clean, counts, has_left, join, lying, some, sweep, work_to_the_end,
};

#[tokio::test]
async fn a_move_of_contents_whose_workers_die_anywhere_is_finished_by_others() {
    let all_died_in = RefCell::new(BTreeSet::new());
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let plans = fill(&pair).await;
        some(&pair, plans).await;
        let ground = Ground::of(&pair).await;
        let first = ground.place().await.unwrap().filestore_id;
        let second = another(&pair, "second").await;
        let before = all(&pair.one, plans).await;
        let (mut died_in, mut deaths) = (BTreeSet::new(), 0);
        // Each move has a worker that dies a little later than the last one's while it copies, then one that dies while it
        // clears away, then one that lives.
        let mut polls = 3;
        loop {
            let (from, to) = if ground.place().await.unwrap().filestore_id == first {
                (FIRST, second)
            } else {
                ("second", first)
            };
            let job = jobs::move_filestore::order(&pair.one, CONTEXT, to).await.unwrap();
            let mut lived = true;
            for app in [&pair.one, &pair.two, &pair.one] {
                let died = dies_after(polls, jobs::work(app)).await.is_none();
                lived &= !died;
                let at = jobs::get(app, job).await.unwrap().unwrap();
                if died && at.state == State::Running {
                    died_in.insert(at.step);
                    deaths += 1;
                }
                clean(&pair).await;
                pair.clock.advance_ms(SILENT_MS);
                if at.state == State::Waiting {
                    sweep(&pair).await;
                    pair.clock.advance_ms(KEPT_MS);
                    sweep(&pair).await;
                }
            }
            let job = work_to_the_end(&pair, &pair.two, job).await;
            assert_eq!(job.state, State::Done, "{job:?} after {polls} polls");
            assert_eq!(ground.place().await.unwrap().filestore_id, to);
            assert!(has_left(&pair, from), "after {polls} polls: {:?}", lying(&pair, from));
            let target = if from == FIRST { "second" } else { FIRST };
            assert_eq!(lying(&pair, target).len(), before.len(), "after {polls} polls");
            assert_eq!(all(&pair.one, plans).await, before, "after {polls} polls");
            let other = if to == first { second } else { first };
            assert_eq!(counts(&pair).await, [(to, 1), (other, 0)].into(), "after {polls} polls");
            clean(&pair).await;
            if lived {
                break;
            }
            polls += if polls < 40 { 3 } else { 17 };
        }
        // Clearing away is short: it may be that all who came to it lived. One after the other gets a little further.
        for polls in (1..400).step_by(2) {
            if died_in.contains("clear") {
                break;
            }
            let to = if ground.place().await.unwrap().filestore_id == first { second } else { first };
            let job = jobs::move_filestore::order(&pair.one, CONTEXT, to).await.unwrap();
            while jobs::work(&pair.one).await.unwrap() {}
            sweep(&pair).await;
            pair.clock.advance_ms(KEPT_MS);
            sweep(&pair).await;
            if dies_after(polls, jobs::work(&pair.one)).await.is_none() {
                died_in.insert(jobs::get(&pair.one, job).await.unwrap().unwrap().step);
                deaths += 1;
            }
            pair.clock.advance_ms(SILENT_MS);
            assert_eq!(work_to_the_end(&pair, &pair.two, job).await.state, State::Done);
            assert_eq!(all(&pair.one, plans).await, before, "after {polls} polls");
            clean(&pair).await;
        }
        println!("{deaths} deaths, in {died_in:?}");
        all_died_in.borrow_mut().extend(died_in);
    })
    .await;
    let died_in = all_died_in.into_inner();
    for step in ["", "turn", "copy", "clear"] {
        assert!(died_in.contains(step), "nobody died in {step:?}: {died_in:?}");
    }
}

#[tokio::test]
async fn a_move_of_contents_that_is_called_off_while_workers_die_is_undone_or_done_and_never_half() {
    on_each_engine(Quota::Unlimited, async |pair| {
        join(&pair).await;
        let plans = fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let first = ground.place().await.unwrap().filestore_id;
        let second = another(&pair, "second").await;
        let before = all(&pair.one, plans).await;
        let mut ends = BTreeSet::new();
        for (n, polls) in (10..400).step_by(40).enumerate() {
            let from = ground.place().await.unwrap().filestore_id;
            let to = if from == first { second } else { first };
            let job = jobs::move_filestore::order(&pair.one, CONTEXT, to).await.unwrap();
            if n % 2 == 0 {
                // As far as to where it waits, so that the next dies while it clears away.
                while jobs::work(&pair.one).await.unwrap() {}
                sweep(&pair).await;
                pair.clock.advance_ms(KEPT_MS);
                sweep(&pair).await;
            }
            dies_after(polls, jobs::work(&pair.one)).await;
            jobs::cancel(&pair.two, job).await.unwrap();
            pair.clock.advance_ms(SILENT_MS);
            dies_after(polls / 2, jobs::work(&pair.two)).await;
            pair.clock.advance_ms(SILENT_MS);
            let job = work_to_the_end(&pair, &pair.one, job).await;
            let there = ground.place().await.unwrap().filestore_id;
            let moved = there == to;
            assert_eq!(job.state, if moved { State::Done } else { State::Cancelled }, "{job:?}");
            assert!(moved || there == from);
            assert_eq!(all(&pair.two, plans).await, before, "{job:?}");
            let (full, empty) = if there == first { (FIRST, "second") } else { ("second", FIRST) };
            assert!(has_left(&pair, empty), "{job:?}: {:?}", lying(&pair, empty));
            assert_eq!(lying(&pair, full).len(), before.len(), "{job:?}");
            assert_eq!(counts(&pair).await.values().sum::<i64>(), 1, "{job:?}");
            clean(&pair).await;
            ends.insert(moved);
        }
        assert_eq!(ends.len(), 2, "each was called off in time, or none");
    })
    .await;
}
