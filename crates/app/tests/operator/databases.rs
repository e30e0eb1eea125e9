//! Database servers.

use zebu_app::operator::databases::{self, DatabaseChange, NewDatabase};
use zebu_app::operator::{Named, Secret, Settings, contexts};
use zebu_model::ContextId;

use crate::fixture::context;
use crate::support::{Bare, on_each_engine, said};

fn new(bare: &Bare, name: &str) -> NewDatabase {
    NewDatabase {
        name: format!("{}{name}", bare.name),
        hostname: bare.hostname.clone(),
        login: "root".to_owned(),
        ..NewDatabase::default()
    }
}

fn replica(bare: &Bare, name: &str, master: i64) -> NewDatabase {
    NewDatabase { master: false, master_id: Some(master), ..new(bare, name) }
}

#[tokio::test]
async fn what_a_database_may_be_is_checked_and_said_as_the_original_does() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let said = async |new: NewDatabase| said(databases::register(app, &new, false).await);
        let master = databases::register(app, &new(&bare, "a"), false).await.unwrap().id;
        let check = |found: (u8, String), code: u8, sentence: &str| {
            assert_eq!((found.0, found.1.as_str()), (code, sentence));
        };
        let name = format!("{}a", bare.name);
        check(said(new(&bare, "a")).await, 103, &format!("Database {name} already exists!"));
        let no_master = NewDatabase { master: false, ..new(&bare, "b") };
        check(said(no_master).await, 104, "master id must be set if this database isn't the master");
        let both = NewDatabase { master_id: Some(master), ..new(&bare, "b") };
        check(said(both).await, 103, "Master ID can only be set if this is a slave.");
        check(said(replica(&bare, "b", 99)).await, 103, "No such master with ID=99");
        for weight in [-1, 101] {
            let sentence = format!("Clusterweight not within range (0-100): {weight}");
            check(said(NewDatabase { weight, ..new(&bare, "b") }).await, 103, &sentence);
        }
        for bad in [
            NewDatabase { name: "a b".to_owned(), ..new(&bare, "b") },
            NewDatabase { hostname: "root@db".to_owned(), ..new(&bare, "b") },
            NewDatabase { contexts_max: -2, ..new(&bare, "b") },
            NewDatabase { pool_max: 0, ..new(&bare, "b") },
            NewDatabase { pool_initial: 101, ..new(&bare, "b") },
        ] {
            assert_eq!(said(bad).await.0, 103);
        }
        let again = databases::register(app, &new(&bare, "a"), true).await.unwrap();
        assert_eq!((again.id, again.existed), (master, true));
    })
    .await;
}

#[tokio::test]
async fn a_database_that_cannot_be_used_is_not_registered_unless_it_is_said_so() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let nowhere =
            NewDatabase { hostname: format!("{}/nowhere", bare.dir.path().display()), ..new(&bare, "x") };
        let nowhere = match bare.hostname.strip_prefix("sqlite:") {
            Some(_) => NewDatabase { hostname: format!("sqlite:{}", nowhere.hostname), ..nowhere },
            None => nowhere,
        };
        let (code, sentence) = said(databases::register(app, &nowhere, false).await);
        assert_eq!(code, 106);
        assert!(sentence.contains(&nowhere.name) && sentence.contains("nowhere"), "{sentence}");
        assert!(databases::list(app, "*").await.unwrap().is_empty());
        let unchecked = NewDatabase { unchecked: true, ..nowhere };
        databases::register(app, &unchecked, false).await.unwrap();
        if !bare.hostname.starts_with("sqlite:") {
            let wrong = NewDatabase { login: "nobody".to_owned(), password: "x".into(), ..new(&bare, "y") };
            let (code, sentence) = said(databases::register(app, &wrong, false).await);
            assert!(code == 106 && sentence.contains("Access denied"), "{sentence}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_master_has_several_replicas_and_takes_them_along() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let master = databases::register(app, &new(&bare, "m"), false).await.unwrap().id;
        let mut replicas = Vec::new();
        for name in ["r1", "r2"] {
            replicas.push(databases::register(app, &replica(&bare, name, master), false).await.unwrap().id);
        }
        let chained = said(databases::register(app, &replica(&bare, "r3", replicas[0]), false).await);
        assert_eq!(chained.1, format!("No such master with ID={}", replicas[0]));
        let rows = databases::list(app, "*").await.unwrap();
        let found: Vec<_> = rows.iter().map(|row| (row.id, row.master, row.master_id)).collect();
        assert_eq!(found, [(master, true, 0), (replicas[0], false, master), (replicas[1], false, master)]);
        assert_eq!(rows[0].hostname, bare.hostname);
        databases::unregister(app, &Named::Id(replicas[1])).await.unwrap();
        let to_replica =
            DatabaseChange { master: Some(false), master_id: Some(replicas[0]), ..Default::default() };
        assert_eq!(said(databases::change(app, &Named::Id(master), &to_replica).await).0, 103);
        databases::unregister(app, &Named::Name(format!("{}m", bare.name))).await.unwrap();
        assert!(databases::list(app, "*").await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_password_is_listed_nowhere_and_survives_another_name() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let secret = "a-secret-of-the-database";
        let with = NewDatabase { password: Secret::from(secret), unchecked: true, ..new(&bare, "p") };
        let id = databases::register(app, &with, false).await.unwrap().id;
        let listed = format!("{:?} {:?}", databases::list(app, "*").await.unwrap(), with);
        assert!(!listed.contains(secret), "{listed}");
        let name = format!("{}q", bare.name);
        let renamed = DatabaseChange { name: Some(name.clone()), weight: Some(7), ..Default::default() };
        databases::change(app, &Named::Id(id), &renamed).await.unwrap();
        let row = databases::list(app, &name).await.unwrap().pop().unwrap();
        assert_eq!((row.id, row.weight), (id, 7));
        // A change that connects has to open it: sealed for the new name.
        let login = DatabaseChange { login: Some("root".to_owned()), ..Default::default() };
        let done = databases::change(app, &Named::Id(id), &login).await;
        if bare.hostname.starts_with("sqlite:") {
            done.unwrap();
        } else {
            assert!(said(done).1.contains("Access denied"), "root has no password here");
        }
    })
    .await;
}

#[tokio::test]
async fn a_database_with_contexts_stays() {
    on_each_engine(&Settings::default(), async |bare| {
        let app = &bare.app;
        let laid = bare.lay().await;
        contexts::create(app, &context(ContextId(1), "one"), false).await.unwrap();
        let name = bare.name.clone();
        assert_eq!(
            said(databases::unregister(app, &Named::Id(laid.database)).await),
            (1, format!("Pool is in use {name}: it holds 1 contexts"))
        );
        let row = databases::list(app, "*").await.unwrap().pop().unwrap();
        assert_eq!((row.contexts, row.schemas.len()), (1, 1));
    })
    .await;
}
