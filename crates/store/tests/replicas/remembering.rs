//! What a node remembers is true for as long as it is remembered, and nothing that may change unheard of is.

use zebu_cluster::Coherence;
use zebu_mariadb::Server;
use zebu_model::{FolderId, Scope, UserId, Version};
use zebu_store::shard::{files, sessions};
use zebu_store::{Plan, Store};

use crate::support::{NOW, Shard, get, put, until, until_all_answer};

/// Statements on contents of folders that were answered from memory, and those that were not.
fn counted(store: &Store) -> (u64, u64) {
    store
        .cache()
        .unwrap()
        .hits
        .iter()
        .find(|of| of.kind == "folder")
        .map_or((0, 0), |of| (of.hits, of.misses))
}

/// Gets the value of a folder, and says whether it was remembered.
async fn recalled(store: &Store, shard: &Shard, folder: u32) -> (u64, bool) {
    let before = counted(store);
    let value = get(store, &shard.request(), folder).await.unwrap().0;
    (value, counted(store).0 > before.0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_is_remembered_until_any_node_writes_it() {
    let shard = Shard::start(1).await;
    let coherence = Coherence::alone();
    let (one, two) = (shard.remembering(&coherence).await, shard.remembering(&coherence).await);
    until_all_answer(&one, &shard).await;
    until_all_answer(&two, &shard).await;
    for folder in [1, 2] {
        put(&two, &shard.request(), folder, 1).await.unwrap();
        assert_eq!(recalled(&one, &shard, folder).await, (1, false));
        assert_eq!(recalled(&one, &shard, folder).await, (1, true));
    }
    let asked = one.reads();
    assert_eq!(recalled(&one, &shard, 1).await, (1, true));
    assert_eq!(one.reads(), asked, "no server was asked");
    put(&two, &shard.request(), 1, 2).await.unwrap();
    assert_eq!(recalled(&one, &shard, 1).await, (2, false));
    assert_eq!(recalled(&one, &shard, 1).await, (2, true));
    assert_eq!(recalled(&one, &shard, 2).await, (1, true), "another scope's is still remembered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_somebody_writes_a_scope_nothing_of_it_is_remembered() {
    let shard = Shard::start(0).await;
    let coherence = Coherence::alone();
    let (one, two) = (shard.remembering(&coherence).await, shard.remembering(&coherence).await);
    until_all_answer(&one, &shard).await;
    put(&two, &shard.request(), 1, 1).await.unwrap();
    assert_eq!(recalled(&one, &shard, 1).await, (1, false));
    let under_way = two.write(&shard.place, Plan::changing([Scope::Folder(FolderId(1))]), NOW).await.unwrap();
    for _ in 0..2 {
        assert_eq!(recalled(&one, &shard, 1).await, (1, false));
    }
    drop(under_way);
    assert_eq!(recalled(&one, &shard, 1).await, (1, false));
    assert_eq!(recalled(&one, &shard, 1).await, (1, true));
}

/// A member that is gone may have sent a commit that is still on its way: it holds the scope's row, and nobody will ever hear of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_remembered_of_a_scope_whose_row_somebody_unheard_of_still_holds() {
    let shard = Shard::start(0).await;
    let coherence = Coherence::alone();
    let (one, gone) = (shard.remembering(&coherence).await, shard.node().await);
    until_all_answer(&one, &shard).await;
    put(&one, &shard.request(), 1, 1).await.unwrap();
    assert_eq!(recalled(&one, &shard, 1).await, (1, false));
    assert_eq!(recalled(&one, &shard, 1).await, (1, true));
    let on_its_way =
        gone.write(&shard.place, Plan::changing([Scope::Folder(FolderId(1))]), NOW).await.unwrap();
    // The others have found out that it is gone.
    coherence.validity.begin_epoch(coherence.validity.for_good());
    for _ in 0..2 {
        assert_eq!(recalled(&one, &shard, 1).await, (1, false));
    }
    assert_eq!(recalled(&one, &shard, 2).await, (0, false));
    assert_eq!(recalled(&one, &shard, 2).await, (0, true), "a scope that nobody holds");
    on_its_way.commit().await.unwrap();
    // For a moment nobody waits for a row that was waited for in vain.
    while recalled(&one, &shard, 1).await != (1, true) {}
    assert_eq!(recalled(&one, &shard, 1).await, (1, true));
}

/// The same of a transaction that has to ask the master for something else before it comes to the scope.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_read_beside_something_of_no_scope_is_not_remembered() {
    let shard = Shard::start(0).await;
    let coherence = Coherence::alone();
    let (one, gone) = (shard.remembering(&coherence).await, shard.node().await);
    until_all_answer(&one, &shard).await;
    put(&one, &shard.request(), 1, 1).await.unwrap();
    let content = FolderId(1);
    let on_its_way = gone.write(&shard.place, Plan::changing([Scope::Folder(content)]), NOW).await.unwrap();
    coherence.validity.begin_epoch(coherence.validity.for_good());
    let mut tx = one.read_scopes(&shard.request(), &[Scope::Folder(content)]).await.unwrap();
    sessions::count(&mut tx, UserId(3), 0).await.unwrap();
    assert_eq!(files::in_folder(&mut tx, content, None).await.unwrap().len(), 1);
    drop(tx);
    assert_eq!(recalled(&one, &shard, 1).await, (1, false));
    on_its_way.commit().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_remembered_takes_no_more_memory_than_configured() {
    let shard = Shard::start(0).await;
    let bytes_max = 64 << 10;
    let small = shard.open(|config| config.cache_bytes_max = bytes_max, Some(Coherence::alone())).await;
    let none = shard.open(|config| config.cache_bytes_max = 0, Some(Coherence::alone())).await;
    until_all_answer(&small, &shard).await;
    until_all_answer(&none, &shard).await;
    for folder in 0..500 {
        assert_eq!(get(&small, &shard.request(), folder).await.unwrap().0, 0);
    }
    let state = small.cache().unwrap();
    println!("{state:?}");
    assert!(state.bytes > bytes_max / 4 && state.bytes <= bytes_max, "{state:?}");
    assert_eq!(none.cache(), None);
}

/// Finds the value in the file of a folder by a statement that differs for each `since`, so that it is in nobody's memory; whether a
/// replica answered, and whether its position alone was looked at.
async fn by_position(store: &Store, shard: &Shard, folder: u32, since: i64) -> (u64, bool, bool) {
    let (id, before) = (FolderId(folder), store.reads().by_position);
    let mut tx = store.read_scopes(&shard.request(), &[Scope::Folder(id)]).await.unwrap();
    let found = files::changed(&mut tx, id, Version(-since)).await.unwrap();
    let value = found.first().map_or(0, |file| file.description.parse().unwrap());
    (value, tx.is_on_replica(), store.reads().by_position > before)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_far_enough_by_its_position_is_asked_for_nothing_but_the_answer() {
    let shard = Shard::start(1).await;
    let coherence = Coherence::alone();
    let (one, two) = (shard.remembering(&coherence).await, shard.remembering(&coherence).await);
    until_all_answer(&one, &shard).await;
    let mut since = 0;
    for value in 1..4 {
        put(&two, &shard.request(), 1, value).await.unwrap();
        since += 1;
        let (found, _, unasked) = by_position(&one, &shard, 1, since).await;
        assert_eq!((found, unasked), (value, false), "which version must be seen is not known yet");
        until("the position of the replica is known to be far enough", async || {
            since += 1;
            let (found, on_replica, unasked) = by_position(&one, &shard, 1, since).await;
            assert_eq!((found, on_replica || !unasked), (value, true));
            unasked
        })
        .await;
        let asked = statements_on(&shard.servers.replicas[0]);
        since += 1;
        assert_eq!(by_position(&one, &shard, 1, since).await, (value, true, true));
        assert_eq!(statements_on(&shard.servers.replicas[0]), asked + 1);
    }
}

/// Statements that a server has carried out for nodes.
fn statements_on(server: &Server) -> u64 {
    server.status("Com_stmt_execute").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stands_still_is_never_far_enough_for_what_was_written_since() {
    let shard = Shard::start(1).await;
    let coherence = Coherence::alone();
    let (one, two) = (shard.remembering(&coherence).await, shard.remembering(&coherence).await);
    until_all_answer(&one, &shard).await;
    put(&two, &shard.request(), 1, 1).await.unwrap();
    put(&two, &shard.request(), 2, 1).await.unwrap();
    let mut since = 0;
    for folder in [1, 2] {
        until("the position of the replica is known to be far enough", async || {
            since += 1;
            by_position(&one, &shard, folder, since).await.2
        })
        .await;
    }
    shard.servers.replicas[0].stop_applying();
    put(&two, &shard.request(), 1, 2).await.unwrap();
    // Until the node has seen that it stands still, it is asked for what it has.
    for _ in 0..20 {
        since += 1;
        assert_eq!(by_position(&one, &shard, 1, since).await, (2, false, false));
        assert_eq!(by_position(&one, &shard, 2, since).await.0, 1);
    }
    shard.servers.replicas[0].start_applying();
    until("the replica has it", async || {
        since += 1;
        let (value, on_replica, unasked) = by_position(&one, &shard, 1, since).await;
        assert_eq!(value, 2);
        on_replica && unasked
    })
    .await;
}
