//! What a node remembers is true for as long as it is remembered, and nothing that may change unheard of is.

use zebu_cluster::Coherence;
use zebu_model::{FolderId, Scope, UserId};
use zebu_store::shard::{files, sessions};
use zebu_store::{Plan, Store};

use crate::support::{NOW, Shard, get, put, until_all_answer};

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
