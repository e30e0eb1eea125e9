//! A transaction that is answered from memory for as long as that has the answers, and asks a server from then on.
//!
//! It must be one snapshot, whichever way it goes. From memory: at each answer, everything recalled before still stands, so all
//! of it is true at that moment. From a server: the snapshot there begins after the tokens were taken; what was recalled before
//! is the snapshot's too if it still stands once that has begun.

use std::sync::Arc;
use std::time::Duration;

use zebu_cluster::{ScopeKey, Token};
use zebu_model::{Scope, Version};

use super::{Cache, Kept, Key, LOOK_MAX, Looked, Vacancy, keys, scope_key};
use crate::engine::{Begin, Lease, Locking};
use crate::error::{Error, Result};
use crate::known::Known;
use crate::place::Place;
use crate::reads;
use crate::statement::Statement;
use crate::value::Row;
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
pub(crate) struct Recall {
    cache: Arc<Cache>,
    opening: Box<Opening>,
    /// The scopes that were named so far, each with the token it had when it was.
    named: Vec<(Scope, Option<Token>)>,
    /// Those of the function that is reading at the moment.
    current: Vec<Scope>,
    /// Something was answered from memory and is not known to be the snapshot's too.
    recalled: bool,
    /// What a server answers is kept: its snapshot begins after the tokens were taken, and behind whatever was on its way.
    keeps: bool,
    lease: Option<Lease>,
    pub(crate) view: View,
}

impl Recall {
    pub(crate) fn new(cache: &Arc<Cache>, opening: Opening, scopes: &[Scope]) -> Recall {
        let mut recall = Recall {
            cache: Arc::clone(cache),
            opening: Box::new(opening),
            named: Vec::with_capacity(scopes.len().saturating_add(2)),
            current: Vec::new(),
            recalled: false,
            keeps: true,
            lease: None,
            view: View::Whole,
        };
        recall.name(scopes);
        recall
    }

    fn key_of(&self, scope: Scope) -> ScopeKey {
        scope_key(self.opening.place.context, scope)
    }

    fn token_of(&self, scope: Scope) -> Option<Token> {
        self.named.iter().find(|(named, _)| *named == scope).and_then(|(_, token)| *token)
    }

    /// Says that data of these scopes is about to be read.
    pub(crate) fn name(&mut self, scopes: &[Scope]) {
        self.current.clear();
        self.current.extend_from_slice(scopes);
        for scope in scopes {
            if !self.named.iter().any(|(named, _)| named == scope) {
                // Where a snapshot has begun already, a write may have come between.
                let token = if self.lease.is_none() { self.cache.token(self.key_of(*scope)) } else { None };
                self.named.push((*scope, token));
            }
        }
    }

    /// Whether a server was asked.
    pub(crate) fn is_open(&self) -> bool {
        self.lease.is_some()
    }

    /// The connection; what is asked on it may not be kept.
    pub(crate) async fn lease(&mut self) -> Result<&mut Lease> {
        let lease = match self.lease.take() {
            Some(lease) => lease,
            None => self.open().await?,
        };
        Ok(self.lease.insert(lease))
    }

    /// From here on, on this connection, where everything is true.
    pub(crate) fn go_on_with(&mut self, lease: Lease) {
        self.lease = Some(lease);
        self.view = View::Whole;
    }

    /// A connection to where everything is true, for what belongs to no scope. Nobody has waited for the rows of the scopes that
    /// were named, so nothing that is read on it is kept.
    pub(crate) async fn open_whole(&mut self) -> Result<()> {
        let Origin { group, schema, counters, .. } = &self.opening.origin;
        self.lease = Some(reads::whole(group, schema, counters).await?.0);
        self.keeps = false;
        Ok(())
    }

    /// The rows of a statement, from memory or a server.
    pub(crate) async fn query(&mut self, statement: Statement) -> Result<Vec<Row>> {
        if !self.may_keep(statement.table) {
            return self.ask(statement).await;
        }
        let Place { context, born, .. } = self.opening.place;
        let key = Key { context, born, statement };
        if self.is_open() {
            return self.fill(key, None).await;
        }
        if let Some(kept) = self.cache.get(&key) {
            return self.recall(&key, &kept);
        }
        let cache = Arc::clone(&self.cache);
        match cache.get_or_fill(&key).await {
            Looked::Found(kept) => self.recall(&key, &kept),
            Looked::Vacant(vacancy) => self.fill(key, Some(vacancy)).await,
        }
    }

    fn recall(&mut self, key: &Key, kept: &Kept) -> Result<Vec<Row>> {
        self.cache.count(&self.current, true);
        self.recalled = true;
        self.still_stands()?;
        Ok(kept.rows(key.statement.table))
    }

    /// Asks a server, and keeps the answer.
    async fn fill(&mut self, key: Key, vacancy: Option<Vacancy<'_>>) -> Result<Vec<Row>> {
        self.cache.count(&self.current, false);
        let rows = self.ask(key.statement.clone()).await?;
        // Opening may have found out that nothing is to be kept.
        let Some(tags) = self.tags().filter(|_| self.keeps && self.covers_all(&key.statement.sql)) else {
            return Ok(rows);
        };
        let kept = Arc::new(Kept::new(tags, rows, &key));
        let rows = kept.rows(key.statement.table);
        match vacancy {
            Some(vacancy) => drop(vacancy.insert(kept)),
            None => self.cache.results.insert(key, kept),
        }
        Ok(rows)
    }

