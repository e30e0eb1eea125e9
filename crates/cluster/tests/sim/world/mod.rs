//! The world that nodes live in: its time, its chance, its connections, its databases, and what goes wrong in it.

pub(crate) mod behind;
pub(crate) mod chronicle;
pub(crate) mod database;
pub(crate) mod faults;
pub(crate) mod gate;
pub(crate) mod network;
pub(crate) mod process;
pub(crate) mod registry;
pub(crate) mod schedule;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use crate::checkers;
use crate::history::{Event, Wait};
use crate::plan::{Plan, Plant};
use crate::rng::Rng;
use chronicle::Chronicle;
use database::Database;
use faults::{Fault, Troubles};
use network::Network;
use process::Process;
use registry::Members;
use schedule::Schedule;

pub(crate) struct World {
    pub(crate) plan: Plan,
    zero: Instant,
    rng: Mutex<Rng>,
    schedule: Schedule,
    chronicle: Mutex<Chronicle>,
    pub(crate) network: Mutex<Network>,
    pub(crate) database: Mutex<Database>,
    pub(crate) members: Mutex<Members>,
    pub(crate) troubles: Mutex<Troubles>,
    /// The process on each machine, if one runs.
    processes: Mutex<Vec<Option<Arc<Process>>>>,
    next: AtomicU64,
    operations: AtomicU64,
    quiet: AtomicBool,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Arc<World> {
        let checkers = checkers::all(plan.scopes, plan.bounds());
        Arc::new(World {
            zero: Instant::now(),
            rng: Mutex::new(Rng::new(plan.seed)),
            schedule: Schedule::default(),
            chronicle: Mutex::new(Chronicle::new(checkers, plan.traced)),
            network: Mutex::new(Network::new(plan.nodes)),
            database: Mutex::new(Database::new(plan.nodes, plan.scopes)),
            members: Mutex::default(),
            troubles: Mutex::new(Troubles::new(plan.nodes)),
            processes: Mutex::new(vec![None; plan.nodes]),
            next: AtomicU64::new(1),
            operations: AtomicU64::new(0),
            quiet: AtomicBool::new(false),
            plan,
        })
    }

    /// Milliseconds since the beginning.
    pub(crate) fn now_ms(&self) -> u64 {
        u64::try_from(Instant::now().duration_since(self.zero).as_millis()).unwrap()
    }

    pub(crate) async fn pass(&self, ms: u64) {
        if ms > 0 {
            sleep_until(Instant::now() + Duration::from_millis(ms)).await;
        }
    }

    pub(crate) fn chance(&self) -> MutexGuard<'_, Rng> {
        self.rng.lock().unwrap()
    }

    /// Does something later.
    pub(crate) fn after(&self, ms: u64, what: impl FnOnce(&Arc<World>) + Send + 'static) {
        self.schedule.add(self.now_ms() + ms, Box::new(what));
    }

    /// Turns the world until it is dropped.
    pub(crate) async fn turn(self: Arc<World>) {
        loop {
            match self.schedule.next(self.now_ms()) {
                Ok(what) => {
                    what(&self);
                    tokio::task::yield_now().await;
                }
                Err(at) => {
                    let at = at.map(|ms| self.zero + Duration::from_millis(ms));
                    self.schedule.wait(at).await;
                }
            }
        }
    }

    pub(crate) fn chronicle(&self) -> MutexGuard<'_, Chronicle> {
        self.chronicle.lock().unwrap()
    }

    /// Something that the checkers are to see.
    pub(crate) fn tell(&self, event: Event) {
        self.chronicle().tell(self.now_ms(), event);
    }

    /// Something that only a trace has.
    pub(crate) fn note(&self, number: u64, words: impl FnOnce() -> String) {
        self.chronicle().note(self.now_ms(), number, words);
    }

    pub(crate) fn has(&self, plant: Plant) -> bool {
        self.plan.plant == Some(plant)
    }

    pub(crate) fn process(&self, slot: usize) -> Option<Arc<Process>> {
        self.processes.lock().unwrap()[slot].clone()
    }

    pub(crate) fn put(&self, slot: usize, process: Option<Arc<Process>>) {
        self.processes.lock().unwrap()[slot] = process;
    }

    /// A number that was never given before.
    pub(crate) fn number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Leave for one more operation; none once there were enough, or a promise was broken.
    pub(crate) fn operation(&self) -> Option<u64> {
        let enough = self.operations.load(Ordering::Relaxed) >= self.plan.operations;
        if enough || self.chronicle().violation.is_some() {
            return None;
        }
        self.operations.fetch_add(1, Ordering::Relaxed);
        Some(self.number())
    }

    pub(crate) fn operations(&self) -> u64 {
        self.operations.load(Ordering::Relaxed)
    }

    /// From now on nothing goes wrong any more.
    pub(crate) fn be_quiet(&self) {
        self.quiet.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.quiet.load(Ordering::Relaxed)
    }

    /// A wait is over that began then.
    pub(crate) fn waited(&self, wait: Wait, begun: &Begun) {
        let now = self.now_ms();
        let (excused_ms, faults) = {
            let troubles = self.troubles.lock().unwrap();
            (troubles.excused_ms(begun.slot, wait, now) - begun.excused_ms(wait), troubles.active())
        };
        let ms = now - begun.at_ms;
        let mut chronicle = self.chronicle();
        for fault in begun.faults.union(&faults) {
            let longest = chronicle.longest.entry((wait, Some(*fault))).or_default();
            *longest = (*longest).max(ms);
        }
        if begun.faults.is_empty() && faults.is_empty() {
            let longest = chronicle.longest.entry((wait, None)).or_default();
            *longest = (*longest).max(ms);
        }
        chronicle.tell(now, Event::Waited { wait, ms, excused_ms });
    }

    pub(crate) fn begin(&self, slot: usize) -> Begun {
        let at_ms = self.now_ms();
        let troubles = self.troubles.lock().unwrap();
        let excused = |wait| troubles.excused_ms(slot, wait, at_ms);
        let excused_ms = [Wait::MayCommit, Wait::Read, Wait::Join].map(excused);
        Begun { slot, at_ms, excused_ms, faults: troubles.active() }
    }

    /// Forgets everybody: what they refer to refers to the world.
    pub(crate) fn end(&self) {
        self.processes.lock().unwrap().iter_mut().for_each(|process| *process = None);
        self.schedule.clear();
    }
}

/// When a wait began, and what was to blame until then.
pub(crate) struct Begun {
    slot: usize,
    at_ms: u64,
    excused_ms: [u64; 3],
    faults: std::collections::BTreeSet<Fault>,
}

impl Begun {
    fn excused_ms(&self, wait: Wait) -> u64 {
        match (wait, self.excused_ms) {
            (Wait::MayCommit, [ms, ..]) | (Wait::Read | Wait::Write, [_, ms, _]) | (Wait::Join, [.., ms]) => {
                ms
            }
            (Wait::Settle, _) => 0,
        }
    }
}
