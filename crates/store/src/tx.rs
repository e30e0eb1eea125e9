//! Transactions: of one context from birth, and typed by what they may do.
//!
//! A [`WriteTx`] names its scopes before its first statement: those it changes and those whose data the caller
//! relied on. Beginning it locks all of them in one fixed order, refuses if a relied-on version has moved (P2), and
//! raises the changed ones to one stamp. A store function that changes something calls [`WriteTx::touch`] for its
//! scope; one that was not named makes the transaction fail, so no change can stay unpublished.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::Instant;

use zebu_cluster::{Announcer, Fenced, ScopeKey, Told};
use zebu_model::{ContextId, Scope, Version};

use crate::cache::{Recall, scope_key};
use crate::engine::{Lease, Locking};
use crate::error::{Error, Result};
use crate::home::{self, Home};
use crate::known::Known;
use crate::place::{Filestores, Place};
use crate::reads::Opened;
use crate::sample::{Sample, Samples};
use crate::statement::Statement;
use crate::value::{Row, Value, args};
use crate::view::{self, View};

/// What a write will change, and what it relied on.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// Scopes whose data the write changes.
    pub changes: Vec<Scope>,
    /// Scopes whose data decided that the write may happen, with the version they were read at.
    pub relies: Vec<(Scope, Version)>,
    /// Scopes that stand still from the beginning of the write to its end: what is read of them in it decides whether it may
    /// happen. Each must have been written to before.
    pub holds: Vec<Scope>,
}

impl Plan {
    /// A write that changes `scopes` and relied on nothing.
    pub fn changing(scopes: impl IntoIterator<Item = Scope>) -> Plan {
        Plan { changes: scopes.into_iter().collect(), ..Plan::default() }
    }

    /// The same, having relied on `scope` as it was at `version`.
    #[must_use]
    pub fn relying(mut self, scope: Scope, version: Version) -> Plan {
        self.relies.push((scope, version));
        self
    }

    /// The same, with `scope` standing still until its end.
    #[must_use]
    pub fn holding(mut self, scope: Scope) -> Plan {
        self.holds.push(scope);
        self
    }
}

/// What reads in one context's database: part of a [`ReadTx`] or a [`WriteTx`].
#[derive(Debug)]
pub struct Tx {
    pub(crate) context: ContextId,
    pub(crate) source: Source,
}

/// Where the answers of a transaction come from.
#[derive(Debug)]
pub(crate) enum Source {
    /// A connection.
    Open(Lease, View),
    /// What is remembered, and a connection once that does not suffice.
    Recalled(Recall),
}

/// A transaction that only reads, in one snapshot. Dropping it ends it.
#[derive(Debug)]
pub struct ReadTx {
    tx: Tx,
    /// There are replicas: what is learned of versions will be of use.
    has_replicas: bool,
}

/// A transaction that writes. Dropping it without [`WriteTx::commit`] undoes everything.
#[derive(Debug)]
pub struct WriteTx {
    tx: Tx,
    locking: Locking,
    stamp: Version,
    changes: Vec<Scope>,
    filestores: Filestores,
    known: Known,
    told: Told,
    /// Who may want to read this write back, and where that would be.
    picking: Option<(Arc<Samples>, Place)>,
}

impl Deref for ReadTx {
    type Target = Tx;
    fn deref(&self) -> &Tx {
        &self.tx
    }
}
impl DerefMut for ReadTx {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}
impl Deref for WriteTx {
    type Target = Tx;
    fn deref(&self) -> &Tx {
        &self.tx
    }
}
impl DerefMut for WriteTx {
    fn deref_mut(&mut self) -> &mut Tx {
        &mut self.tx
    }
}

impl Tx {
    /// The context all statements are about.
    #[must_use]
    pub fn context(&self) -> ContextId {
        self.context
    }

    /// The version a scope has in this transaction's snapshot; [`Version::NONE`] if nobody ever wrote to it.
    pub async fn version(&mut self, scope: Scope) -> Result<Version> {
        if !self.is_whole() {
            self.need(&[scope]).await?;
            if let Some(version) = self.checked(scope) {
                return Ok(version);
            }
        }
        let (kind, id) = scope.key();
        let found = self
            .query_one(
                "scopes",
                "SELECT version FROM scopes WHERE cid = ? AND kind = ? AND id = ?",
                args![self.context, kind, id],
            )
            .await?;
        found.map_or(Ok(Version::NONE), |mut row| row.version())
    }

