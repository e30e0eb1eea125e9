//! Members of the web tier that are found in the cluster's mesh: wiring between who hears of them and who balances, and the change
//! between them and named members while it serves.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep;
use zebu_balancer::{Control, FoundNode, MeshMembers};
use zebu_cluster::config::Config as Cluster;
use zebu_cluster::discovery::Serving;

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::look::{Look, seen_within};

/// Who looks for members in the mesh, if somebody is to.
pub(super) struct Finder {
    following: Arc<Mutex<Option<Following>>>,
    /// Where the mesh of this process listens, if it is a node too.
    own_mesh: Vec<SocketAddr>,
    /// A configuration that is taken up once somebody was heard. Dropped, it is not.
    waiting: JoinSet<()>,
}

/// Tells the web tier who serves, until dropped.
struct Following {
    cluster: Cluster,
    _look: Look,
    _task: JoinSet<()>,
}

impl Finder {
    /// Begins to follow who serves, if the web tier is to.
    ///
    /// # Errors
    /// It is to, and cannot: there is no `[cluster]`, its file cannot be used, or it says no way to find others.
    pub(super) fn start(
        config: &Config,
        tier: &zebu_balancer::Config,
        control: &Control,
        own_mesh: Vec<SocketAddr>,
    ) -> Result<Self> {
        let following = match wanted(config, tier)? {
            Some(cluster) => {
                let look = Look::begin(config, cluster, own_mesh.clone())?;
                Some(Following::of(cluster.clone(), look, control.clone()))
            }
            None => None,
        };
        Ok(Self { following: Arc::new(Mutex::new(following)), own_mesh, waiting: JoinSet::new() })
    }

    /// Has a configuration taken up: at once, or, where it wants members of a mesh that nobody has followed, once they were heard of.
    /// Until then everything stays, and so it does if nobody is heard.
    ///
    /// # Errors
    /// The configuration cannot work; then nothing has changed.
    pub(super) fn reload(
        &mut self,
        config: &Config,
        tier: &zebu_balancer::Config,
        control: &Control,
    ) -> Result<()> {
        // One that waited has been overtaken.
        self.waiting = JoinSet::new();
        let failed = |error: zebu_balancer::Error| Failure::new(error.to_string());
        let Some(cluster) = wanted(config, tier)? else {
            control.reload_with(tier, &[]).map_err(failed)?;
            *lock(&self.following) = None;
            return Ok(());
        };
        if lock(&self.following).as_ref().is_some_and(|following| following.cluster == *cluster) {
            return control.reload(tier).map_err(failed);
        }
        tier.check().map_err(failed)?;
        let mut look = Look::begin(config, cluster, self.own_mesh.clone())?;
        let (cluster, tier, control) = (cluster.clone(), tier.clone(), control.clone());
        let following = Arc::clone(&self.following);
        self.waiting.spawn(async move {
            sleep(hearing(&cluster)).await;
            let nodes = nodes(&look.seen.borrow_and_update());
            if nodes.is_empty() {
                tracing::error!("the configuration was not taken up: nobody was heard of in the mesh");
                return;
            }
            match control.reload_with(&tier, &nodes) {
                Ok(()) => *lock(&following) = Some(Following::of(cluster, look, control)),
                Err(error) => tracing::error!(cause = %error, "the configuration was not taken up"),
            }
        });
        Ok(())
    }
}

impl Following {
    fn of(cluster: Cluster, look: Look, control: Control) -> Self {
        let mut seen = look.seen.clone();
        let mut task = JoinSet::new();
        task.spawn(async move {
            while seen.changed().await.is_ok() {
                let nodes = nodes(&seen.borrow_and_update());
                control.found(&nodes);
            }
        });
        Self { cluster, _look: look, _task: task }
    }
}

/// The cluster whose nodes are to be members, if any are.
fn wanted<'a>(config: &'a Config, tier: &zebu_balancer::Config) -> Result<Option<&'a Cluster>> {
    let cluster = config.cluster.as_ref().filter(|_| tier.wants_mesh());
    if tier.mesh_members == MeshMembers::Also && cluster.is_none() {
        return Err(Failure::new("[web] mesh_members = \"also\" needs a [cluster]"));
    }
    Ok(cluster)
}

/// How long one listens until all that serve have been heard.
fn hearing(cluster: &Cluster) -> Duration {
    seen_within(&cluster.kind(), &cluster.limits())
}

fn nodes(serving: &[Serving]) -> Vec<FoundNode> {
    let node = |one: &Serving| FoundNode { route: one.route.to_string(), http: one.http, ajp: one.ajp };
    serving.iter().map(node).collect()
}

fn lock(following: &Mutex<Option<Following>>) -> std::sync::MutexGuard<'_, Option<Following>> {
    following.lock().unwrap_or_else(PoisonError::into_inner)
}
