//! Where the other members may be: by beacons on a multicast group, by a list of names and addresses, by the registry. What comes out
//! is a set of addresses; who really is there, the mesh finds out when it dials.
//!
//! Nothing that is found here is trusted. A beacon is authenticated all the same, because everybody on the segment can send them,
//! and a flood of false ones would have the node dial for nothing.

mod beacon;
mod found;
mod multicast;
mod observe;
mod peers;
mod registry;
mod replay;
mod seen;
mod told;
mod watcher;

pub use beacon::{Announcement, Keys, Serves};
pub use found::Found;
pub use multicast::{DEFAULT_GROUP, DEFAULT_PORT, Multicast};
pub use observe::Observer;
pub use peers::{Resolve, resolver};
pub use seen::{AllServing, Serving};
pub use told::tell;
pub use watcher::{Asking, Watcher};

use std::collections::BTreeSet;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::authority::Now;
use crate::mesh::Expected;

/// How others are looked for, besides in the registry.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// By beacons.
    Multicast(Multicast),
    /// At these places, `host:port`; a host may be a name with many addresses, asked for again after `every`.
    Peers {
        /// Where.
        peers: Vec<String>,
        /// Between two looks at what the names mean.
        every: Duration,
    },
    /// In the registry alone.
    Registry,
}

/// What is told of this node.
pub struct Own {
    /// Who it is, and where its mesh listens.
    pub announcement: Announcement,
    /// What it takes requests by; none for as long as it takes none.
    pub serves: watch::Receiver<Option<Serves>>,
}

/// The search under way. Dropped, it ends.
pub struct Discovery {
    _tasks: JoinSet<()>,
}

impl Discovery {
    /// Begins to look for others, and to tell of this node and, by beacons, what it serves. What is found goes into `found`, whose
    /// other end the mesh has.
    ///
    /// # Errors
    /// The socket for beacons cannot be had.
    pub fn start(
        kind: Kind,
        own: Own,
        keys: Keys,
        now: Now,
        resolve: Resolve,
        found: Found,
        expected: watch::Receiver<Arc<Vec<Expected>>>,
    ) -> io::Result<Self> {
        let found = Arc::new(found);
        let Own { announcement: own, serves } = own;
        let mut tasks = JoinSet::new();
        tasks.spawn(registry::follow(Some(own.node.clone()), expected, Arc::clone(&found)));
        match kind {
            Kind::Multicast(settings) => {
                let socket = settings.socket()?;
                tasks.spawn(multicast::run(settings, socket, own, serves, keys, now, found));
            }
            Kind::Peers { peers, every } => {
                tasks.spawn(peers::run(peers, every, resolve, found));
            }
            Kind::Registry => {}
        }
        Ok(Self { _tasks: tasks })
    }
}

/// Addresses, sorted.
pub(crate) type Addresses = BTreeSet<SocketAddr>;
