//! The table of who wants to hear of what on this node, and the signals by which they are woken.
//!
//! Nothing here reads a database or waits. A signal says what its subscription should look at, once however often it is set.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;
use zebu_cluster::ScopeKey;
use zebu_model::{ContextId, Refusal, Scope, UserId, Version};
use zebu_store::scope_key;

use super::{Limit, PushConfig};

/// The session may be over.
pub(super) const SESSION: u64 = 1 << 61;
/// Rights may have been withdrawn.
pub(super) const RIGHTS: u64 = 1 << 62;
/// The node is about to stop.
pub(super) const DRAIN: u64 = 1 << 63;

/// Wakes one subscription.
#[derive(Debug, Default)]
pub(super) struct Signal {
    marks: AtomicU64,
    wake: Notify,
}

impl Signal {
    /// Something to look at: the bits of topics, and those above.
    pub(super) fn mark(&self, marks: u64) {
        self.marks.fetch_or(marks, Ordering::AcqRel);
        self.wake.notify_one();
    }

    /// What is marked, and no longer is.
    pub(super) fn take(&self) -> u64 {
        self.marks.swap(0, Ordering::AcqRel)
    }

    /// Waits until something is marked.
    pub(super) async fn marked(&self) {
        while self.marks.load(Ordering::Acquire) == 0 {
            self.wake.notified().await;
        }
    }
}

/// Whose a subscription is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    pub(super) context: ContextId,
    pub(super) user: UserId,
    pub(super) session: [u8; 32],
}

/// A scope that somebody waits for.
#[derive(Debug)]
struct Watched {
    context: ContextId,
    scope: Scope,
    /// The newest version known here; none before the first was.
    version: Option<Version>,
    /// Who waits, each with what to mark.
    waiting: HashMap<u64, (Arc<Signal>, u64)>,
}

#[derive(Debug, Default)]
struct Table {
    next: u64,
    open: u32,
    draining: bool,
    watched: HashMap<ScopeKey, Watched>,
    of_user: HashMap<(ContextId, UserId), u32>,
    of_session: HashMap<[u8; 32], u32>,
}

/// The table.
#[derive(Debug, Default)]
pub(super) struct Hub(Mutex<Table>);

impl Hub {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Enters a subscription, unless there are enough. `topics` in the order of their bits.
    pub(super) fn enter(
        &self,
        owner: Owner,
        topics: &[Scope],
        config: &PushConfig,
    ) -> Result<(u64, Arc<Signal>), (Limit, Refusal)> {
        let mut table = self.table();
        let user = table.of_user.get(&(owner.context, owner.user)).copied().unwrap_or(0);
        let session = table.of_session.get(&owner.session).copied().unwrap_or(0);
        let (of_node, of_user, of_session) =
            (config.subscriptions_max, config.per_user_max, config.per_session_max);
        if of_node == 0 {
            return Err((Limit::Node, Refusal::PushOff {}));
        }
        if table.open >= of_node {
            return Err((Limit::Node, Refusal::PushTooManyOnNode { limit: of_node }));
        }
        if user >= of_user {
            return Err((Limit::User, Refusal::PushTooManyOfUser { limit: of_user }));
        }
        if session >= of_session {
            return Err((Limit::Session, Refusal::PushTooManyOfSession { limit: of_session }));
        }
        let signal = Arc::new(Signal::default());
        if table.draining {
            signal.mark(DRAIN);
        }
        let id = table.next;
        table.next = table.next.wrapping_add(1);
        table.open = table.open.saturating_add(1);
        table.of_user.insert((owner.context, owner.user), user.saturating_add(1));
        table.of_session.insert(owner.session, session.saturating_add(1));
        for (scope, marks) in marks(owner.user, topics) {
            let new = || Watched { context: owner.context, scope, version: None, waiting: HashMap::new() };
            let watched = table.watched.entry(scope_key(owner.context, scope)).or_insert_with(new);
            watched.waiting.insert(id, (Arc::clone(&signal), marks));
        }
        Ok((id, signal))
    }

