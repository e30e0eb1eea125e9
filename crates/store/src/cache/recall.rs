//! The statements of one transaction before the cluster's memory: which rows depend on which scopes, and where else to ask.

use std::sync::Arc;
use std::time::Duration;

use zebu_cluster::ScopeKey;
use zebu_cluster::cache::{Databases, Named, Worth};
use zebu_cluster::core;
use zebu_model::{Scope, Version};

use super::{Cache, Key, Rows, keys, scope_key};
use crate::engine::{Begin, Lease, Locking};
use crate::error::{Error, Result};
use crate::known::Known;
use crate::place::Place;
use crate::reads::{self, Held};
use crate::statement::Statement;
use crate::value::{Row, Value};
use crate::view::{self, Origin, View};

/// Where a transaction will ask if it must.
#[derive(Debug)]
pub(crate) struct Opening {
    pub(crate) place: Place,
    pub(crate) origin: Origin,
    /// How long a replica that has not arrived is waited for; `None`: none is asked.
    pub(crate) wait: Option<Duration>,
}

/// The memory as one transaction uses it.
#[derive(Debug)]
pub(crate) struct Recall(zebu_cluster::cache::Recall<Behind>);

/// What is behind the memory.
#[derive(Debug)]
struct Behind {
    cache: Arc<Cache>,
    opening: Box<Opening>,
    lease: Option<Lease>,
    view: View,
    /// The versions of a replica are compared in any case: what is asked of it is asked past the memory, which does not look at tokens.
    compares: bool,
}

impl Recall {
    pub(crate) fn new(cache: &Arc<Cache>, opening: Opening, scopes: &[Scope]) -> Recall {
        let (cache, opening) = (Arc::clone(cache), Box::new(opening));
        let memory = Arc::clone(&cache.memory);
        let behind = Behind { cache, opening, lease: None, view: View::Whole, compares: false };
        Recall(zebu_cluster::cache::Recall::new(memory, behind, scopes))
    }

    /// Says that data of these scopes is about to be read.
    pub(crate) fn name(&mut self, scopes: &[Scope]) {
        self.0.name(scopes);
    }

    /// Whether a server was asked.
    pub(crate) fn is_open(&self) -> bool {
        self.0.is_open()
    }

    pub(crate) fn view(&self) -> &View {
        &self.0.databases().view
    }

    pub(crate) fn view_mut(&mut self) -> &mut View {
        &mut self.0.databases_mut().view
    }

    /// The connection; what is asked on it may not be kept.
    pub(crate) async fn lease(&mut self) -> Result<&mut Lease> {
        self.0.databases_mut().compares = true;
        self.0.open().await?;
        self.0.databases_mut().lease()
    }

    /// From here on, on this connection, where everything is true.
    pub(crate) fn go_on_with(&mut self, lease: Lease) {
        let behind = self.0.databases_mut();
        (behind.lease, behind.view) = (Some(lease), View::Whole);
    }

    /// A connection to where everything is true, for what belongs to no scope.
    pub(crate) async fn open_whole(&mut self) -> Result<()> {
        let behind = self.0.databases_mut();
        let Origin { group, schema, counters, .. } = &behind.opening.origin;
        behind.lease = Some(reads::whole(group, schema, counters).await?.0);
        self.0.opened_unseen();
        Ok(())
    }

    /// The rows of a statement, from memory or a server.
    pub(crate) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let key = self.key(statement);
        self.0.query(key).await
    }

    /// The rows of a statement, from a server and not to be kept.
    pub(crate) async fn ask(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let key = self.key(statement);
        self.0.ask(key).await
    }

    fn key(&self, statement: Statement) -> Key {
        let Place { context, born, .. } = self.0.databases().opening.place;
        Key { context, born, statement }
    }

    /// What the failure of a statement means here; the request hears of a replica that failed.
    pub(crate) fn failure(&self, error: Error) -> Error {
        self.0.databases().failure(error)
    }
}

impl Behind {
    fn lease(&mut self) -> Result<&mut Lease> {
        let closed = || Error::Corrupt { table: "scopes", detail: "no snapshot was begun".to_owned() };
        self.lease.as_mut().ok_or_else(closed)
    }

    fn failure(&self, error: Error) -> Error {
        let error = self.view.failure(error);
        if matches!(error, Error::ReplicaFailed { .. }) {
            self.opening.place.known.distrust_replicas();
        }
        error
    }

