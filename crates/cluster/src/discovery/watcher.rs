//! Who serves, without beacons: a web tier connects with the nodes that a list or the registry names, is no member, and hears what each
//! serves and where others are; so one that answers is enough to know all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::found::Found;
use super::peers::{self, Resolve};
use super::registry;
use super::seen::{AllServing, Serving, publish};
use super::told::Told;
use super::{Addresses, Kind};
use crate::authority::Name;
use crate::mesh::{Complaints, Expected, Limits, Network, Security, Spectator, Spoke};

/// After so many times the longest silence of a connection a node is forgotten that cannot be heard any more.
const SILENCES_MAX: u32 = 10;

/// Who asks, and how.
pub struct Asking {
    /// The cluster.
    pub cluster: Name,
    /// Who asks: with TLS the name in its file.
    pub name: Name,
    /// What it proves itself with.
    pub security: Security,
    /// Sockets.
    pub network: Arc<dyn Network>,
    /// The mesh's: `connect`, `handshake`, `dead` and the pauses hold here too.
    pub limits: Limits,
    /// Where this process's own mesh listens, if it is a node itself.
    pub own: Vec<SocketAddr>,
}

/// The search under way. Dropped, it ends.
pub struct Watcher {
    _tasks: JoinSet<()>,
}

impl Watcher {
    /// Begins to look for nodes at the places of `kind` and at those of the registry, and to hear them.
    #[must_use]
    pub fn start(
        asking: Asking,
        kind: Kind,
        resolve: Resolve,
        expected: watch::Receiver<Arc<Vec<Expected>>>,
    ) -> (Self, watch::Receiver<AllServing>) {
        let Asking { cluster, name, security, network, limits, own } = asking;
        let (found, addresses) = Found::new();
        let found = Arc::new(found);
        found.set("own", own.into_iter().map(reachable).collect());
        let mut tasks = JoinSet::new();
        tasks.spawn(registry::follow(None, expected, Arc::clone(&found)));
        if let Kind::Peers { peers, every } = kind {
            tasks.spawn(peers::run(peers, every, resolve, Arc::clone(&found)));
        }
        let (told, seen) = watch::channel(AllServing::default());
        let dead = limits.dead;
        let heard =
            Arc::new(Heard { dead, nodes: Mutex::default(), complaints: Complaints::default(), found, told });
        let spectator = Arc::new(Spectator { cluster, name, security, network, limits });
        let hearing = Arc::clone(&heard);
        tasks.spawn(spectator.hear(addresses, move |spoke| hearing.take(spoke)));
        tasks.spawn(async move {
            let mut ticks = interval(dead.div_f64(2.0).max(Duration::from_millis(1)));
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                heard.forget_the_silent();
            }
        });
        (Self { _tasks: tasks }, seen)
    }
}

/// Where a mesh that listens at an address can be reached from its own process.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(match address {
            SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
            SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
        });
    }
    address
}

/// What was heard, of whom, and when.
struct Heard {
    /// Who was heard within this time is connected.
    dead: Duration,
    nodes: Mutex<BTreeMap<SocketAddr, Word>>,
    complaints: Complaints,
    found: Arc<Found>,
    told: watch::Sender<AllServing>,
}

/// The last that was heard at an address.
struct Word {
    node: Name,
    /// None: it takes no requests.
    serving: Option<Serving>,
    others: Vec<SocketAddr>,
    at: Instant,
}

impl Heard {
    fn take(&self, (address, node, told): Spoke<'_>) {
        let whom = address.to_string();
        let Some(Told { serves, others }) = Told::read(&told) else {
            self.complaints.say(&whom, "protocol", "what it tells of itself cannot be read");
            return;
        };
        let seen = serves.map(|serves| Serving::from_here(node.clone(), serves, address)).transpose();
        let serving = match seen {
            Ok(serving) => {
                self.complaints.forget(&whom);
                serving
            }
            Err(sentence) => {
                self.complaints.say(&whom, "address", &sentence);
                None
            }
        };
        let mut nodes = self.lock();
        nodes.insert(address, Word { node: node.clone(), serving, others, at: Instant::now() });
        self.tell(&nodes);
    }

    fn forget_the_silent(&self) {
        let silent_max = self.dead.saturating_mul(SILENCES_MAX);
        let mut nodes = self.lock();
        nodes.retain(|_, word| word.at.elapsed() <= silent_max);
        self.tell(&nodes);
    }

    /// Of a node that is found at two addresses counts what it says where it is connected, then the first.
    fn tell(&self, nodes: &BTreeMap<SocketAddr, Word>) {
        let mut last: BTreeMap<&Name, &Word> = BTreeMap::new();
        let is_connected = |word: &Word| word.at.elapsed() <= self.dead;
        for word in nodes.values() {
            let entry = last.entry(&word.node).or_insert(word);
            if !is_connected(entry) && is_connected(word) {
                *entry = word;
            }
        }
        publish(&self.told, last.into_values().filter_map(|word| word.serving.clone()).collect());
        let others: Addresses = nodes.values().flat_map(|word| &word.others).copied().collect();
        self.found.set("told", others);
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SocketAddr, Word>> {
        self.nodes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
