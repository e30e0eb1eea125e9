//! A read of a context: on a replica if one has what must be seen, else on the master, else, if the master is gone, where it
//! is certain that nothing is missing.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use zebu_model::{ContextId, Scope, Version};

use crate::engine::{Begin, Lease};
use crate::error::{Error, Result};
use crate::group::{Group, Reader};
use crate::view::{self, Origin, Verdict, View};

/// How long a replica may take to lend a connection: the master is there too.
const LEND_MAX: Duration = Duration::from_millis(100);
/// Between two looks whether a replica has arrived.
const LOOK_AGAIN: Duration = Duration::from_millis(2);
/// Replicas tried before the master is asked.
const TRIED_MAX: usize = 2;

/// Why a read that named its scopes was not, or not to its end, answered by a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fallback {
    /// None answers reads at the moment.
    NoReplica,
    /// None had arrived within the wait.
    Behind,
    /// One failed, or had no connection to lend.
    Failed,
    /// In the middle, something was read that belongs to no scope.
    NoScope,
}

/// What became of reads, counted since the process began.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    replica: AtomicU64,
    by_position: AtomicU64,
    master: AtomicU64,
    survivor: AtomicU64,
    waits: AtomicU64,
    no_replica: AtomicU64,
    behind: AtomicU64,
    failed: AtomicU64,
    no_scope: AtomicU64,
}

/// The same as numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Reads {
    /// Reads that a replica answered, or began to.
    pub replica: u64,
    /// Of these, those whose replica was known to be far enough by its position, and was not asked for versions.
    pub by_position: u64,
    /// Reads that a master answered from their beginning.
    pub master: u64,
    /// Reads that a replica answered while its master was gone.
    pub survivor: u64,
    /// Reads that waited for a replica to arrive.
    pub waits: u64,
    /// Fallbacks: no replica answered reads.
    pub no_replica: u64,
    /// Fallbacks: none had arrived within the wait.
    pub behind: u64,
    /// Fallbacks: one failed, before a read or in the middle of it, or had no connection to lend.
    pub failed: u64,
    /// Fallbacks: in the middle, something was read that belongs to no scope.
    pub no_scope: u64,
}

