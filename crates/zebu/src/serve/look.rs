//! A look at who serves in a cluster, by whatever its configuration offers: beacons, a list, the registry. For web tiers.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};
use zebu_app::{Clock, cluster};
use zebu_cluster::authority::{Name, Now};
use zebu_cluster::config::Config as Cluster;
use zebu_cluster::discovery::{AllServing, Asking, Keys, Kind, Observer, Watcher, resolver};
use zebu_cluster::mesh::{Limits, Security, Tcp};
use zebu_store::Store;

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::mesh::{looks, security, tell_registered};

/// Between two looks at the node file, whether it was replaced.
const CREDENTIALS_EVERY: Duration = Duration::from_secs(10);

/// A look under way. Dropped, it ends.
pub(super) struct Look {
    pub(super) seen: watch::Receiver<AllServing>,
    _by: By,
    _tasks: JoinSet<()>,
}

/// What is heard by.
enum By {
    Beacons { _observer: Observer },
    Connections { _watcher: Watcher },
}

impl Look {
    /// Begins. `own_mesh`: where the mesh of this process listens, if it is a node too.
    ///
    /// # Errors
    /// The cluster's file cannot be used, the group cannot be listened to, or nothing says where nodes are.
    pub(super) fn begin(config: &Config, cluster: &Cluster, own_mesh: Vec<SocketAddr>) -> Result<Self> {
        let failed =
            |what: &str, error: &dyn std::fmt::Display| Failure::new(format!("[cluster] {what}: {error}"));
        let name = Name::new("name", &cluster.name).map_err(|error| failed("cannot be", &error))?;
        let now: Now = Arc::new(|| Clock::System.now_ms());
        let security = security(cluster, &name, None, &now)?;
        let mut tasks = JoinSet::new();
        if let Security::Tls(credentials) = &security {
            let credentials = Arc::clone(credentials);
            tasks.spawn(async move {
                let mut ticks = interval(CREDENTIALS_EVERY);
                ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
                loop {
                    ticks.tick().await;
                    let credentials = Arc::clone(&credentials);
                    // It reads a file. Whether it went well it says itself.
                    let _ = tokio::task::spawn_blocking(move || credentials.refresh()).await;
                }
            });
        }
        let (seen, by) = match cluster.kind() {
            Kind::Multicast(settings) => {
                let keys = Keys::of(&security, &name);
                let (observer, seen) = Observer::start(&settings, name, keys, now)
                    .map_err(|error| failed("discovery", &error))?;
                (seen, By::Beacons { _observer: observer })
            }
            Kind::Registry if config.store.is_none() => {
                let words = "[web] takes its members from the mesh, and [cluster] discovery = \"registry\" needs a [store] for that";
                return Err(Failure::new(words));
            }
            kind => {
                let (expected, registered) = watch::channel(Arc::default());
                if let Some(store) = config.store.clone() {
                    let (cluster, mut opened) = (cluster.name.clone(), None);
                    tasks.spawn(async move {
                        let mut ticks = looks();
                        loop {
                            ticks.tick().await;
                            tell_registered(&expected, registered_in(&mut opened, &store, &cluster).await);
                        }
                    });
                }
                let asking = Asking {
                    name: own_name(config, &name, &security),
                    cluster: name,
                    security,
                    network: Arc::new(Tcp),
                    limits: cluster.limits(),
                    own: own_mesh,
                };
                let (watcher, seen) = Watcher::start(asking, kind, resolver(), registered);
                (seen, By::Connections { _watcher: watcher })
            }
        };
        Ok(Self { seen, _by: by, _tasks: tasks })
    }
}

/// After so long all that serve have been heard, if all is well: two beacons, or as long as a connection may be silent.
pub(super) fn seen_within(kind: &Kind, limits: &Limits) -> Duration {
    match kind {
        Kind::Multicast(settings) => settings.every.saturating_mul(2),
        Kind::Peers { .. } | Kind::Registry => limits.dead,
    }
}

/// Under which name nodes are asked: the file's; without one the process's, or the cluster's.
fn own_name(config: &Config, cluster: &Name, security: &Security) -> Name {
    match security {
        Security::Tls(credentials) => credentials.identity().node().clone(),
        Security::Plain => {
            let node = config.node.as_ref().and_then(|node| Name::new("[node] name", &node.name).ok());
            node.unwrap_or_else(|| cluster.clone())
        }
    }
}

/// Who is registered, by a store that is opened when it is first needed.
async fn registered_in(
    opened: &mut Option<Store>,
    config: &zebu_store::Config,
    name: &str,
) -> std::result::Result<Vec<zebu_cluster::mesh::Expected>, zebu_app::Error> {
    let store = match opened {
        Some(store) => store,
        None => opened.insert(Store::open(config.clone()).await?),
    };
    cluster::registered_in(store, name, Clock::System.now_ms()).await
}
