//! One run, from its plan to its result.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use zebu_cluster::node::Progress;

use crate::checkers::Violation;
use crate::history::{Event, Wait};
use crate::plan::Plan;
use crate::workload::{key_of, tries};
use crate::world::World;
use crate::world::chronicle::Counts;
use crate::world::faults::Fault;
use crate::world::process::Process;

/// What came of it.
pub(crate) struct Outcome {
    pub(crate) seed: u64,
    pub(crate) operations: u64,
    pub(crate) violation: Option<Violation>,
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) longest: BTreeMap<(Wait, Option<Fault>), u64>,
    pub(crate) counts: Counts,
    pub(crate) fingerprint: u64,
    pub(crate) trace: Vec<String>,
    /// How long it took, and how long it seemed to.
    pub(crate) took: Duration,
    pub(crate) simulated: Duration,
}

/// Runs a plan to its end.
pub(crate) fn run(plan: Plan) -> Outcome {
    let begun = Instant::now();
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    let mut outcome = runtime.block_on(whole(plan));
    outcome.took = begun.elapsed();
    outcome
}

async fn whole(plan: Plan) -> Outcome {
    let world = World::new(plan);
    let turning = tokio::spawn(Arc::clone(&world).turn());
    for slot in 0..world.plan.nodes {
        let ms = world.chance().below(20);
        world.after(ms, move |world| Process::start(world, slot));
    }
    world.connect_all();
    world.go_wrong();
    while world.operations() < world.plan.operations && world.chronicle().violation.is_none() {
        world.pass(100).await;
    }
    world.be_quiet();
    settle(&world).await;
    let rows = world.database.lock().unwrap().shown().to_vec();
    world.tell(Event::Final { rows });
    turning.abort();
    let outcome = {
        let mut chronicle = world.chronicle();
        Outcome {
            seed: world.plan.seed,
            operations: world.operations(),
            violation: chronicle.violation.clone(),
            faults: std::mem::take(&mut chronicle.faults),
            longest: std::mem::take(&mut chronicle.longest),
            counts: chronicle.counts,
            fingerprint: chronicle.fingerprint(),
            trace: chronicle.trace.take().unwrap_or_default(),
            took: Duration::ZERO,
            simulated: Duration::from_millis(world.now_ms()),
        }
    };
    world.end();
    outcome
}

/// Waits until what went wrong is over, and then until all write and all answer from memory.
async fn settle(world: &Arc<World>) {
    if world.chronicle().violation.is_some() {
        return;
    }
    // Everything that was begun is over by then: faults, transactions that stand still, commits that are late.
    world.pass(3 * world.plan.timing.member_ttl_ms + world.plan.idle_max_ms).await;
    let begun = world.begin(0);
    let longest_ms = world.plan.bounds().settle_ms;
    let mut waits_ms = 0;
    while !(0..world.plan.nodes).all(|slot| is_well(world, slot)) && waits_ms <= longest_ms {
        world.pass(5).await;
        waits_ms += 5;
    }
    world.waited(Wait::Settle, &begun);
    for slot in 0..world.plan.nodes {
        let Some(process) = world.process(slot) else { continue };
        let chance = world.chance().fork();
        if !tries(Arc::clone(world), process, chance).await {
            let ms = 2 * longest_ms;
            world.tell(Event::Waited { wait: Wait::Settle, ms, excused_ms: 0 });
        }
    }
}

/// Whether a node writes, and answers every scope from memory.
fn is_well(world: &Arc<World>, slot: usize) -> bool {
    world.process(slot).is_some_and(|process| {
        let validity = &process.coherence.get().unwrap().validity;
        let joined = process.progress() == Progress::Joined;
        let mut scopes = 0..world.plan.scopes as u64;
        joined && (!world.plan.caches(slot) || scopes.all(|scope| validity.token(key_of(scope)).is_some()))
    })
}

impl Outcome {
    /// One line.
    pub(crate) fn line(&self) -> String {
        let rate = self.operations as f64 / self.took.as_secs_f64();
        format!(
            "seed {:>6}: {} operations in {:.2} s ({rate:.0} a second, {:.0} s simulated): {}",
            self.seed,
            self.operations,
            self.took.as_secs_f64(),
            self.simulated.as_secs_f64(),
            self.counts,
        )
    }
}

/// Many runs together.
#[derive(Default)]
pub(crate) struct Sum {
    pub(crate) runs: u64,
    pub(crate) operations: u64,
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) longest: BTreeMap<(Wait, Option<Fault>), u64>,
    pub(crate) violations: Vec<(u64, Violation)>,
    pub(crate) counts: Counts,
    took: Duration,
    simulated: Duration,
}

impl Sum {
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.runs += 1;
        self.operations += outcome.operations;
        self.counts += outcome.counts;
        self.took += outcome.took;
        self.simulated += outcome.simulated;
        for (fault, count) in &outcome.faults {
            *self.faults.entry(*fault).or_default() += count;
        }
        for (wait, ms) in &outcome.longest {
            let longest = self.longest.entry(*wait).or_default();
            *longest = (*longest).max(*ms);
        }
        self.violations.extend(outcome.violation.clone().map(|violation| (outcome.seed, violation)));
    }

    pub(crate) fn words(&self) -> String {
        let mut words = String::new();
        let _ = writeln!(
            words,
            "{} runs, {} operations, {} violations",
            self.runs,
            self.operations,
            self.violations.len()
        );
        let rate = self.operations as f64 / self.took.as_secs_f64().max(f64::EPSILON);
        let _ = writeln!(
            words,
            "{:.1} s ({rate:.0} operations a second and processor), {:.0} s simulated",
            self.took.as_secs_f64(),
            self.simulated.as_secs_f64()
        );
        let _ = writeln!(words, "{}", self.counts);
        let _ = writeln!(words, "longest waits in ms, by what went wrong meanwhile:");
        let _ = writeln!(
            words,
            "{:<16} {:>8} {:>8} {:>9} {:>8} {:>8}",
            "", "times", "read", "maycommit", "write", "join"
        );
        for fault in std::iter::once(None).chain(Fault::ALL.into_iter().map(Some)) {
            let name = fault.map_or("nothing".to_owned(), |fault| format!("{fault:?}"));
            let times = fault.map_or(self.runs, |fault| self.faults.get(&fault).copied().unwrap_or(0));
            let longest = |wait| self.longest.get(&(wait, fault)).copied().unwrap_or(0);
            let [read, may, write, join] =
                [Wait::Read, Wait::MayCommit, Wait::Write, Wait::Join].map(longest);
            let _ = writeln!(words, "{name:<16} {times:>8} {read:>8} {may:>9} {write:>8} {join:>8}");
        }
        for (seed, violation) in &self.violations {
            let _ = writeln!(words, "seed {seed}: {violation}");
        }
        words
    }
}
