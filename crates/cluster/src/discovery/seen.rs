//! Nodes that take requests, as a web tier sees them.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use tokio::sync::watch;

use super::beacon::Serves;
use crate::authority::Name;

/// A node that takes requests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    /// Its name.
    pub node: Name,
    /// What stands behind the dot of its session ids.
    pub route: Arc<str>,
    /// Where it takes HTTP.
    pub http: SocketAddr,
    /// Where it takes AJP13, if it does.
    pub ajp: Option<SocketAddr>,
}

/// All that serve, by name.
pub type AllServing = Arc<Vec<Serving>>;

impl Serving {
    /// What a node says that it serves, for whoever heard it say so from there.
    ///
    /// # Errors
    /// A sentence for the log: only its own machine can reach it.
    pub(super) fn from_here(node: Name, serves: Serves, from: SocketAddr) -> Result<Self, String> {
        let Serves { route, http, ajp } = serves;
        let Some(http) = seen_from_here(http, from) else {
            return Err(format!("{node} listens for HTTP on {http} alone: nobody elsewhere can reach it"));
        };
        Ok(Self { node, route, http, ajp: ajp.and_then(|ajp| seen_from_here(ajp, from)) })
    }
}

/// Tells who serves now, if that is something new.
pub(super) fn publish(told: &watch::Sender<AllServing>, all: Vec<Serving>) {
    told.send_if_modified(|before| {
        let changed = **before != all;
        if changed {
            *before = Arc::new(all);
        }
        changed
    });
}

/// An address of a node, for whoever heard of it from there. One of its own machine is of use on that machine only.
fn seen_from_here(address: SocketAddr, from: SocketAddr) -> Option<SocketAddr> {
    if address.ip().is_unspecified() {
        let mut place = from;
        place.set_port(address.port());
        return Some(place);
    }
    let is_here = || from.ip().is_loopback() || UdpSocket::bind((from.ip(), 0)).is_ok();
    (!address.ip().is_loopback() || is_here()).then_some(address)
}
