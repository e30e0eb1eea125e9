//! This process as a part of its cluster, live, for the cluster page and `/metrics`: how it stands with the other members, how often it
//! answered from memory, who listens to it.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
// tidy-allow(arrow): numbers and names for whoever shows them; nothing can be done with them.
pub use zebu_cluster::node::Status as CoherenceStatus;
use zebu_cluster::node::{self, Node};
use zebu_store::configdb::nodes;

use crate::app::App;
use crate::databases;
use crate::push;

/// The live map of the process that answers.
#[derive(Debug, Serialize)]
pub struct Live {
    /// How it stands in the coherence protocol; none if it is no member of anything.
    coherence: Option<node::Status>,
    /// The names of members by incarnation.
    names: BTreeMap<String, String>,
    /// What it answered from memory; none if it remembers nothing.
    cache: Option<Cache>,
    /// Clients that hear of changes from it.
    subscriptions: u32,
}

#[derive(Debug, Serialize)]
struct Cache {
    bytes: u64,
    bytes_max: u64,
    kinds: Vec<Kind>,
}

/// Statements of one kind of scope.
#[derive(Debug, Serialize)]
struct Kind {
    scope: &'static str,
    /// Answered from memory.
    hits: u64,
    /// Asked of a database.
    misses: u64,
}

/// Gives the application the node of its process in the protocol, once.
pub fn attach(app: &App, node: Arc<Node>) {
    // A second one would be another process's.
    let _ = app.member.set(node);
}

/// How this process stands in the coherence protocol, if it is a member.
#[must_use]
pub fn coherence(app: &App) -> Option<node::Status> {
    app.member.get().map(|node| node.status())
}

/// All of it; `entered` are the processes that configdb knows.
pub(crate) fn live(app: &App, entered: &[nodes::Node]) -> Live {
    let names = entered.iter().flat_map(|node| [(&node.incarnation, &node.name), (&node.life, &node.name)]);
    let cache = databases::cache(app).map(|state| Cache {
        bytes: state.bytes,
        bytes_max: state.bytes_max,
        kinds: state
            .hits
            .iter()
            .map(|of| Kind { scope: of.kind, hits: of.hits, misses: of.misses })
            .collect(),
    });
    Live {
        coherence: coherence(app),
        names: names.map(|(life, name)| (life.clone(), name.clone())).collect(),
        cache,
        subscriptions: push::state(app).open,
    }
}