    pub(crate) async fn query(
        &mut self,
        table: &'static str,
        sql: impl Into<std::borrow::Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>> {
        self.guard(table)?;
        self.recall_or_ask(Statement::new(table, sql, args)).await
    }

    /// The same before it is known which scope the rows are of. The caller says so before it hands them out.
    pub(crate) async fn query_unguarded(
        &mut self,
        table: &'static str,
        sql: impl Into<std::borrow::Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<Vec<Row>> {
        self.ask(Statement::new(table, sql, args)).await
    }

    async fn recall_or_ask(&mut self, statement: Statement) -> Result<Vec<Row>> {
        match &mut self.source {
            Source::Recalled(recall) => recall.query(statement).await,
            Source::Open(..) => self.ask(statement).await,
        }
    }

    async fn ask(&mut self, statement: Statement) -> Result<Vec<Row>> {
        #[cfg(test)]
        crate::plans::seen(&statement);
        let done = match &mut self.source {
            Source::Recalled(recall) => return recall.ask(statement).await,
            Source::Open(lease, _) => match lease.query_now(&statement) {
                Some(done) => done,
                None => lease.query(statement).await,
            },
        };
        done.map_err(|error| self.failure(error))
    }

    /// What its database is called in errors.
    pub(crate) fn database(&self) -> String {
        match &self.source {
            Source::Open(lease, _) => lease.database(),
            Source::Recalled(_) => String::new(),
        }
    }

    async fn commit(self) -> Result<()> {
        match self.source {
            Source::Open(lease, _) => lease.commit().await,
            // Nothing was written.
            Source::Recalled(_) => Ok(()),
        }
    }

    /// The connection.
    pub(crate) async fn lease(&mut self) -> Result<&mut Lease> {
        match &mut self.source {
            Source::Open(lease, _) => Ok(lease),
            Source::Recalled(recall) => recall.lease().await,
        }
    }

    /// The only row of a query that has at most one.
    pub(crate) async fn query_one(
        &mut self,
        table: &'static str,
        sql: impl Into<std::borrow::Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<Option<Row>> {
        self.guard(table)?;
        let statement = Statement::new(table, sql, args);
        if let Source::Open(lease, _) = &mut self.source
            && let Some(done) = lease.query_one_now(&statement)
        {
            #[cfg(test)]
            crate::plans::seen(&statement);
            return done.map_err(|error| self.failure(error));
        }
        Ok(self.recall_or_ask(statement).await?.into_iter().next())
    }
}

impl ReadTx {
    pub(crate) fn new(context: ContextId, opened: Opened) -> ReadTx {
        let Opened { lease, view, has_replicas, .. } = opened;
        ReadTx { tx: Tx { context, source: Source::Open(lease, view) }, has_replicas }
    }

    /// One that asks a server only for what is not remembered.
    pub(crate) fn recalling(context: ContextId, recall: Recall) -> ReadTx {
        ReadTx { tx: Tx { context, source: Source::Recalled(recall) }, has_replicas: false }
    }

    /// Remembers for the rest of the request which versions these scopes have, if that will spare a question: for a read of
    /// the master at the beginning of a request.
    pub async fn learn(&mut self, known: &Known, scopes: &[Scope]) -> Result<()> {
        if !self.has_replicas || self.is_on_replica() {
            return Ok(());
        }
        let context = self.tx.context;
        let found = view::versions(self.tx.lease().await?, context, scopes).await?;
        known.learn(&found);
        Ok(())
    }

    /// The versions that these scopes have on the server it reads; [`Version::NONE`] of those that nobody ever wrote to.
    pub async fn versions(&mut self, scopes: &[Scope]) -> Result<Vec<(Scope, Version)>> {
        let context = self.tx.context;
        view::versions(self.tx.lease().await?, context, scopes).await
    }
}

impl WriteTx {
    pub(crate) async fn begin(place: &Place, lease: Lease, plan: Plan, now_ms: i64) -> Result<WriteTx> {
        let mut tx = WriteTx::unlocked(place, lease, &plan, now_ms);
        let home = home::of_write(&mut tx).await?;
        let home = home.filter(|home| home.state == home::State::Lives && home.born == place.born);
        let home = home.ok_or(Error::Moved(place.context))?;
        // Whoever takes a disabled context for an enabled one began before it was disabled.
        if place.enabled && !home.enabled {
            return Err(Error::Disabled(place.context));
        }
        tx.filestores = home.filestores;
        tx.lock(&plan, now_ms).await?;
        Ok(tx)
    }

    /// The first transaction of a context: it gets its home here. [`Error::Duplicate`] if it has one.
    pub(crate) async fn found(place: &Place, lease: Lease, plan: Plan, now_ms: i64) -> Result<WriteTx> {
        let mut tx = WriteTx::unlocked(place, lease, &plan, now_ms);
        home::insert(&mut tx, &Home::founded(place)).await?;
        tx.lock(&plan, now_ms).await?;
        Ok(tx)
    }

    /// One that locks nothing: for who holds the home instead.
    pub(crate) fn unlocked(place: &Place, lease: Lease, plan: &Plan, now_ms: i64) -> WriteTx {
        let mut changes = plan.changes.clone();
        changes.sort_unstable();
        changes.dedup();
        let locking = lease.locking();
        let tx = Tx { context: place.context, source: Source::Open(lease, View::Whole) };
        WriteTx {
            tx,
            locking,
            stamp: Version::NONE.next(now_ms),
            changes,
            filestores: place.filestores(),
            known: place.known.clone(),
            told: Told::default(),
            picking: None,
        }
    }

    /// Offers itself to be read back once it is committed.
    pub(crate) fn offer_to(&mut self, samples: &Arc<Samples>, place: &Place) {
        self.picking = Some((Arc::clone(samples), place.clone()));
    }

    /// Tells everybody who may remember something of it what this write changes.
    pub(crate) fn tell(&mut self, announcer: &dyn Announcer) {
        let context = self.tx.context;
        let scopes: Vec<ScopeKey> = self.changes.iter().map(|scope| scope_key(context, *scope)).collect();
        self.told = Told::of(announcer, &scopes);
    }

    /// Locks all named scopes, compares what was relied on, raises what will change.
    async fn lock(&mut self, plan: &Plan, now_ms: i64) -> Result<()> {
        let relied = plan.relies.iter().map(|(scope, _)| scope);
        let mut named: Vec<Scope> = self.changes.iter().chain(relied).chain(&plan.holds).copied().collect();
        named.sort_unstable();
        named.dedup();
        if named.is_empty() {
            return Ok(());
        }
        let found = match self.locking() {
            // The write lock, taken when this first statement begins the transaction, is the lock of every row.
            Locking::Whole => self.versions(&named).await?,
            Locking::Rows => self.lock_rows(&named).await?,
        };
        let version_of = |scope: Scope| {
            found.iter().find(|(key, _)| *key == scope.key()).map_or(Version::NONE, |(_, version)| *version)
        };
        if plan.relies.iter().any(|(scope, version)| version_of(*scope) != *version) {
            return Err(Error::Stale);
        }
        for scope in &self.changes {
            self.stamp = self.stamp.max(version_of(*scope).next(now_ms));
        }
        let (known, fresh): (Vec<Scope>, Vec<Scope>) =
            self.changes.iter().partition(|scope| found.iter().any(|(key, _)| *key == scope.key()));
        self.raise(&known).await?;
        self.insert(&fresh).await
    }

    /// Locks the scopes' rows one by one, in their order: to change what will change, to stand still what was relied on.
    async fn lock_rows(&mut self, scopes: &[Scope]) -> Result<Vec<((i64, i64), Version)>> {
        let context = self.context;
        let mut found = Vec::with_capacity(scopes.len());
        for scope in scopes {
            let (kind, id) = scope.key();
            let sql = if self.changes.contains(scope) {
                "SELECT version FROM scopes WHERE cid = ? AND kind = ? AND id = ? FOR UPDATE"
            } else {
                "SELECT version FROM scopes WHERE cid = ? AND kind = ? AND id = ? LOCK IN SHARE MODE"
            };
            if let Some(mut row) = self.query_one("scopes", sql, args![context, kind, id]).await? {
                found.push(((kind, id), row.version()?));
            }
        }
        Ok(found)
    }

    async fn versions(&mut self, scopes: &[Scope]) -> Result<Vec<((i64, i64), Version)>> {
        let context = self.context;
        let sql = format!("SELECT kind, id, version FROM scopes WHERE cid = ? AND ({})", keys(scopes));
        let mut values = args![context];
        values.extend(key_values(scopes));
        let rows = self.query("scopes", sql, values).await?;
        rows.into_iter().map(|mut row| Ok(((row.int()?, row.int()?), row.version()?))).collect()
    }

    async fn raise(&mut self, scopes: &[Scope]) -> Result<()> {
        if scopes.is_empty() {
            return Ok(());
        }
        let sql = format!("UPDATE scopes SET version = ? WHERE cid = ? AND ({})", keys(scopes));
        let mut values = args![self.stamp, self.context];
        values.extend(key_values(scopes));
        self.execute("scopes", sql, values).await.map(drop)
    }

    async fn insert(&mut self, scopes: &[Scope]) -> Result<()> {
        for scope in scopes {
            let (kind, id) = scope.key();
            let values = args![self.context, kind, id, self.stamp];
            self.execute("scopes", "INSERT INTO scopes (cid, kind, id, version) VALUES (?, ?, ?, ?)", values)
                .await
                .map_err(Error::of_first_comer)?;
        }
        Ok(())
    }

    /// What beginning the transaction has locked.
    pub(crate) fn locking(&self) -> Locking {
        self.locking
    }

    /// Says that data of `scope` is being changed, and returns the stamp to write beside it.
    pub(crate) fn touch(&self, scope: Scope) -> Result<Version> {
        if self.changes.contains(&scope) { Ok(self.stamp) } else { Err(Error::Undeclared(scope)) }
    }

    /// The stamp of everything this transaction writes: the new version of each scope it changes.
    #[must_use]
    pub fn stamp(&self) -> Version {
        self.stamp
    }

    pub(crate) async fn execute(
        &mut self,
        table: &'static str,
        sql: impl Into<std::borrow::Cow<'static, str>>,
        args: Vec<Value>,
    ) -> Result<u64> {
        let statement = Statement::new(table, sql, args);
        #[cfg(test)]
        crate::plans::seen(&statement);
        let lease = self.tx.lease().await?;
        match lease.execute_now(&statement) {
            Some(done) => done,
            None => lease.execute(statement).await,
        }
    }

    /// Where the context's contents are: so until this transaction ends, whatever its [`Place`] says.
    #[must_use]
    pub fn filestores(&self) -> Filestores {
        self.filestores
    }

    /// Commits. After an error nothing was written, except after [`Error::InDoubt`].
    pub async fn commit(self) -> Result<()> {
        let WriteTx { tx, stamp, changes, known, mut told, picking, .. } = self;
        if let Err(Fenced(reason)) = told.committing().await {
            return Err(Error::Unavailable { database: tx.database(), reason });
        }
        // Whatever comes of it, what was known of these before is not what is now.
        known.forget(&changes);
        let answer = tx.commit().await;
        told.ended(Error::outcome(&answer, stamp.0));
        answer?;
        let written: Vec<(Scope, Version)> = changes.into_iter().map(|scope| (scope, stamp)).collect();
        known.learn(&written);
        if let (Some((samples, place)), Some((scope, version))) = (picking, written.first().copied()) {
            samples.offer(Sample { place, scope, version, answered: Instant::now() });
        }
        Ok(())
    }
}

fn keys(scopes: &[Scope]) -> String {
    vec!["(kind = ? AND id = ?)"; scopes.len()].join(" OR ")
}

fn key_values(scopes: &[Scope]) -> impl Iterator<Item = Value> {
    scopes.iter().flat_map(|scope| {
        let (kind, id) = scope.key();
        args![kind, id]
    })
}
