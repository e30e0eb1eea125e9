//! Where deletions have given contents up, and who waits to sweep them.

use std::collections::HashSet;
use std::mem;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;
use zebu_model::ContextId;

/// The contexts that have something to sweep.
#[derive(Debug, Default)]
pub(crate) struct ToSweep {
    contexts: Mutex<HashSet<ContextId>>,
    wake: Notify,
}

impl ToSweep {
    /// Something was deleted there.
    pub(crate) fn add(&self, context: ContextId) {
        self.contexts.lock().unwrap_or_else(PoisonError::into_inner).insert(context);
        self.wake.notify_one();
    }

    /// Waits until there are some, and takes them.
    pub(crate) async fn some(&self) -> HashSet<ContextId> {
        self.wake.notified().await;
        mem::take(&mut *self.contexts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