    /// Takes a subscription out again.
    pub(super) fn leave(&self, id: u64, owner: Owner, topics: &[Scope]) {
        let mut table = self.table();
        table.open = table.open.saturating_sub(1);
        less(&mut table.of_user, (owner.context, owner.user));
        less(&mut table.of_session, owner.session);
        for (scope, _) in marks(owner.user, topics) {
            let key = scope_key(owner.context, scope);
            if let Some(watched) = table.watched.get_mut(&key) {
                watched.waiting.remove(&id);
                if watched.waiting.is_empty() {
                    table.watched.remove(&key);
                } else if watched.waiting.capacity() > 8 * watched.waiting.len().max(8) {
                    watched.waiting.shrink_to_fit();
                }
            }
        }
    }

    /// A write to a scope is over. Without a version whoever waits must look. Whether anybody waits for that scope.
    pub(super) fn changed(&self, key: ScopeKey, version: Option<Version>) -> bool {
        let mut table = self.table();
        let Some(watched) = table.watched.get_mut(&key) else { return false };
        watched.found(version);
        true
    }

    /// A look found these versions.
    pub(super) fn looked(&self, context: ContextId, found: &[(Scope, Version)]) {
        let mut table = self.table();
        for (scope, version) in found {
            if let Some(watched) = table.watched.get_mut(&scope_key(context, *scope)) {
                watched.found(Some(*version));
            }
        }
    }

    /// What a subscription found when it began: nobody need be woken for that.
    pub(super) fn learned(&self, context: ContextId, found: &[(Scope, Version)]) {
        let mut table = self.table();
        for (scope, version) in found {
            if let Some(watched) = table.watched.get_mut(&scope_key(context, *scope)) {
                watched.version.get_or_insert(*version);
            }
        }
    }

    /// Everybody in a context must look whether their sessions are still good.
    pub(super) fn recheck(&self, context: ContextId) {
        if let Some(everybody) = self.table().watched.get(&scope_key(context, Scope::Principals)) {
            everybody.waiting.values().for_each(|(signal, _)| signal.mark(SESSION));
        }
    }

    /// What is waited for, by context.
    pub(super) fn watched(&self) -> BTreeMap<ContextId, Vec<Scope>> {
        let mut all: BTreeMap<ContextId, Vec<Scope>> = BTreeMap::new();
        for watched in self.table().watched.values() {
            all.entry(watched.context).or_default().push(watched.scope);
        }
        all
    }

    /// All end, and whoever comes ends at once; or those who come may stay again.
    pub(super) fn drain(&self, drains: bool) {
        let mut table = self.table();
        table.draining = drains;
        if !drains {
            return;
        }
        for watched in table.watched.values() {
            // Everybody watches this one.
            if watched.scope == Scope::Principals {
                watched.waiting.values().for_each(|(signal, _)| signal.mark(DRAIN));
            }
        }
    }

    /// Subscriptions that are open.
    pub(super) fn open(&self) -> u32 {
        self.table().open
    }
}

impl Watched {
    fn found(&mut self, version: Option<Version>) {
        if version.is_some() && version == self.version {
            return;
        }
        self.version = version.or(self.version);
        self.waiting.values().for_each(|(signal, marks)| signal.mark(*marks));
    }
}

/// The scopes that a subscription waits for, each with what to mark when it changes.
fn marks(user: UserId, topics: &[Scope]) -> impl Iterator<Item = (Scope, u64)> {
    let mut marks: BTreeMap<Scope, u64> = BTreeMap::new();
    let own =
        [(Scope::Tree, RIGHTS), (Scope::Principals, SESSION | RIGHTS), (Scope::Sessions(user), SESSION)];
    let topics = topics.iter().zip(0u32..).map(|(scope, bit)| (*scope, 1u64.checked_shl(bit).unwrap_or(0)));
    own.into_iter().chain(topics).for_each(|(scope, bits)| *marks.entry(scope).or_default() |= bits);
    marks.into_iter()
}

fn less<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, u32>, key: K) {
    if let Some(count) = counts.get_mut(&key) {
        *count = count.saturating_sub(1);
        if *count == 0 {
            counts.remove(&key);
        }
    }
}
