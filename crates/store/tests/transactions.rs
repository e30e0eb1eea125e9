//! What a transaction promises: scopes locked and raised, nothing unpublished, nothing on withdrawn ground, nothing half
//! written.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of tests fail their test and say where"
)]

use zebu_model::rights::{Bits, Entity, Permission};
use zebu_model::{ContextId, FolderId, Scope, UserId, Version};
use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::configdb::nodes::{self, Node};
use zebu_store::configdb::wishes::{self, Standing, Wish};
use zebu_store::shard::sequences::Sequence;
use zebu_store::shard::{folder_writes, folders, usage};
use zebu_store::{Config, Error, Place, Plan, Store};

const NOW: i64 = 1_700_000_000_000;

/// Databases of one engine, for one test.
struct Databases {
    config: String,
    /// Name and URL of the server of the shard.
    shard: (String, String),
    engine: &'static str,
    _dir: tempfile::TempDir,
}

/// Runs the test on each engine.
async fn on_each_engine(test: impl AsyncFn(Databases)) {
    let sqlite = tempfile::tempdir().unwrap();
    let config = format!("sqlite:{}/config.db", sqlite.path().display());
    let shard = ("shard".to_owned(), format!("sqlite:{}", sqlite.path().display()));
    test(Databases { config, shard, engine: "SQLite", _dir: sqlite }).await;
    test(Databases::on_mariadb()).await;
}

impl Databases {
    fn on_mariadb() -> Databases {
        let server = zebu_mariadb::server();
        Databases {
            config: server.schema(),
            shard: (server.name(), server.url()),
            engine: "MariaDB",
            _dir: tempfile::tempdir().unwrap(),
        }
    }

    /// Runs a statement in the shard, past the store.
    fn sql(&self, place: &Place, statement: &str) {
        let schema = &place.schema;
        match self.shard.1.strip_prefix("sqlite:") {
            Some(dir) => {
                let path = format!("{dir}/{schema}.db");
                rusqlite::Connection::open(path).unwrap().execute_batch(statement).unwrap();
            }
            None => {
                zebu_mariadb::server().sql(&format!("USE {schema}; {statement};"));
            }
        }
    }

    /// A node's own connections to them.
    async fn open(&self) -> (Store, Place) {
        self.open_waiting(60_000).await
    }

    /// The same, of a node that waits only so long for a lock.
    async fn open_waiting(&self, wait_ms_max: u64) -> (Store, Place) {
        println!("on {}", self.engine);
        let config = Config { wait_ms_max, ..Config::new(self.config.as_str()) };
        let store = Store::open(config).await.unwrap();
        let (database, schema) = self.schema(&store).await;
        store.ensure_schema(database, &schema).await.unwrap();
        let place = Place::made_up(ContextId(1), database, schema);
        // The second node of a test finds it there.
        if let Ok(mut tx) = store.found(&place, Plan::default(), NOW).await {
            usage::insert_slots(&mut tx).await.unwrap();
            tx.commit().await.unwrap();
        }
        (store, place)
    }

    /// The one schema of the one server; the first to come registers them.
    async fn schema(&self, store: &Store) -> (i64, String) {
        let mut tx = store.config_write().await.unwrap();
        if let Some(schema) = databases::schemas(&mut tx).await.unwrap().pop() {
            return (schema.database, schema.name);
        }
        let server = DatabaseServer::master(&self.shard.0, &self.shard.1);
        let server = DatabaseServer { id: databases::insert(&mut tx, &server).await.unwrap(), ..server };
        let schema = databases::insert_schema(&mut tx, &server).await.unwrap();
        tx.commit().await.unwrap();
        (server.id, schema)
    }
}

#[tokio::test]
async fn a_write_raises_the_scopes_it_names_to_one_stamp_and_no_other() {
    on_each_engine(async |databases| {
        let (store, place) = databases.open().await;
        let (a, b, c) = (Scope::Tree, Scope::Folder(FolderId(20)), Scope::Folder(FolderId(21)));
        let tx = store.write(&place, Plan::changing([b, a]), NOW).await.unwrap();
        let first = tx.stamp();
        tx.commit().await.unwrap();
        // A clock that went back gives a later stamp all the same.
        let tx = store.write(&place, Plan::changing([b]), NOW - 5_000).await.unwrap();
        let second = tx.stamp();
        tx.commit().await.unwrap();
        let mut tx = store.read(&place).await.unwrap();
        assert_eq!(tx.version(a).await.unwrap(), first);
        assert_eq!(tx.version(b).await.unwrap(), second);
        assert_eq!(tx.version(c).await.unwrap(), Version::NONE);
        assert!(second > first);
    })
    .await;
}

