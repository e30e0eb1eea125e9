//! `[cluster]`: this process's connections with the others of its cluster. Wiring: configdb says who should be there, discovery where
//! they may be, and the mesh connects.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Interval, MissedTickBehavior, interval};
use zebu_app::cluster::{self, InMesh};
use zebu_app::{App, Clock, Identity};
use zebu_cluster::authority::{Credentials, Name, Now};
use zebu_cluster::config::Config;
use zebu_cluster::discovery::{Announcement, Discovery, Found, Keys, Own, Serves, resolver, tell};
use zebu_cluster::mesh::{Event, Expected, Mesh, Security, Settings, Tcp};
use zebu_cluster::node::{Node, OverMesh};

use crate::failure::{Failure, Result};

/// Between two looks at the registry.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// A mesh under way.
pub(super) struct Meshed {
    mesh: Arc<OverMesh>,
    /// What happens on it, until somebody carries it to the node.
    events: Option<mpsc::Receiver<Event>>,
    in_mesh: InMesh,
    expected: watch::Sender<Arc<Vec<Expected>>>,
    /// What this process takes requests by.
    serves: watch::Sender<Option<Serves>>,
    _discovery: Discovery,
    tasks: JoinSet<()>,
}

impl Meshed {
    /// Listens and looks for others.
    ///
    /// # Errors
    /// An address is taken, the node file cannot be used or is another node's.
    pub(super) async fn start(config: &Config, identity: &Identity) -> Result<Self> {
        let failed =
            |what: &str, error: &dyn std::fmt::Display| Failure::new(format!("[cluster] {what}: {error}"));
        let checked = |field, text| Name::new(field, text).map_err(|error| failed("cannot be", &error));
        let (own_cluster, own_node) =
            (checked("name", &config.name)?, checked("[node] name", &identity.name)?);
        let name = own_node.clone();
        let now: Now = Arc::new(|| Clock::System.now_ms());
        let security = security(config, &own_cluster, Some(&own_node), &now)?;
        let incarnation: Arc<str> = identity.incarnation.as_str().into();
        let settings = Settings {
            cluster: own_cluster.clone(),
            node: own_node.clone(),
            incarnation: Arc::clone(&incarnation),
            listen: config.bind.clone(),
            limits: config.limits(),
        };
        let (found, addresses) = Found::new();
        let (expected, registered) = watch::channel(Arc::default());
        let started =
            Mesh::start(settings, security.clone(), Arc::new(Tcp), addresses, registered.clone()).await;
        let (mesh, events) = started.map_err(|error| failed("bind", &error))?;
        let told =
            if config.advertise.is_empty() { mesh.listen().to_vec() } else { config.advertise.clone() };
        let in_mesh = InMesh { cluster: config.name.clone(), address: registered_as(&told) };
        let keys = Keys::of(&security, &own_cluster);
        let announcement =
            Announcement { cluster: own_cluster, node: own_node, incarnation, addresses: told };
        let (serves, told) = watch::channel(None);
        let own = Own { announcement, serves: told.clone() };
        let discovery =
            Discovery::start(config.kind(), own, keys, now, resolver(), found, registered.clone());
        let _discovery = discovery.map_err(|error| failed("discovery", &error))?;
        let (mesh, events) = (Arc::new(OverMesh::new(mesh)), Some(events));
        let mut tasks = JoinSet::new();
        let telling = Arc::clone(&mesh);
        tasks.spawn(tell(name, told, registered, move |bytes| telling.mesh().tell(bytes)));
        Ok(Self { mesh, events, in_mesh, expected, serves, _discovery, tasks })
    }

    /// The mesh, to send by.
    pub(super) fn transport(&self) -> Arc<OverMesh> {
        Arc::clone(&self.mesh)
    }

    /// Tells a node from now on what has happened on the mesh and what happens.
    pub(super) fn carry_to(&mut self, node: &Arc<Node>) {
        if let Some(events) = self.events.take() {
            let (mesh, node) = (Arc::clone(&self.mesh), Arc::clone(node));
            self.tasks.spawn(async move { mesh.carry(events, node).await });
        }
    }

    /// Tells web tiers what this process takes requests by, from now on.
    pub(super) fn serves(&self, serves: Option<Serves>) {
        self.serves.send_replace(serves);
    }

    /// What the registry is to say of it.
    pub(super) fn in_mesh(&self) -> &InMesh {
        &self.in_mesh
    }

    /// Follows who should be there, from when this process has said that it is.
    pub(super) fn follow(&mut self, app: &Arc<App>) {
        cluster::attach(app, Arc::clone(&self.mesh));
        let (app, cluster, expected) = (Arc::clone(app), self.in_mesh.cluster.clone(), self.expected.clone());
        self.tasks.spawn(async move {
            let mut ticks = looks();
            loop {
                ticks.tick().await;
                tell_registered(&expected, cluster::registered(&app, &cluster).await);
            }
        });
    }

    /// Where it listens.
    pub(super) fn listens(&self) -> Vec<SocketAddr> {
        self.mesh.mesh().listen().to_vec()
    }

    /// Says goodbye to the others.
    pub(super) async fn stop(self) {
        self.mesh.mesh().stop().await;
    }
}

/// When to look at the registry.
pub(super) fn looks() -> Interval {
    let mut ticks = interval(LOOK_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}

/// Tells who is registered, as a look found, if that is anything new.
pub(super) fn tell_registered(
    expected: &watch::Sender<Arc<Vec<Expected>>>,
    found: std::result::Result<Vec<Expected>, zebu_app::Error>,
) {
    match found {
        Ok(members) => {
            expected.send_if_modified(|before| {
                let changed = **before != members;
                if changed {
                    *before = Arc::new(members);
                }
                changed
            });
        }
        // Who writes there complains of it; what was known goes on to hold.
        Err(error) => tracing::debug!(cause = error.cause_chain(), "the registry cannot be read"),
    }
}

/// What a process of the cluster proves itself with, and knows others by. `node`: whose file it must be, if that is not the same.
pub(super) fn security(config: &Config, cluster: &Name, node: Option<&Name>, now: &Now) -> Result<Security> {
    if config.plaintext {
        return Ok(Security::Plain);
    }
    let credentials = Credentials::open(&config.certificate, Arc::clone(now))
        .map_err(|error| Failure::new(format!("[cluster] certificate: {error}")))?;
    let identity = credentials.identity();
    let node = node.unwrap_or(identity.node());
    if (identity.cluster(), identity.node()) != (cluster, node) {
        return Err(Failure::new(format!(
            "[cluster] certificate: {} is of node {} of cluster {}, this is node {node} of cluster {cluster}",
            config.certificate.display(),
            identity.node(),
            identity.cluster(),
        )));
    }
    Ok(Security::Tls(Arc::new(credentials)))
}

/// The address for the registry: the first that others can use as it stands; "" if there is none.
fn registered_as(told: &[SocketAddr]) -> String {
    told.iter().find(|address| !address.ip().is_unspecified()).map_or(String::new(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_that_others_can_use_is_registered() {
        let check = |told: &[&str], expected: &str| {
            let told: Vec<SocketAddr> = told.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(registered_as(&told), expected);
        };
        check(&["0.0.0.0:57462"], "");
        check(&["[::]:57462", "10.0.0.1:57462", "10.0.0.2:57462"], "10.0.0.1:57462");
        check(&["[fd00::1]:57462"], "[fd00::1]:57462");
    }
}
