//! Counters that went wrong are found and mended, also while users write and contexts come and go.

use std::sync::atomic::{AtomicBool, Ordering};

use zebu_app::files::{self, Holding, Wanted};
use zebu_app::maintenance;
use zebu_app::operator::counts::{self, Counted, Wrong};
use zebu_app::operator::filestores::{self, FilestoreChange};
use zebu_app::operator::usage::{Usage, Whose, recalculate};
use zebu_app::operator::{Named, contexts};
use zebu_model::quota::Quota;
use zebu_model::{ContextId, FolderId};
use zebu_store::configdb::{contexts as registry, databases, filestores as stores};
use zebu_store::shard::usage;
use zebu_store::{Config, Plan, Store};

use crate::fixture::{CONTEXT, Pair, caller, context, folder, home, on_each_engine, put};
use crate::support::said;

async fn store(pair: &Pair) -> Store {
    Store::open(Config::new(pair.configdb.as_str())).await.unwrap()
}

/// Counts bytes that nobody stored.
async fn plant_bytes(store: &Store, bytes: i64) {
    let place = {
        let mut tx = store.config().await.unwrap();
        registry::by_id(&mut tx, CONTEXT).await.unwrap().unwrap()
    };
    let mut tx = store.write(&place, Plan::default(), 1).await.unwrap();
    usage::add(&mut tx, FolderId(3), bytes).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn bytes_that_are_counted_wrong_are_found_and_mended() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let store = store(&pair).await;
        let anna = caller(&pair.one, "anna").await;
        let mine = home(&pair.one, &anna).await;
        put(&pair.one, &anna, mine, "a", b"12345").await.unwrap();
        let other = ContextId(2);
        contexts::create(&pair.one, &context(other, "other"), false).await.unwrap();
        let right = |context, used: u64| Usage { context, counted: i64::try_from(used).unwrap(), used };
        let all = [right(CONTEXT, 5), right(other, 0)];
        assert_eq!(recalculate(&pair.two, &Whose::All).await.unwrap(), all);
        for planted in [1_000_000, -7, -1_000_000] {
            plant_bytes(&store, planted).await;
            let on = contexts::list(&pair.one, &contexts::ContextFilter::default()).await.unwrap();
            let whose = match planted {
                -7 => Whose::Filestore(on[0].filestore),
                -1_000_000 => Whose::Context(Named::Name("defaultcontext".to_owned())),
                _ => Whose::All,
            };
            let found = recalculate(&pair.two, &whose).await.unwrap();
            assert_eq!(found[0], Usage { context: CONTEXT, counted: 5 + planted, used: 5 }, "{whose:?}");
            assert!(found[0].was_wrong() && found[1..].iter().all(|usage| !usage.was_wrong()));
            assert_eq!(recalculate(&pair.one, &whose).await.unwrap()[0], right(CONTEXT, 5));
        }
        // What users do afterwards is counted on the right ground.
        put(&pair.two, &anna, mine, "b", b"678").await.unwrap();
        let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
        assert!(found.is_clean() && found.bytes == 8, "{found:?}");
        let unknown = said(recalculate(&pair.one, &Whose::Context(Named::Id(ContextId(9)))).await);
        assert_eq!(unknown, (102, "The context 9 does not exist!".to_owned()));
        assert_eq!(said(recalculate(&pair.one, &Whose::Filestore(99)).await).0, 103);
    })
    .await;
}

