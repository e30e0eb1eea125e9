//! Members of the web tier that are found in the cluster's mesh: wiring between who hears of them and who balances.

use std::sync::Arc;

use tokio::task::JoinHandle;
use zebu_app::Clock;
use zebu_balancer::{Control, FoundNode, MeshMembers};
use zebu_cluster::authority::{Name, Now};
use zebu_cluster::discovery::{Keys, Kind, Observer, Serving};

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::mesh::security;

/// Tells the web tier who serves, until dropped.
pub(super) struct Following {
    _observer: Observer,
    task: JoinHandle<()>,
}

impl Drop for Following {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Begins to follow who serves, if the web tier is to.
///
/// # Errors
/// It is to, and cannot: there is no `[cluster]`, its file cannot be used, or others are not found by multicast.
pub(super) fn follow(
    config: &Config,
    tier: &zebu_balancer::Config,
    control: &Control,
) -> Result<Option<Following>> {
    let is_wanted = tier.mesh_members == MeshMembers::Also;
    let Some(cluster) = config.cluster.as_ref().filter(|_| tier.wants_mesh()) else {
        let refused = || Failure::new("[web] mesh_members = \"also\" needs a [cluster]");
        return if is_wanted && config.cluster.is_none() { Err(refused()) } else { Ok(None) };
    };
    let Kind::Multicast(settings) = cluster.kind() else {
        if is_wanted {
            let words = "[web] mesh_members = \"also\" needs [cluster] discovery = \"multicast\"";
            return Err(Failure::new(words));
        }
        tracing::warn!("the web tier has no members: it finds them in the mesh by multicast only");
        return Ok(None);
    };
    let failed =
        |what: &str, error: &dyn std::fmt::Display| Failure::new(format!("[cluster] {what}: {error}"));
    let name = Name::new("name", &cluster.name).map_err(|error| failed("cannot be", &error))?;
    let now: Now = Arc::new(|| Clock::System.now_ms());
    let keys = Keys::of(&security(cluster, &name, None, &now)?, &name);
    let (_observer, mut seen) =
        Observer::start(&settings, name, keys, now).map_err(|error| failed("discovery", &error))?;
    let control = control.clone();
    let task = tokio::spawn(async move {
        while seen.changed().await.is_ok() {
            let nodes: Vec<FoundNode> = seen.borrow_and_update().iter().map(node).collect();
            control.found(&nodes);
        }
    });
    Ok(Some(Following { _observer, task }))
}

fn node(serving: &Serving) -> FoundNode {
    FoundNode { route: serving.route.to_string(), http: serving.http, ajp: serving.ajp }
}
