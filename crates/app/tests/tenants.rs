//! What happens to one tenant's databases and file store is no other's business.

#![allow(clippy::unwrap_used, reason = "helpers of tests fail their test")]

mod fixture;

use fixture::{
    CONTEXT, Pair, caller, context, foundation, home, on_each_engine, put, sign_in, with_sessions,
};
use serde_json::json;
use zebu_app::files::{self, Holding, Wanted};
use zebu_app::operator::contexts::{self, NewContext};
use zebu_app::operator::databases::{self as registry, NewDatabase};
use zebu_app::operator::{self, Named, users};
use zebu_app::{Caller, SessionConfig, cluster, databases, maintenance, unhashed};
use zebu_model::ContextId;
use zebu_model::quota::Quota;

const OTHER: ContextId = ContextId(2);

/// A second tenant, whose shard and file store are its own.
async fn other_tenant(pair: &Pair) -> Caller {
    let shards = format!("sqlite:{}", pair.dir.path().display());
    let own = foundation("shard-2", &shards, pair.dir.path(), "files-2");
    let own = operator::lay(&pair.one, &own).await.unwrap();
    let new = NewContext {
        filestore: Some(own.filestore),
        database: Some(Named::Id(own.database)),
        ..context(OTHER, "other")
    };
    contexts::create(&pair.one, &new, false).await.unwrap();
    users::act_as(&pair.one, OTHER, "oxadmin").await.unwrap()
}

/// Stores a file and deletes it again: its content is left for the sweeper.
async fn leave_content(pair: &Pair, who: &Caller) {
    let (file, _) = put(&pair.one, who, home(&pair.one, who).await, "a.txt", b"a").await.unwrap();
    let wanted = [Wanted { file, folder: None }];
    files::delete(&pair.one, who, &wanted, None, Holding::User).await.unwrap();
}

#[tokio::test]
async fn a_file_store_that_fails_keeps_the_sweeper_from_nobody_else_s() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let (anna, other) = (caller(&pair.one, "anna").await, other_tenant(&pair).await);
        leave_content(&pair, &anna).await;
        leave_content(&pair, &other).await;
        // An upload of each that comes to nothing.
        for who in [&anna, &other] {
            let mut upload = files::upload(&pair.one, who, None, None).await.unwrap();
            upload.write("half".into()).await.unwrap();
            upload.finish().await.unwrap();
        }
        // The first tenant's file store is away: a file is where its directory was.
        let (store, away) = (pair.dir.path().join("files"), pair.dir.path().join("away"));
        std::fs::rename(&store, &away).unwrap();
        std::fs::write(&store, b"").unwrap();
        let before = maintenance::check(&pair.one, OTHER).await.unwrap();
        pair.clock.advance_ms(120_000);
        maintenance::sweep(&pair.one).await.unwrap_err();
        let found = maintenance::check(&pair.one, OTHER).await.unwrap();
        assert!(found.is_clean() && found.ledger + 2 == before.ledger, "{found:?} {before:?}");

        // It comes back, and nothing was forgotten meanwhile.
        std::fs::remove_file(&store).unwrap();
        std::fs::rename(&away, &store).unwrap();
        assert_eq!(maintenance::sweep(&pair.one).await.unwrap(), 2);
        assert!(maintenance::check(&pair.one, CONTEXT).await.unwrap().is_clean());
    })
    .await;
}

#[tokio::test]
async fn a_round_that_finds_nothing_asks_each_schema_once_however_many_contexts_there_are() {
    // With a key, so that passwords may wait to be hashed.
    with_sessions(&SessionConfig::default(), async |pair| {
        for id in 2..6 {
            contexts::create(&pair.one, &context(ContextId(id), &format!("c{id}")), false).await.unwrap();
        }
        let asked = async || {
            let before = databases::reads(&pair.one).master;
            let swept = maintenance::sweep(&pair.one).await.unwrap();
            let hashed = unhashed::hash_all(&pair.one).await.unwrap();
            (databases::reads(&pair.one).master - before, swept + hashed)
        };
        assert_eq!(asked().await, (2, 0));
        // Only where there is something to do is it looked what.
        let oxadmin = users::act_as(&pair.one, ContextId(5), "oxadmin").await.unwrap();
        leave_content(&pair, &oxadmin).await;
        let (asked, done) = asked().await;
        assert_eq!(done, 1);
        assert!((3..6).contains(&asked), "{asked}");
    })
    .await;
}

#[tokio::test]
async fn the_cluster_page_is_shown_while_the_database_of_a_tenant_is_gone() {
    on_each_engine(Quota::Unlimited, async |pair| {
        let servers = zebu_mariadb::Group::start(0);
        let own = NewDatabase {
            name: "own".to_owned(),
            hostname: servers.master.socket().display().to_string(),
            login: "root".to_owned(),
            ..NewDatabase::default()
        };
        registry::register(&pair.one, &own, false).await.unwrap();
        let new = NewContext { database: Some(Named::Name("own".to_owned())), ..context(OTHER, "other") };
        contexts::create(&pair.one, &new, false).await.unwrap();
        sign_in(&pair.one, "anna").await;
        let oxadmin = caller(&pair.one, "oxadmin").await;
        let page =
            async || serde_json::to_value(cluster::status(&pair.one, &oxadmin).await.unwrap()).unwrap();
        let whole = page().await;
        assert_eq!((&whole["sessions_total"], &whole["sessions_uncounted"]), (&json!(1), &json!([])));
        servers.master.kill();
        let partly = page().await;
        assert_eq!(partly["sessions_total"], 1);
        let uncounted = partly["sessions_uncounted"].as_array().unwrap();
        assert!(uncounted.len() == 1 && uncounted[0].as_str().unwrap().starts_with("own_"), "{uncounted:?}");
    })
    .await;
}
