//! What the clients of a node do: read through its memory, write as `store` writes.

use std::collections::BTreeSet;
use std::sync::Arc;

use zebu_cluster::cache::Recall;
use zebu_cluster::{Announced, Announcer, Fenced, Outcome, ScopeKey, Told, Waiting};

use crate::history::{Event, OpId, Row, Scope, Wait};
use crate::plan::Plant;
use crate::rng::Rng;
use crate::world::World;
use crate::world::behind::Behind;
use crate::world::database::{self, Change, DbError, Mode};
use crate::world::process::{Alike, Process};

/// How often a read is started over.
const TRIES_MAX: u32 = 3;

pub(crate) fn key_of(scope: Scope) -> ScopeKey {
    ScopeKey { space: 1, kind: 3, id: i64::try_from(scope).unwrap() }
}

pub(crate) fn scope_of(key: ScopeKey) -> Scope {
    u64::try_from(key.id).unwrap()
}

/// One client, until there were enough operations.
pub(crate) async fn client(world: Arc<World>, process: Arc<Process>, chance: Rng) {
    let mut client = Client { world, process, chance };
    while let Some(op) = client.world.operation() {
        client.one(op).await;
        let think_ms = if client.chance.chance(300) { client.chance.below(8) } else { 0 };
        client.world.pass(think_ms).await;
        if think_ms == 0 {
            tokio::task::yield_now().await;
        }
    }
}

/// Somebody reads, and somebody writes, after everything: whether that can be done.
pub(crate) async fn tries(world: Arc<World>, process: Arc<Process>, chance: Rng) -> bool {
    let mut client = Client { world, process, chance };
    let op = client.world.number();
    let scopes: Vec<Scope> = (0..client.world.plan.scopes as u64).collect();
    let written = client.write(op, scopes.clone(), Vec::new()).await;
    let op = client.world.number();
    written && client.read(op, &scopes).await.is_some()
}

/// Somebody writes one scope. Says whether it was written.
pub(crate) async fn writes(world: &Arc<World>, process: &Arc<Process>, scope: Scope) -> bool {
    let chance = world.chance().fork();
    let mut client = Client { world: Arc::clone(world), process: Arc::clone(process), chance };
    let op = world.number();
    client.write(op, vec![scope], Vec::new()).await
}

struct Client {
    world: Arc<World>,
    process: Arc<Process>,
    chance: Rng,
}

impl Client {
    async fn one(&mut self, op: OpId) {
        let scopes = self.world.plan.scopes as u64;
        let many = if self.chance.chance(300) { self.chance.between(2, 3) } else { 1 };
        let chosen = self.chance.some(many, scopes);
        if !self.chance.chance(self.world.plan.writes) {
            drop(self.read(op, &chosen).await);
            return;
        }
        let ground = self.chance.below(scopes);
        if chosen.contains(&ground) || !self.chance.chance(400) {
            self.write(op, chosen, Vec::new()).await;
        } else if let Some(seen) = self.read(op, &[ground]).await {
            let op = self.world.number();
            let think_ms = if self.chance.chance(300) { self.chance.below(10) } else { 0 };
            self.world.pass(think_ms).await;
            let relied = seen.iter().map(|(scope, row)| (*scope, row.version)).collect();
            self.write(op, chosen, relied).await;
        }
    }

    async fn read(&mut self, op: OpId, scopes: &[Scope]) -> Option<Vec<(Scope, Row)>> {
        let begun = self.world.begin(self.process.slot);
        self.world.tell(Event::ReadBegins { op, scopes: scopes.to_vec() });
        let mut tries = 0;
        let answer = loop {
            tries += 1;
            match self.read_once(scopes).await {
                Err(DbError::Overtaken) if tries < TRIES_MAX => {}
                other => break other.ok(),
            }
        };
        self.world.tell(match &answer {
            Some(seen) => Event::ReadAnswered { op, seen: seen.clone() },
            None => Event::ReadFailed { op },
        });
        self.world.waited(Wait::Read, &begun);
        answer
    }

    /// One transaction. Some name all scopes at its beginning, some as they go.
    async fn read_once(&mut self, scopes: &[Scope]) -> Result<Vec<(Scope, Row)>, DbError> {
        let mut behind = Behind::new(&self.world, &self.process);
        if self.world.has(Plant::StaleFill) && self.chance.chance(50) {
            behind.begin_early().await?;
        }
        let known = if self.chance.chance(800) { scopes } else { &scopes[..1] };
        let mut recall: Recall<Behind, Alike> = Recall::new(Arc::clone(&self.process.memory), behind, known);
        let mut seen = Vec::with_capacity(scopes.len());
        for scope in scopes {
            if !seen.is_empty() && self.chance.chance(300) {
                self.world.pass(self.chance.below(4)).await;
            }
            recall.name(&[*scope]);
            if recall.is_open() {
                recall.databases_mut().need(*scope).await?;
            }
            let beside = self.chance.chance(30);
            let row =
                if beside { self.beside(&mut recall, *scope).await } else { recall.query(*scope).await };
            seen.push((*scope, row?));
        }
        Ok(seen)
    }

