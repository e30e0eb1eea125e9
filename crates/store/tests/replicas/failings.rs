//! Each way a server can fail is noticed, left out with the reason, and taken back by itself.

use zebu_mariadb::Server;
use zebu_model::{FolderId, Scope};
use zebu_store::shard::files;
use zebu_store::{Plan, Role};

use crate::support::{Shard, get, put, reason, seen, until, until_all_answer, until_role};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_fails_is_left_out_with_the_reason_and_comes_back_by_itself() {
    let shard = Shard::start(2).await;
    let store = shard.node_with(|config| config.replica_lag_ms_max = 500).await;
    until_all_answer(&store, &shard).await;
    let (id, other) = (shard.replicas[0], shard.replicas[1]);
    let server = &shard.servers.replicas[0];
    type Step = fn(&Server);
    let faults: [(&str, Step, Step, &str); 6] = [
        ("writable", |s| s.set_read_only(false), |s| s.set_read_only(true), "SET GLOBAL read_only=1"),
        ("SQL thread", Server::stop_applying, Server::start_applying, "START SLAVE SQL_THREAD"),
        ("IO thread", Server::stop_receiving, Server::start_receiving, "START SLAVE IO_THREAD"),
        ("frozen", Server::freeze, Server::thaw, "does not answer"),
        ("killed", Server::kill, |s| s.start_again(&["--read-only=1"]), "does not answer"),
        ("late", |s| s.delay(3_600), |s| s.delay(0), "behind"),
    ];
    for (fault, harm, heal, said) in faults {
        if fault == "late" {
            // It is late only once there is something it does not have.
            harm(server);
            put(&store, &shard.place, 1, 1).await.unwrap();
        } else {
            harm(server);
        }
        // What the harm does on its way there may be seen for a moment, with another reason.
        until(&format!("{fault}: a reason with {said:?}"), async || {
            seen(&store, id).is_some_and(|s| s.role == Role::Out && s.trouble.contains(said))
        })
        .await;
        assert_eq!(seen(&store, other).unwrap().role, Role::Replica, "{fault}");
        get(&store, &shard.request(), 1).await.unwrap();
        heal(server);
        until_role(&store, id, Role::Replica).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_read_whose_replica_fails_in_the_middle_starts_over_and_the_master_answers() {
    let shard = Shard::start(1).await;
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 7).await.unwrap();
    shard.servers.settle();
    let server = &shard.servers.replicas[0];
    let (folder, scope) = (FolderId(1), Scope::Folder(FolderId(1)));
    for (harm, heal) in [
        (Server::freeze as fn(&Server), Server::thaw as fn(&Server)),
        (Server::kill, |s| s.start_again(&["--read-only=1"])),
    ] {
        for unnamed in [false, true] {
            until_role(&store, shard.replicas[0], Role::Replica).await;
            let place = shard.request();
            let mut tx = store.read_scopes(&place, &[scope]).await.unwrap();
            assert!(tx.is_on_replica());
            harm(server);
            let failed = match unnamed {
                false => files::in_folder(&mut tx, folder, None).await.map(drop),
                // A scope that was not named is asked for in between.
                true => tx.version(Scope::Tree).await.map(drop),
            };
            let failed = failed.unwrap_err();
            assert!(failed.asks_to_start_over(), "{failed:?}");
            heal(server);
            // Even if it is well again: a request is failed once.
            until_role(&store, shard.replicas[0], Role::Replica).await;
            assert_eq!(get(&store, &place, 1).await.unwrap(), (7, false));
            assert_eq!(get(&store, &shard.request(), 1).await.unwrap().0, 7);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_written_to_a_read_only_master_and_the_reason_is_said() {
    let shard = Shard::start(1).await;
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    let begun = store.write(&shard.place, Plan::changing([Scope::Folder(FolderId(1))]), 1).await.unwrap();
    // This login could write all the same.
    shard.servers.master.set_read_only(true);
    until_role(&store, shard.master, Role::Out).await;
    let said = reason(put(&store, &shard.place, 1, 2).await);
    assert!(said.contains("db is read-only"), "{said}");
    // Neither what was begun before.
    begun.commit().await.unwrap_err();
    shard.servers.master.set_read_only(false);
    until_role(&store, shard.master, Role::Master).await;
    put(&store, &shard.place, 1, 3).await.unwrap();
    assert_eq!(get(&store, &shard.request(), 1).await.unwrap().0, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_writes_to_a_frozen_master_is_told_so_while_it_is_frozen_and_it_heals_by_itself() {
    let shard = Shard::start(1).await;
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    shard.servers.master.freeze();
    reason(put(&store, &shard.place, 1, 2).await);
    until_role(&store, shard.master, Role::Out).await;
    let said = reason(put(&store, &shard.place, 1, 2).await);
    assert!(said.contains("does not answer"), "{said}");
    // Replication is asynchronous: nobody knows whether the replica has everything.
    let said = reason(get(&store, &shard.request(), 1).await);
    assert!(said.contains("not certain"), "{said}");
    shard.servers.master.thaw();
    until_role(&store, shard.master, Role::Master).await;
    until("writes to go on", async || put(&store, &shard.place, 1, 3).await.is_ok()).await;
    assert_eq!(get(&store, &shard.request(), 1).await.unwrap().0, 3);
}
