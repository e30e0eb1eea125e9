//! `[cluster]`: how a node finds the others of its cluster and talks to them. Read by the binary, checked by [`Config::check`] before
//! anything listens. A limit of the mesh that is not named here does not exist.

use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use crate::authority::{NAME_BYTES_MAX, Name};
use crate::discovery::{DEFAULT_GROUP, DEFAULT_PORT, Kind, Multicast};
use crate::mesh::Limits;

/// Addresses that a beacon can tell of.
const ADVERTISE_MAX: usize = 8;
const HOUR_MS: u64 = 3_600_000;

/// What a node is told of its cluster. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// The cluster's name, as its CA has it. No default.
    pub name: String,
    /// Where the others reach this process. Default all IPv4 addresses, port 57462 for a node and 57461 for an admin daemon; port 0
    /// takes any free one.
    pub bind: Vec<SocketAddr>,
    /// What the others are told instead of `bind`, where that is not what they see. Default none; at most eight.
    pub advertise: Vec<SocketAddr>,
    /// This node's file, made by `zebu cluster certificate`. No default, unless `plaintext` is true.
    pub certificate: PathBuf,
    /// Connections without TLS, and everybody who reaches the port believed. Default false.
    pub plaintext: bool,
    /// How others are looked for: `multicast`, `peers` or `registry`. Default `multicast`.
    pub discovery: Way,
    /// For `peers`: where others are, `host:port`.
    pub peers: Vec<String>,
    /// For `peers`: ms between two looks at what names mean. Default 30,000, from 1,000 to 3,600,000.
    pub resolve_ms: u64,
    /// For `multicast`: the group, IPv4 or IPv6. Default 224.0.0.1.
    pub multicast_group: IpAddr,
    /// The group's port. Default 6780.
    pub multicast_port: u16,
    /// The interface: its address for an IPv4 group, its name for an IPv6 group. Default "", the kernel's choice.
    pub multicast_interface: String,
    /// Routers that a beacon may pass and one. Default 1, from 0 (this machine) to 255.
    pub multicast_ttl: u32,
    /// Whether this machine hears its own beacons. Default true.
    pub multicast_loop: bool,
    /// Whether others on this machine may use the port too. Default true.
    pub multicast_reuse_address: bool,
    /// ms between two beacons. Default 2,000, from 100 to 60,000.
    pub beacon_ms: u64,
    /// ms between two pings on a connection. Default 500, from 10 to 60,000.
    pub heartbeat_ms: u64,
    /// ms without a word after which a connection is over. Default 2,000, from twice `heartbeat_ms` to 3,600,000.
    pub silence_ms_max: u64,
    /// ms for a connect. Default 2,000, from 1 to 3,600,000.
    pub connect_ms_max: u64,
    /// ms for TLS and the names. Default 5,000, from 1 to 3,600,000.
    pub handshake_ms_max: u64,
    /// Connections that have not said who they are. Default 64, from 1 to 65,536.
    pub handshakes_max: usize,
    /// Bytes that may wait to be sent to one node. Default 8 MiB, from `frame_bytes_max` to 1 GiB.
    pub queue_bytes_max: usize,
    /// Bytes of one message. Default 1 MiB, from 1,024 to 16 MiB. The same on all nodes.
    pub frame_bytes_max: usize,
}

/// How others are looked for, besides in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// By beacons.
    Multicast,
    /// At the places that are named.
    Peers,
    /// In the registry alone.
    Registry,
}

/// A setting that cannot be, and what it may be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("[cluster] {field} {what}")]
pub struct Refused {
    /// The setting.
    pub field: &'static str,
    /// What it must be.
    pub what: String,
}

impl Default for Config {
    fn default() -> Self {
        let limits = Limits::default();
        Self {
            name: String::new(),
            bind: Vec::new(),
            advertise: Vec::new(),
            certificate: PathBuf::new(),
            plaintext: false,
            discovery: Way::Multicast,
            peers: Vec::new(),
            resolve_ms: 30_000,
            multicast_group: DEFAULT_GROUP.into(),
            multicast_port: DEFAULT_PORT,
            multicast_interface: String::new(),
            multicast_ttl: 1,
            multicast_loop: true,
            multicast_reuse_address: true,
            beacon_ms: 2_000,
            heartbeat_ms: ms(limits.heartbeat),
            silence_ms_max: ms(limits.dead),
            connect_ms_max: ms(limits.connect),
            handshake_ms_max: ms(limits.handshake),
            handshakes_max: limits.handshakes_max,
            queue_bytes_max: limits.queue_bytes_max,
            frame_bytes_max: limits.frame_bytes_max,
        }
    }
}