#[tokio::test]
async fn mending_while_users_write_loses_and_doubles_nothing() {
    on_each_engine(Quota::Unlimited, async |pair| {
        const FILES: u32 = 30;
        let store = store(&pair).await;
        let writing = async |app, login: &str| {
            let who = caller(app, login).await;
            let mine = home(app, &who).await;
            let below = folder(app, &who, mine, "below").await;
            for n in 0..FILES {
                let place = if n % 2 == 0 { mine } else { below };
                let (file, _) = put(app, &who, place, &n.to_string(), b"four").await.unwrap();
                if n % 3 == 0 {
                    let wanted = [Wanted { file, folder: None }];
                    files::delete(app, &who, &wanted, None, Holding::User).await.unwrap();
                }
            }
        };
        let stop = AtomicBool::new(false);
        let mending = async {
            let mut mended = 0;
            while !stop.load(Ordering::Relaxed) {
                plant_bytes(&store, 1_000).await;
                let found = recalculate(&pair.one, &Whose::All).await.unwrap();
                mended += found.iter().filter(|usage| usage.was_wrong()).count();
            }
            mended
        };
        let both = async {
            tokio::join!(writing(&pair.one, "anna"), writing(&pair.two, "ben"));
            stop.store(true, Ordering::Relaxed);
        };
        let (mended, ()) = tokio::join!(mending, both);
        assert!(mended > 1, "{mended}");
        let found = maintenance::check(&pair.one, CONTEXT).await.unwrap();
        assert!(found.is_clean() && found.bytes == u64::from(2 * FILES * 2 / 3 * 4), "{found:?}");
    })
    .await;
}

/// Counts contexts that are nowhere: so many in the schema, so many on the file store.
async fn plant_contexts(store: &Store, schema: &str, in_schema: i64, filestore: i64, on_filestore: i64) {
    let mut tx = store.config_write().await.unwrap();
    databases::count_contexts(&mut tx, schema, in_schema).await.unwrap();
    stores::count_contexts(&mut tx, filestore, on_filestore).await.unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn contexts_that_are_counted_wrong_are_found_and_mended() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let store = store(&pair).await;
        assert_eq!(counts::check(&pair.one, true).await.unwrap(), []);
        let row = contexts::list(&pair.one, &contexts::ContextFilter::default()).await.unwrap().remove(0);
        plant_contexts(&store, &row.schema, 3, row.filestore, -2).await;
        let found = counts::check(&pair.two, false).await.unwrap();
        let wrong = |of, id, counted| (of, id, Some(counted), 1);
        let expected = [
            wrong(Counted::Database, row.database, 4),
            wrong(Counted::Schema, row.database, 4),
            wrong(Counted::Filestore, row.filestore, -1),
        ];
        let shown =
            |found: &[Wrong]| -> Vec<_> { found.iter().map(|w| (w.of, w.id, w.counted, w.there)).collect() };
        assert_eq!(shown(&found), expected);
        assert_eq!(found[1].name, row.schema);
        assert_eq!(found[2].name, row.filestore_url);
        // To look changes nothing; to mend answers what was wrong.
        assert_eq!(counts::check(&pair.one, true).await.unwrap(), found);
        assert_eq!(counts::check(&pair.two, false).await.unwrap(), []);
    })
    .await;
}

#[tokio::test]
async fn counts_that_are_mended_while_contexts_come_are_right() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let store = store(&pair).await;
        let row = contexts::list(&pair.one, &contexts::ContextFilter::default()).await.unwrap().remove(0);
        // Room for what is only counted.
        let change = FilestoreChange { size_mb: Some(1_000_000), ..FilestoreChange::default() };
        filestores::change(&pair.one, row.filestore, &change).await.unwrap();
        let stop = AtomicBool::new(false);
        let mending = async {
            let mut mended = 0;
            while !stop.load(Ordering::Relaxed) {
                plant_contexts(&store, &row.schema, 5, row.filestore, 5).await;
                mended += counts::check(&pair.two, true).await.unwrap().len();
            }
            mended
        };
        let coming = async {
            for id in 2..6 {
                let new = context(ContextId(id), &format!("context-{id}"));
                contexts::create(&pair.one, &new, false).await.unwrap();
            }
            stop.store(true, Ordering::Relaxed);
        };
        let (mended, ()) = tokio::join!(mending, coming);
        assert!(mended > 3, "{mended}");
        assert_eq!(counts::check(&pair.one, false).await.unwrap(), []);
        let mut tx = store.config().await.unwrap();
        let on_store: Vec<i64> =
            stores::all(&mut tx).await.unwrap().iter().map(|store| store.contexts).collect();
        assert_eq!(on_store, [5]);
    })
    .await;
}
