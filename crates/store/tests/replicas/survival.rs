//! With semi-synchronous replication that never gave up, reads go on without the master; where it is not certain, they do not.

use zebu_store::Role;

use crate::support::{Shard, get, put, reason, until, until_all_answer, until_role};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_go_on_without_the_master_where_it_is_certain_that_nothing_is_missing() {
    let shard = Shard::start(2).await;
    shard.servers.semi_sync(3_600_000);
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    // What the last looks prove is known after a few.
    until("the proof", async || {
        put(&store, &shard.place, 1, 2).await.unwrap();
        shard.servers.master.freeze();
        until_role(&store, shard.master, Role::Out).await;
        let found = get(&store, &shard.request(), 1).await;
        shard.servers.master.thaw();
        until_role(&store, shard.master, Role::Master).await;
        found.is_ok_and(|(value, _)| value == 2)
    })
    .await;
    put(&store, &shard.place, 1, 3).await.unwrap();
    shard.servers.master.freeze();
    until_role(&store, shard.master, Role::Out).await;
    reason(put(&store, &shard.place, 1, 4).await);
    let survived = store.reads().survivor;
    assert_eq!(get(&store, &shard.request(), 1).await.unwrap().0, 3);
    assert!(store.reads().survivor > survived);
    // Reads of no scope too.
    store.read(&shard.place).await.unwrap();
    // One that may have acknowledged what the other has not yet: nobody can tell any more.
    shard.servers.replicas[1].freeze();
    until("reads to stop", async || get(&store, &shard.request(), 1).await.is_err()).await;
    let said = reason(get(&store, &shard.request(), 1).await);
    assert!(said.contains("not certain"), "{said}");
    shard.servers.replicas[1].thaw();
    until("reads to go on", async || get(&store, &shard.request(), 1).await.is_ok_and(|(v, _)| v == 3)).await;
    // What was received has to be applied as well.
    shard.servers.master.thaw();
    until_role(&store, shard.master, Role::Master).await;
    for replica in &shard.servers.replicas {
        replica.stop_applying();
    }
    put(&store, &shard.place, 1, 5).await.unwrap();
    shard.servers.master.freeze();
    until_role(&store, shard.master, Role::Out).await;
    let said = reason(get(&store, &shard.request(), 1).await);
    assert!(said.contains("applied"), "{said}");
    shard.servers.replicas[0].start_applying();
    until("what was received to be applied", async || {
        get(&store, &shard.request(), 1).await.is_ok_and(|(value, _)| value == 5)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_stop_once_semi_synchronous_replication_may_have_given_up() {
    let shard = Shard::start(1).await;
    shard.servers.semi_sync(2_000);
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    shard.servers.master.freeze();
    until_role(&store, shard.master, Role::Out).await;
    until("the proof to run out", async || get(&store, &shard.request(), 1).await.is_err()).await;
    let said = reason(get(&store, &shard.request(), 1).await);
    assert!(said.contains("not certain"), "{said}");
}