    /// What the failure of a statement means here; the request hears of a replica that failed.
    pub(crate) fn failure(&self, error: Error) -> Error {
        let error = self.view.failure(error);
        if matches!(error, Error::ReplicaFailed { .. }) {
            self.opening.place.known.distrust_replicas();
        }
        error
    }

    async fn ask(&mut self, statement: Statement) -> Result<Vec<Row>> {
        let done = self.lease().await?.query(statement).await;
        let rows = done.map_err(|error| self.failure(error))?;
        if std::mem::take(&mut self.recalled) {
            self.still_stands()?;
        }
        Ok(rows)
    }

    /// [`Error::Overtaken`] if something that was recalled may not be true any more.
    fn still_stands(&self) -> Result<()> {
        let stands = |(scope, token): &(Scope, Option<Token>)| {
            token.is_none_or(|token| self.cache.validity.stands(self.key_of(*scope), token))
        };
        if self.named.iter().all(stands) { Ok(()) } else { Err(Error::Overtaken) }
    }

    /// Whether rows of this table may be remembered, as far as is known before they are asked for.
    fn may_keep(&self, table: &str) -> bool {
        self.keeps
            && !self.current.is_empty()
            && self.covers(table)
            && self.current.iter().all(|scope| self.token_of(*scope).is_some())
    }

    /// What rows that are read now are tagged with.
    fn tags(&self) -> Option<Vec<(ScopeKey, Token)>> {
        self.current.iter().map(|scope| Some((self.key_of(*scope), self.token_of(*scope)?))).collect()
    }

    fn covers(&self, table: &str) -> bool {
        // A session's last use is in no scope. Whoever recalls sessions knows that.
        let is_session = |scope: &Scope| matches!(scope, Scope::Sessions(_));
        (table == "sessions" && self.current.iter().any(is_session))
            || view::is_covered(table, self.current.iter().copied())
    }

    /// Whether the scopes that were named are those of all that a statement reads. Names that it gives to its own parts are no
    /// tables.
    fn covers_all(&self, sql: &str) -> bool {
        keys::tables(sql).filter(|table| view::is_table(table)).all(|table| self.covers(table))
    }

    /// Opens a snapshot in which the named scopes are true.
    async fn open(&mut self) -> Result<Lease> {
        let unseen: Vec<(Scope, Token)> = self
            .named
            .iter()
            .filter_map(|(scope, token)| Some((*scope, (*token)?)))
            .filter(|(scope, token)| self.cache.is_unseen(self.key_of(*scope), *token))
            .collect();
        self.keeps &= unseen.is_empty() || look(&self.cache, &self.opening, &unseen).await;
        let scopes: Vec<Scope> = self.named.iter().map(|(scope, _)| *scope).collect();
        let known = self.versions_known();
        let origin = Origin { known: known.clone(), ..self.opening.origin.clone() };
        let opened = match self.opening.wait {
            Some(wait) => reads::of_scopes(self.opening.place.context, origin, &scopes, wait).await?,
            None => reads::on_master(&origin.group, &origin.schema, &origin.counters).await?,
        };
        self.keeps &= !opened.survives;
        for (scope, token) in self.named.iter().filter(|_| self.keeps) {
            if let (Some(token), Some(version)) = (*token, known.get(*scope)) {
                self.cache.learn(self.key_of(*scope), token, version);
            }
        }
        self.view = opened.view;
        Ok(opened.lease)
    }

    /// The versions that must be seen: where something may be kept, those that hold from its token on; elsewhere what the request
    /// knows.
    fn versions_known(&self) -> Known {
        let known = Known::of_a_request();
        let of = |(scope, token): &(Scope, Option<Token>)| -> Option<(Scope, Version)> {
            let version = match token {
                Some(token) => self.cache.version(self.key_of(*scope), *token),
                None => self.opening.place.known.get(*scope),
            };
            Some((*scope, version?))
        };
        known.learn(&self.named.iter().filter_map(of).collect::<Vec<_>>());
        if !self.opening.place.known.trusts_replicas() {
            known.distrust_replicas();
        }
        known
    }
}

/// Waits for the rows of scopes of which nothing was loaded in this epoch: a commit that a member sent before it was gone may
/// still be on its way, and holds them. Whether that was so.
async fn look(cache: &Cache, opening: &Opening, unseen: &[(Scope, Token)]) -> bool {
    match tokio::time::timeout(LOOK_MAX, try_look(cache, opening, unseen)).await {
        Ok(Ok(())) => true,
        Ok(Err(error)) => {
            tracing::debug!("nothing is kept of this read: {error}");
            false
        }
        Err(_) => false,
    }
}

async fn try_look(
    cache: &Cache,
    Opening { place, origin, .. }: &Opening,
    unseen: &[(Scope, Token)],
) -> Result<()> {
    let epoch = unseen.first().map_or(0, |(_, token)| token.epoch());
    if cache.is_quiet(place.database, &place.schema, epoch) {
        return Ok(());
    }
    let mut lease = origin.group.writer().await?.lease(&origin.schema, Begin::Write).await?;
    let scopes: Vec<Scope> = unseen.iter().map(|(scope, _)| *scope).collect();
    let locking = lease.locking();
    let found = view::versions_locked(&mut lease, place.context, &scopes).await?;
    drop(lease);
    if locking == Locking::Whole {
        cache.set_quiet(place.database, &place.schema, epoch);
    }
    for ((scope, version), (_, token)) in found.into_iter().zip(unseen) {
        cache.learn(scope_key(place.context, scope), *token, version);
    }
    Ok(())
}
