//! The master: rows with locks, snapshots, and transactions that may outlive whoever began them; and its replica.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot;

use super::World;
use crate::history::{Event, OpId, Row, Scope};
use crate::plan::Plant;

/// How long a row is waited for, ms.
const LOCK_MAX_MS: u64 = 250;
/// How long an answer to a commit is waited for, ms.
const COMMIT_MAX_MS: u64 = 400;
/// How long a connection is tried, ms.
pub(crate) const CONNECT_MAX_MS: u64 = 100;
/// No single thing that the database does takes longer, unless it is slow or out of reach, ms.
pub(crate) const CALL_MAX_MS: u64 = LOCK_MAX_MS + CONNECT_MAX_MS;

/// All that the master shows at one moment.
pub(crate) type Snapshot = Arc<Vec<Row>>;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Exclusive,
    Shared,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum DbError {
    Unavailable,
    Busy,
    /// The transaction is no more, or nothing of it was carried out.
    Gone,
    /// Nobody knows what became of a commit.
    InDoubt,
    /// What was answered from memory, or on a replica, has changed.
    Overtaken,
}

impl fmt::Display for DbError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?}")
    }
}

#[derive(Default)]
struct Lock {
    exclusive: Option<u64>,
    shared: BTreeSet<u64>,
    waiting: VecDeque<(u64, Mode, oneshot::Sender<()>)>,
}

struct Tx {
    committing: bool,
    used_ms: u64,
    /// The rows that it has locked, or asked for.
    rows: BTreeSet<Scope>,
}

/// What a transaction changes.
#[derive(Clone, Debug)]
pub(crate) struct Change {
    pub(crate) op: OpId,
    pub(crate) rows: Vec<(Scope, Row)>,
    pub(crate) relied: Vec<(Scope, i64)>,
}

/// Whether a process is killed when it has sent its next commit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ambush {
    None,
    Set,
    /// It was.
    Sprung,
}

pub(crate) struct Database {
    shown: Snapshot,
    replica: Snapshot,
    /// Carried out on the master and not on the replica.
    backlog: VecDeque<Vec<(Scope, Row)>>,
    /// Where the master is in its log, in transactions; and where the replica is.
    pub(crate) written: u64,
    pub(crate) applied: u64,
    replica_due_ms: u64,
    /// What the replica would have carried out, had it not been stopped.
    owed: u64,
    locks: Vec<Lock>,
    txs: BTreeMap<u64, Tx>,
    pub(crate) replica_stopped: bool,
    /// How long anything may take in addition, ms.
    pub(crate) slow_ms: u64,
    /// Who cannot reach it.
    pub(crate) cut: Vec<bool>,
    /// Whether answers get lost.
    pub(crate) loses_answers: bool,
    pub(crate) ambush: Vec<Ambush>,
}

impl Database {
    pub(super) fn new(nodes: usize, scopes: usize) -> Database {
        Database {
            shown: Arc::new(vec![Row::default(); scopes]),
            replica: Arc::new(vec![Row::default(); scopes]),
            backlog: VecDeque::new(),
            written: 0,
            applied: 0,
            replica_due_ms: 0,
            owed: 0,
            locks: (0..scopes).map(|_| Lock::default()).collect(),
            txs: BTreeMap::new(),
            replica_stopped: false,
            slow_ms: 0,
            cut: vec![false; nodes],
            loses_answers: false,
            ambush: vec![Ambush::None; nodes],
        }
    }

    pub(crate) fn shown(&self) -> Snapshot {
        Arc::clone(&self.shown)
    }

    fn row(&self, scope: Scope) -> Row {
        self.shown[at(scope)]
    }

    fn ask_for(&mut self, tx: u64, scope: Scope, mode: Mode) -> oneshot::Receiver<()> {
        let (granted, waits) = oneshot::channel();
        self.locks[at(scope)].waiting.push_back((tx, mode, granted));
        self.txs.entry(tx).and_modify(|tx| {
            tx.rows.insert(scope);
        });
        self.grant(scope);
        waits
    }

    fn grant(&mut self, scope: Scope) {
        let lock = &mut self.locks[at(scope)];
        while let Some((tx, mode, _)) = lock.waiting.front() {
            let free = lock.exclusive.is_none() && (*mode == Mode::Shared || lock.shared.is_empty());
            let is_there = self.txs.contains_key(tx);
            if is_there && !free {
                return;
            }
            let Some((tx, mode, granted)) = lock.waiting.pop_front() else { return };
            if !is_there {
                continue;
            }
            // Whoever gave up waiting ends its transaction, and that frees the row.
            let _ = granted.send(());
            match mode {
                Mode::Exclusive => lock.exclusive = Some(tx),
                Mode::Shared => drop(lock.shared.insert(tx)),
            }
        }
    }

    fn end(&mut self, tx: u64) {
        let Some(Tx { rows, .. }) = self.txs.remove(&tx) else { return };
        for scope in rows {
            let lock = &mut self.locks[at(scope)];
            if lock.exclusive == Some(tx) {
                lock.exclusive = None;
            }
            lock.shared.remove(&tx);
            self.grant(scope);
        }
    }

