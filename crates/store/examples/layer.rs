//! What the SQL layer costs beside the bare drivers: the same statements in the same transactions, asked through
//! [`zebu_store::Store`] and asked directly (`mysql_async` and `rusqlite`, prepared once), in paired runs that alternate.
//!
//! `cargo run --release -p zebu-store --example layer [seconds a run] [pairs] [what]`, `what` being a part of a line's name; it starts a MariaDB of its own. CPU is this
//! process's alone, the server's is not in it.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::indexing_slicing,
    reason = "a measurement ends at the first accident and prints what it found"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use mysql_async::prelude::Queryable;
use rusqlite::OptionalExtension;
use zebu_model::{ContextId, FolderId, Scope};
use zebu_store::configdb::databases::{self, DatabaseServer};
use zebu_store::meter::measured;
use zebu_store::shard::{files, usage};
use zebu_store::{Config, Place, Plan, Store};

const FILES: usize = 50;
const FOLDER: u32 = 20;
const NOW: i64 = 1_700_000_000_000;

const VERSION: &str = "SELECT version FROM scopes WHERE cid = ? AND kind = ? AND id = ?";
const LIST: &str = "SELECT f.id, f.folder, f.created_by, f.created, f.modified_by, f.modified, f.title, f.description, f.url, \
    COALESCE((SELECT MAX(l.expires) FROM dav_locks l WHERE l.cid = f.cid AND l.file = f.id), 0), f.versions, \
    f.version, v.version, v.name, v.mime, v.size, v.md5, v.blake3, v.store_key, v.comment, v.created_by, v.created FROM files f \
    LEFT JOIN file_versions v ON v.cid = f.cid AND v.file = f.id AND v.version = f.version \
    WHERE f.cid = ? AND f.folder = ? ORDER BY f.id";
const HOME: &str =
    "SELECT state, born, epoch, filestore, filestore_from, enabled, 0 FROM homes WHERE cid = ?";
const HOME_LOCKED: &str = "SELECT state, born, epoch, filestore, filestore_from, enabled, @@global.read_only FROM homes WHERE cid = ? LOCK IN SHARE MODE";
const LOCK: &str = "SELECT version FROM scopes WHERE cid = ? AND kind = ? AND id = ? FOR UPDATE";
const LOOK: &str = "SELECT kind, id, version FROM scopes WHERE cid = ? AND ((kind = ? AND id = ?))";
const RAISE: &str = "UPDATE scopes SET version = ? WHERE cid = ? AND ((kind = ? AND id = ?))";
const USAGE: &str = "UPDATE filestore_usage SET used = used + ? WHERE cid = ? AND slot = ?";

/// What is measured.
#[derive(Clone, Copy)]
enum Work {
    ReadOne,
    ReadFive,
    List,
    Write,
}

const ALL: [(Work, &str); 4] = [
    (Work::ReadOne, "a read of one statement"),
    (Work::ReadFive, "a read of five statements"),
    (Work::List, "a listing of 50 files"),
    (Work::Write, "a write of one scope"),
];

/// Those of an engine's lines whose name has `what` in it.
fn wanted(engine: &str, what: &str) -> impl Iterator<Item = (Work, &'static str)> {
    ALL.into_iter().filter(move |(_, name)| format!("{engine} {name}").contains(what))
}

/// Does something over and over for this time.
macro_rules! clocked {
    ($least:expr, $work:expr) => {{
        let (begun, cpu) = (Instant::now(), cpu_us());
        let mut count = 0.0;
        while begun.elapsed() < $least {
            for _ in 0..16 {
                $work;
            }
            count += 16.0;
        }
        (begun.elapsed().as_secs_f64() * 1e6 / count, (cpu_us() - cpu) / count)
    }};
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, other: f64| arguments.get(at).map_or(other, |a| a.parse().unwrap());
    let (seconds, pairs) = (Duration::from_secs_f64(number(0, 1.0)), number(1, 7.0) as usize);
    let what = arguments.get(2).cloned().unwrap_or_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    // On a worker, as the requests of a node are.
    runtime.block_on(runtime.spawn(async move {
        println!("engine   work                        bare us  layer us  time    CPU    time with a request's meter (medians of {pairs})");
        sqlite(seconds, pairs, &what).await;
        mariadb(seconds, pairs, &what).await;
    }))
    .unwrap();
}

async fn sqlite(seconds: Duration, pairs: usize, what: &str) {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().display());
    let (store, place) = layer(&format!("{url}/config.db"), "shard", &url).await;
    let path = dir.path().join(format!("{}.db", place.schema));
    let bare = rusqlite::Connection::open(path).unwrap();
    bare.set_prepared_statement_cache_capacity(128);
    bare.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -2048;")
        .unwrap();
    bare.execute_batch(&fill()).unwrap();
    for (work, name) in wanted("SQLite", what) {
        let mut runs = Vec::new();
        for _ in 0..pairs {
            let one = clocked!(seconds, bare_sqlite(&bare, work));
            runs.push(layered(&store, &place, work, seconds, one).await);
        }
        report("SQLite", name, runs);
    }
}

