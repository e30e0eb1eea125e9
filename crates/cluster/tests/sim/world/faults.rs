//! What goes wrong, when, and for how long.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use zebu_cluster::core::Timing;
use zebu_cluster::node::Progress;

use super::World;
use super::database::Ambush;
use super::process::Process;
use crate::history::Wait;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Fault {
    /// Nothing comes from one node to another.
    CutOneWay,
    /// Nothing comes between two.
    CutBothWays,
    /// Nothing comes to one node or from it.
    CutOff,
    /// A connection breaks, with what was on its way.
    Broken,
    /// Messages take long.
    SlowNetwork,
    /// A process stands still; its clock does not.
    Paused,
    /// A process dies, and another starts later.
    Killed,
    /// A process dies when it has sent its next commit, which is carried out at some time.
    KilledCommitting,
    /// A process stops as it should, and another starts later.
    Stopped,
    /// The master takes long.
    SlowDatabase,
    /// A node cannot reach the master.
    DatabaseAway,
    /// Answers of the master are lost, and commits come late.
    LostAnswers,
    /// The replica stands still.
    ReplicaStopped,
    /// The registry takes long.
    SlowRegistry,
    /// A node cannot reach the registry.
    RegistryAway,
}

impl Fault {
    pub(crate) const ALL: [Fault; 15] = [
        Fault::CutOneWay,
        Fault::CutBothWays,
        Fault::CutOff,
        Fault::Broken,
        Fault::SlowNetwork,
        Fault::Paused,
        Fault::Killed,
        Fault::KilledCommitting,
        Fault::Stopped,
        Fault::SlowDatabase,
        Fault::DatabaseAway,
        Fault::LostAnswers,
        Fault::ReplicaStopped,
        Fault::SlowRegistry,
        Fault::RegistryAway,
    ];

    /// Whether reads and writes may wait for its end.
    fn holds_up_the_database(self) -> bool {
        matches!(self, Fault::SlowDatabase | Fault::DatabaseAway | Fault::LostAnswers)
    }

    /// How much longer what was begun meanwhile may take.
    fn tail_ms(self, timing: Timing) -> u64 {
        match self {
            Fault::SlowDatabase => timing.lease_ms,
            Fault::SlowRegistry => 3 * timing.member_ttl_ms,
            _ => 0,
        }
    }

    /// Whether joins may: they need the registry, and wait no longer than a membership for whoever they cannot reach.
    fn holds_up_joins(self) -> bool {
        matches!(self, Fault::SlowRegistry | Fault::RegistryAway)
    }
}

/// Which faults there are, and how long each node has had an excuse for being late.
pub(crate) struct Troubles {
    active: BTreeMap<Fault, u64>,
    paused: Vec<Spell>,
    database: Spell,
    joins: Spell,
}

/// For how long something has been so, now and before.
#[derive(Clone, Copy, Default)]
struct Spell {
    depth: u64,
    since_ms: u64,
    before_ms: u64,
}

impl Spell {
    fn begin(&mut self, now_ms: u64) {
        self.depth += 1;
        if self.depth == 1 {
            self.since_ms = now_ms;
        }
    }

    fn end(&mut self, now_ms: u64) {
        self.depth -= 1;
        if self.depth == 0 {
            self.before_ms += now_ms - self.since_ms;
        }
    }

    fn until(&self, now_ms: u64) -> u64 {
        self.before_ms + if self.depth > 0 { now_ms - self.since_ms } else { 0 }
    }
}

impl Troubles {
    pub(super) fn new(nodes: usize) -> Troubles {
        Troubles {
            active: BTreeMap::new(),
            paused: vec![Spell::default(); nodes],
            database: Spell::default(),
            joins: Spell::default(),
        }
    }

    pub(super) fn active(&self) -> BTreeSet<Fault> {
        self.active.keys().copied().collect()
    }

