//! The master and a replica change places: nodes follow, nothing that was answered is lost, and there are never two writers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use zebu_store::{Error, Role};

use crate::support::{Shard, get, put, reason, until, until_all_answer, until_role};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_master_is_replaced_under_load_and_no_answered_write_is_lost() {
    let shard = Arc::new(Shard::start(2).await);
    shard.servers.semi_sync(3_600_000);
    let (one, two) = (Arc::new(shard.node().await), Arc::new(shard.node().await));
    until_all_answer(&one, &shard).await;
    until_all_answer(&two, &shard).await;
    let stop = Arc::new(AtomicBool::new(false));
    let answered: Arc<Vec<AtomicU64>> = Arc::new((0..4).map(|_| AtomicU64::new(0)).collect());
    let writers: Vec<_> = (0..4u32)
        .map(|folder| {
            let store = Arc::clone(if folder % 2 == 0 { &one } else { &two });
            let (shard, answered, stop) = (Arc::clone(&shard), Arc::clone(&answered), Arc::clone(&stop));
            tokio::spawn(async move {
                let mut value = 0;
                while !stop.load(Ordering::SeqCst) {
                    value += 1;
                    match put(&store, &shard.request(), folder, value).await {
                        Ok(()) => answered[folder as usize].store(value, Ordering::SeqCst),
                        Err(Error::Unavailable { .. } | Error::InDoubt { .. } | Error::Contended) => {}
                        Err(other) => panic!("{other}"),
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    let count = || answered.iter().map(|a| a.load(Ordering::SeqCst)).sum::<u64>();
    until("writes", async || count() > 100).await;
    let at = Arc::clone(&shard);
    tokio::task::spawn_blocking(move || at.servers.master.kill()).await.unwrap();
    until_role(&one, shard.master, Role::Out).await;
    let before = count();
    // What the operator does, or a tool: the one that has received more is promoted, the other follows it.
    let at = Arc::clone(&shard);
    let promoted = tokio::task::spawn_blocking(move || {
        let [a, b] = [&at.servers.replicas[0], &at.servers.replicas[1]];
        let number = |s: &zebu_mariadb::Server| -> u64 {
            s.slave("Gtid_IO_Pos").rsplit('-').next().unwrap_or_default().parse().unwrap_or(0)
        };
        let (first, new, old) = if number(a) >= number(b) { (0, a, b) } else { (1, b, a) };
        new.promote();
        old.follow(new);
        first
    })
    .await
    .unwrap();
    let (new, other) = (shard.replicas[promoted], shard.replicas[1 - promoted]);
    for store in [&one, &two] {
        until_role(store, new, Role::Master).await;
        until_role(store, other, Role::Replica).await;
    }
    until("writes to go on", async || count() > before + 50).await;
    stop.store(true, Ordering::SeqCst);
    for writer in writers {
        writer.await.unwrap();
    }
    for (folder, answered) in answered.iter().enumerate() {
        let folder = u32::try_from(folder).unwrap();
        let value = get(&one, &shard.request(), folder).await.unwrap().0;
        assert!(
            value >= answered.load(Ordering::SeqCst),
            "folder {folder}: {value}, {answered:?} was answered"
        );
    }
    // The old one comes back as a replica, and is one.
    let at = Arc::clone(&shard);
    tokio::task::spawn_blocking(move || {
        let old = &at.servers.master;
        old.start_again(&["--read-only=1"]);
        // It may have what nobody acknowledged and nobody was told: a real one is set up anew.
        old.sql("RESET MASTER; SET GLOBAL gtid_slave_pos=''; DROP DATABASE IF EXISTS db");
    })
    .await
    .unwrap();
    until("the old master to answer", async || !seen_trouble(&one, shard.master).contains("does not answer"))
        .await;
    put(&one, &shard.place, 9, 1).await.unwrap();
}

fn seen_trouble(store: &zebu_store::Store, id: i64) -> String {
    crate::support::seen(store, id).map(|state| state.trouble).unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_that_starts_after_a_promotion_does_not_write_to_the_old_master_that_came_back() {
    let shard = Shard::start(1).await;
    let (old, new) = (&shard.servers.master, &shard.servers.replicas[0]);
    let value = |server: &zebu_mariadb::Server| {
        server.sql(&format!("SELECT description FROM {}.files", shard.place.schema)).trim().to_owned()
    };
    {
        let before = shard.node().await;
        until_all_answer(&before, &shard).await;
        put(&before, &shard.place, 1, 1).await.unwrap();
        shard.servers.settle();
        old.kill();
        new.promote();
        until_role(&before, shard.replicas[0], Role::Master).await;
        put(&before, &shard.place, 1, 2).await.unwrap();
        // The new master is server 2: what it wrote itself is what the old one lacks.
        until("the promotion to be written down", async || {
            shard.in_configdb("SELECT promotion FROM db_promotions").contains("0-2-")
        })
        .await;
    }
    new.kill();
    old.start_again(&[]);
    let store = shard.node().await;
    until("the old master to answer", async || {
        crate::support::seen(&store, shard.master).is_some_and(|state| state.answers)
    })
    .await;
    let said = reason(put(&store, &shard.place, 1, 3).await);
    assert!(said.contains("db was replaced as the master"), "{said}");
    assert_eq!(value(old), "1");
    // Back with its successor, as its replica, it may be made the master again.
    new.start_again(&[]);
    old.set_read_only(true);
    until_role(&store, shard.replicas[0], Role::Master).await;
    old.sql("SET GLOBAL gtid_slave_pos=@@gtid_binlog_pos");
    old.follow(new);
    old.wait_for_all_of(new);
    new.kill();
    old.promote();
    until_role(&store, shard.master, Role::Master).await;
    until("writes to go on", async || put(&store, &shard.place, 1, 4).await.is_ok()).await;
    assert_eq!(value(old), "4");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planned_change_of_places_is_followed_there_and_back() {
    let shard = Shard::start(1).await;
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    let (a, b) = (&shard.servers.master, &shard.servers.replicas[0]);
    a.set_read_only(true);
    b.wait_for_all_of(a);
    b.promote();
    a.sql("SET GLOBAL gtid_slave_pos=@@gtid_binlog_pos");
    a.follow(b);
    until_role(&store, shard.replicas[0], Role::Master).await;
    until_role(&store, shard.master, Role::Replica).await;
    put(&store, &shard.place, 1, 2).await.unwrap();
    assert_eq!(get(&store, &shard.request(), 1).await.unwrap().0, 2);
    b.set_read_only(true);
    a.wait_for_all_of(b);
    a.promote();
    b.sql("SET GLOBAL gtid_slave_pos=@@gtid_binlog_pos");
    b.follow(a);
    until_role(&store, shard.master, Role::Master).await;
    until_role(&store, shard.replicas[0], Role::Replica).await;
    put(&store, &shard.place, 1, 3).await.unwrap();
    b.wait_for_all_of(a);
    assert_eq!(get(&store, &shard.request(), 1).await.unwrap(), (3, true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_two_act_as_masters_nothing_is_written_to_either() {
    let shard = Shard::start(1).await;
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    shard.servers.settle();
    let second = &shard.servers.replicas[0];
    second.promote();
    until_role(&store, shard.master, Role::Out).await;
    let rows = |server: &zebu_mariadb::Server| {
        server.sql(&format!("SELECT description FROM {}.files", shard.place.schema)).trim().to_owned()
    };
    for _ in 0..20 {
        let said = reason(put(&store, &shard.place, 1, 2).await);
        assert!(said.contains("db and db_read0 all take writes"), "{said}");
    }
    assert_eq!((rows(&shard.servers.master), rows(second)), ("1".to_owned(), "1".to_owned()));
    shard.servers.master.set_read_only(true);
    until_role(&store, shard.replicas[0], Role::Master).await;
    put(&store, &shard.place, 1, 3).await.unwrap();
    assert_eq!((rows(&shard.servers.master), rows(second)), ("1".to_owned(), "3".to_owned()));
}
