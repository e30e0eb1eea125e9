//! Where a transaction reads, and what it may believe of what it finds there.
//!
//! On a master everything is true. On a replica only those scopes are whose versions in this very snapshot have reached
//! what the request must see; every function that reads names the scopes of what it reads ([`Tx::need`], as one that writes
//! calls `touch`), and a scope that was not checked yet is checked then. What is in no scope, or has not arrived, is
//! read on the master from then on: the transaction goes over, if nothing it has read has changed there.

use std::sync::Arc;

use zebu_model::{ContextId, Scope, Version};

use crate::engine::{Begin, Lease, Locking};
use crate::error::{Error, Result};
use crate::group::Group;
use crate::known::Known;
use crate::reads::{Counters, Fallback};
use crate::shard;
use crate::statement::Statement;
use crate::tx::{Source, Tx};
use crate::value::{Value, args};

/// Scopes in one statement: far below the placeholders an engine takes.
const SCOPES_A_STATEMENT: usize = 500;

/// Where a transaction reads.
#[derive(Debug)]
pub(crate) enum View {
    /// Where everything is true.
    Whole,
    /// Where only these scopes are, with the versions they have.
    Replica { checked: Vec<(Scope, Version)>, origin: Origin },
}

/// The master behind a replica.
#[derive(Clone, Debug)]
pub(crate) struct Origin {
    pub(crate) group: Arc<Group>,
    pub(crate) schema: String,
    pub(crate) known: Known,
    pub(crate) counters: Arc<Counters>,
}

impl View {
    /// What the failure of a statement means here. That a replica fails is no reason to tell anybody to try again: whoever
    /// reads starts over, and the master answers.
    pub(crate) fn failure(&self, error: Error) -> Error {
        match (self, error) {
            (View::Replica { origin, .. }, Error::Unavailable { reason, .. }) => {
                origin.counters.fell_back(Fallback::Failed);
                origin.known.distrust_replicas();
                Error::ReplicaFailed { reason }
            }
            (_, error) => error,
        }
    }
}

/// What a snapshot is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It has all that must be seen, and nothing that may not be seen yet.
    Fresh,
    /// It has not all of it, or more than the master shows.
    NotYet,
}

/// The versions that scopes have where a lease reads, in one statement for some hundreds of them.
pub(crate) async fn versions(
    lease: &mut Lease,
    context: ContextId,
    scopes: &[Scope],
) -> Result<Vec<(Scope, Version)>> {
    let mut found = Vec::with_capacity(scopes.len());
    for part in scopes.chunks(SCOPES_A_STATEMENT) {
        let keys = vec!["(kind = ? AND id = ?)"; part.len()].join(" OR ");
        let sql = format!("SELECT kind, id, version FROM scopes WHERE cid = ? AND ({keys})");
        let mut values = args![context];
        values.extend(part.iter().flat_map(|scope| {
            let (kind, id) = scope.key();
            [Value::from(kind), Value::from(id)]
        }));
        let mut there = Vec::with_capacity(part.len());
        for mut row in lease.query(Statement::new("scopes", sql, values)).await? {
            there.push(((row.int()?, row.int()?), row.version()?));
        }
        found.extend(part.iter().map(|scope| {
            let version = there.iter().find(|(key, _)| *key == scope.key()).map(|(_, version)| *version);
            (*scope, version.unwrap_or(Version::NONE))
        }));
    }
    Ok(found)
}

/// The same on the master, in a transaction that writes: waits for each row until nobody is changing it.
pub(crate) async fn versions_locked(
    lease: &mut Lease,
    context: ContextId,
    scopes: &[Scope],
) -> Result<Vec<(Scope, Version)>> {
    if lease.locking() == Locking::Whole {
        return versions(lease, context, scopes).await;
    }
    let mut found = Vec::with_capacity(scopes.len());
    for scope in scopes {
        found.push((*scope, version_locked(lease, context, scope.key()).await?));
    }
    Ok(found)
}