    /// The versions that must be seen: where something may be kept, those that hold from its token on; elsewhere what the request
    /// knows.
    fn versions_known(&self, named: &[Named<Scope>]) -> Known {
        let known = Known::of_a_request();
        let of = |named: &Named<Scope>| -> Option<(Scope, Version)> {
            let version = match named.token {
                Some(_) => named.version.map(|version| Version(version.0)),
                None => self.opening.place.known.get(named.scope),
            };
            Some((named.scope, version?))
        };
        known.learn(&named.iter().filter_map(of).collect::<Vec<_>>());
        if !self.opening.place.known.trusts_replicas() {
            known.distrust_replicas();
        }
        known
    }
}

impl Databases for Behind {
    type Scope = Scope;
    type Question = Key;
    type Answer = Vec<Row>;
    type Kept = Rows;
    type Error = Error;

    fn key(&self, scope: Scope) -> ScopeKey {
        scope_key(self.opening.place.context, scope)
    }

    fn covers(&self, key: &Key, scopes: &[Scope]) -> bool {
        covers(key.statement.table, scopes)
    }

    /// Names that a statement gives to its own parts are no tables.
    fn covers_all(&self, key: &Key, scopes: &[Scope]) -> bool {
        keys::tables(&key.statement.sql)
            .filter(|table| view::is_table(table))
            .all(|table| covers(table, scopes))
    }

    fn keep(key: &Key, rows: Vec<Row>) -> (Rows, u64) {
        let rows: Vec<Vec<Value>> = rows.into_iter().map(Row::into_values).collect();
        let values: u64 = rows.iter().flatten().map(Value::bytes).sum();
        (Arc::new(rows), values.saturating_add(key.bytes()))
    }

    fn recall(key: &Key, rows: &Rows) -> Vec<Row> {
        Row::kept(key.statement.table, rows)
    }

    fn overtaken() -> Error {
        Error::Overtaken
    }

    fn counted(&self, scopes: &[Scope], hit: bool) {
        self.cache.count(scopes, hit);
    }

    async fn look(&mut self, epoch: u64, scopes: &[Scope]) -> Result<Option<Vec<core::Version>>> {
        let Opening { place, origin, .. } = &*self.opening;
        if self.cache.is_quiet(place.database, &place.schema, epoch) {
            return Ok(None);
        }
        let mut lease = origin.group.writer().await?.lease(&origin.schema, Begin::Write).await?;
        let locking = lease.locking();
        let found = view::versions_locked(&mut lease, place.context, scopes).await?;
        drop(lease);
        if locking == Locking::Whole {
            self.cache.set_quiet(place.database, &place.schema, epoch);
        }
        Ok(Some(found.into_iter().map(|(_, version)| core::Version(version.0)).collect()))
    }

    async fn open(&mut self, named: &mut [Named<Scope>]) -> Result<Worth> {
        let scopes: Vec<Scope> = named.iter().map(|named| named.scope).collect();
        let known = self.versions_known(named);
        let origin = Origin { known: known.clone(), ..self.opening.origin.clone() };
        let opened = match self.opening.wait {
            Some(wait) => {
                let held = if self.compares { None } else { held(named) };
                reads::of_scopes(self.opening.place.context, origin, &scopes, held, wait).await?
            }
            None => reads::on_master(&origin.group, &origin.schema, &origin.counters).await?,
        };
        for named in named.iter_mut().filter(|named| named.version.is_none()) {
            named.version = known.get(named.scope).map(|version| core::Version(version.0));
        }
        (self.lease, self.view) = (Some(opened.lease), opened.view);
        Ok(match (opened.survives, opened.unconfirmed) {
            (true, _) => Worth::Doubtful,
            (false, true) => Worth::TrueIfTokensStand,
            (false, false) => Worth::True,
        })
    }

    async fn ask(&mut self, key: Key) -> Result<Vec<Row>> {
        let done = self.lease()?.query(key.statement).await;
        done.map_err(|error| self.failure(error))
    }
}

/// What is known of all of these, each as long as its token stands.
fn held(named: &[Named<Scope>]) -> Option<Held> {
    let known = |named: &Named<Scope>| {
        named.token?;
        Some(((named.scope, Version(named.version?.0)), named.shown_by?.into_std()))
    };
    let (versions, shown_by): (Vec<_>, Vec<_>) =
        named.iter().map(known).collect::<Option<Vec<_>>>()?.into_iter().unzip();
    Some(Held { versions, shown_by: shown_by.into_iter().max()? })
}

/// Whether rows of a table depend on nothing but these scopes.
fn covers(table: &str, scopes: &[Scope]) -> bool {
    // The last use of a session or an app password is in no scope. Whoever recalls one knows that.
    let is_session = |scope: &Scope| matches!(scope, Scope::Sessions(_));
    (["sessions", "app_passwords"].contains(&table) && scopes.iter().any(is_session))
        || view::is_covered(table, scopes.iter().copied())
}
