//! P6: a replica's answer is never older than what was answered before it was asked for, and what was shown once is never
//! gone again.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::support::{Shard, get, put, until, until_all_answer, until_role};
use zebu_cluster::Coherence;
use zebu_store::{Role, Store};

const FOLDERS: u32 = 6;

/// What every value must be at least.
#[derive(Default)]
struct Folder {
    /// The last value whose write was answered.
    answered: AtomicU64,
    /// The greatest value that a finished read has shown.
    shown: AtomicU64,
}

/// A small random generator (SplitMix64): the same seed gives the same run of decisions.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

fn seed() -> u64 {
    let given = std::env::var("ZEBU_SEED").ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    println!("seed {seed} (ZEBU_SEED={seed} repeats its decisions)");
    seed
}

/// Reads and writes at random until told to stop. Returns how many reads replicas answered, and all.
async fn work(
    store: Arc<Store>,
    shard: Arc<Shard>,
    folders: Arc<Vec<Folder>>,
    stop: Arc<AtomicBool>,
    seed: u64,
    mine: u32,
) -> (u64, u64) {
    let mut random = Random(seed);
    let (mut on_replicas, mut reads) = (0, 0);
    while !stop.load(Ordering::SeqCst) {
        // A read from memory waits for nothing: without this the others would never run.
        tokio::task::yield_now().await;
        let folder = u32::try_from(random.below(FOLDERS.into())).unwrap();
        let state = &folders[folder as usize];
        // Each folder has one writer, so that its values grow.
        if folder % 2 == mine && random.below(4) == 0 {
            let next = state.answered.load(Ordering::SeqCst) + 1;
            // A write that was not answered may be there or not; the same value is written again then.
            if put(&store, &shard.request(), folder, next).await.is_ok() {
                state.answered.store(next, Ordering::SeqCst);
            }
            continue;
        }
        let least = state.answered.load(Ordering::SeqCst).max(state.shown.load(Ordering::SeqCst));
        let place = shard.request();
        if random.below(3) == 0 {
            // A request that reads twice: the second time it knows what it must see.
            let _ = get(&store, &place, folder).await;
        }
        if let Ok((value, on_replica)) = get(&store, &place, folder).await {
            assert!(value >= least, "folder {folder}: {value} was read after {least} was answered or shown");
            state.shown.fetch_max(value, Ordering::SeqCst);
            reads += 1;
            on_replicas += u64::from(on_replica);
        }
    }
    (on_replicas, reads)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_is_ever_older_than_what_was_answered_before_it_whatever_the_replicas_do() {
    let shard = Shard::start(2).await;
    let (one, two) = (shard.node().await, shard.node().await);
    read_and_write_under_faults(shard, one, two).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_read_is_ever_older_than_what_was_answered_before_it_though_nodes_remember() {
    let shard = Shard::start(2).await;
    let coherence = Coherence::alone();
    let (one, two) = (shard.remembering(&coherence).await, shard.remembering(&coherence).await);
    let one = read_and_write_under_faults(shard, one, two).await;
    let cache = one.cache().unwrap();
    let hits: u64 = cache.hits.iter().map(|kind| kind.hits).sum();
    println!("{cache:?}");
    assert!(hits > 0, "{cache:?}");
}

async fn read_and_write_under_faults(shard: Shard, one: Store, two: Store) -> Arc<Store> {
    let seed = seed();
    let shard = Arc::new(shard);
    let (one, two) = (Arc::new(one), Arc::new(two));
    until_all_answer(&one, &shard).await;
    let folders: Arc<Vec<Folder>> = Arc::new((0..FOLDERS).map(|_| Folder::default()).collect());
    let stop = Arc::new(AtomicBool::new(false));
    let workers: Vec<_> = [(&one, 0), (&two, 1), (&one, 2), (&two, 3)]
        .into_iter()
        .map(|(store, n)| {
            let (store, shard, folders) = (Arc::clone(store), Arc::clone(&shard), Arc::clone(&folders));
            tokio::spawn(work(
                store,
                shard,
                folders,
                Arc::clone(&stop),
                seed.wrapping_add(n),
                u32::try_from(n).unwrap(),
            ))
        })
        .collect();
    let mut random = Random(seed);
    let of = |store: &Store| {
        let remembered = store.cache().map_or(0, |cache| cache.hits.iter().map(|kind| kind.hits).sum());
        store.reads().replica + store.reads().master + remembered
    };
    let progress = || of(&one) + of(&two);
    for _ in 0..10 {
        let replica = usize::try_from(random.below(2)).unwrap();
        let fault = random.below(5);
        println!("fault {fault} on replica {replica}");
        let at = Arc::clone(&shard);
        tokio::task::spawn_blocking(move || {
            let server = &at.servers.replicas[replica];
            match fault {
                0 => server.delay(1),
                1 => server.stop_applying(),
                2 => server.stop_receiving(),
                3 => server.freeze(),
                _ => at.servers.semi_sync(10_000),
            }
        })
        .await
        .unwrap();
        let before = progress();
        until("reads to go on under the fault", async || progress() > before + 60).await;
        let at = Arc::clone(&shard);
        tokio::task::spawn_blocking(move || {
            let server = &at.servers.replicas[replica];
            match fault {
                0 => server.delay(0),
                1 => server.start_applying(),
                2 => server.start_receiving(),
                3 => server.thaw(),
                _ => drop(at.servers.master.sql("SET GLOBAL rpl_semi_sync_master_enabled=0")),
            }
        })
        .await
        .unwrap();
        let before = progress();
        until("reads to go on after the fault", async || progress() > before + 30).await;
    }
    until_all_answer(&one, &shard).await;
    let healthy = one.reads().replica;
    until("replicas to answer again", async || one.reads().replica > healthy + 20).await;
    stop.store(true, Ordering::SeqCst);
    let (mut on_replicas, mut reads) = (0, 0);
    for worker in workers {
        let (r, all) = worker.await.unwrap();
        (on_replicas, reads) = (on_replicas + r, reads + all);
    }
    let answered: u64 = folders.iter().map(|f| f.answered.load(Ordering::SeqCst)).sum();
    println!("{on_replicas} of {reads} reads on replicas, {answered} writes; {:?}", one.reads());
    assert!(on_replicas > 0 && answered > 0);
    one
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn healthy_replicas_answer_nearly_all_reads() {
    let shard = Shard::start(2).await;
    let store = shard.node().await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    shard.servers.settle();
    let before = store.reads();
    for _ in 0..100 {
        assert_eq!(get(&store, &shard.request(), 1).await.unwrap().0, 1);
    }
    let on_replicas = store.reads().replica - before.replica;
    assert!(on_replicas > 90, "{on_replicas} of 100 reads, {:?}", store.reads());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_wrote_reads_what_it_wrote_though_the_replica_is_late() {
    let shard = Shard::start(1).await;
    let store = shard.node_with(|config| config.replica_lag_ms_max = 3_600_000).await;
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    shard.servers.settle();
    shard.servers.replicas[0].delay(30);
    // Its threads were stopped for a moment, which may have been noticed.
    let answers =
        async |folder, expected| get(&store, &shard.request(), folder).await.unwrap() == (expected, true);
    until("the replica to answer", async || answers(1, 1).await).await;
    let place = shard.request();
    put(&store, &place, 1, 2).await.unwrap();
    // On a busy machine the replica may have no connection to lend in time, or be left out for a moment.
    until("the replica to be asked and found behind", async || {
        assert_eq!(get(&store, &place, 1).await.unwrap(), (2, false));
        store.reads().behind >= 1
    })
    .await;
    // Another folder's content has arrived: the replica is good enough for it.
    until("the replica to answer for another folder", async || answers(2, 0).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_is_about_to_arrive_is_waited_for() {
    let shard = Shard::start(1).await;
    let store = shard.node_with(|config| config.replica_wait_ms_max = 30_000).await;
    until_all_answer(&store, &shard).await;
    shard.servers.replicas[0].stop_applying();
    // Before anybody has noticed.
    put(&store, &shard.place, 1, 7).await.unwrap();
    let place = shard.request();
    let reading = get(&store, &place, 1);
    let mut reading = std::pin::pin!(reading);
    let waits = store.reads().waits;
    tokio::select! {
        biased;
        found = &mut reading => panic!("it did not wait: {found:?}, {:?}", store.reads()),
        () = until("the read to wait", async || store.reads().waits > waits) => {}
    }
    shard.servers.replicas[0].start_applying();
    let (value, _) = tokio::time::timeout(Duration::from_secs(60), reading).await.unwrap().unwrap();
    assert_eq!(value, 7);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_replica_has_before_its_master_shows_it_is_not_shown() {
    let shard = Arc::new(Shard::start(1).await);
    // The commit waits for as long as the test takes.
    let store = Arc::new(shard.node_with(|config| config.statement_ms_max = 600_000).await);
    until_all_answer(&store, &shard).await;
    put(&store, &shard.place, 1, 1).await.unwrap();
    shard.servers.settle();
    let (master, replica) = (&shard.servers.master, &shard.servers.replicas[0]);
    // The master waits for somebody who acknowledges; this replica only takes.
    replica.sql("SET GLOBAL rpl_semi_sync_slave_enabled=0; STOP SLAVE IO_THREAD; START SLAVE IO_THREAD");
    master.sql(
        "SET GLOBAL rpl_semi_sync_master_wait_point='AFTER_SYNC'; SET GLOBAL rpl_semi_sync_master_timeout=3600000; \
         SET GLOBAL rpl_semi_sync_master_enabled=1",
    );
    let waiting = {
        let (store, shard) = (Arc::clone(&store), Arc::clone(&shard));
        tokio::spawn(async move { put(&store, &shard.place, 1, 2).await })
    };
    let there = format!("SELECT description FROM {}.files", shard.place.schema);
    until("the replica to have it", async || replica.sql(&there).trim() == "2").await;
    until_role(&store, shard.replicas[0], Role::Replica).await;
    let behind = store.reads().behind;
    for _ in 0..5 {
        assert_eq!(get(&store, &shard.request(), 1).await.unwrap(), (1, false));
    }
    assert_eq!(store.reads().behind - behind, 5);
    assert!(!waiting.is_finished());
    master.sql("SET GLOBAL rpl_semi_sync_master_enabled=0");
    waiting.await.unwrap().unwrap();
    assert_eq!(get(&store, &shard.request(), 1).await.unwrap().0, 2);
}
