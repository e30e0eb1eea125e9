//! Everything that can happen next, one at a time, in whatever order.

use super::super::{Event, Outcome, Relied, Version, WriteId};
use super::case::{Budget, Case, FAR_MS, number, scope};
use super::node::{Load, Loaded, Stage, Writing};
use super::world::World;

/// Ticks beyond which nobody counts: longer than any wait that a case allows.
const WAITED_MAX: u8 = 8;

/// One event of the model. Nodes and ends of links by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Move {
    /// A node's clock, or everybody's, goes on, and is looked at.
    Tick(usize),
    /// A node's clock goes on, the node looks at it, and another node, or it, cannot reach the registry.
    TickCutOff(usize, usize),
    /// A node's clock goes on while the node does not run.
    Pause(usize),
    Start(usize),
    Crash(usize),
    Leave(usize),
    Connect(usize, usize),
    Break(usize, usize),
    NoticeBreak(usize, usize, usize),
    Deliver(usize, usize, usize),
    DeliverLate(usize, usize, usize),
    RegistryCarriesOut(usize),
    RegistryAnswers(usize),
    BeginLoad(usize, usize),
    ReadMaster(usize),
    ReadReplica(usize),
    EndLoad(usize),
    BeginWrite(usize),
    LockRows(usize, u64),
    Commit(usize, u64),
    Answer(usize, u64),
    LoseAnswer(usize, u64),
    FindOut(usize, u64),
    RollBack(usize, u64),
    OrphanCommits(u64),
    OrphanRollsBack(u64),
    Replicate(usize),
}

impl World {
    pub(super) fn moves(&self, case: &Case, moves: &mut Vec<Move>) {
        for node in 0..self.nodes.len() {
            self.moves_of(case, node, moves);
        }
        for (low, high) in self.links.keys().copied() {
            self.moves_between(low, high, moves);
        }
        for orphan in self.database.open.iter().filter(|open| open.orphan) {
            moves.extend([Move::OrphanCommits(orphan.write), Move::OrphanRollsBack(orphan.write)]);
        }
        if case.replica {
            let lags = |scope: &usize| self.database.replica[*scope] < self.database.versions[*scope];
            moves.extend((0..case.scopes()).filter(lags).map(Move::Replicate));
        }
    }

    fn moves_of(&self, case: &Case, node: usize, moves: &mut Vec<Move>) {
        let (here, left) = (&self.nodes[node], &self.left);
        if self.clock_may_go_on(case, node) {
            moves.push(Move::Tick(node));
            moves.extend((left.pauses > 0).then_some(Move::Pause(node)));
            let renews = !case.slow_registry && case.timing.member_ttl_ms < FAR_MS;
            let cut_off =
                |other: &usize| renews && case.roles[*other].ends && (*other == node || !case.drifts);
            let others = (0..self.nodes.len()).filter(cut_off);
            moves.extend(others.map(|other| Move::TickCutOff(node, other)));
        }
        if here.core.is_none() {
            moves.extend((left.starts > 0).then_some(Move::Start(node)));
            return;
        }
        let ends = case.roles[node].ends;
        moves.extend((ends && left.crashes > 0).then_some(Move::Crash(node)));
        moves.extend((ends && left.leaves > 0).then_some(Move::Leave(node)));
        match &here.request {
            Some(request) if request.answer.is_none() => moves.push(Move::RegistryCarriesOut(node)),
            Some(_) => moves.push(Move::RegistryAnswers(node)),
            None => {}
        }
        match here.load {
            None if case.roles[node].caches => {
                let loadable = |scope: &usize| here.token(case, *scope).is_some();
                moves.extend((0..case.scopes()).filter(loadable).map(|scope| Move::BeginLoad(node, scope)));
            }
            Some(Load { read: None, .. }) => {
                moves.push(Move::ReadMaster(node));
                moves.extend(case.replica.then_some(Move::ReadReplica(node)));
            }
            Some(_) => moves.push(Move::EndLoad(node)),
            None => {}
        }
        if case.roles[node].writes && left.writes > 0 {
            moves.push(Move::BeginWrite(node));
        }
        for writing in &here.writings {
            let write = writing.write;
            moves.push(match writing.stage {
                Stage::Begun => Move::LockRows(node, write),
                Stage::Locked => continue,
                Stage::MayCommit => Move::Commit(node, write),
                Stage::MustFail => Move::RollBack(node, write),
                Stage::Committed(_) => Move::Answer(node, write),
                Stage::InDoubt => Move::FindOut(node, write),
            });
            let may_be_lost = matches!(writing.stage, Stage::MayCommit | Stage::Committed(_));
            moves.extend((left.doubts > 0 && may_be_lost).then_some(Move::LoseAnswer(node, write)));
        }
    }