/// The same for one scope, by its kind and id.
pub(crate) async fn version_locked(
    lease: &mut Lease,
    context: ContextId,
    (kind, id): (i64, i64),
) -> Result<Version> {
    let sql = match lease.locking() {
        Locking::Whole => "SELECT version FROM scopes WHERE cid = ? AND kind = ? AND id = ?",
        Locking::Rows => {
            "SELECT version FROM scopes WHERE cid = ? AND kind = ? AND id = ? LOCK IN SHARE MODE"
        }
    };
    let rows = lease.query(Statement::new("scopes", sql, args![context, kind, id])).await?;
    rows.into_iter().next().map_or(Ok(Version::NONE), |mut row| row.version())
}

impl Origin {
    /// The versions that must be seen of these scopes: known ones, or else those that the master has now.
    pub(crate) async fn needed(&self, context: ContextId, scopes: &[Scope]) -> Result<Vec<(Scope, Version)>> {
        let unknown: Vec<Scope> = scopes.iter().copied().filter(|s| self.known.get(*s).is_none()).collect();
        let asked = if unknown.is_empty() { Vec::new() } else { self.ask(context, &unknown).await? };
        let needed = scopes.iter().map(|scope| {
            let found = asked.iter().find(|(asked, _)| asked == scope).map(|(_, version)| *version);
            (*scope, found.or_else(|| self.known.get(*scope)).unwrap_or(Version::NONE))
        });
        Ok(needed.collect())
    }

    /// What the master has now.
    async fn ask(&self, context: ContextId, scopes: &[Scope]) -> Result<Vec<(Scope, Version)>> {
        let mut lease = self.group.writer().await?.lease(&self.schema, Begin::Read).await?;
        let found = versions(&mut lease, context, scopes).await?;
        self.known.learn(&found);
        Ok(found)
    }

    /// Whether a snapshot with these versions may answer.
    pub(crate) async fn judge(
        &self,
        context: ContextId,
        have: &[(Scope, Version)],
        needed: &[(Scope, Version)],
    ) -> Result<Verdict> {
        if have.iter().zip(needed).any(|((_, have), (_, needed))| have < needed) {
            return Ok(Verdict::NotYet);
        }
        // A replica can be ahead of what its master shows: with semi-synchronous replication it has a commit before the
        // master's own readers see it. Whoever was shown that, and then asked the master, would see it gone.
        let ahead: Vec<Scope> = have
            .iter()
            .zip(needed)
            .filter(|((_, have), (_, needed))| have > needed)
            .map(|((scope, _), _)| *scope)
            .collect();
        if ahead.is_empty() {
            return Ok(Verdict::Fresh);
        }
        let now = self.ask(context, &ahead).await?;
        let shown =
            |(scope, version): &(Scope, Version)| have.iter().any(|(s, have)| s == scope && have <= version);
        Ok(if now.iter().all(shown) { Verdict::Fresh } else { Verdict::NotYet })
    }
}

/// Whether a name is a table's of a shard.
pub(crate) fn is_table(name: &str) -> bool {
    shard::tables::all().iter().any(|table| table.name == name)
}

/// Whether a table's rows may be read where these scopes are true: from a replica, or to be kept. The last word against a
/// function that forgot to name its scope: such a read fails instead of being stale.
pub(crate) fn is_covered(table: &str, mut scopes: impl Iterator<Item = Scope>) -> bool {
    match table {
        "scopes" => true,
        "users" | "user_attributes" | "user_groups" | "group_members" | "member_tombstones" | "resources"
        | "second_factors" => scopes.any(|scope| scope == Scope::Principals),
        "folders"
        | "folder_permissions"
        | "folder_tombstones"
        | "permission_tombstones"
        | "dead_properties" => scopes.any(|scope| scope == Scope::Tree),
        "files" | "file_versions" | "file_tombstones" => {
            scopes.any(|scope| matches!(scope, Scope::Folder(_)))
        }
        "dav_locks" => scopes.any(|scope| matches!(scope, Scope::Folder(_) | Scope::Tree)),
        _ => false,
    }
}