    fn roll_back(&mut self, tx: u64) {
        if self.txs.get(&tx).is_some_and(|tx| !tx.committing) {
            self.end(tx);
        }
    }

    fn show(&mut self, rows: &[(Scope, Row)]) {
        let shown = Arc::make_mut(&mut self.shown);
        rows.iter().for_each(|(scope, row)| shown[at(*scope)] = *row);
    }

    fn replicate_one(&mut self) {
        if self.replica_stopped {
            self.owed += 1;
        } else if let Some(rows) = self.backlog.pop_front() {
            self.applied += 1;
            let replica = Arc::make_mut(&mut self.replica);
            rows.iter().for_each(|(scope, row)| replica[at(*scope)] = *row);
        }
    }

    /// The replica goes on where it stopped.
    pub(crate) fn start_replica(&mut self) {
        self.replica_stopped = false;
        for _ in 0..std::mem::take(&mut self.owed) {
            self.replicate_one();
        }
    }
}

fn at(scope: Scope) -> usize {
    usize::try_from(scope).unwrap()
}

/// The way to the database, or back.
pub(crate) async fn way(world: &Arc<World>, slot: usize) -> Result<(), DbError> {
    let (cut, slow_ms) = {
        let database = world.database.lock().unwrap();
        (database.cut[slot], database.slow_ms)
    };
    if cut {
        world.pass(CONNECT_MAX_MS).await;
        return Err(DbError::Unavailable);
    }
    let ms = {
        let mut chance = world.chance();
        chance.below(3) + if slow_ms > 0 && chance.chance(300) { chance.below(slow_ms) } else { 0 }
    };
    world.pass(ms).await;
    Ok(())
}

/// What the master shows now.
pub(crate) async fn snapshot(world: &Arc<World>, slot: usize) -> Result<Snapshot, DbError> {
    way(world, slot).await?;
    let shown = world.database.lock().unwrap().shown();
    way(world, slot).await?;
    Ok(shown)
}

/// What the replica shows now.
pub(crate) async fn replica(world: &Arc<World>, slot: usize) -> Result<Snapshot, DbError> {
    way(world, slot).await?;
    let shown = Arc::clone(&world.database.lock().unwrap().replica);
    way(world, slot).await?;
    Ok(shown)
}

/// A transaction on the master that locks. Dropped, it is rolled back, sooner or later.
pub(crate) struct Writing {
    world: Arc<World>,
    slot: usize,
    tx: u64,
}

pub(crate) fn begin(world: &Arc<World>, slot: usize) -> Writing {
    let tx = world.number();
    let used_ms = world.now_ms();
    world.database.lock().unwrap().txs.insert(tx, Tx { committing: false, used_ms, rows: BTreeSet::new() });
    Writing { world: Arc::clone(world), slot, tx }
}

impl Writing {
    /// Locks a row, and answers what it says.
    pub(crate) async fn lock(&mut self, scope: Scope, mode: Mode) -> Result<Row, DbError> {
        way(&self.world, self.slot).await?;
        let (tx, now) = (self.tx, self.world.now_ms());
        let waits = {
            let mut database = self.world.database.lock().unwrap();
            database.txs.get_mut(&tx).ok_or(DbError::Gone)?.used_ms = now;
            database.ask_for(tx, scope, mode)
        };
        let granted = tokio::time::timeout(Duration::from_millis(LOCK_MAX_MS), waits).await;
        match granted {
            Ok(Ok(())) => {}
            Ok(Err(_)) => return Err(DbError::Gone),
            Err(_) => return Err(DbError::Busy),
        }
        let row = self.world.database.lock().unwrap().row(scope);
        self.end_if_idle();
        way(&self.world, self.slot).await?;
        Ok(row)
    }

    /// The server ends what stands still with locked rows.
    fn end_if_idle(&self) {
        let (tx, idle_ms, slot) = (self.tx, self.world.plan.idle_max_ms, self.slot);
        self.world.after(idle_ms, move |world| {
            let now = world.now_ms();
            let mut database = world.database.lock().unwrap();
            if database.txs.get(&tx).is_some_and(|open| open.used_ms + idle_ms <= now) {
                database.roll_back(tx);
                drop(database);
                world
                    .note(tx, || format!("the master ends a transaction of machine {slot} that stood still"));
            }
        });
    }

    /// Commits. What is in doubt may be carried out at any time, or never.
    pub(crate) async fn commit(self, change: Change) -> Result<(), DbError> {
        let (answer, answered) = oneshot::channel();
        self.send_commit(change, answer);
        match tokio::time::timeout(Duration::from_millis(COMMIT_MAX_MS), answered).await {
            Ok(Ok(true)) => Ok(()),
            Ok(Ok(false)) => Err(DbError::Gone),
            Ok(Err(_)) | Err(_) => Err(DbError::InDoubt),
        }
    }