    fn moves_between(&self, low: usize, high: usize, moves: &mut Vec<Move>) {
        let Some(link) = self.links.get(&(low, high)) else { return };
        let up = |node: usize| self.nodes[node].core.is_some();
        if link.open == [false; 2] && up(low) && up(high) {
            moves.push(Move::Connect(low, high));
        }
        if self.left.breaks > 0 && link.open == [true; 2] && !link.broken {
            moves.push(Move::Break(low, high));
        }
        for end in 0..2 {
            if link.open[end] && link.broken {
                moves.push(Move::NoticeBreak(low, high, end));
            }
            if link.open[end] && !link.queues[end].is_empty() {
                moves.push(Move::Deliver(low, high, end));
            }
            if link.late[end].is_some() {
                moves.push(Move::DeliverLate(low, high, end));
            }
        }
    }

    /// Clocks go on one after the other, so no two ever differ by more than one between two moments; or all at once.
    fn clock_may_go_on(&self, case: &Case, node: usize) -> bool {
        if !case.drifts {
            return node == 0;
        }
        !self.nodes[node].ahead && (node == 0 || self.nodes[node - 1].ahead)
    }

    /// What becomes of this state by a move; none if the move changes nothing.
    pub(super) fn after(&self, case: &Case, made: Move) -> Option<World> {
        let mut world = self.clone();
        world.make(case, made);
        world.normalise(case);
        (world != *self).then_some(world)
    }

    fn make(&mut self, case: &Case, made: Move) {
        match made {
            Move::Tick(node) => self.tick(case, node, true),
            Move::TickCutOff(node, other) => {
                self.cut_off = Some(other);
                self.tick(case, node, true);
                self.cut_off = None;
            }
            Move::Pause(node) => {
                self.spend(|left| &mut left.pauses);
                self.tick(case, node, false);
            }
            Move::Start(node) => {
                self.spend(|left| &mut left.starts);
                self.start(case, node);
            }
            Move::Crash(node) => {
                self.spend(|left| &mut left.crashes);
                self.crash(node);
            }
            Move::Leave(node) => {
                self.spend(|left| &mut left.leaves);
                self.step(case, node, Event::Leave);
            }
            Move::Connect(low, high) => self.connect(case, (low, high)),
            Move::Break(low, high) => {
                self.spend(|left| &mut left.breaks);
                self.links.entry((low, high)).and_modify(|link| link.broken = true);
            }
            Move::NoticeBreak(low, high, end) => self.notice_break(case, (low, high), end),
            Move::Deliver(low, high, end) => {
                self.deliver(case, (low, high), end);
            }
            Move::DeliverLate(low, high, end) => self.deliver_late(case, (low, high), end),
            Move::RegistryCarriesOut(node) => {
                self.registry_carries_out(node);
            }
            Move::RegistryAnswers(node) => self.registry_answers(case, node),
            Move::BeginLoad(node, scope) => self.begin_load(case, node, scope),
            Move::ReadMaster(node) => self.read_master(case, node),
            Move::ReadReplica(node) => self.read_replica(case, node),
            Move::EndLoad(node) => self.end_load(case, node),
            Move::BeginWrite(node) => self.begin_write(case, node),
            Move::LockRows(node, write) => self.lock_rows(case, node, write),
            Move::Commit(node, write) => self.commit(node, write),
            Move::Answer(node, write) => self.answer(case, node, write),
            Move::LoseAnswer(node, write) => self.lose_answer(case, node, write),
            Move::FindOut(node, write) => self.find_out(case, node, write),
            Move::RollBack(node, write) => self.roll_back(case, node, write),
            Move::OrphanCommits(write) => {
                self.judge_ground(write);
                self.database.commit(write);
            }
            Move::OrphanRollsBack(write) => self.database.roll_back(write),
            Move::Replicate(scope) => self.database.replica[scope] += 1,
        }
    }

    fn spend(&mut self, of: impl Fn(&mut Budget) -> &mut u8) {
        *of(&mut self.left) -= 1;
    }

    fn tick(&mut self, case: &Case, node: usize, looks: bool) {
        let moving = if case.drifts { node..node + 1 } else { 0..self.nodes.len() };
        for node in moving {
            self.clock_goes_on(node);
            if looks {
                self.step(case, node, Event::Tick);
                for writing in self.nodes[node].writings.iter_mut().filter(|one| one.stage == Stage::Locked) {
                    writing.waited = WAITED_MAX.min(writing.waited + 1);
                }
            }
        }
    }

    fn begin_load(&mut self, case: &Case, node: usize, scope: usize) {
        let token = self.nodes[node].token(case, scope);
        self.nodes[node].load = token.map(|token| Load { scope, token, read: None });
    }

