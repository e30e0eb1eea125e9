//! Leases and holds beside a bus that nobody waits for (Redis, publish and subscribe): how long until all obey, and how many answers
//! were older than what had been answered, while the wires of one of three nodes are held up or cut.
//!
//! Both sides write the same value to the same memory in place of a database, at the same rate, and are read at the same rate. What
//! subscribes to the bus does what it can: it keeps nothing that it loaded while a message came, and forgets all when it has to
//! connect anew.

mod redis;
mod zebu;

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval, sleep};

use super::relay::Relay;

/// Nodes, the writer's included.
const NODES: usize = 3;
/// Writes a second; reads of each node a second.
const WRITES: u32 = 200;
const READS: u32 = 1_000;
/// A phase without a fault; how often each fault comes, how long a wire is held, and what lies between two faults.
const QUIET: Duration = Duration::from_secs(5);
const FAULTS: usize = 3;
const HELD: Duration = Duration::from_secs(1);
const BETWEEN: Duration = Duration::from_secs(3);

/// What stands in place of the database: a value that only grows.
#[derive(Default)]
struct Ground {
    value: AtomicU64,
    answered: AtomicU64,
}

type Done<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// One way to keep caches right.
trait Way: Send + Sync {
    /// Writes a value, answered when it returns; how long it took until the writer knew or believed that all obey.
    fn write<'a>(&'a self, ground: &'a Ground, value: u64) -> Done<'a>;
    /// What a node answers.
    fn read(&self, ground: &Ground, node: usize) -> u64;
    /// For how long each write waited until all others obeyed, as far as they ever did.
    fn obeyed(&self) -> Vec<Duration>;
    /// The wires of the last node.
    fn wires(&self) -> &[Relay];
}

/// What was seen in a phase.
#[derive(Default)]
struct Seen {
    old: AtomicU64,
    /// Ends of how old the oldest was, µs.
    oldest_us: AtomicU64,
    reads: AtomicU64,
    longest_write_us: AtomicU64,
}

/// Prints the table.
pub(super) async fn table() {
    println!(
        "\n## Beside a bus that nobody waits for: {NODES} nodes, {WRITES} writes and {NODES}x{READS} reads a second\n"
    );
    println!(
        "| way | until all obey, p50 / p99, µs | phase | reads | old answers | oldest, ms | longest write, ms |"
    );
    println!("|---|---|---|---|---|---|---|");
    let (zebu, redis) = (zebu::start().await, redis::start().await);
    measure("holds (Zebu)", Arc::new(zebu)).await;
    measure("Redis pub/sub", Arc::new(redis)).await;
}

async fn measure(name: &str, way: Arc<dyn Way>) {
    let (ground, over) = (Arc::new(Ground::default()), Arc::new(AtomicBool::new(false)));
    let phases: Arc<[Seen; 3]> = Arc::default();
    let phase = Arc::new(AtomicU64::new(0));
    let begun = Instant::now();
    // When each value was answered, µs since the beginning.
    let times: Arc<Vec<AtomicU64>> = Arc::new((0..100_000).map(|_| AtomicU64::new(0)).collect());
    let at = |phases: &Arc<[Seen; 3]>, phase: &AtomicU64| {
        (Arc::clone(phases), usize::try_from(phase.load(Ordering::SeqCst)).unwrap())
    };
    let mut tasks = tokio::task::JoinSet::new();
    for node in 0..NODES {
        let (way, ground, over, times) = (way.clone(), ground.clone(), over.clone(), times.clone());
        let (phases, phase) = (phases.clone(), phase.clone());
        tasks.spawn(async move {
            let mut ticks = ticks(READS);
            while !over.load(Ordering::SeqCst) {
                ticks.tick().await;
                let answered = ground.answered.load(Ordering::SeqCst);
                let found = way.read(&ground, node);
                let (phases, now) = at(&phases, &phase);
                phases[now].reads.fetch_add(1, Ordering::SeqCst);
                if found < answered {
                    phases[now].old.fetch_add(1, Ordering::SeqCst);
                    let since = times[usize::try_from(found).unwrap() + 1].load(Ordering::SeqCst);
                    let age = u64::try_from(begun.elapsed().as_micros()).unwrap().saturating_sub(since);
                    phases[now].oldest_us.fetch_max(age, Ordering::SeqCst);
                }
            }
        });
    }
    let (writer, written, ended, when) = (way.clone(), ground.clone(), over.clone(), times.clone());
    let (seen, current) = (phases.clone(), phase.clone());
    tasks.spawn(async move {
        let mut ticks = ticks(WRITES);
        for value in 1.. {
            ticks.tick().await;
            if ended.load(Ordering::SeqCst) {
                break;
            }
            let (seen, now) = at(&seen, &current);
            let asked = Instant::now();
            writer.write(&written, value).await;
            let us = |time: Duration| u64::try_from(time.as_micros()).unwrap();
            when[usize::try_from(value).unwrap()].store(us(begun.elapsed()), Ordering::SeqCst);
            written.answered.store(value, Ordering::SeqCst);
            seen[now].longest_write_us.fetch_max(us(asked.elapsed()), Ordering::SeqCst);
        }
    });
    sleep(QUIET).await;
    for (number, hold) in [(1, true), (2, false)] {
        phase.store(number, Ordering::SeqCst);
        for _ in 0..FAULTS {
            for wire in way.wires() {
                if hold { wire.hold(true) } else { wire.cut() }
            }
            sleep(HELD).await;
            way.wires().iter().for_each(|wire| wire.hold(false));
            sleep(BETWEEN).await;
        }
    }
    over.store(true, Ordering::SeqCst);
    tasks.join_all().await;
    let mut obeyed = way.obeyed();
    obeyed.sort();
    let of = |share: f64| obeyed[((obeyed.len() - 1) as f64 * share) as usize].as_micros();
    let (half, most) = (of(0.5), of(0.99));
    for (what, seen) in ["no fault", "a node's wires held for 1 s", "cut"].iter().zip(phases.iter()) {
        let number = |of: &AtomicU64| of.load(Ordering::SeqCst);
        let ms = |of: &AtomicU64| number(of) as f64 / 1_000.0;
        println!(
            "| {name} | {half} / {most} | {what} | {} | {} | {:.1} | {:.1} |",
            number(&seen.reads),
            number(&seen.old),
            ms(&seen.oldest_us),
            ms(&seen.longest_write_us)
        );
    }
}

fn ticks(rate: u32) -> tokio::time::Interval {
    let mut ticks = interval(Duration::from_secs(1) / rate);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
