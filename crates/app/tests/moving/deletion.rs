//! A deleted context leaves nothing, and its id can be used again.

use zebu_app::operator::{self, contexts, users};
use zebu_app::{App, jobs, maintenance, sessions};
use zebu_model::quota::Quota;
use zebu_store::configdb::jobs::State;

use crate::fixture::{
    CONTEXT, Pair, caller, code, context, dies_after, folder, foundation, home, on, on_each_engine, put,
    sign_in, user,
};
use crate::ground::{Engine, Ground, SILENT_MS, fill, moved, work_to_the_end};

pub(crate) async fn found_again(pair: &Pair, app: &App) {
    let shards = format!("sqlite:{}", pair.dir.path().display());
    operator::lay(app, &foundation("again", &shards, pair.dir.path(), "files")).await.unwrap();
    contexts::create(app, &context(CONTEXT, "defaultcontext"), false).await.unwrap();
    users::create(app, CONTEXT, &user("anna", "Anna"), false).await.unwrap();
}

fn contents(pair: &Pair) -> bool {
    pair.dir.path().join("files/1_ctx_store").exists()
}

#[tokio::test]
async fn a_deleted_context_leaves_nothing_and_a_new_one_of_its_id_knows_nothing_of_it() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let plans = fill(&pair).await;
        let ground = Ground::of(&pair).await;
        // It has moved, so that every node remembers where it was.
        let there = ground.register(&pair, Engine::Sqlite).await;
        moved(&pair, there).await;
        let signed_in = sign_in(&pair.one, "anna").await;
        let old = caller(&pair.two, "anna").await;
        let (_, known) = put(&pair.two, &old, plans, "x", b"x").await.unwrap();
        let place = ground.place().await.unwrap();
        assert!(contents(&pair));

        let job = jobs::delete_context::order(&pair.one, CONTEXT).await.unwrap();
        // Nobody is let in any more, on any node, before anything is deleted.
        let client = zebu_app::Client::default();
        let given = sessions::Credentials { login: "anna", password: "secret" };
        assert_eq!(code(sessions::login(&pair.two, given, &client, false).await), "LGI-0005");
        on(&pair.two, &signed_in).await.unwrap_err();
        assert_eq!(jobs::delete_context::order(&pair.two, CONTEXT).await.unwrap(), job, "one is enough");
        let done = work_to_the_end(&pair, &pair.one, job).await;
        assert_eq!(done.state, State::Done, "{done:?}");
        assert!(ground.place().await.is_none());
        assert!(ground.is_empty(&place).await);
        assert!(!contents(&pair), "its directory is still there");
        assert!(ground.counts().await.iter().all(|(_, count)| *count == 0));
        let again = jobs::delete_context::order(&pair.one, CONTEXT).await.unwrap_err();
        assert_eq!(again.to_string(), "The context 1 does not exist!");

        pair.clock.advance_ms(60_000);
        found_again(&pair, &pair.one).await;
        // What a client of the old one had synchronised by says nothing here.
        let new = caller(&pair.two, "anna").await;
        let home_of_new = home(&pair.two, &new).await;
        let updates = zebu_app::files::updates(&pair.two, &new, home_of_new, known).await;
        assert_eq!(code(updates), "SVL-0019");
        assert_eq!(code(on(&pair.two, &signed_in).await), "SES-0203");
        // A request of the old context that lasted does not land in the new one.
        put(&pair.two, &old, plans, "late", b"late").await.unwrap_err();
        zebu_app::files::list(&pair.one, &old, plans).await.unwrap_err();
        // Ids and keys that nodes had taken for the old one are not used: nothing collides, no upload is refused.
        let mut ids = std::collections::BTreeSet::new();
        for n in 0..40u32 {
            let app = if n % 2 == 0 { &pair.one } else { &pair.two };
            let anna = caller(app, "anna").await;
            let below = folder(app, &anna, home(app, &anna).await, &n.to_string()).await;
            assert!(ids.insert(put(app, &anna, below, "a", b"a").await.unwrap().0));
        }
        let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
        assert!(found.is_clean() && found.files == 40, "{found:?}");
    })
    .await;
}

#[tokio::test]
async fn a_deletion_whose_workers_die_anywhere_is_finished_by_others() {
    on_each_engine(Quota::Unlimited, async |pair| {
        fill(&pair).await;
        let ground = Ground::of(&pair).await;
        let mut polls = 3;
        loop {
            let place = ground.place().await.unwrap();
            let job = jobs::delete_context::order(&pair.one, CONTEXT).await.unwrap();
            let mut deaths = 0;
            while dies_after(polls, jobs::work(&pair.two)).await.is_none() && deaths < 3 {
                deaths += 1;
                pair.clock.advance_ms(SILENT_MS);
            }
            pair.clock.advance_ms(SILENT_MS);
            let done = work_to_the_end(&pair, &pair.one, job).await;
            assert_eq!(done.state, State::Done, "{done:?} after {polls} polls");
            assert!(ground.place().await.is_none());
            assert!(ground.is_empty(&place).await, "after {polls} polls");
            assert!(!contents(&pair), "after {polls} polls");
            if deaths == 0 {
                break;
            }
            found_again(&pair, &pair.one).await;
            polls += 17;
        }
    })
    .await;
}
