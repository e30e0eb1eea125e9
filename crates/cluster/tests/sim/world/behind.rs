//! What is behind the memory of a simulated node: as `store` asks, so asks this, of the simulated master and its replica.

use std::sync::Arc;

use zebu_cluster::ScopeKey;
use zebu_cluster::cache::{Databases, Named, Worth};
use zebu_cluster::core::Version;

use super::World;
use super::database::{self, DbError, Mode, Snapshot};
use super::process::Process;
use crate::history::{Row, Scope};
use crate::plan::Plant;
use crate::workload::key_of;

pub(crate) struct Behind {
    world: Arc<World>,
    process: Arc<Process>,
    snapshot: Option<Snapshot>,
    /// The planted bug: one that began before the tokens were taken.
    early: Option<Snapshot>,
    /// On the replica: the scopes that were compared with the master.
    checked: Option<Vec<Scope>>,
    /// The next question begins a snapshot of the replica, of which its position alone is known.
    begins: bool,
    /// Versions are compared in any case: what is asked is asked past the memory, which does not look at tokens.
    pub(crate) compares: bool,
}

impl Behind {
    pub(crate) fn new(world: &Arc<World>, process: &Arc<Process>) -> Behind {
        let (world, process) = (Arc::clone(world), Arc::clone(process));
        Behind { world, process, snapshot: None, early: None, checked: None, begins: false, compares: false }
    }

    /// Begins the snapshot before anybody asks for it.
    pub(crate) async fn begin_early(&mut self) -> Result<(), DbError> {
        self.early = Some(database::snapshot(&self.world, self.process.slot).await?);
        Ok(())
    }

    async fn master(&self) -> Result<Snapshot, DbError> {
        match &self.early {
            Some(early) => Ok(Arc::clone(early)),
            None => database::snapshot(&self.world, self.process.slot).await,
        }
    }

    /// Whether the replica has come to where the master was after it had shown the versions of all of these.
    fn is_far_enough(&self, named: &[Named<Scope>]) -> bool {
        let Some(until) = self.process.replica_has_until().filter(|_| !self.compares) else { return false };
        let has = |named: &Named<Scope>| named.shown_by.is_some_and(|shown_by| shown_by <= until);
        named.iter().all(|named| named.token.is_some() && named.version.is_some() && has(named))
    }

    /// The replica, if it has what must be seen and nothing that the master does not show yet.
    async fn replica(&self, named: &mut [Named<Scope>]) -> Result<Option<Snapshot>, DbError> {
        let slot = self.process.slot;
        if named.iter().any(|named| named.version.is_none()) {
            let now = database::snapshot(&self.world, slot).await?;
            for named in named.iter_mut().filter(|named| named.version.is_none()) {
                named.version = Some(version(&now, named.scope));
            }
        }
        let replica = database::replica(&self.world, slot).await?;
        let has = |named: &Named<Scope>| Some(version(&replica, named.scope)) >= named.version;
        if self.world.has(Plant::ReplicaUnchecked) {
            return Ok(Some(replica));
        }
        if !named.iter().all(has) {
            return Ok(None);
        }
        if named.iter().any(|named| Some(version(&replica, named.scope)) > named.version) {
            let now = database::snapshot(&self.world, slot).await?;
            if named.iter().any(|named| version(&replica, named.scope) > version(&now, named.scope)) {
                return Ok(None);
            }
        }
        Ok(Some(replica))
    }

    /// Something of this scope is about to be asked of a snapshot that has begun.
    pub(crate) async fn need(&mut self, scope: Scope) -> Result<(), DbError> {
        let Some(checked) = self.checked.as_mut().filter(|checked| !checked.contains(&scope)) else {
            return Ok(());
        };
        let Some(replica) = &self.snapshot else { return Ok(()) };
        let now = database::snapshot(&self.world, self.process.slot).await?;
        if version(replica, scope) == version(&now, scope) {
            checked.push(scope);
            return Ok(());
        }
        // From here on the master is asked, if nothing that was read has changed there.
        if checked.iter().any(|scope| version(replica, *scope) != version(&now, *scope)) {
            return Err(DbError::Overtaken);
        }
        (self.snapshot, self.checked) = (Some(now), None);
        Ok(())
    }
}

fn version(snapshot: &Snapshot, scope: Scope) -> Version {
    Version(snapshot[usize::try_from(scope).unwrap()].version)
}

impl Databases for Behind {
    type Scope = Scope;
    type Question = Scope;
    type Answer = Row;
    type Kept = Row;
    type Error = DbError;

    fn key(&self, scope: Scope) -> ScopeKey {
        key_of(scope)
    }

    fn covers(&self, question: &Scope, scopes: &[Scope]) -> bool {
        scopes.contains(question)
    }

    fn covers_all(&self, _: &Scope, _: &[Scope]) -> bool {
        true
    }

    fn keep(_: &Scope, answer: Row) -> (Row, u64) {
        (answer, 64)
    }

    fn recall(_: &Scope, kept: &Row) -> Row {
        *kept
    }

    fn overtaken() -> DbError {
        DbError::Overtaken
    }

    fn counted(&self, _: &[Scope], hit: bool) {
        self.world.chronicle().counts.hits += u64::from(hit);
    }

    async fn look(&mut self, _: u64, scopes: &[Scope]) -> Result<Option<Vec<Version>>, DbError> {
        if self.world.has(Plant::ForgottenLook) {
            return Ok(None);
        }
        let mut tx = database::begin(&self.world, self.process.slot);
        let mut found = Vec::with_capacity(scopes.len());
        for scope in scopes {
            found.push(Version(tx.lock(*scope, Mode::Shared).await?.version));
        }
        Ok(Some(found))
    }

    async fn open(&mut self, named: &mut [Named<Scope>]) -> Result<Worth, DbError> {
        let tries_replica = self.world.chance().chance(500);
        if tries_replica && self.is_far_enough(named) {
            let mut chronicle = self.world.chronicle();
            chronicle.counts.from_replica += 1;
            chronicle.counts.by_position += 1;
            drop(chronicle);
            self.checked = Some(named.iter().map(|named| named.scope).collect());
            self.begins = true;
            let trusted = self.world.has(Plant::PositionTrusted);
            return Ok(if trusted { Worth::True } else { Worth::TrueIfTokensStand });
        }
        if tries_replica && let Some(replica) = self.replica(named).await? {
            self.world.chronicle().counts.from_replica += 1;
            self.checked = Some(named.iter().map(|named| named.scope).collect());
            self.snapshot = Some(replica);
            return Ok(Worth::True);
        }
        self.snapshot = Some(self.master().await?);
        Ok(Worth::True)
    }

    async fn ask(&mut self, question: Scope) -> Result<Row, DbError> {
        if std::mem::take(&mut self.begins) {
            self.snapshot = Some(database::replica(&self.world, self.process.slot).await?);
        } else {
            database::way(&self.world, self.process.slot).await?;
        }
        if self.world.has(Plant::TornSnapshot) {
            self.snapshot = Some(self.world.database.lock().unwrap().shown());
        }
        let snapshot = self.snapshot.as_ref().ok_or(DbError::Gone)?;
        Ok(snapshot[usize::try_from(question).unwrap()])
    }
}
