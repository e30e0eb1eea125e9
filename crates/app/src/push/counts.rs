//! What push did on this node, for `/metrics`.

use std::sync::atomic::{AtomicU64, Ordering};

/// Which limit a subscription was refused at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Limit {
    /// `subscriptions_max`.
    Node,
    /// `per_user_max`.
    User,
    /// `per_session_max`.
    Session,
}

/// Why a subscription ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// The client went away.
    Client,
    /// The session is over, or its user or context may not work any more.
    Session,
    /// This node stops.
    Drain,
    /// None of its topics may be read any more.
    Nothing,
}

/// The counters.
#[derive(Debug, Default)]
pub(super) struct Counts {
    pub(super) opened: AtomicU64,
    pub(super) refused: [AtomicU64; 3],
    pub(super) ended: [AtomicU64; 4],
    pub(super) changes: AtomicU64,
    pub(super) gone: AtomicU64,
    pub(super) started_over: AtomicU64,
    pub(super) looks: AtomicU64,
}

/// How push is doing on this node. All but the first two only grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Subscriptions that are open.
    pub open: u32,
    /// Whether this node is told of every change at the moment; else it looks for them.
    pub is_told: bool,
    /// Subscriptions that began.
    pub opened: u64,
    /// Those that were refused: at the limit of the node, the user, the session.
    pub refused: [u64; 3],
    /// Those that ended: by the client, the session, the node's stop, with nothing left to hear of.
    pub ended: [u64; 4],
    /// Events that told of a change.
    pub changes: u64,
    /// Events that told that a topic may not be read any more.
    pub gone: u64,
    /// Events that told a client to start over.
    pub started_over: u64,
    /// Looks at the versions of a context.
    pub looks: u64,
}

impl Counts {
    pub(super) fn count(counter: &AtomicU64) {
        counter.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn refused(&self, limit: Limit) {
        self.refused.get(limit as usize).into_iter().for_each(Counts::count);
    }

    pub(super) fn ended(&self, why: Ended) {
        self.ended.get(why as usize).into_iter().for_each(Counts::count);
    }

    pub(super) fn state(&self, open: u32, is_told: bool) -> State {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        State {
            open,
            is_told,
            opened: of(&self.opened),
            refused: self.refused.each_ref().map(of),
            ended: self.ended.each_ref().map(of),
            changes: of(&self.changes),
            gone: of(&self.gone),
            started_over: of(&self.started_over),
            looks: of(&self.looks),
        }
    }
}