impl Config {
    /// Listens at this port of all IPv4 addresses if nothing else was said.
    pub fn listen_by_default(&mut self, port: u16) {
        if self.bind.is_empty() {
            self.bind = vec![SocketAddr::from(([0, 0, 0, 0], port))];
        }
    }

    /// Refuses what could not work.
    ///
    /// # Errors
    /// The first field that cannot be, with what it may be.
    pub fn check(&self) -> Result<(), Refused> {
        Name::new("name", &self.name).map_err(|_| {
            refused("name", format!("must be 1 to {NAME_BYTES_MAX} letters, digits, \"-\", \"_\" or \".\": the cluster's, as its CA has it"))
        })?;
        if self.bind.is_empty() {
            return Err(refused("bind", "must have an address at least".to_owned()));
        }
        if self.advertise.len().max(self.bind.len()) > ADVERTISE_MAX {
            return Err(refused(
                "advertise",
                format!("and bind may have {ADVERTISE_MAX} addresses each at most"),
            ));
        }
        if self.advertise.iter().any(|address| address.port() == 0 || address.ip().is_unspecified()) {
            return Err(refused(
                "advertise",
                "must be addresses and ports that others can connect to".to_owned(),
            ));
        }
        match (self.plaintext, self.certificate.as_os_str().is_empty()) {
            (false, true) => {
                let what = "must name this node's file (zebu cluster certificate makes it), or plaintext must be true";
                return Err(refused("certificate", what.to_owned()));
            }
            (true, false) => {
                return Err(refused("plaintext", "must be false where a certificate is named".to_owned()));
            }
            _ => {}
        }
        self.check_discovery()?;
        self.check_limits()
    }

    fn check_discovery(&self) -> Result<(), Refused> {
        if (self.discovery == Way::Peers) == self.peers.is_empty() {
            return Err(refused(
                "peers",
                "must be named where discovery is \"peers\", and nowhere else".to_owned(),
            ));
        }
        if let Some(place) = self.peers.iter().find(|place| !is_place(place)) {
            return Err(refused("peers", format!("must be host:port, \"{place}\" is not")));
        }
        within("resolve_ms", self.resolve_ms, 1_000, HOUR_MS)?;
        if !self.multicast_group.is_multicast() {
            let what = "must be a multicast address, 224.0.0.0 to 239.255.255.255 or ff00::/8";
            return Err(refused("multicast_group", what.to_owned()));
        }
        within("multicast_port", self.multicast_port.into(), 1, 65_535)?;
        within("multicast_ttl", self.multicast_ttl.into(), 0, 255)?;
        within("beacon_ms", self.beacon_ms, 100, 60_000)
    }

    fn check_limits(&self) -> Result<(), Refused> {
        within("heartbeat_ms", self.heartbeat_ms, 10, 60_000)?;
        within("silence_ms_max", self.silence_ms_max, self.heartbeat_ms.saturating_mul(2), HOUR_MS)?;
        within("connect_ms_max", self.connect_ms_max, 1, HOUR_MS)?;
        within("handshake_ms_max", self.handshake_ms_max, 1, HOUR_MS)?;
        within("handshakes_max", self.handshakes_max as u64, 1, 65_536)?;
        within("frame_bytes_max", self.frame_bytes_max as u64, 1_024, 16 << 20)?;
        within("queue_bytes_max", self.queue_bytes_max as u64, self.frame_bytes_max as u64, 1 << 30)
    }