async fn mariadb(seconds: Duration, pairs: usize, what: &str) {
    if wanted("MariaDB", what).next().is_none() {
        return;
    }
    let server = zebu_mariadb::server();
    let (store, place) = layer(&server.schema(), &server.name(), &server.url()).await;
    server.sql(&format!("USE {}; {}", place.schema, fill()));
    let url = server.url_of(&place.schema);
    let mut reader = Bare::connect(&url, "REPEATABLE READ, READ ONLY", false).await;
    let mut writer = Bare::connect(&url, "READ COMMITTED, READ WRITE", true).await;
    for (work, name) in wanted("MariaDB", what) {
        let mut runs = Vec::new();
        for _ in 0..pairs {
            let bare = if matches!(work, Work::Write) { &mut writer } else { &mut reader };
            let one = clocked!(seconds, bare.run(work).await);
            runs.push(layered(&store, &place, work, seconds, one).await);
        }
        report("MariaDB", name, runs);
    }
}

/// Time and CPU time an operation, in microseconds.
type Cost = (f64, f64);

/// What the kernel counted for this process, in steps of 10 ms.
fn cpu_us() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks: f64 = fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap();
    ticks * 10_000.0
}

/// The bare driver, the layer, and the layer with what a request counts and times its statements by.
type Run = (Cost, Cost, Cost);

