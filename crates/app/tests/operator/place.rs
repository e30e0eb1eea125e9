//! Where contexts are put: by weight and room, however many come at once.

use futures_util::future::join_all;
use zebu_app::operator::contexts::NewContext;
use zebu_app::operator::databases::{self, DatabaseChange, NewDatabase};
use zebu_app::operator::filestores::{self, FilestoreChange, NewFilestore};
use zebu_app::operator::{Named, Settings, contexts};
use zebu_model::ContextId;

use crate::fixture::context;
use crate::support::{Bare, denied, on_each_engine, said};

async fn another(bare: &Bare, weight: i64) -> i64 {
    let new = NewDatabase {
        name: format!("{}w{weight}", bare.name),
        hostname: bare.hostname.clone(),
        login: "root".to_owned(),
        weight,
        ..NewDatabase::default()
    };
    databases::register(&bare.app, &new, false).await.unwrap().id
}

/// Registers a server of MariaDB of its own.
async fn own(bare: &Bare, name: &str) -> zebu_mariadb::Group {
    // One that keeps what was committed when it is killed.
    let servers = zebu_mariadb::Group::start(0);
    let new = NewDatabase {
        name: name.to_owned(),
        hostname: servers.master.socket().display().to_string(),
        login: "root".to_owned(),
        ..NewDatabase::default()
    };
    databases::register(&bare.app, &new, false).await.unwrap();
    servers
}

/// Waits until a server is seen to be this; why it is, if there is something wrong.
async fn seen_as(bare: &Bare, name: &str, role: &str) -> String {
    let mut look = tokio::time::interval(std::time::Duration::from_millis(10));
    loop {
        let row = databases::list(&bare.app, name).await.unwrap().pop().unwrap();
        if row.role == role {
            return row.trouble;
        }
        look.tick().await;
    }
}

async fn counts(bare: &Bare) -> Vec<i64> {
    databases::list(&bare.app, "*").await.unwrap().into_iter().map(|row| row.contexts).collect()
}