    /// The limits of the mesh.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            heartbeat: Duration::from_millis(self.heartbeat_ms),
            dead: Duration::from_millis(self.silence_ms_max),
            connect: Duration::from_millis(self.connect_ms_max),
            handshake: Duration::from_millis(self.handshake_ms_max),
            queue_bytes_max: self.queue_bytes_max,
            frame_bytes_max: self.frame_bytes_max,
            handshakes_max: self.handshakes_max,
            ..Limits::default()
        }
    }

    /// How others are looked for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self.discovery {
            Way::Multicast => Kind::Multicast(Multicast {
                group: self.multicast_group,
                port: self.multicast_port,
                interface: self.multicast_interface.clone(),
                ttl: self.multicast_ttl,
                loopback: self.multicast_loop,
                reuse_address: self.multicast_reuse_address,
                every: Duration::from_millis(self.beacon_ms),
            }),
            Way::Peers => {
                Kind::Peers { peers: self.peers.clone(), every: Duration::from_millis(self.resolve_ms) }
            }
            Way::Registry => Kind::Registry,
        }
    }
}

fn refused(field: &'static str, what: String) -> Refused {
    Refused { field, what }
}

fn within(field: &'static str, value: u64, min: u64, max: u64) -> Result<(), Refused> {
    if (min..=max).contains(&value) {
        Ok(())
    } else {
        Err(refused(field, format!("must be from {min} to {max}, {value} is not")))
    }
}

fn is_place(place: &str) -> bool {
    place
        .rsplit_once(':')
        .is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0))
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> Config {
        let mut config =
            Config { name: "oxserver".to_owned(), certificate: "OX-1.pem".into(), ..Config::default() };
        config.listen_by_default(57_462);
        config
    }

    #[test]
    fn the_defaults_are_the_guide_s() {
        let config = good();
        config.check().unwrap();
        assert_eq!(config.bind, ["0.0.0.0:57462".parse().unwrap()]);
        assert_eq!(
            (config.multicast_group.to_string().as_str(), config.multicast_port),
            ("224.0.0.1", 6_780)
        );
        assert_eq!(config.limits().dead, Limits::default().dead);
    }

    #[test]
    fn what_cannot_be_is_refused_with_the_field_and_what_it_may_be() {
        type Change = fn(&mut Config);
        let check = |change: Change, expected: &str| {
            let mut config = good();
            change(&mut config);
            let error = config.check().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(|config| config.name.clear(), "[cluster] name must be 1 to 64");
        check(|config| config.bind.clear(), "bind must have an address");
        check(|config| config.bind = vec!["[::]:1".parse().unwrap(); 9], "8 addresses each at most");
        check(|config| config.advertise = vec!["0.0.0.0:1".parse().unwrap()], "advertise must be addresses");
        check(|config| config.certificate.clear(), "certificate must name this node's file");
        check(|config| config.plaintext = true, "plaintext must be false");
        check(|config| config.discovery = Way::Peers, "peers must be named");
        check(
            |config| config.peers = vec!["OX-2:57462".to_owned()],
            "peers must be named where discovery is",
        );
        check(
            |config| (config.discovery, config.peers) = (Way::Peers, vec!["OX-2".to_owned()]),
            "peers must be host:port, \"OX-2\" is not",
        );
        check(|config| config.resolve_ms = 999, "resolve_ms must be from 1000 to 3600000, 999 is not");
        check(
            |config| config.multicast_group = "10.0.0.1".parse().unwrap(),
            "multicast_group must be a multicast",
        );
        check(|config| config.multicast_port = 0, "multicast_port must be from 1");
        check(|config| config.multicast_ttl = 256, "multicast_ttl must be from 0 to 255");
        check(|config| config.beacon_ms = 99, "beacon_ms must be from 100");
        check(|config| config.heartbeat_ms = 9, "heartbeat_ms must be from 10");
        check(|config| config.silence_ms_max = 999, "silence_ms_max must be from 1000");
        check(|config| config.connect_ms_max = 0, "connect_ms_max must be from 1");
        check(|config| config.handshake_ms_max = 0, "handshake_ms_max must be from 1");
        check(|config| config.handshakes_max = 0, "handshakes_max must be from 1");
        check(|config| config.frame_bytes_max = 1_023, "frame_bytes_max must be from 1024");
        check(|config| config.queue_bytes_max = 1_048_575, "queue_bytes_max must be from 1048576");
    }
}
