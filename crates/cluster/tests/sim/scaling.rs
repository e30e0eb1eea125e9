//! What a deployment costs by its size: what its nodes say to each other, and what they remember. Nothing goes wrong here.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::{JoinHandle, JoinSet};
use zebu_cluster::cache::Recall;
use zebu_cluster::core::Timing;
use zebu_cluster::node::Progress;

use crate::history::Scope;
use crate::plan::Plan;
use crate::workload::{key_of, writes};
use crate::world::World;
use crate::world::behind::Behind;
use crate::world::network::Sent;
use crate::world::process::{Alike, Process};

/// For so long nobody writes, ms of the simulation.
const IDLE_MS: u64 = 30_000;
/// Reads under way at one time.
const AT_ONCE: usize = 50;

/// A deployment.
#[derive(Clone, Copy, Debug)]
struct Size {
    nodes: usize,
    /// Of these, from the first on, so many remember all scopes.
    readers: usize,
    scopes: usize,
    /// Scopes that are written, one after the other, on each node in turn.
    writes: usize,
}

/// What it costs.
#[derive(Debug)]
struct Cost {
    /// While nobody writes, of all nodes together.
    idle: BTreeMap<u8, Sent>,
    registry_calls: u64,
    /// Of all the writes.
    writing: BTreeMap<u8, Sent>,
    /// Remembered answers that became worthless, on the first node, though nobody wrote what they depend on.
    spoiled: usize,
    /// What the memories of the readers have grown by.
    remembered_bytes: u64,
}

fn cost(Size { nodes, readers, scopes, writes }: Size) -> Cost {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let plan = Plan {
        nodes,
        scopes,
        one_only_writes: false,
        clients: 0,
        timing: Timing::default(),
        memory_bytes: 1 << 40,
        faults: Vec::new(),
        ..Plan::of(1, 0)
    };
    let (world, turning, processes) = runtime.block_on(start(plan));
    let (idle, registry_calls) = runtime.block_on(idle(&world));
    // All of it happens in this thread.
    let remembered = allocation_counter::measure(|| {
        runtime.block_on(async {
            for process in processes.iter().take(readers) {
                remember(&world, process, scopes).await;
            }
            // What the simulation plans to do about each read is done.
            world.pass(2 * world.plan.idle_max_ms).await;
        });
    });
    let (writing, spoiled) = runtime.block_on(write(&world, &processes, scopes, writes));
    turning.abort();
    world.end();
    Cost {
        idle,
        registry_calls,
        writing,
        spoiled: if readers == 0 { 0 } else { spoiled },
        remembered_bytes: u64::try_from(remembered.bytes_current).unwrap_or(0),
    }
}

/// Starts all nodes, and waits until they answer from memory.
async fn start(plan: Plan) -> (Arc<World>, JoinHandle<()>, Vec<Arc<Process>>) {
    let nodes = plan.nodes;
    let world = World::new(plan);
    let turning = tokio::spawn(Arc::clone(&world).turn());
    (0..nodes).for_each(|slot| Process::start(&world, slot));
    world.connect_all();
    let processes: Vec<Arc<Process>> = (0..nodes).map(|slot| world.process(slot).unwrap()).collect();
    while !processes.iter().all(answers_from_memory) {
        world.pass(10).await;
    }
    world.pass(IDLE_MS).await;
    (world, turning, processes)
}

/// What is said, and how often the registry is called, while nobody does anything.
async fn idle(world: &Arc<World>) -> (BTreeMap<u8, Sent>, u64) {
    let (_, before) = sent(world);
    world.pass(IDLE_MS).await;
    let (idle, calls) = sent(world);
    (idle, calls - before)
}

/// What is said while so many scopes are written; and how many others of the first node's answers are worthless then.
async fn write(
    world: &Arc<World>,
    processes: &[Arc<Process>],
    scopes: usize,
    written: usize,
) -> (BTreeMap<u8, Sent>, usize) {
    let validity = &processes[0].coherence.get().unwrap().validity;
    let keys = || (0..scopes as u64).map(key_of);
    let tokens: Vec<_> = keys().map(|key| validity.token(key)).collect();
    sent(world);
    for number in 0..written {
        let process = &processes[number % processes.len()];
        assert!(writes(world, process, number as Scope).await, "nothing goes wrong here");
    }
    let (mut writing, _) = sent(world);
    // Leases go on meanwhile.
    writing.retain(|letter, _| b"harR".contains(letter));
    let stands = |(key, token): &(_, &Option<_>)| token.is_some_and(|token| validity.stands(*key, token));
    (writing, scopes - written - keys().zip(&tokens).filter(stands).count())
}

