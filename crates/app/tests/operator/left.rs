//! What makers of contexts left who died in the middle: others take it up, when it is certain that nobody is at it any more.

use zebu_app::Client;
use zebu_app::operator::contexts::{self, ContextFilter, NewContext};
use zebu_app::operator::{Made, Settings, databases, filestores, users};
use zebu_app::sessions::{Credentials, login};
use zebu_model::ContextId;
use zebu_store::Store;
use zebu_store::configdb::{contexts as registry, databases as schemas};
use zebu_store::shard::tables;

use crate::fixture::{context, dies_after};
use crate::support::{Bare, on_each_engine, said};

/// After which a maker of whom nothing is heard is taken for dead, ms, and more.
const SILENT_MS: i64 = 121_000;

/// How far the making of a context is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Configdb knows nothing of it.
    Nothing,
    /// It has a place, and nothing is there.
    Entered,
    /// Its rows are there, and nobody may use them yet.
    Seeded,
}

/// Looked at without a lock: whoever makes the context may be in the middle of a transaction.
async fn stage(store: &Store, id: ContextId) -> Stage {
    let (place, schemas) = {
        let mut tx = store.config().await.unwrap();
        (registry::by_id(&mut tx, id).await.unwrap(), schemas::schemas(&mut tx).await.unwrap())
    };
    let Some(place) = place else { return Stage::Nothing };
    if !schemas.iter().any(|schema| schema.name == place.schema && schema.ready) {
        return Stage::Entered;
    }
    let mut tx = store.read_at(&place).await.unwrap();
    for table in tables::all() {
        if !table.rows(&mut tx, None, None, 1).await.unwrap().is_empty() {
            return Stage::Seeded;
        }
    }
    Stage::Entered
}

async fn states(bare: &Bare) -> Vec<(ContextId, String)> {
    let rows = contexts::list(&bare.app, &ContextFilter::default()).await.unwrap();
    rows.into_iter().map(|row| (row.id, row.state)).collect()
}

/// Begins to make a context and dies when it has come so far.
async fn left_at(bare: &Bare, store: &Store, new: &NewContext, far: Stage) {
    let mut making = Box::pin(contexts::create(&bare.app, new, false));
    let mut held = None;
    loop {
        match stage(store, new.id).await {
            now if now == far => break,
            // What holds its row keeps it from coming to the end, even with what is under way when it dies.
            Stage::Entered if held.is_none() => {
                let mut tx = store.config_write().await.unwrap();
                registry::set_enabled(&mut tx, new.id, true, 0).await.unwrap();
                held = Some(tx);
            }
            _ => {}
        }
        assert!(futures_util::poll!(making.as_mut()).is_pending());
    }
}

async fn works(bare: &Bare, id: ContextId) {
    let given = Credentials { login: &format!("oxadmin@c{id}"), password: "secret" };
    login(&bare.app, given, &Client::default(), false).await.unwrap();
    assert_eq!(users::list(&bare.app, id, "*", false).await.unwrap().len(), 1, "the administrator alone");
}

/// These contexts are ready, no others are there, and each is counted once.
async fn are_ready(bare: &Bare, ids: impl Iterator<Item = u32>) {
    let expected: Vec<_> = ids.map(|id| (ContextId(id), "ready".to_owned())).collect();
    assert_eq!(states(bare).await, expected);
    let database = databases::list(&bare.app, "*").await.unwrap().pop().unwrap();
    let filestore = filestores::list(&bare.app, "*", false).await.unwrap().pop().unwrap();
    let count = i64::try_from(expected.len()).unwrap();
    assert_eq!((database.contexts, filestore.contexts), (count, count));
}

#[tokio::test]
async fn what_a_maker_left_that_died_is_made_anew_after_a_while_and_not_before() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        bare.lay().await;
        let store = bare.ground().await;
        for (id, far) in [(1, Stage::Entered), (2, Stage::Seeded)] {
            let new = context(ContextId(id), &format!("c{id}"));
            left_at(&bare, &store, &new, far).await;
            for if_absent in [true, false] {
                let other = said(contexts::create(app, &new, if_absent).await);
                assert_eq!(other, (110, format!("Context {id} already exists!")), "somebody may be at it");
            }
            assert_eq!(stage(&store, new.id).await, far, "nobody has touched it");
            bare.clock.advance_ms(SILENT_MS);
            assert_eq!(
                contexts::create(app, &new, false).await.unwrap(),
                Made { id: new.id, existed: false }
            );
            works(&bare, new.id).await;
        }
        are_ready(&bare, 1..=2).await;
    })
    .await;
}

#[tokio::test]
async fn what_makers_left_who_died_anywhere_is_made_anew_by_others() {
    // Room for many.
    let settings = Settings { context_bytes: 1 << 20, ..Settings::default() };
    on_each_engine(&settings, async |bare| {
        let app = &bare.app;
        bare.lay().await;
        let mut made = 0;
        // Each maker lives a little longer than the last one, until one comes to the end.
        for polls in (1..10).chain((10..).step_by(7)) {
            made += 1;
            let id = ContextId(made);
            let new = context(id, &format!("c{id}"));
            if let Some(end) = dies_after(polls, contexts::create(app, &new, false)).await {
                end.unwrap();
                break;
            }
            bare.clock.advance_ms(SILENT_MS);
            // Whoever takes it up dies too, and somebody else takes it up from there.
            dies_after(polls / 2, contexts::create(app, &new, true)).await;
            bare.clock.advance_ms(SILENT_MS);
            contexts::create(app, &new, true).await.unwrap();
            works(&bare, id).await;
        }
        println!("{made} makers");
        are_ready(&bare, 1..=made).await;
    })
    .await;
}

#[tokio::test]
async fn the_name_and_the_mappings_of_a_context_whose_maker_died_are_free_after_a_while() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        bare.lay().await;
        let mapped = |id, name: &str| {
            let mappings = vec!["defaultcontext".to_owned()];
            NewContext { mappings, ..context(ContextId(id), name) }
        };
        left_at(&bare, &bare.ground().await, &mapped(1, "example.com"), Stage::Entered).await;
        let of_its_name = context(ContextId(2), "example.com");
        let of_its_mapping = mapped(3, "example.org");
        for new in [&of_its_name, &of_its_mapping] {
            assert_eq!(said(contexts::create(app, new, false).await).0, 103, "somebody may be at it");
        }
        bare.clock.advance_ms(SILENT_MS);
        contexts::create(app, &of_its_mapping, false).await.unwrap();
        contexts::create(app, &of_its_name, false).await.unwrap();
        are_ready(&bare, 2..=3).await;
        // Those that are ready stay, however old they are.
        bare.clock.advance_ms(SILENT_MS);
        for new in [mapped(4, "new"), context(ContextId(4), "example.com"), of_its_name] {
            contexts::create(app, &new, false).await.unwrap_err();
        }
        are_ready(&bare, 2..=3).await;
    })
    .await;
}