    /// For how long until now a wait on this node had an excuse.
    pub(super) fn excused_ms(&self, slot: usize, wait: Wait, now_ms: u64) -> u64 {
        let paused_ms = self.paused[slot].until(now_ms);
        match wait {
            Wait::MayCommit => paused_ms,
            Wait::Read | Wait::Write => paused_ms + self.database.until(now_ms),
            Wait::Join => paused_ms + self.joins.until(now_ms),
            Wait::Settle => 0,
        }
    }

    fn begin(&mut self, fault: Fault, now_ms: u64) {
        *self.active.entry(fault).or_default() += 1;
        if fault.holds_up_the_database() {
            self.database.begin(now_ms);
        }
        if fault.holds_up_joins() {
            self.joins.begin(now_ms);
        }
    }

    fn end(&mut self, fault: Fault, now_ms: u64) {
        let count = self.active.entry(fault).or_default();
        *count -= 1;
        if *count == 0 {
            self.active.remove(&fault);
        }
        if fault.holds_up_the_database() {
            self.database.end(now_ms);
        }
        if fault.holds_up_joins() {
            self.joins.end(now_ms);
        }
    }
}

type Mend = Box<dyn FnOnce(&Arc<World>) + Send>;

impl World {
    /// Lets something go wrong from time to time, until the world is quiet.
    pub(crate) fn go_wrong(self: &Arc<World>) {
        if self.is_quiet() {
            return;
        }
        let ms = self.chance().between(1, self.plan.calm_ms);
        self.after(ms, |world| {
            if !world.is_quiet() && !world.plan.faults.is_empty() {
                let fault = world.chance().one_of(&world.plan.faults);
                world.cause(fault);
            }
            world.go_wrong();
        });
    }

    fn cause(self: &Arc<World>, fault: Fault) {
        let nodes = self.plan.nodes as u64;
        let (one, two) = {
            let mut chance = self.chance();
            let one = chance.below(nodes);
            let two = (one + 1 + chance.below(nodes - 1)) % nodes;
            (usize::try_from(one).unwrap(), usize::try_from(two).unwrap())
        };
        let Some(mend) = self.begin_fault(fault, one, two) else { return };
        let now = self.now_ms();
        *self.chronicle().faults.entry(fault).or_default() += 1;
        self.troubles.lock().unwrap().begin(fault, now);
        self.note(one as u64, || format!("{fault:?} {one} {two}"));
        let timing = self.plan.timing;
        let ms = {
            let mut chance = self.chance();
            let most = if chance.chance(300) { timing.member_ttl_ms * 2 } else { timing.lease_ms };
            chance.between(1, most)
        };
        let tail_ms = fault.tail_ms(timing);
        self.after(ms, move |world| {
            mend(world);
            world.note(one as u64, || format!("{fault:?} {one} {two} is over"));
            world.after(tail_ms, move |world| {
                let now = world.now_ms();
                world.troubles.lock().unwrap().end(fault, now);
            });
        });
    }