fn answers_from_memory(process: &Arc<Process>) -> bool {
    let may = process.coherence.get().unwrap().validity.token(key_of(0)).is_some();
    process.progress() == Progress::Joined && may
}

/// What was sent, and how often the registry was called since the beginning. Counting begins anew.
fn sent(world: &Arc<World>) -> (BTreeMap<u8, Sent>, u64) {
    let calls = world.members.lock().unwrap().calls;
    (std::mem::take(&mut world.network.lock().unwrap().sent), calls)
}

/// Lets a node read each scope, and remember it.
async fn remember(world: &Arc<World>, process: &Arc<Process>, scopes: usize) {
    let mut under_way = JoinSet::new();
    for scope in 0..scopes as u64 {
        if under_way.len() == AT_ONCE {
            under_way.join_next().await.unwrap().unwrap();
        }
        let (world, process) = (Arc::clone(world), Arc::clone(process));
        under_way.spawn(async move {
            let behind = Behind::new(&world, &process);
            let mut recall: Recall<Behind, Alike> =
                Recall::new(Arc::clone(&process.memory), behind, &[scope]);
            recall.query(scope).await.unwrap();
        });
    }
    while let Some(read) = under_way.join_next().await {
        read.unwrap();
    }
    assert_eq!(process.memory.taken().entries, scopes as u64, "all of it is remembered");
}

#[test]
fn a_write_costs_three_messages_for_each_other_node_and_nobody_else_anything() {
    for (nodes, scopes) in [(2, 20), (2, 2_000), (9, 20)] {
        let size = Size { nodes, readers: nodes, scopes, writes: 18 };
        let cost = cost(size);
        let others = nodes as u64 - 1;
        let each: Vec<(u8, u64)> =
            cost.writing.iter().map(|(letter, sent)| (*letter, sent.messages)).collect();
        assert_eq!(each, [(b'a', 18 * others), (b'h', 18 * others), (b'r', 18 * others)], "{size:?}");
    }
}

#[test]
fn who_does_nothing_says_two_words_to_each_other_node_twice_a_second() {
    for nodes in [2, 7] {
        let cost = cost(Size { nodes, readers: 0, scopes: 2, writes: 0 });
        let pairs = (nodes * (nodes - 1)) as u64;
        let letters: Vec<u8> = cost.idle.keys().copied().collect();
        assert_eq!(letters, b"AG", "asking for leases and granting them");
        let times = IDLE_MS / Timing::default().ask_every_ms;
        for sent in cost.idle.values() {
            assert!(sent.messages.abs_diff(pairs * times) <= pairs, "{nodes} nodes: {cost:?}");
        }
        let renewals = nodes as u64 * IDLE_MS / Timing::default().renew_every_ms;
        assert!(cost.registry_calls.abs_diff(renewals) <= nodes as u64, "{nodes} nodes: {cost:?}");
    }
}

/// Only if `cargo xtask bench scaling` asks for it: one size, as one line that it reads.
#[test]
fn the_size_that_is_asked_for_costs_this() {
    let Ok(asked) = std::env::var("ZEBU_SIM_SIZE") else { return };
    let numbers: Vec<usize> = asked.split(',').map(|number| number.parse().unwrap()).collect();
    let [nodes, readers, scopes, writes] = numbers[..] else {
        panic!("ZEBU_SIM_SIZE=NODES,READERS,SCOPES,WRITES")
    };
    let cost = cost(Size { nodes, readers, scopes, writes });
    let sum = |sent: &BTreeMap<u8, Sent>| {
        let all = sent.values();
        all.fold((0, 0), |(messages, bytes), sent| (messages + sent.messages, bytes + sent.bytes))
    };
    let ((idle, idle_bytes), (writing, writing_bytes)) = (sum(&cost.idle), sum(&cost.writing));
    println!(
        "size nodes={nodes} readers={readers} scopes={scopes} writes={writes} idle_ms={IDLE_MS} idle_messages={idle} idle_bytes={idle_bytes} \
         registry_calls={} write_messages={writing} write_bytes={writing_bytes} spoiled={} remembered_bytes={}",
        cost.registry_calls, cost.spoiled, cost.remembered_bytes
    );
}
