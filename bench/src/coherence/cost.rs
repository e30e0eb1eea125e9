//! What an answer from memory costs beside one from the database, a share on three nodes beside one's on one, a hold, and a read where
//! there are many nodes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use zebu_app::folders::FolderChange;
use zebu_app::meter::{Meter, measured};
use zebu_app::operator::users;
use zebu_app::sessions::{self, Credentials, SignedIn};
use zebu_app::{App, Client, files, folders};
use zebu_cluster::{Announcer, Outcome, ScopeKey};
use zebu_model::{ContextId, FolderId};

use super::nodes::Nodes;
use crate::store::data;

/// Requests of a batch; batches alternate.
const REQUESTS: u32 = 1_000;
const BATCHES: usize = 5;
/// Shares of a batch.
const SHARES: usize = 60;
/// Writes a second whose holds are timed, and for how long.
const RATE: u32 = 1_000;
const SECONDS: u32 = 10;

async fn sign_in(app: &App) -> SignedIn {
    let client = Client { name: "bench".to_owned(), ..Client::default() };
    let credentials = Credentials { login: "user3@c1", password: "secret" };
    sessions::login(app, credentials, &client, false).await.unwrap()
}

/// One request: who is it, and what is in the folder.
async fn list(app: &App, session: &SignedIn, shared: FolderId) {
    let secret = session.secret.clone();
    let secrets_of = move |_: &str| vec![secret.clone()];
    let caller = sessions::resume(app, &session.session, &secrets_of, None).await.unwrap();
    let (found, _) = files::list(app, &caller, shared).await.unwrap();
    assert_eq!(found.len(), 20);
}

/// Time of a request and statements it cost.
async fn batch(app: &App, session: &SignedIn, shared: FolderId) -> (Duration, u64) {
    let meter = Arc::new(Meter::default());
    let begun = Instant::now();
    measured(Arc::clone(&meter), async {
        for _ in 0..REQUESTS {
            list(app, session, shared).await;
        }
    })
    .await;
    (begun.elapsed() / REQUESTS, meter.statements() / u64::from(REQUESTS))
}

fn middle(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

/// A folder from memory, and from MariaDB.
pub(super) async fn reads(configdb: &str, nodes: &Nodes, shared: FolderId) {
    let (with, without) = (&nodes.apps[0], &data::node(configdb).await);
    let session = sign_in(with).await;
    let (mut cached, mut asked) = (Vec::new(), Vec::new());
    let (mut kept, mut statements) = (0, 0);
    batch(with, &session, shared).await;
    for _ in 0..BATCHES {
        let (time, count) = batch(with, &session, shared).await;
        (kept, cached) = (kept + count, [cached, vec![time]].concat());
        let (time, count) = batch(without, &session, shared).await;
        (statements, asked) = (statements + count, [asked, vec![time]].concat());
    }
    let (cached, asked) = (middle(cached), middle(asked));
    println!(
        "\n## A folder listing with its session, MariaDB, {REQUESTS} requests a batch, {BATCHES} batches by turns\n"
    );
    println!("| answered by | statements a request | time, µs | ratio |\n|---|---|---|---|");
    let (us, all) = (|time: Duration| time.as_secs_f64() * 1e6, BATCHES as u64);
    println!("| the database | {} | {:.0} | {:.1} |", statements / all, us(asked), us(asked) / us(cached));
    println!("| memory | {} | {:.1} | 1 |", kept / all, us(cached));
}

/// Takes a folder from a user and gives it again, so often.
async fn shares(app: &App, shared: FolderId) -> Vec<Duration> {
    let caller = users::act_as(app, ContextId(1), "user3").await.unwrap();
    let mut took = Vec::with_capacity(SHARES);
    for number in 0..SHARES {
        let permissions = Some(data::permissions(number % 2 == 1));
        let begun = Instant::now();
        folders::update(app, &caller, shared, FolderChange { permissions, ..FolderChange::default() })
            .await
            .unwrap();
        took.push(begun.elapsed());
    }
    took
}

/// A share on one node alone, and on one of three.
pub(super) async fn writes(alone: (&Nodes, FolderId), three: (&Nodes, FolderId)) {
    let (mut of_one, mut of_three) = (Vec::new(), Vec::new());
    shares(&alone.0.apps[0], alone.1).await;
    shares(&three.0.apps[0], three.1).await;
    for _ in 0..BATCHES {
        of_one.extend(shares(&alone.0.apps[0], alone.1).await);
        of_three.extend(shares(&three.0.apps[0], three.1).await);
    }
    println!("\n## A share nobody else is in the way of, MariaDB, {} each, by turns\n", of_one.len());
    println!("| nodes | p50, µs | mean, µs | ratio of p50 | of mean |\n|---|---|---|---|---|");
    let mean = |all: &[Duration]| all.iter().sum::<Duration>().as_secs_f64() * 1e6 / all.len() as f64;
    let (one_mean, three_mean) = (mean(&of_one), mean(&of_three));
    let us = |all| middle(all).as_secs_f64() * 1e6;
    let (one, of_three) = (us(of_one), us(of_three));
    println!("| 1 | {one:.0} | {one_mean:.0} | 1 | 1 |");
    println!(
        "| 3 | {of_three:.0} | {three_mean:.0} | {:.2} | {:.2} |",
        of_three / one,
        three_mean / one_mean
    );
}

/// How long until all others obey a hold, at a steady rate.
pub(super) async fn holds(announcer: &Arc<dyn Announcer>, peers: usize) {
    let mut ticks = interval(Duration::from_secs(1) / RATE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..RATE * SECONDS {
        ticks.tick().await;
        let announcer = Arc::clone(announcer);
        writes.spawn(async move {
            let scope = ScopeKey { space: 99, kind: 3, id: i64::from(number) };
            let begun = Instant::now();
            let mut write = announcer.announce(&[scope]);
            write.may_commit().await.unwrap();
            let took = begun.elapsed();
            write.ended(Outcome::Committed(1));
            took
        });
    }
    let mut took = writes.join_all().await;
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_micros();
    println!(
        "\n## A hold until {peers} others obey, TLS over the loopback address, {RATE} writes a second for {SECONDS} s\n"
    );
    println!(
        "| p50, µs | p99, µs | worst, µs |\n|---|---|---|\n| {} | {} | {} |",
        at(0.5),
        at(0.99),
        at(1.0)
    );
}

/// Processor time that this process has used, all threads.
fn processor() -> Duration {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let nanoseconds = |task: std::fs::DirEntry| {
        let text = std::fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
        text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0)
    };
    Duration::from_nanos(tasks.flatten().map(nanoseconds).sum())
}

/// Processor time of a read, its share of all that nodes do beside included.
pub(super) async fn processor_of_a_read(nodes: &Nodes, shared: FolderId) -> f64 {
    let session = sign_in(&nodes.apps[0]).await;
    for app in &nodes.apps {
        batch(app, &session, shared).await;
    }
    let reads = 40 * REQUESTS;
    let before = processor();
    for number in 0..reads {
        list(&nodes.apps[number as usize % nodes.apps.len()], &session, shared).await;
    }
    (processor() - before).as_secs_f64() * 1e6 / f64::from(reads)
}