    fn send_commit(&self, change: Change, answer: oneshot::Sender<bool>) {
        let (tx, slot) = (self.tx, self.slot);
        if self.springs_ambush() {
            let ms = self.world.chance().below(3 * self.world.plan.timing.member_ttl_ms);
            return self.world.after(0, move |world| world.arrive_commit(tx, slot, ms, change, answer));
        }
        let (cut, loses, slow_ms) = {
            let database = self.world.database.lock().unwrap();
            (database.cut[slot], database.loses_answers, database.slow_ms)
        };
        let (there_ms, lost, takes_ms) = {
            let mut chance = self.world.chance();
            let late = (cut || loses) && chance.chance(300);
            let late_ms = if late { chance.below(self.world.plan.timing.member_ttl_ms * 2) } else { 0 };
            let takes_ms = if chance.chance(50) { chance.below(30) } else { chance.below(3) };
            let slow_ms = if chance.chance(300) { chance.below(slow_ms + 1) } else { 0 };
            (chance.below(3) + late_ms, cut && chance.chance(500), takes_ms + slow_ms)
        };
        if lost {
            return;
        }
        self.world.after(there_ms, move |world| world.arrive_commit(tx, slot, takes_ms, change, answer));
    }

    /// Whether this commit is the last thing that its process does.
    fn springs_ambush(&self) -> bool {
        let slot = self.slot;
        let mut database = self.world.database.lock().unwrap();
        let is_set = database.ambush[slot] == Ambush::Set;
        if is_set {
            database.ambush[slot] = Ambush::Sprung;
            drop(database);
            let process = self.world.process(slot);
            self.world.after(1, move |world| {
                process.filter(|process| !process.is_dead()).iter().for_each(|process| process.kill(world));
            });
        }
        is_set
    }
}

impl World {
    /// A commit has reached the master, which takes so long for it; its sender cannot undo it any more.
    fn arrive_commit(
        self: &Arc<World>,
        tx: u64,
        slot: usize,
        takes_ms: u64,
        change: Change,
        answer: oneshot::Sender<bool>,
    ) {
        let is_there =
            self.database.lock().unwrap().txs.get_mut(&tx).map(|open| open.committing = true).is_some();
        if is_there {
            self.after(takes_ms, move |world| carry_out(world, tx, slot, change, answer));
        } else {
            // Whoever asked may be gone.
            let _ = answer.send(false);
        }
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let is_there = self.world.process(self.slot).is_some_and(|process| !process.is_dead());
        let cut = self.world.database.lock().unwrap().cut[self.slot];
        let ms = {
            let mut chance = self.world.chance();
            if is_there && !cut { chance.below(3) } else { chance.below(self.world.plan.idle_max_ms) }
        };
        let tx = self.tx;
        self.world.after(ms, move |world| world.database.lock().unwrap().roll_back(tx));
    }
}

/// Carries a commit out: on the replica before or after the master shows it.
fn carry_out(world: &Arc<World>, tx: u64, slot: usize, change: Change, answer: oneshot::Sender<bool>) {
    let (first, show_ms, lag_ms, plants) = {
        let mut chance = world.chance();
        let lag = if chance.chance(100) { chance.below(60) } else { chance.below(6) };
        // Where that is what is to be found, the master is always late.
        let (often, late_ms) = if world.has(Plant::PositionTrusted) { (1_000, 60) } else { (100, 4) };
        (chance.chance(often), chance.below(late_ms), lag, chance.chance(20))
    };
    let lost = plants && world.has(Plant::LostCommit);
    if !first {
        show(world, tx, &change, lost);
    }
    let now = world.now_ms();
    let due_ms = {
        let mut database = world.database.lock().unwrap();
        database.backlog.push_back(change.rows.clone());
        database.written += 1;
        database.replica_due_ms = (now + if first { 0 } else { lag_ms }).max(database.replica_due_ms);
        database.replica_due_ms
    };
    world.after(due_ms - now, |world| world.database.lock().unwrap().replicate_one());
    if first {
        world.after(show_ms, move |world| {
            show(world, tx, &change, lost);
            tell(world, slot, answer);
        });
    } else {
        tell(world, slot, answer);
    }
}

fn show(world: &Arc<World>, tx: u64, change: &Change, lost: bool) {
    let Change { op, rows, relied } = change.clone();
    {
        let mut database = world.database.lock().unwrap();
        if !lost {
            database.show(&rows);
        }
        database.end(tx);
    }
    world.tell(Event::Committed { op, rows, relied });
}

/// The answer to a commit, if it is not lost.
fn tell(world: &Arc<World>, slot: usize, answer: oneshot::Sender<bool>) {
    let ms = world.chance().below(3);
    world.after(ms, move |world| {
        let (cut, loses) = {
            let database = world.database.lock().unwrap();
            (database.cut[slot], database.loses_answers)
        };
        let lost = cut || (loses && world.chance().chance(400));
        if !lost {
            // Whoever asked may be gone.
            let _ = answer.send(true);
        }
    });
}