fn report(engine: &str, name: &str, runs: Vec<Run>) {
    let median = |of: &dyn Fn(&Run) -> f64| {
        let mut all: Vec<f64> = runs.iter().map(of).collect();
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    println!(
        "{engine:8} {name:26} {:8.1} {:9.1}  {:5.2}x  {:5.2}x  {:5.2}x",
        median(&|r| r.0.0),
        median(&|r| r.1.0),
        median(&|r| r.1.0 / r.0.0),
        median(&|r| r.1.1 / r.0.1),
        median(&|r| r.2.0 / r.0.0)
    );
}

/// Transactions through the layer, after the same of the bare driver.
async fn layered(store: &Store, place: &Place, work: Work, least: Duration, bare: Cost) -> Run {
    let alone = clocked!(least, through(store, place, work).await);
    let of_request = async { clocked!(least, through(store, place, work).await) };
    (bare, alone, measured(Arc::default(), of_request).await)
}

/// The way of a node: one transaction through the layer.
async fn through(store: &Store, place: &Place, work: Work) {
    match work {
        Work::ReadOne | Work::ReadFive => {
            let mut tx = store.read(place).await.unwrap();
            for _ in 0..if matches!(work, Work::ReadOne) { 1 } else { 5 } {
                tx.version(Scope::Folder(FolderId(FOLDER))).await.unwrap();
            }
        }
        Work::List => {
            let mut tx = store.read(place).await.unwrap();
            assert_eq!(files::in_folder(&mut tx, FolderId(FOLDER), None).await.unwrap().len(), FILES);
        }
        Work::Write => {
            let plan = Plan::changing([Scope::Folder(FolderId(FOLDER))]);
            let mut tx = store.write(place, plan, NOW).await.unwrap();
            usage::add(&mut tx, FolderId(FOLDER), 1).await.unwrap();
            tx.commit().await.unwrap();
        }
    }
}

fn bare_sqlite(connection: &rusqlite::Connection, work: Work) {
    let (kind, id) = Scope::Folder(FolderId(FOLDER)).key();
    match work {
        Work::ReadOne | Work::ReadFive => {
            connection.execute_batch("BEGIN").unwrap();
            for _ in 0..if matches!(work, Work::ReadOne) { 1 } else { 5 } {
                let mut statement = connection.prepare_cached(VERSION).unwrap();
                let version: Option<i64> =
                    statement.query_row((1, kind, id), |row| row.get(0)).optional().unwrap();
                assert!(version.is_some());
            }
            connection.execute_batch("ROLLBACK").unwrap();
        }
        Work::List => {
            connection.execute_batch("BEGIN").unwrap();
            {
                let mut statement = connection.prepare_cached(LIST).unwrap();
                let columns = statement.column_count();
                let rows = statement.query_map((1, FOLDER), |row| {
                    (0..columns)
                        .map(|at| row.get::<_, rusqlite::types::Value>(at))
                        .collect::<Result<Vec<_>, _>>()
                });
                let rows: Vec<_> = rows.unwrap().map(Result::unwrap).collect();
                assert_eq!(rows.len(), FILES);
            }
            connection.execute_batch("ROLLBACK").unwrap();
        }
        Work::Write => {
            connection.execute_batch("BEGIN IMMEDIATE").unwrap();
            let ask = |sql: &str, values: &[i64]| {
                let mut statement = connection.prepare_cached(sql).unwrap();
                statement.query_row(rusqlite::params_from_iter(values), |row| row.get::<_, i64>(0)).unwrap()
            };
            ask(HOME, &[1]);
            ask(LOOK, &[1, kind, id]);
            let tell = |sql: &str, values: &[i64]| {
                let mut statement = connection.prepare_cached(sql).unwrap();
                assert_eq!(statement.execute(rusqlite::params_from_iter(values)).unwrap(), 1);
            };
            tell(RAISE, &[NOW, 1, kind, id]);
            tell(USAGE, &[1, 1, i64::from(FOLDER % 16)]);
            connection.execute_batch("COMMIT").unwrap();
        }
    }
}

/// A connection of the bare driver, its statements prepared.
struct Bare {
    conn: mysql_async::Conn,
    version: mysql_async::Statement,
    list: mysql_async::Statement,
    write: Vec<mysql_async::Statement>,
}

impl Bare {
    async fn connect(url: &str, kind: &str, writes: bool) -> Bare {
        let opts = mysql_async::OptsBuilder::from_opts(mysql_async::Opts::from_url(url).unwrap());
        let opts = opts.client_found_rows(true).prefer_socket(false);
        let mut conn = mysql_async::Conn::new(opts).await.unwrap();
        let set_up = format!("SET SESSION autocommit = 0; SET SESSION TRANSACTION ISOLATION LEVEL {kind}");
        conn.query_drop(set_up).await.unwrap();
        let (version, list) = (conn.prep(VERSION).await.unwrap(), conn.prep(LIST).await.unwrap());
        let mut write = Vec::new();
        if writes {
            for sql in [HOME_LOCKED, LOCK, RAISE, USAGE] {
                write.push(conn.prep(sql).await.unwrap());
            }
        }
        Bare { conn, version, list, write }
    }

    async fn run(&mut self, work: Work) {
        let (kind, id) = Scope::Folder(FolderId(FOLDER)).key();
        let conn = &mut self.conn;
        match work {
            Work::ReadOne | Work::ReadFive => {
                for _ in 0..if matches!(work, Work::ReadOne) { 1 } else { 5 } {
                    let rows: Vec<mysql_async::Row> = conn.exec(&self.version, (1, kind, id)).await.unwrap();
                    assert_eq!(rows.len(), 1);
                }
                conn.query_drop("ROLLBACK").await.unwrap();
            }
            Work::List => {
                let rows: Vec<mysql_async::Row> = conn.exec(&self.list, (1, FOLDER)).await.unwrap();
                assert_eq!(rows.len(), FILES);
                conn.query_drop("ROLLBACK").await.unwrap();
            }
            Work::Write => {
                let _: Vec<mysql_async::Row> = conn.exec(&self.write[0], (1,)).await.unwrap();
                let _: Vec<mysql_async::Row> = conn.exec(&self.write[1], (1, kind, id)).await.unwrap();
                conn.exec_drop(&self.write[2], (NOW, 1, kind, id)).await.unwrap();
                conn.exec_drop(&self.write[3], (1, 1, FOLDER % 16)).await.unwrap();
                conn.query_drop("COMMIT").await.unwrap();
            }
        }
    }
}

/// A store with one context.
async fn layer(configdb: &str, name: &str, url: &str) -> (Store, Place) {
    let store = Store::open(Config::new(configdb)).await.unwrap();
    let mut tx = store.config_write().await.unwrap();
    let server = DatabaseServer::master(name, url);
    let server = DatabaseServer { id: databases::insert(&mut tx, &server).await.unwrap(), ..server };
    let schema = databases::insert_schema(&mut tx, &server).await.unwrap();
    tx.commit().await.unwrap();
    store.ensure_schema(server.id, &schema).await.unwrap();
    let place = Place::made_up(ContextId(1), server.id, schema);
    let plan = Plan::changing([Scope::Folder(FolderId(FOLDER))]);
    let mut tx = store.found(&place, plan, NOW).await.unwrap();
    usage::insert_slots(&mut tx).await.unwrap();
    tx.commit().await.unwrap();
    (store, place)
}

/// Files in the folder, as any client would have put them there.
fn fill() -> String {
    let hex = "0123456789abcdef".repeat(2);
    (1..=FILES)
        .map(|id| {
            format!(
                "INSERT INTO files VALUES (1, {id}, {FOLDER}, 'report {id}.pdf', 'Report {id}', 'A quarterly report', '', 1, 1, 3, \
                 {NOW}, 3, {NOW}); INSERT INTO file_versions VALUES (1, {id}, 1, 'report {id}.pdf', 'application/pdf', 12345, \
                 '{hex}', '{hex}{hex}', 'k{id}', '', 3, {NOW});"
            )
        })
        .collect()
}
