//! A context moves to another database and back, between engines too.

use zebu_app::operator::{Named, contexts, counts};
use zebu_app::{files, jobs};
use zebu_model::quota::Quota;
use zebu_store::configdb::jobs::State;

use crate::fixture::{CONTEXT, caller, dies_after, folder, on, on_each_engine, put, sign_in};
use crate::ground::{Engine, Ground, KEPT_MS, SILENT_MS, fill, moved, work, work_to_the_end};

#[tokio::test]
async fn a_context_moves_and_not_a_row_is_different() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let plans = fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let first = ground.place().await.unwrap();
        let before = ground.rows(&first).await;
        assert!(before.values().filter(|rows| !rows.is_empty()).count() > 12, "too little to move");
        for engine in [Engine::Sqlite, Engine::Maria] {
            let there = ground.register(&pair, engine).await;
            let job = moved(&pair, there).await;
            println!("to {engine:?}: {}", job.message);
            let place = ground.place().await.unwrap();
            assert_eq!(place.database, there);
            assert_eq!(ground.rows(&place).await, before, "to {engine:?}");
            assert!(ground.is_empty(&first).await);
            let back = moved(&pair, first.database).await;
            println!("back from {engine:?}: {}", back.message);
            assert!(ground.is_empty(&place).await);
            assert_eq!(ground.rows(&ground.place().await.unwrap()).await, before, "back from {engine:?}");
        }
        let counts = ground.counts().await;
        assert_eq!(counts.iter().map(|(_, count)| count).sum::<i64>(), 1, "{counts:?}");
        // Nodes that knew where it was find it where it is, and go on with the ids they had taken.
        let anna = caller(&pair.two, "anna").await;
        let listed = files::list(&pair.two, &anna, plans).await.unwrap().0.len();
        put(&pair.one, &anna, plans, "after", b"after").await.unwrap();
        put(&pair.two, &anna, plans, "after too", b"after").await.unwrap();
        assert_eq!(files::list(&pair.one, &anna, plans).await.unwrap().0.len(), listed + 2);
    })
    .await;
}

#[tokio::test]
async fn sessions_and_sync_tokens_move_along_and_old_places_still_lead_to_the_context() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let plans = fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let signed_in = sign_in(&pair.one, "anna").await;
        // Where it was when a request began that lasts.
        let long = caller(&pair.two, "anna").await;
        let (_, seen) = files::list(&pair.one, &long, plans).await.unwrap();
        let there = ground.register(&pair, Engine::Sqlite).await;
        let job = jobs::move_database::order(&pair.one, CONTEXT, there).await.unwrap();
        let waiting = work(&pair.one, job).await;
        assert_eq!((waiting.state, waiting.step.as_str()), (State::Waiting, "wait"), "{waiting:?}");
        let (file, _) = put(&pair.two, &long, plans, "late", b"late").await.unwrap();
        let changes = files::updates(&pair.one, &on(&pair.one, &signed_in).await.unwrap(), plans, seen).await;
        let changed: Vec<_> = changes.unwrap().changed.iter().map(|file| file.id).collect();
        assert_eq!(changed, [file]);
        // Reads of the request that lasts find its own write.
        assert!(files::list(&pair.two, &long, plans).await.unwrap().0.iter().any(|f| f.id == file));
        // A second move waits for the first to have cleared away.
        let first = ground.place().await.unwrap().database;
        assert_eq!(first, there);
        let back = ground.register(&pair, Engine::Maria).await;
        let second = jobs::move_database::order(&pair.one, CONTEXT, back).await.unwrap();
        assert_eq!(work(&pair.one, second).await.step, "");
        pair.clock.advance_ms(KEPT_MS);
        assert_eq!(work(&pair.two, second).await.step, "wait");
        assert_eq!(work(&pair.two, job).await.state, State::Done);
    })
    .await;
}

#[tokio::test]
async fn a_move_that_is_called_off_leaves_everything_as_it_was() {
    on_each_engine(Quota::Unlimited, async |pair| {
        fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let (first, counts) = (ground.place().await.unwrap(), ground.counts().await);
        let before = ground.rows(&first).await;
        let there = ground.register(&pair, Engine::Sqlite).await;
        let job = jobs::move_database::order(&pair.one, CONTEXT, there).await.unwrap();
        assert!(jobs::cancel(&pair.two, job).await.unwrap());
        let job = work(&pair.one, job).await;
        assert_eq!(job.state, State::Cancelled, "{job:?}");
        let place = ground.place().await.unwrap();
        assert_eq!((place.database, place.moves), (first.database, 0));
        assert_eq!(ground.rows(&first).await, before);
        let now: Vec<_> = ground.counts().await.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(now, counts);
        let anna = caller(&pair.two, "anna").await;
        let mine = crate::fixture::home(&pair.two, &anna).await;
        folder(&pair.two, &anna, mine, "goes on").await;
        assert!(jobs::forget(&pair.one, job.id).await.unwrap());
        assert!(jobs::list(&pair.one).await.unwrap().is_empty());
        // And it can be moved another time.
        moved(&pair, there).await;
        assert_eq!(ground.place().await.unwrap().database, there);
    })
    .await;
}

#[tokio::test]
async fn what_cannot_be_done_is_refused_when_it_is_asked_for() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let ground = Ground::of(&pair).await;
        let here = ground.place().await.unwrap().database;
        let refused = async |context, database| {
            jobs::move_database::order(&pair.one, context, database).await.unwrap_err().to_string()
        };
        assert_eq!(refused(CONTEXT, here).await, format!("Context 1 is on database {here} already"));
        assert_eq!(refused(CONTEXT, 4_711).await, "No such database 4711");
        assert_eq!(refused(zebu_model::ContextId(9), here).await, "The context 9 does not exist!");
        assert!(jobs::list(&pair.one).await.unwrap().is_empty());
        // A disabled context moves all the same, and stays disabled.
        contexts::disable(&pair.one, &Named::Id(CONTEXT), None).await.unwrap();
        let there = ground.register(&pair, Engine::Sqlite).await;
        let job = jobs::move_database::order(&pair.one, CONTEXT, there).await.unwrap();
        assert_eq!(work_to_the_end(&pair, &pair.two, job).await.state, State::Done);
        assert!(!ground.place().await.unwrap().enabled);
    })
    .await;
}

#[tokio::test]
async fn the_counts_are_right_at_every_moment_of_a_move() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let ground = Ground::of(&pair).await;
        let there = ground.register(&pair, Engine::Sqlite).await;
        let job = jobs::move_database::order(&pair.one, CONTEXT, there).await.unwrap();
        let mut steps = std::collections::BTreeSet::new();
        let mut polls = 1;
        loop {
            dies_after(polls, jobs::work(&pair.one)).await;
            assert_eq!(counts::check(&pair.two, false).await.unwrap(), [], "{steps:?}");
            let at = jobs::get(&pair.one, job).await.unwrap().unwrap();
            if at.state.is_over() {
                break;
            }
            steps.insert(at.step.clone());
            pair.clock.advance_ms(if at.step == "wait" { KEPT_MS } else { SILENT_MS });
            polls += 3;
        }
        // On SQLite most statements are done at the first poll, so few steps are seen half done.
        assert!(steps.contains("wait") && steps.len() > 1, "{steps:?}");
    })
    .await;
}