#[tokio::test]
async fn a_write_whose_ground_moved_is_refused_before_it_wrote_anything() {
    on_each_engine(async |databases| {
        let (store, place) = databases.open().await;
        let tx = store.write(&place, Plan::changing([Scope::Tree]), NOW).await.unwrap();
        let seen = tx.stamp();
        tx.commit().await.unwrap();
        let content = Scope::Folder(FolderId(20));
        let plan = || Plan::changing([content]).relying(Scope::Tree, seen);
        store.write(&place, plan(), NOW).await.unwrap().commit().await.unwrap();
        let before = store.read(&place).await.unwrap().version(content).await.unwrap();

        store.write(&place, Plan::changing([Scope::Tree]), NOW).await.unwrap().commit().await.unwrap();
        let refused = store.write(&place, plan(), NOW).await;
        assert!(matches!(refused, Err(Error::Stale)), "{refused:?}");
        assert_eq!(store.read(&place).await.unwrap().version(content).await.unwrap(), before);
    })
    .await;
}

#[tokio::test]
async fn a_change_of_a_scope_that_was_not_named_does_not_happen() {
    on_each_engine(async |databases| {
        let (store, place) = databases.open().await;
        let mut tx = store.write(&place, Plan::changing([Scope::Principals]), NOW).await.unwrap();
        let permissions = [Permission { entity: Entity::User(UserId(3)), bits: Bits::OWNER }];
        let done =
            folder_writes::set_permissions(&mut tx, FolderId(20), FolderId(10), &permissions, UserId(3))
                .await;
        assert!(matches!(done, Err(Error::Undeclared(Scope::Tree))), "{done:?}");
        drop(tx);
        let mut tx = store.read(&place).await.unwrap();
        assert!(folders::permissions(&mut tx, &[FolderId(20)]).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_transaction_that_is_dropped_leaves_nothing_and_blocks_nobody() {
    on_each_engine(async |databases| {
        let (store, place) = databases.open().await;
        let mut tx = store.write(&place, Plan::changing([Scope::Tree]), NOW).await.unwrap();
        usage::add(&mut tx, FolderId(20), 5).await.unwrap();
        assert_eq!(usage::used(&mut tx).await.unwrap(), 5);
        drop(tx);
        let mut tx = store.write(&place, Plan::changing([Scope::Tree]), NOW).await.unwrap();
        assert_eq!(usage::used(&mut tx).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn a_statement_cut_off_in_the_middle_is_rolled_back() {
    on_each_engine(async |databases| {
        let (store, place) = databases.open().await;
        let mut tx = store.write(&place, Plan::default(), NOW).await.unwrap();
        {
            let mut cut_off = Box::pin(usage::add(&mut tx, FolderId(20), 5));
            // Polled once: the statement is on its way and nobody waits for it any more.
            let poll = futures_poll_once(cut_off.as_mut()).await;
            assert!(poll.is_none() || poll.is_some_and(|r| r.is_ok()));
        }
        drop(tx);
        let mut tx = store.write(&place, Plan::default(), NOW).await.unwrap();
        assert_eq!(usage::used(&mut tx).await.unwrap(), 0);
    })
    .await;
}

#[tokio::test]
async fn requests_that_go_away_anywhere_never_mix_up_answers_nor_leave_half_a_write() {
    on_each_engine(async |databases| {
        let (store, place) = databases.open().await;
        let slots = [FolderId(20), FolderId(21)];
        for round in 0..120usize {
            let both = async {
                let mut tx = store.write(&place, Plan::changing([Scope::Tree]), NOW).await?;
                for slot in slots {
                    usage::add(&mut tx, slot, 1).await?;
                }
                tx.commit().await
            };
            let mut both = Box::pin(both);
            // Goes away at another moment each time: after so many wake-ups.
            for _ in 0..=(round % 24) {
                if let Some(done) = futures_poll_once(both.as_mut()).await {
                    done.unwrap();
                    break;
                }
                tokio::task::yield_now().await;
                std::thread::yield_now();
            }
            drop(both);
            let mut tx = store.read(&place).await.unwrap();
            let version = tx.version(Scope::Tree).await.unwrap();
            assert!(version == Version::NONE || version >= Version(NOW), "round {round}: {version}");
            let used = usage::used(&mut tx).await.unwrap();
            assert!(used % 2 == 0 && used <= 2 * (round as u64 + 1), "round {round}: {used}");
        }
    })
    .await;
}

/// Polls a future once.
async fn futures_poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(cx) {
            std::task::Poll::Ready(done) => Some(done),
            std::task::Poll::Pending => None,
        })
    })
    .await
}

#[tokio::test]
async fn who_waits_too_long_for_the_writer_is_told_so() {
    on_each_engine(async |databases| {
        let (store, place) = databases.open_waiting(1_000).await;
        let held = store.write(&place, Plan::changing([Scope::Tree]), NOW).await.unwrap();
        let busy = store.write(&place, Plan::changing([Scope::Tree]), NOW).await;
        // To start over would be to wait as long again, and again.
        assert!(matches!(busy, Err(Error::Busy { .. })), "{busy:?}");
        // Readers do not wait for writers.
        assert_eq!(store.read(&place).await.unwrap().version(Scope::Tree).await.unwrap(), Version::NONE);
        held.commit().await.unwrap();
        store.write(&place, Plan::changing([Scope::Tree]), NOW).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn first_writes_of_different_things_do_not_hinder_each_other() {
    on_each_engine(async |databases| {
        let ((one, place), (two, _)) = (databases.open().await, databases.open().await);
        let write = async |store: &Store, folder: u32| {
            let content = Scope::Folder(FolderId(folder));
            store.write(&place, Plan::changing([content]), NOW).await?.commit().await
        };
        let (one, two, write) = (&one, &two, &write);
        let all = (0..40).map(|n| async move { write(if n % 2 == 0 { one } else { two }, 20 + n).await });
        for done in join_all(all).await {
            done.unwrap();
        }
    })
    .await;
}

/// A life of a node.
fn node(name: &str, incarnation: &str) -> Node {
    Node {
        role: "groupware".to_owned(),
        route: name.to_owned(),
        name: name.to_owned(),
        address: "localhost:1".to_owned(),
        program: "1".to_owned(),
        incarnation: incarnation.to_owned(),
        life: incarnation.to_owned(),
        started: NOW,
        seen: NOW,
        cluster: String::new(),
        mesh: String::new(),
    }
}

#[tokio::test]
async fn a_wish_is_of_one_life_of_a_node_and_gone_with_it() {
    on_each_engine(async |databases| {
        let (store, _) = databases.open().await;
        let enter = async |life: &str| {
            let mut tx = store.config_write().await.unwrap();
            nodes::enter(&mut tx, &node("OX-1", life)).await.unwrap();
            tx.commit().await.unwrap();
        };
        let wish = async |life: &str, what: &str| {
            let wish = Wish { what: what.to_owned(), limit_ms: 5, by: "root@gw1".to_owned() };
            let mut tx = store.config_write().await.unwrap();
            let lives = wishes::wish(&mut tx, "OX-1", life, &wish).await.unwrap();
            tx.commit().await.unwrap();
            lives
        };
        let only = async || {
            let mut tx = store.config().await.unwrap();
            let all = wishes::all(&mut tx).await.unwrap();
            assert_eq!(all.len(), 1);
            (all[0].wish.as_ref().map(|wish| wish.what.clone()), all[0].standing.clone())
        };
        enter("a").await;
        let starting = Standing { stage: "starting".to_owned(), ..Standing::default() };
        assert_eq!(only().await, (None, starting.clone()));
        // The same again is no other.
        assert!(wish("a", "drain").await && wish("a", "drain").await);
        assert!(!wish("b", "stop").await, "of a life that is not");
        let said = Standing {
            stage: "draining".to_owned(),
            requests: 3,
            streams: 2,
            uploads: 1,
            trouble: "x".repeat(999),
        };
        let mut tx = store.config_write().await.unwrap();
        wishes::say(&mut tx, "OX-1", "a", &said).await.unwrap();
        wishes::say(&mut tx, "OX-1", "b", &starting).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(only().await, (Some("drain".to_owned()), Standing { trouble: "x".repeat(255), ..said }));
        assert!(wish("a", "").await);
        assert_eq!(only().await.0, None);
        assert!(wish("a", "stop").await);
        enter("b").await;
        assert_eq!(only().await, (None, starting));
    })
    .await;
}

#[tokio::test]
async fn nodes_that_start_together_are_all_registered() {
    on_each_engine(async |databases| {
        let ((one, _), (two, _)) = (databases.open().await, databases.open().await);
        let register = async |store: &Store, name: String| {
            let node = node(&name, "i");
            let mut tx = store.config_write().await?;
            nodes::enter(&mut tx, &node).await?;
            tx.commit().await
        };
        let (one, two, register) = (&one, &two, &register);
        let all = (0..20)
            .map(|n| async move { register(if n % 2 == 0 { one } else { two }, format!("n{n}")).await });
        for done in join_all(all).await {
            done.unwrap();
        }
        assert_eq!(nodes::all(&mut one.config().await.unwrap()).await.unwrap().len(), 20);
    })
    .await;
}

/// Runs futures side by side to their ends.
async fn join_all<F: Future>(futures: impl Iterator<Item = F>) -> Vec<F::Output> {
    let mut futures: Vec<_> = futures.map(|f| (Box::pin(f), None)).collect();
    std::future::poll_fn(|cx| {
        for (future, done) in futures.iter_mut().filter(|(_, done)| done.is_none()) {
            if let std::task::Poll::Ready(output) = future.as_mut().poll(cx) {
                *done = Some(output);
            }
        }
        if futures.iter().all(|(_, done)| done.is_some()) {
            return std::task::Poll::Ready(());
        }
        std::task::Poll::Pending
    })
    .await;
    futures.into_iter().filter_map(|(_, done)| done).collect()
}

#[tokio::test]
async fn a_migration_that_fails_leaves_the_way_free_for_the_next() {
    on_each_engine(async |databases| {
        let (one, place) = databases.open_waiting(1_000).await;
        let (two, _) = databases.open_waiting(1_000).await;
        let newer = "INSERT INTO schema_version (version) VALUES (99)";
        databases.sql(&place, newer);
        for store in [&one, &two] {
            let refused = store.ensure_schema(place.database, &place.schema).await;
            assert!(matches!(refused, Err(Error::SchemaNewer { found: 99, .. })), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_server_s_connections_are_used_again() {
    let server = zebu_mariadb::server();
    let databases = Databases::on_mariadb();
    let (store, place) = databases.open().await;
    let connected = || -> u64 {
        let said = server.sql("SHOW GLOBAL STATUS LIKE 'Connections'");
        said.split_whitespace().last().unwrap().parse().unwrap()
    };
    let before = connected();
    for _ in 0..50 {
        store.read(&place).await.unwrap().version(Scope::Tree).await.unwrap();
        store.write(&place, Plan::changing([Scope::Tree]), NOW).await.unwrap().commit().await.unwrap();
    }
    let made = connected() - before;
    assert!(made < 10, "{made} connections for 100 transactions");
}

#[tokio::test]
async fn two_nodes_never_hand_out_the_same_id() {
    on_each_engine(async |databases| {
        let (one, place) = databases.open().await;
        let (two, _) = databases.open().await;
        let mut ids = Vec::new();
        for _ in 0..150 {
            let (a, b) = tokio::join!(
                one.next_id(&place, Sequence::Folders, NOW),
                two.next_id(&place, Sequence::Folders, NOW)
            );
            ids.extend([a.unwrap(), b.unwrap()]);
        }
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 300);
        assert!(ids.iter().all(|id| *id >= 20), "the fixed tree's ids stay free");
    })
    .await;
}

#[tokio::test]
async fn a_url_of_no_known_engine_is_refused_with_its_form() {
    for bad in ["", "sqlite:relative.db", "mysql://host", "postgres://h/db", "/x.db"] {
        let error = Store::open(Config::new(bad)).await.unwrap_err();
        assert!(matches!(&error, Error::Url { url, .. } if url == bad), "{error}");
    }
    let error = Store::open(Config::new("sqlite:/nowhere/at/all/x.db")).await.unwrap_err();
    assert!(matches!(error, Error::Unavailable { .. }), "{error}");
}