impl Counters {
    pub(crate) fn fell_back(&self, why: Fallback) {
        let counter = match why {
            Fallback::NoReplica => &self.no_replica,
            Fallback::Behind => &self.behind,
            Fallback::Failed => &self.failed,
            Fallback::NoScope => &self.no_scope,
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> Reads {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Reads {
            replica: of(&self.replica),
            by_position: of(&self.by_position),
            master: of(&self.master),
            survivor: of(&self.survivor),
            waits: of(&self.waits),
            no_replica: of(&self.no_replica),
            behind: of(&self.behind),
            failed: of(&self.failed),
            no_scope: of(&self.no_scope),
        }
    }
}

/// A snapshot that was begun, or will be by its first statement.
#[derive(Debug)]
pub(crate) struct Opened {
    pub(crate) lease: Lease,
    pub(crate) view: View,
    /// There are replicas: what is learned of versions will be of use.
    pub(crate) has_replicas: bool,
    /// The master is gone.
    pub(crate) survives: bool,
    /// The replica has what must be seen, by its position, and may have more: what the master has not shown yet. It has not if
    /// nobody wrote to the scopes until the snapshot began.
    pub(crate) unconfirmed: bool,
}

/// Versions that scopes have for as long as their tokens stand, and by when the master showed all of them.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) versions: Vec<(Scope, Version)>,
    pub(crate) shown_by: Instant,
}

/// Reads where everything is true: the master, or what survives it; whether that was so.
pub(crate) async fn whole(group: &Arc<Group>, schema: &str, counters: &Counters) -> Result<(Lease, bool)> {
    let master = async { group.writer().await?.lease(schema, Begin::Read).await };
    match master.await {
        Ok(lease) => {
            counters.master.fetch_add(1, Ordering::Relaxed);
            Ok((lease, false))
        }
        Err(error @ Error::Unavailable { .. }) => {
            let lease = Box::pin(group.survivor(schema, error)).await?;
            counters.survivor.fetch_add(1, Ordering::Relaxed);
            Ok((lease, true))
        }
        Err(other) => Err(other),
    }
}

/// The same as what was opened.
pub(crate) async fn on_master(group: &Arc<Group>, schema: &str, counters: &Counters) -> Result<Opened> {
    let (lease, survives) = whole(group, schema, counters).await?;
    Ok(Opened { lease, view: View::Whole, has_replicas: group.has_replicas(), survives, unconfirmed: false })
}

/// A read of these scopes. `held`: what is known of all of them, if whoever reads looks at their tokens again once the snapshot has
/// begun. `wait`: how long a replica that has not arrived is waited for.
pub(crate) async fn of_scopes(
    context: ContextId,
    origin: Origin,
    scopes: &[Scope],
    held: Option<Held>,
    wait: Duration,
) -> Result<Opened> {
    let counters = Arc::clone(&origin.counters);
    if !origin.known.trusts_replicas() {
        return on_master(&origin.group, &origin.schema, &counters).await;
    }
    let readers = origin.group.readers().await;
    let mut why = Fallback::NoReplica;
    if !readers.is_empty() {
        if let Some(held) = held
            && let Some(opened) = by_position(&readers, held, &origin).await
        {
            return Ok(opened);
        }
        let deadline = Instant::now() + wait;
        let needed = match origin.needed(context, scopes).await {
            Ok(needed) => Some(needed),
            // Without the master nobody can say what must be seen.
            Err(Error::Unavailable { .. }) => None,
            Err(other) => return Err(other),
        };
        for reader in needed.iter().flat_map(|_| readers.iter().take(TRIED_MAX)) {
            let needed = needed.as_deref().unwrap_or_default();
            match on_replica(reader, context, &origin, (scopes, needed), deadline).await {
                Ok(Some(opened)) => {
                    counters.replica.fetch_add(1, Ordering::Relaxed);
                    return Ok(opened);
                }
                Ok(None) => why = Fallback::Behind,
                Err(_) => why = Fallback::Failed,
            }
        }
    }
    counters.fell_back(why);
    on_master(&origin.group, &origin.schema, &counters).await
}

/// A snapshot of a replica that was seen to have come to where the master was after it had shown all of this: nothing is asked.
async fn by_position(readers: &[Reader], held: Held, origin: &Origin) -> Option<Opened> {
    let has_it = |reader: &&Reader| reader.has_until.is_some_and(|until| held.shown_by <= until);
    let reader = readers.iter().take(TRIED_MAX).find(has_it)?;
    // If it has none to lend, what follows says so.
    let lease = lend(reader, origin).await.ok()?;
    origin.counters.replica.fetch_add(1, Ordering::Relaxed);
    origin.counters.by_position.fetch_add(1, Ordering::Relaxed);
    let view = View::Replica { checked: held.versions, origin: origin.clone() };
    Some(Opened { lease, view, has_replicas: true, survives: false, unconfirmed: true })
}

async fn lend(reader: &Reader, origin: &Origin) -> Result<Lease> {
    let lending = tokio::time::timeout(LEND_MAX, reader.server.lease(&origin.schema, Begin::Read)).await;
    let waited_ms = u64::try_from(LEND_MAX.as_millis()).unwrap_or(u64::MAX);
    let busy = || Error::Busy { database: reader.server.name().to_owned(), waited_ms };
    lending.map_err(|_| busy())?
}

/// A snapshot of a replica in which the scopes are true; `None` if there is none before the deadline.
async fn on_replica(
    reader: &Reader,
    context: ContextId,
    origin: &Origin,
    (scopes, needed): (&[Scope], &[(Scope, Version)]),
    deadline: Instant,
) -> Result<Option<Opened>> {
    let mut waited = false;
    loop {
        let mut lease = lend(reader, origin).await?;
        // The first statement begins the snapshot: the check and the data are of one moment.
        let have = view::versions(&mut lease, context, scopes).await?;
        if origin.judge(context, &have, needed).await? == Verdict::Fresh {
            let view = View::Replica { checked: have, origin: origin.clone() };
            return Ok(Some(Opened { lease, view, has_replicas: true, survives: false, unconfirmed: false }));
        }
        drop(lease);
        let left = deadline.saturating_duration_since(Instant::now());
        // One that is known to be far behind will not be here in time.
        if left.is_zero() || u128::from(reader.lag_ms) > left.as_millis().saturating_add(LEND_MAX.as_millis())
        {
            return Ok(None);
        }
        if !std::mem::replace(&mut waited, true) {
            origin.counters.waits.fetch_add(1, Ordering::Relaxed);
        }
        tokio::time::sleep(LOOK_AGAIN.min(left)).await;
    }
}