    fn read_master(&mut self, case: &Case, node: usize) {
        let Some(load) = self.nodes[node].load else { return };
        let locks = !self.nodes[node].spares_lock(case, load.scope, load.token);
        let free = self.database.is_free_to_share(load.scope);
        let read = (free || !locks).then_some((self.database.versions[load.scope], locks));
        self.nodes[node].load = read.map(|read| Load { read: Some(read), ..load });
    }

    fn read_replica(&mut self, case: &Case, node: usize) {
        let Some(load) = self.nodes[node].load else { return };
        let found = self.database.replica[load.scope];
        let known = self.nodes[node].known[load.scope];
        if known.is_some_and(|known| known.is_reached_under(case.rules, load.token, Version(found))) {
            self.nodes[node].load = Some(Load { read: Some((found, false)), ..load });
        }
    }

    fn end_load(&mut self, case: &Case, node: usize) {
        use super::super::Known;
        let Some(Load { scope, token, read: Some((version, locked)) }) = self.nodes[node].load.take() else {
            return;
        };
        if !self.nodes[node].stands(case, scope, token) {
            return;
        }
        if locked {
            self.nodes[node].known[scope] = Some(Known::by_locked_load(token, Version(version)));
        }
        self.nodes[node].cached[scope] = Some(Loaded { token, version });
    }

    fn begin_write(&mut self, case: &Case, node: usize) {
        self.spend(|left| &mut left.writes);
        let write = u64::from(self.left.writes);
        let changes = if case.relies { usize::from(self.left.writes.is_multiple_of(2)) } else { 0 };
        let relies = (case.relies && changes == 1).then(|| {
            let remembered = self.nodes[node].answer_from_memory(case, 0);
            (0, remembered.unwrap_or(self.database.versions[0]))
        });
        let stage = Stage::Begun;
        self.nodes[node].writings.push(Writing { write, changes, relies, stage, waited: 0 });
        self.step(case, node, Event::WriteBegun { write: WriteId(write), scopes: vec![scope(changes)] });
    }

    fn lock_rows(&mut self, case: &Case, node: usize, write: u64) {
        let Some(writing) = self.nodes[node].writing(write) else { return };
        let relies = writing.relies;
        if !self.database.lock(write, writing.changes, relies) {
            return;
        }
        writing.stage = Stage::Locked;
        let relied = relies.map(|(on, read)| Relied {
            scope: scope(on),
            read: Version(read),
            found: Version(self.database.versions[on]),
        });
        let relied = relied.into_iter().collect();
        self.step(case, node, Event::RowsLocked { write: WriteId(write), relied });
    }

    fn commit(&mut self, node: usize, write: u64) {
        self.judge_ground(write);
        let version = self.database.commit(write);
        if let Some(writing) = self.nodes[node].writing(write) {
            writing.stage = Stage::Committed(version);
        }
    }

    /// What a write relied on must be, when it is committed, what it was when the write began.
    fn judge_ground(&mut self, write: u64) {
        let relied = self.database.open.iter().find(|open| open.write == write).and_then(|open| open.relies);
        self.withdrawn |= relied.is_some_and(|(scope, read)| self.database.versions[scope] != read);
    }

    fn answer(&mut self, case: &Case, node: usize, write: u64) {
        let Some(writing) = self.take_writing(node, write) else { return };
        let Stage::Committed(version) = writing.stage else { return };
        let answered = &mut self.answered[writing.changes];
        *answered = version.max(*answered);
        self.write_ended(case, node, write, Outcome::Committed(Version(version)));
    }

    fn lose_answer(&mut self, case: &Case, node: usize, write: u64) {
        self.spend(|left| &mut left.doubts);
        self.database.orphan(write, true);
        if let Some(writing) = self.nodes[node].writing(write) {
            writing.stage = Stage::InDoubt;
        }
        self.write_ended(case, node, write, Outcome::InDoubt);
    }

    fn find_out(&mut self, case: &Case, node: usize, write: u64) {
        if self.database.is_open(write) {
            return;
        }
        let Some(writing) = self.take_writing(node, write) else { return };
        let version = Version(self.database.versions[number(scope(writing.changes))]);
        self.step(case, node, Event::FoundOut { write: WriteId(write), version });
    }

    fn roll_back(&mut self, case: &Case, node: usize, write: u64) {
        self.database.roll_back(write);
        self.take_writing(node, write);
        self.write_ended(case, node, write, Outcome::RolledBack);
    }

    fn take_writing(&mut self, node: usize, write: u64) -> Option<Writing> {
        let writings = &mut self.nodes[node].writings;
        let at = writings.iter().position(|writing| writing.write == write)?;
        Some(writings.remove(at))
    }
}