#[tokio::test]
async fn many_at_once_fill_nothing_beyond_its_limit() {
    let settings = Settings { contexts_per_schema: 3, ..Settings::default() };
    on_each_engine(&settings, async |bare| {
        let laid = bare.lay().await;
        let small = FilestoreChange { contexts_max: Some(4), ..Default::default() };
        filestores::change(&bare.app, laid.filestore, &small).await.unwrap();
        let more = NewFilestore { contexts_max: 5, ..NewFilestore::at(&bare.filestore("more")) };
        let more = NewFilestore { size_mb: 100_000, ..more };
        filestores::register(&bare.app, &more, false).await.unwrap();
        let limit = DatabaseChange { contexts_max: Some(8), ..Default::default() };
        databases::change(&bare.app, &Named::Id(laid.database), &limit).await.unwrap();
        let nodes = [bare.app.clone(), bare.another(&settings).await];
        let work = (1..=12).map(|id| {
            let app = nodes[id as usize % 2].clone();
            tokio::spawn(async move {
                contexts::create(&app, &context(ContextId(id), &format!("c{id}")), false).await
            })
        });
        let (mut made, mut refused) = (0, 0);
        for done in join_all(work).await {
            match done.unwrap() {
                Ok(_) => made += 1,
                Err(error) if error.code() == "OPR-0410" => refused += 1,
                // Eleven wait for one lock: on a busy machine not all of them as long as they may.
                Err(error) => panic!("{}", error.cause_chain()),
            }
        }
        assert_eq!((made, refused), (8, 4));
        assert_eq!(counts(&bare).await, [8]);
        let row = databases::list(&bare.app, "*").await.unwrap().pop().unwrap();
        assert_eq!(row.schemas.iter().map(|(_, contexts)| *contexts).max(), Some(3));
        assert_eq!(row.schemas.len(), 3);
        for store in filestores::list(&bare.app, "*", false).await.unwrap() {
            assert!(store.contexts <= store.contexts_max, "{store:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn of_two_equal_contexts_made_at_once_one_wins() {
    on_each_engine(&Settings::default(), async |bare| {
        bare.lay().await;
        let other = bare.another(&Settings::default()).await;
        let new = context(ContextId(1), "one");
        let both =
            tokio::join!(contexts::create(&bare.app, &new, false), contexts::create(&other, &new, false));
        let (won, lost) = match both {
            (Ok(made), other) => (made, other),
            (other, made) => (made.unwrap(), other),
        };
        assert!(!won.existed);
        assert_eq!(said(lost), (110, "Context 1 already exists!".to_owned()));
        assert_eq!(counts(&bare).await, [1]);
    })
    .await;
}

#[tokio::test]
async fn contexts_follow_the_weights() {
    on_each_engine(&Settings::default(), async |bare| {
        let laid = bare.lay().await;
        let large = FilestoreChange { size_mb: Some(100_000), ..Default::default() };
        filestores::change(&bare.app, laid.filestore, &large).await.unwrap();
        another(&bare, 50).await;
        another(&bare, 0).await;
        for id in 1..=9 {
            contexts::create(&bare.app, &context(ContextId(id), &format!("c{id}")), false).await.unwrap();
        }
        assert_eq!(counts(&bare).await, [6, 3, 0]);
    })
    .await;
}

#[tokio::test]
async fn when_nothing_has_room_each_says_why() {
    on_each_engine(&Settings::default(), async |bare| {
        let laid = bare.lay().await;
        let new = |id| context(ContextId(id), &format!("c{id}"));
        for id in 1..=5 {
            contexts::create(&bare.app, &new(id), false).await.unwrap();
        }
        let why = denied(contexts::create(&bare.app, &new(6), false).await);
        let sentence = why.to_string();
        assert!(sentence.starts_with("No usable or free enough filestore found ("), "{sentence}");
        assert!(sentence.contains("1048576000 bytes 1048576000 are set aside"), "{sentence}");
        let large = FilestoreChange { size_mb: Some(100_000), ..Default::default() };
        filestores::change(&bare.app, laid.filestore, &large).await.unwrap();
        let locked = DatabaseChange { contexts_max: Some(0), ..Default::default() };
        databases::change(&bare.app, &Named::Id(laid.database), &locked).await.unwrap();
        let why = said(contexts::create(&bare.app, &new(6), false).await);
        let name = &bare.name;
        let expected = format!("Unable to find a suitable server ({name}: it may hold no contexts)");
        assert_eq!(why, (106, expected));
    })
    .await;
}

#[tokio::test]
async fn a_master_that_is_gone_takes_no_context_and_each_answer_says_why() {
    on_each_engine(&Settings::default(), async |bare| {
        let laid = bare.lay().await;
        let servers = own(&bare, "other").await;
        let server = &servers.master;
        assert_eq!(seen_as(&bare, "other", "master").await, "");
        let new = |id| context(ContextId(id), &format!("c{id}"));
        server.kill();
        let why = seen_as(&bare, "other", "out").await;
        assert!(why.starts_with("its master other does not answer ("), "{why}");
        // The second one's turn would be the other's.
        for id in 1..=2 {
            contexts::create(&bare.app, &new(id), false).await.unwrap();
        }
        assert_eq!(counts(&bare).await, [2, 0]);
        let there = NewContext { database: Some(Named::Name("other".to_owned())), ..new(3) };
        let (code, said_of_it) = said(contexts::create(&bare.app, &there, false).await);
        assert_eq!(code, 106);
        let start = format!("Database other on {} can not be used: its master", server.socket().display());
        assert!(said_of_it.starts_with(&start), "{said_of_it}");
        let full = DatabaseChange { contexts_max: Some(2), ..Default::default() };
        databases::change(&bare.app, &Named::Id(laid.database), &full).await.unwrap();
        let (code, why) = said(contexts::create(&bare.app, &new(3), false).await);
        let full = format!(
            "Unable to find a suitable server ({}: it holds as many contexts as it may, 2; ",
            bare.name
        );
        assert!(code == 106 && why.starts_with(&full), "{why}");
        assert!(
            why.contains("other: nothing can be written to it: its master other does not answer ("),
            "{why}"
        );
        server.start_again(&[]);
        seen_as(&bare, "other", "master").await;
        contexts::create(&bare.app, &new(3), false).await.unwrap();
        assert_eq!(counts(&bare).await, [2, 1]);
    })
    .await;
}