    /// Begins it, and answers what ends it; none if it cannot be now.
    fn begin_fault(self: &Arc<World>, fault: Fault, one: usize, two: usize) -> Option<Mend> {
        Some(match fault {
            Fault::CutOneWay => self.cut_between(vec![(one, two)]),
            Fault::CutBothWays => self.cut_between(vec![(one, two), (two, one)]),
            Fault::CutOff => {
                let others = (0..self.plan.nodes).filter(|other| *other != one);
                self.cut_between(others.flat_map(|other| [(one, other), (other, one)]).collect())
            }
            Fault::Broken => {
                self.break_one();
                Box::new(|_| {})
            }
            Fault::SlowNetwork => {
                let ms = self.chance().between(5, self.plan.timing.lease_ms);
                self.network.lock().unwrap().slow_ms = ms;
                Box::new(|world| world.network.lock().unwrap().slow_ms = 0)
            }
            Fault::Paused => return self.pause(one),
            Fault::Killed => return self.kill(one),
            Fault::KilledCommitting => return self.lie_in_wait(one),
            Fault::Stopped => return self.stop(one),
            Fault::SlowDatabase => {
                let ms = self.chance().between(5, self.plan.timing.lease_ms);
                self.database.lock().unwrap().slow_ms = ms;
                Box::new(|world| world.database.lock().unwrap().slow_ms = 0)
            }
            Fault::DatabaseAway => {
                if std::mem::replace(&mut self.database.lock().unwrap().cut[one], true) {
                    return None;
                }
                Box::new(move |world| world.database.lock().unwrap().cut[one] = false)
            }
            Fault::LostAnswers => {
                self.database.lock().unwrap().loses_answers = true;
                Box::new(|world| world.database.lock().unwrap().loses_answers = false)
            }
            Fault::ReplicaStopped => {
                self.database.lock().unwrap().replica_stopped = true;
                Box::new(|world| world.database.lock().unwrap().start_replica())
            }
            Fault::SlowRegistry => {
                let ms = self.chance().between(5, self.plan.timing.member_ttl_ms * 3 / 2);
                self.members.lock().unwrap().slow_ms = ms;
                Box::new(|world| world.members.lock().unwrap().slow_ms = 0)
            }
            Fault::RegistryAway => {
                if !self.members.lock().unwrap().away.insert(one) {
                    return None;
                }
                Box::new(move |world| {
                    world.members.lock().unwrap().away.remove(&one);
                })
            }
        })
    }

    fn cut_between(self: &Arc<World>, ways: Vec<(usize, usize)>) -> Mend {
        ways.iter().for_each(|(from, to)| self.cut(*from, *to));
        Box::new(move |world| ways.iter().for_each(|(from, to)| world.let_through(*from, *to)))
    }

    fn pause(self: &Arc<World>, slot: usize) -> Option<Mend> {
        let process = self.process(slot).filter(|process| !process.is_paused() && !process.is_dead())?;
        process.pause();
        self.troubles.lock().unwrap().paused[slot].begin(self.now_ms());
        Some(Box::new(move |world| {
            world.troubles.lock().unwrap().paused[slot].end(world.now_ms());
            process.go_on(world);
        }))
    }

    fn kill(self: &Arc<World>, slot: usize) -> Option<Mend> {
        let process = self.process(slot).filter(|process| !process.is_dead())?;
        process.kill(self);
        Some(Box::new(move |world| Process::start(world, slot)))
    }

    /// Kills a process once it has sent a commit.
    fn lie_in_wait(self: &Arc<World>, slot: usize) -> Option<Mend> {
        self.process(slot).filter(|process| !process.is_dead())?;
        let before = std::mem::replace(&mut self.database.lock().unwrap().ambush[slot], Ambush::Set);
        if before != Ambush::None {
            self.database.lock().unwrap().ambush[slot] = before;
            return None;
        }
        Some(Box::new(move |world| {
            let sprung = {
                let mut database = world.database.lock().unwrap();
                std::mem::replace(&mut database.ambush[slot], Ambush::None) == Ambush::Sprung
            };
            if sprung {
                let process = world.process(slot).filter(|process| !process.is_dead());
                process.iter().for_each(|process| process.kill(world));
                Process::start(world, slot);
            }
        }))
    }

    /// Stops a process: it is killed when it has left, or after a while.
    fn stop(self: &Arc<World>, slot: usize) -> Option<Mend> {
        let process = self.process(slot).filter(|process| !process.is_dead() && !process.is_paused())?;
        process.leave();
        Some(Box::new(move |world| {
            let is_same = world.process(slot).is_some_and(|now| now.life == process.life);
            if is_same && !process.is_dead() {
                let left = process.progress() == Progress::Left;
                world.note(process.life, || format!("machine {slot} has left: {left}"));
                process.kill(world);
                Process::start(world, slot);
            }
        }))
    }
}
