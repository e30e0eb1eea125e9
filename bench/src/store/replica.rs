//! What it costs to ask a replica instead of the master: the same read of a folder's files, never in memory, by three nodes in turn.
//! One has no replica; one has, and remembers nothing, so it asks the master which version must be seen and the replica which it
//! has; one remembers versions, and knows by the replica's position that it is far enough.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zebu_cluster::Coherence;
use zebu_mariadb::{Group, Server};
use zebu_model::file::File;
use zebu_model::{ContextId, FileId, FolderId, Scope, UserId, Version};
use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::meter::{Meter, measured};
use zebu_store::shard::files;
use zebu_store::{Config, Known, Place, Plan, Store};

/// Reads of each node.
const READS: u32 = 3_000;
/// Files in the folder.
const FILES: u32 = 20;
const FOLDER: FolderId = FolderId(1);
/// The longest that a replica may take to be asked.
const PATIENCE: Duration = Duration::from_secs(60);

struct Node {
    what: &'static str,
    store: Store,
    times: Vec<u64>,
    statements: u64,
    by_replica: u32,
}

/// Prints the table.
pub(crate) async fn table() {
    let servers = Group::start(1);
    let dir = tempfile::tempdir().unwrap();
    let alone = configdb(dir.path(), "alone", &servers, &[]).await;
    let both = configdb(dir.path(), "both", &servers, &servers.replicas).await;
    let filling = Store::open(Config::new(alone.as_str())).await.unwrap();
    let place = fill(&filling).await;
    servers.settle();
    let mut nodes = [
        node("the master", &alone, Some(Coherence::alone())).await,
        node("a replica, versions compared", &both, None).await,
        node("a replica, by its position", &both, Some(Coherence::alone())).await,
    ];
    let mut number = 0;
    let deadline = Instant::now() + PATIENCE;
    while nodes[2].store.reads().by_position == 0 || nodes[1].store.reads().replica == 0 {
        assert!(Instant::now() < deadline, "the replica is not asked");
        for node in &mut nodes {
            read(node, &place, number).await;
            number += 1;
        }
    }
    for node in &mut nodes {
        (node.times, node.statements, node.by_replica) = (Vec::new(), 0, 0);
    }
    for _ in 0..READS {
        for node in &mut nodes {
            read(node, &place, number).await;
            number += 1;
        }
    }
    println!(
        "\n## A read of {FILES} files with and without a replica (MariaDB), {READS} by each node in turn\n"
    );
    println!("| read by | of these by the replica | statements | µs, median | ratio |");
    println!("|---|---|---|---|---|");
    let first = median(&mut nodes[0].times);
    for node in &mut nodes {
        let median = median(&mut node.times);
        println!(
            "| {} | {} | {:.1} | {median} | {:.2} |",
            node.what,
            node.by_replica,
            node.statements as f64 / f64::from(READS),
            median as f64 / first as f64
        );
    }
}

fn median(times: &mut [u64]) -> u64 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(0)
}

/// A configdb of its own that knows the master, and these replicas. The same ids in each.
async fn configdb(dir: &std::path::Path, name: &str, servers: &Group, replicas: &[Server]) -> String {
    let configdb = format!("sqlite:{}/{name}.db", dir.display());
    let store = Store::open(Config::new(configdb.as_str())).await.unwrap();
    let mut tx = store.config_write().await.unwrap();
    let master = DatabaseServer::master("db", &servers.master.url());
    let master = databases::insert(&mut tx, &master).await.unwrap();
    for (number, replica) in replicas.iter().enumerate() {
        let row = DatabaseServer::master(&format!("read{number}"), &replica.url());
        databases::insert(&mut tx, &DatabaseServer { master, ..row }).await.unwrap();
    }
    tx.commit().await.unwrap();
    configdb
}

/// Makes a context with a folder of files.
async fn fill(store: &Store) -> Place {
    let mut tx = store.config_write().await.unwrap();
    let master = databases::by_name(&mut tx, "db").await.unwrap().unwrap();
    let schema = databases::insert_schema(&mut tx, &master).await.unwrap();
    tx.commit().await.unwrap();
    store.ensure_schema(master.id, &schema).await.unwrap();
    let place = Place::made_up(ContextId(1), master.id, schema);
    let now = 1_700_000_000_000;
    store.found(&place, Plan::default(), now).await.unwrap().commit().await.unwrap();
    let mut tx = store.write(&place, Plan::changing([Scope::Folder(FOLDER)]), now).await.unwrap();
    for id in 1..=FILES {
        let file = File {
            id: FileId(id),
            folder: FOLDER,
            created_by: UserId(3),
            created: now,
            modified_by: UserId(3),
            modified: Version::NONE,
            title: format!("note {id}"),
            description: String::new(),
            url: String::new(),
            locked_until: 0,
            versions: 0,
            content: None,
        };
        files::insert(&mut tx, &file).await.unwrap();
    }
    tx.commit().await.unwrap();
    place
}

async fn node(what: &'static str, configdb: &str, coherence: Option<Coherence>) -> Node {
    let store = Store::open_in(Config::new(configdb), coherence).await.unwrap();
    store.watch().await.unwrap();
    Node { what, store, times: Vec::new(), statements: 0, by_replica: 0 }
}

/// One read, of all files that changed since some version before them all: a question that nobody has asked before.
async fn read(node: &mut Node, place: &Place, number: i64) {
    let place = Place { known: Known::of_a_request(), ..place.clone() };
    let meter = Arc::new(Meter::default());
    let begun = Instant::now();
    let on_replica = measured(Arc::clone(&meter), async {
        let mut tx = node.store.read_scopes(&place, &[Scope::Folder(FOLDER)]).await.unwrap();
        let found = files::changed(&mut tx, FOLDER, Version(-number)).await.unwrap();
        assert_eq!(found.len(), FILES as usize);
        tx.is_on_replica()
    })
    .await;
    node.times.push(u64::try_from(begun.elapsed().as_micros()).unwrap());
    node.statements += meter.statements();
    node.by_replica += u32::from(on_replica);
}
