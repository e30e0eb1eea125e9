//! This process as a member of its cluster: whoever writes is one, so that nobody answers from memory what it has changed.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;
use zebu_app::cluster::{self, Role};
use zebu_app::{App, Clock, Identity, Membership, live};
use zebu_cluster::core::{Connection, Incarnation, Timing};
use zebu_cluster::discovery::Serves;
use zebu_cluster::node::{Node, Outside, Progress, Transport};
use zebu_cluster::{Coherence, Validity};

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::mesh::Meshed;

/// Every member is counted by all others after this time, if it can be registered at all.
const JOIN_MAX: Duration = Duration::from_secs(10);
/// What is said of a wait that is longer than this.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long the writes under way may take to end when it leaves.
const LEAVE_MAX: Duration = Duration::from_secs(3);

/// A member under way.
pub(super) struct Member {
    membership: Arc<Membership>,
    node: Arc<Node>,
    mesh: Option<Meshed>,
    role: Role,
}

/// The connections of a process that has none.
#[derive(Debug)]
struct Nobody;

impl Transport for Nobody {
    fn send(&self, _: Incarnation, _: Connection, _: Bytes) {}
    fn close(&self, _: Incarnation, _: Connection) {}
    fn begin_life(&self, _: Incarnation) {}
}

impl Member {
    /// Begins to register.
    ///
    /// # Errors
    /// The databases do not answer; an address of the mesh is taken, or the node's file cannot be used.
    pub(super) async fn start(
        config: &Config,
        store: &zebu_store::Config,
        identity: &Identity,
    ) -> Result<Self> {
        let membership = Membership::open(store.clone(), Clock::System, identity.clone()).await;
        let membership = membership.map_err(databases)?;
        let mut mesh = match &config.cluster {
            Some(settings) => Some(Meshed::start(settings, identity).await?),
            None => None,
        };
        let outside = Outside {
            transport: match &mesh {
                Some(mesh) => mesh.transport(),
                None => Arc::new(Nobody),
            },
            registry: membership.clone(),
            versions: membership.clone(),
        };
        let life = u128::from_str_radix(&identity.incarnation, 16)
            .map_err(|error| Failure::new(format!("the incarnation is no number: {error}")))?;
        let caches = store.cache_bytes_max > 0;
        let (me, validity) = (Incarnation(life), Arc::new(Validity::default()));
        let node = Arc::new(Node::start(me, caches, Timing::default(), validity, outside));
        if let Some(mesh) = &mut mesh {
            mesh.carry_to(&node);
        }
        let role = if config.groupware.is_some() { Role::Groupware } else { Role::Admin };
        Ok(Self { membership, node, mesh, role })
    }

    /// What the application's reads and writes go by.
    pub(super) fn coherence(&self) -> Coherence {
        self.node.coherence()
    }

    /// Says in configdb that this process is there, and follows who else should be.
    ///
    /// # Errors
    /// The databases do not answer.
    pub(super) async fn enter(&mut self, app: &Arc<App>) -> Result<()> {
        let in_mesh = self.mesh.as_ref().map(Meshed::in_mesh);
        cluster::enter(app, self.role, in_mesh).await.map_err(databases)?;
        live::attach(app, Arc::clone(&self.node));
        if let Some(mesh) = &mut self.mesh {
            mesh.follow(app);
        }
        Ok(())
    }

    /// Waits until all other members count this one. Until then its writes are refused: if that takes too long, it reads.
    pub(super) async fn joined(&self) {
        let mut progress = self.node.progress();
        let mut joined = std::pin::pin!(progress.wait_for(|progress| *progress != Progress::Joining));
        if timeout(PATIENCE, joined.as_mut()).await.is_ok() {
            return;
        }
        let alone = if self.mesh.is_some() { "" } else { "; without [cluster] it takes some seconds" };
        tracing::warn!("waiting until the other members of the cluster count this one{alone}");
        if timeout(JOIN_MAX, joined).await.is_err() {
            tracing::error!("not a member of the cluster yet: every write is refused until it is");
        }
    }

    /// Tells web tiers what this process takes requests by, from now on; nothing once it is about to stop.
    pub(super) fn serves(&self, serves: Option<Serves>) {
        if let Some(mesh) = &self.mesh {
            mesh.serves(serves);
        }
    }

    /// Where its mesh listens, if it has one.
    pub(super) fn mesh_listens(&self) -> Vec<SocketAddr> {
        self.mesh.as_ref().map(Meshed::listens).unwrap_or_default()
    }

    /// Leaves in good order: nobody waits for this process.
    pub(super) async fn stop(self) {
        self.node.leave();
        let mut progress = self.node.progress();
        if timeout(LEAVE_MAX, progress.wait_for(|progress| *progress == Progress::Left)).await.is_err() {
            tracing::warn!("a write is still under way; the others wait until this member is missed");
        } else if let Err(error) = self.membership.leave(self.node.me()).await {
            tracing::warn!(cause = error.cause_chain(), "cannot leave the cluster's registry");
        }
        // Out of the registry first: whoever hears the goodbye does not miss it.
        if let Some(mesh) = self.mesh {
            mesh.stop().await;
        }
    }
}

fn databases(error: zebu_app::Error) -> Failure {
    Failure::new(format!("cannot work with the databases: {}", error.cause_chain()))
}
