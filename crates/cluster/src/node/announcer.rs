//! The writer's side of a node.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::sync::oneshot;

use super::{Node, Shared};
use crate::announce::{Announced, Announcer, Fenced, Outcome, Waiting};
use crate::core::{self, Event, Version, WriteFailure, WriteId};
use crate::{Coherence, ScopeKey};

impl Node {
    /// What this node's readers and writers go by.
    #[must_use]
    pub fn coherence(&self) -> Coherence {
        let writers = Writers(Arc::clone(&self.shared));
        let (validity, changes) = (Arc::clone(&self.shared.validity), Arc::clone(&self.shared.changes));
        Coherence { validity, announcer: Arc::new(writers), changes }
    }
}

#[derive(Debug)]
struct Writers(Arc<Shared>);

impl Announcer for Writers {
    fn announce(&self, scopes: &[ScopeKey]) -> Box<dyn Announced> {
        let write = WriteId(self.0.next_write.fetch_add(1, Ordering::Relaxed));
        let (decided, decision) = oneshot::channel();
        let mut running = self.0.running();
        running.deciding.insert(write, decided);
        self.0.feed_running(&mut running, Event::WriteBegun { write, scopes: scopes.to_vec() });
        // The caller has the rows already. What it relied on it compares itself, in the same transaction.
        self.0.feed_running(&mut running, Event::RowsLocked { write, relied: Vec::new() });
        drop(running);
        let decision = Decision::Open(decision);
        Box::new(Write { shared: Arc::clone(&self.0), write, decision, ended: false })
    }
}

#[derive(Debug)]
struct Write {
    shared: Arc<Shared>,
    write: WriteId,
    decision: Decision,
    ended: bool,
}

/// Whether the write may be committed.
#[derive(Debug)]
enum Decision {
    Open(oneshot::Receiver<Result<(), WriteFailure>>),
    Made(Result<(), Fenced>),
}

impl Announced for Write {
    fn may_commit(&mut self) -> Waiting<'_> {
        Box::pin(async move {
            if let Decision::Open(open) = &mut self.decision {
                self.decision = Decision::Made(match open.await {
                    Ok(decided) => decided.map_err(|why| Fenced(words(why))),
                    Err(_) => Err(Fenced("the node began a new life".to_owned())),
                });
            }
            match &self.decision {
                Decision::Made(made) => made.clone(),
                Decision::Open(_) => Err(Fenced("nothing was decided".to_owned())),
            }
        })
    }

    fn ended(mut self: Box<Self>, outcome: Outcome) {
        self.ended = true;
        self.end(match outcome {
            Outcome::Committed(version) => core::Outcome::Committed(Version(version)),
            Outcome::Aborted => core::Outcome::RolledBack,
            Outcome::InDoubt => core::Outcome::InDoubt,
        });
    }
}

impl Write {
    fn end(&self, outcome: core::Outcome) {
        let write = self.write;
        let mut running = self.shared.running();
        running.deciding.remove(&write);
        self.shared.feed_running(&mut running, Event::WriteEnded { write, outcome });
    }
}

impl Drop for Write {
    /// Whoever gave a write up in the middle knows nothing of its commit.
    fn drop(&mut self) {
        if !self.ended {
            self.end(core::Outcome::InDoubt);
        }
    }
}

fn words(why: WriteFailure) -> String {
    match why {
        WriteFailure::NotAMember => "this node's membership in the cluster has run out".to_owned(),
        WriteFailure::Joining => "this node has just joined, and not every member knows it yet".to_owned(),
        WriteFailure::Leaving => "this node is stopping".to_owned(),
        WriteFailure::StaleGround(scope) => format!("{scope:?} was changed after it was read"),
    }
}
