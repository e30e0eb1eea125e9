//! What users do on a shard with a replica: it answers them, and they never see it be late; a shard that is dead keeps no node
//! from starting.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests fail their test")]

mod fixture;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fixture::{ANNA, BEN, Pair, code, folder, foundation, home, node, on, put, sign_in};
use zebu_app::dav::{self, LockRequest, Target};
use zebu_app::files::{self, Holding, Wanted};
use zebu_app::folders::{self, Details, FolderChange};
use zebu_app::operator::contexts;
use zebu_app::{App, Clock, databases, operator};
use zebu_model::quota::Quota;
use zebu_model::rights::{Bits, Entity, Permission};

/// Reads that replicas answered on a node.
fn on_replicas(app: &App) -> u64 {
    databases::reads(app).replica
}

fn shared(with_ben: bool) -> FolderChange {
    let mut permissions = vec![Permission { entity: Entity::User(ANNA), bits: Bits::OWNER }];
    if with_ben {
        permissions.push(Permission { entity: Entity::User(BEN), bits: Bits::VIEWER });
    }
    FolderChange { permissions: Some(permissions), ..FolderChange::default() }
}

#[tokio::test]
async fn what_users_read_is_read_on_the_replica_and_a_late_one_shows_nothing_that_was_withdrawn() {
    let (pair, servers) = Pair::replicated(Quota::Unlimited).await;
    let replica = &servers.replicas[0];
    let (as_anna, as_ben) = (sign_in(&pair.one, "anna").await, sign_in(&pair.two, "ben").await);
    let anna = on(&pair.one, &as_anna).await.unwrap();
    let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
    let (file, _) = put(&pair.one, &anna, plans, "a.txt", b"a").await.unwrap();
    folders::update(&pair.one, &anna, plans, shared(true)).await.unwrap();
    servers.settle();

    let before = on_replicas(&pair.two);
    let ben = on(&pair.two, &as_ben).await.unwrap();
    assert_eq!(files::list(&pair.two, &ben, plans).await.unwrap().0.len(), 1);
    files::get(&pair.two, &ben, file, None).await.unwrap();
    folders::list(&pair.two, &ben, plans.into(), Details { permissions: true, totals: true }).await.unwrap();
    zebu_app::directory::users(&pair.two, &ben).await.unwrap();
    let path = ["Userstore", "Anna", "Plans", "a.txt"].map(str::to_owned);
    let located = dav::locate(&pair.two, &ben, &path).await.unwrap();
    dav::children(&pair.two, &ben, &located).await.unwrap();
    assert_eq!(on_replicas(&pair.two) - before, 6, "{:?}", databases::reads(&pair.two));

    replica.stop_applying();
    let anna = on(&pair.one, &as_anna).await.unwrap();
    let lock = LockRequest { shared: false, deep: false, owner: String::new(), seconds: 600 };
    let lock = dav::lock(&pair.one, &anna, Target::File(file), lock).await.unwrap();
    let ben = on(&pair.two, &as_ben).await.unwrap();
    let seen = files::list(&pair.two, &ben, plans).await.unwrap().0;
    assert_eq!(seen[0].locked_until, lock.expires);
    assert!(dav::unlock(&pair.one, &anna, Target::File(file), &lock.token).await.unwrap());
    let ben = on(&pair.two, &as_ben).await.unwrap();
    assert_eq!(files::list(&pair.two, &ben, plans).await.unwrap().0[0].locked_until, 0);
    let wanted = [Wanted { file, folder: Some(plans) }];
    files::delete(&pair.one, &anna, &wanted, None, Holding::User).await.unwrap();
    let ben = on(&pair.two, &as_ben).await.unwrap();
    assert!(files::list(&pair.two, &ben, plans).await.unwrap().0.is_empty());
    assert_eq!(code(files::get(&pair.two, &ben, file, None).await), "IFO-0300");
    folders::update(&pair.one, &anna, plans, shared(false)).await.unwrap();
    let ben = on(&pair.two, &as_ben).await.unwrap();
    assert_eq!(code(files::list(&pair.two, &ben, plans).await), "FLD-0003");
    assert_eq!(code(folders::get(&pair.two, &ben, plans.into(), Details::default()).await), "FLD-0003");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_fails_under_load_fails_no_read() {
    let (pair, servers) = Pair::replicated(Quota::Unlimited).await;
    let replica = &servers.replicas[0];
    let as_anna = sign_in(&pair.one, "anna").await;
    let anna = on(&pair.one, &as_anna).await.unwrap();
    let plans = folder(&pair.one, &anna, home(&pair.one, &anna).await, "Plans").await;
    put(&pair.one, &anna, plans, "a.txt", b"a").await.unwrap();
    servers.settle();
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let readers: Vec<_> = (0..8)
        .map(|n| {
            let (app, session) = (Arc::clone(&pair.one), as_anna.clone());
            let (stop, done) = (Arc::clone(&stop), Arc::clone(&done));
            tokio::spawn(async move {
                while !stop.load(Ordering::SeqCst) {
                    let anna = on(&app, &session).await.unwrap();
                    match n % 3 {
                        0 => drop(zebu_app::directory::users(&app, &anna).await.unwrap()),
                        1 => drop(files::list(&app, &anna, plans).await.unwrap()),
                        _ => {
                            let details = Details { permissions: true, totals: true };
                            drop(folders::list(&app, &anna, plans.into(), details).await.unwrap());
                        }
                    }
                    done.fetch_add(1, Ordering::SeqCst);
                }
            })
        })
        .collect();
    let mut look = tokio::time::interval(std::time::Duration::from_millis(5));
    let mut more = async |count: u64, of: &dyn Fn() -> u64| {
        let before = of();
        while of() < before + count && !readers.iter().any(tokio::task::JoinHandle::is_finished) {
            look.tick().await;
        }
    };
    for fault in 0..6 {
        more(40, &|| on_replicas(&pair.one)).await;
        if fault % 2 == 0 {
            replica.freeze()
        } else {
            replica.kill()
        }
        more(40, &|| done.load(Ordering::SeqCst)).await;
        if fault % 2 == 0 { replica.thaw() } else { replica.start_again(&["--read-only=1"]) }
    }
    stop.store(true, Ordering::SeqCst);
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(databases::reads(&pair.one).failed > 0, "{:?}", databases::reads(&pair.one));
}

#[tokio::test]
async fn a_dead_shard_keeps_no_node_from_starting_and_works_once_it_is_back() {
    // One that keeps what was committed when it is killed.
    let servers = zebu_mariadb::Group::start(0);
    let server = &servers.master;
    let dir = tempfile::tempdir().unwrap();
    let config = format!("sqlite:{}/config.db", dir.path().display());
    let clock = Clock::manual(1_700_000_000_000);
    let first = node(&config, "OX-1", &clock).await;
    let at = foundation("db", &server.socket().display().to_string(), dir.path(), "files");
    operator::lay(&first, &at).await.unwrap();
    contexts::create(&first, &fixture::context(fixture::CONTEXT, "defaultcontext"), false).await.unwrap();
    server.kill();

    let second = node(&config, "OX-2", &clock).await;
    second.ready().await.unwrap();
    databases::watch(&second).await.unwrap();
    let mut look = tokio::time::interval(std::time::Duration::from_millis(10));
    while !databases::troubles(&second).iter().any(|trouble| trouble.contains("does not answer")) {
        look.tick().await;
    }
    let client = zebu_app::Client::default();
    let given = zebu_app::sessions::Credentials { login: "oxadmin", password: "secret" };
    let refused = zebu_app::sessions::login(&second, given, &client, false).await;
    assert_eq!(code(refused), "DBP-0001");
    server.start_again(&[]);
    while zebu_app::sessions::login(&second, given, &client, false).await.is_err() {
        look.tick().await;
    }
    assert!(databases::troubles(&second).is_empty());
}