    /// Asks a database, whatever is remembered.
    async fn beside(&mut self, recall: &mut Recall<Behind, Alike>, scope: Scope) -> Result<Row, DbError> {
        recall.databases_mut().compares = true;
        recall.open().await?;
        recall.databases_mut().need(scope).await?;
        recall.ask(scope).await
    }

    /// Says whether it was written.
    async fn write(&mut self, op: OpId, scopes: Vec<Scope>, relied: Vec<(Scope, i64)>) -> bool {
        let begun = self.world.begin(self.process.slot);
        self.world.tell(Event::WriteBegins { op, scopes: scopes.clone() });
        let written = self.write_once(op, &scopes, &relied).await;
        match &written {
            Ok(rows) => self.world.tell(Event::WriteAnswered { op, rows: rows.clone() }),
            Err(DbError::InDoubt) => self.world.chronicle().counts.in_doubt += 1,
            Err(_) => self.world.tell(Event::WriteFailed { op }),
        }
        self.world.waited(Wait::Write, &begun);
        written.is_ok()
    }

    async fn write_once(
        &mut self,
        op: OpId,
        scopes: &[Scope],
        relied: &[(Scope, i64)],
    ) -> Result<Vec<(Scope, Row)>, DbError> {
        let mut tx = database::begin(&self.world, self.process.slot);
        let relies: BTreeSet<Scope> = relied.iter().map(|(scope, _)| *scope).collect();
        let all: BTreeSet<Scope> = scopes.iter().copied().chain(relies.clone()).collect();
        let mut rows = Vec::with_capacity(scopes.len());
        for scope in all {
            let mode = if relies.contains(&scope) { Mode::Shared } else { Mode::Exclusive };
            if mode == Mode::Shared && self.world.has(Plant::GroundUnchecked) {
                continue;
            }
            let row = tx.lock(scope, mode).await?;
            if mode == Mode::Exclusive {
                rows.push((scope, row));
            } else if !relied.contains(&(scope, row.version)) {
                return Err(DbError::Gone);
            }
        }
        let stamp = rows.iter().map(|(_, row)| row.version).max().unwrap_or(0) + 1;
        let stamp =
            if self.world.has(Plant::OldVersion) && self.chance.chance(20) { stamp - 1 } else { stamp };
        for (_, row) in &mut rows {
            *row = Row { version: stamp, write: op, count: row.count + 1 };
        }
        let coherence = self.process.coherence.get().unwrap();
        let keys: Vec<ScopeKey> = scopes.iter().map(|scope| key_of(*scope)).collect();
        let mut told = if self.world.has(Plant::FireAndForget) {
            Told::of(&Unwaited(Arc::clone(&coherence.announcer)), &keys)
        } else {
            Told::of(coherence.announcer.as_ref(), &keys)
        };
        let work_ms = if self.chance.chance(300) { self.chance.below(6) } else { 0 };
        self.world.pass(work_ms).await;
        let begun = self.world.begin(self.process.slot);
        let decided = self.may_commit(&mut told).await;
        self.world.waited(Wait::MayCommit, &begun);
        decided.map_err(|Fenced(_)| DbError::Gone)?;
        let change = Change { op, rows: rows.clone(), relied: relied.to_vec() };
        let answer = tx.commit(change).await;
        told.ended(match &answer {
            Ok(()) => Outcome::Committed(stamp),
            Err(DbError::InDoubt) => Outcome::InDoubt,
            Err(_) => Outcome::Aborted,
        });
        answer.map(|()| rows)
    }

    async fn may_commit(&mut self, told: &mut Told) -> Result<(), Fenced> {
        if self.world.has(Plant::EndlessWait) && self.chance.chance(20) {
            self.world.pass(10 * self.world.plan.bounds().may_commit_ms).await;
        }
        told.committing().await
    }
}

/// Tells everybody, and waits for nobody.
#[derive(Debug)]
struct Unwaited(Arc<dyn Announcer>);

#[derive(Debug)]
struct UnwaitedWrite(Box<dyn Announced>);

impl Announcer for Unwaited {
    fn announce(&self, scopes: &[ScopeKey]) -> Box<dyn Announced> {
        Box::new(UnwaitedWrite(self.0.announce(scopes)))
    }
}

impl Announced for UnwaitedWrite {
    fn may_commit(&mut self) -> Waiting<'_> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn ended(self: Box<Self>, outcome: Outcome) {
        self.0.ended(outcome);
    }
}