impl Tx {
    /// Says that data of these scopes is about to be read, and sees to it that it is true here.
    pub(crate) async fn need(&mut self, scopes: &[Scope]) -> Result<()> {
        let context = self.context();
        if let Source::Recalled(recall) = &mut self.source {
            recall.name(scopes);
            if !recall.is_open() {
                return Ok(());
            }
        }
        let View::Replica { checked, origin } = self.view() else { return Ok(()) };
        let missing: Vec<Scope> =
            scopes.iter().copied().filter(|s| !checked.iter().any(|(checked, _)| checked == s)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let origin = origin.clone();
        let have =
            versions(self.lease().await?, context, &missing).await.map_err(|error| self.failure(error))?;
        let needed = origin.needed(context, &missing).await?;
        if origin.judge(context, &have, &needed).await? == Verdict::NotYet {
            return Box::pin(self.go_over(Fallback::Behind)).await;
        }
        if let View::Replica { checked, .. } = self.view_mut() {
            checked.extend(have);
        }
        Ok(())
    }

    /// Says that something is about to be read that belongs to no scope, or may be in any.
    pub(crate) async fn need_everything(&mut self) -> Result<()> {
        if let Source::Recalled(recall) = &mut self.source {
            recall.name(&[]);
            if !recall.is_open() {
                return recall.open_whole().await;
            }
        }
        match self.view() {
            View::Whole => Ok(()),
            View::Replica { .. } => Box::pin(self.go_over(Fallback::NoScope)).await,
        }
    }

    /// From here on the master is read. [`Error::Overtaken`] if what was read on the replica has changed since.
    async fn go_over(&mut self, why: Fallback) -> Result<()> {
        let View::Replica { checked, origin } = self.view() else { return Ok(()) };
        let mut lease = origin.group.writer().await?.lease(&origin.schema, Begin::Read).await?;
        let scopes: Vec<Scope> = checked.iter().map(|(scope, _)| *scope).collect();
        if versions(&mut lease, self.context(), &scopes).await? != *checked {
            return Err(Error::Overtaken);
        }
        origin.counters.fell_back(why);
        match &mut self.source {
            Source::Open(there, view) => (*there, *view) = (lease, View::Whole),
            Source::Recalled(recall) => recall.go_on_with(lease),
        }
        Ok(())
    }

    /// What the failure of a statement means here.
    pub(crate) fn failure(&self, error: Error) -> Error {
        match &self.source {
            Source::Open(_, view) => view.failure(error),
            Source::Recalled(recall) => recall.failure(error),
        }
    }

    /// Whether it reads where everything is true, and remembers nothing.
    #[inline]
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.source, Source::Open(_, View::Whole))
    }

    /// Refuses to read a table of which nothing is known to be true here.
    #[inline]
    pub(crate) fn guard(&self, table: &'static str) -> Result<()> {
        match self.view() {
            View::Replica { checked, .. } if !is_covered(table, checked.iter().map(|(scope, _)| *scope)) => {
                Err(Error::Unnamed { table })
            }
            _ => Ok(()),
        }
    }

    /// Where it reads, once it has asked a server.
    pub(crate) fn view(&self) -> &View {
        match &self.source {
            Source::Open(_, view) => view,
            Source::Recalled(recall) => recall.view(),
        }
    }

    fn view_mut(&mut self) -> &mut View {
        match &mut self.source {
            Source::Open(_, view) => view,
            Source::Recalled(recall) => recall.view_mut(),
        }
    }

    /// The version of a scope that was checked, if it was.
    pub(crate) fn checked(&self, scope: Scope) -> Option<Version> {
        let View::Replica { checked, .. } = self.view() else { return None };
        checked.iter().find(|(s, _)| *s == scope).map(|(_, version)| *version)
    }

    /// Whether this reads a replica.
    #[must_use]
    pub fn is_on_replica(&self) -> bool {
        matches!(self.view(), View::Replica { .. })
    }
}
