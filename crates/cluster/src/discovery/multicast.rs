//! Beacons on a multicast group: the socket, what is sent, what is made of what comes in.
//!
//! 224.0.0.1, the original's group, is the one of all hosts: every host is in it without joining, it is never routed, and joining it
//! may fail, which then means nothing.

use std::collections::BTreeMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::beacon::{Announcement, BYTES_MAX, Beacon, Keys, Rejected, Serves};
use super::found::Found;
use super::replay::Replay;
use crate::authority::Now;
use crate::mesh::Complaints;

/// The original's group and port.
pub const DEFAULT_GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 1);
/// The port of the original's cache discovery.
pub const DEFAULT_PORT: u16 = 6_780;
/// Beacons that may be missed before a node is taken for gone.
pub(super) const MISSED_MAX: u32 = 10;
/// Where Linux says which number an interface has.
const INTERFACES: &str = "/sys/class/net";

/// The group, and how it is spoken to.
#[derive(Debug, Clone, PartialEq)]
pub struct Multicast {
    /// IPv4 or IPv6.
    pub group: IpAddr,
    /// The port.
    pub port: u16,
    /// The interface: for IPv4 its address, for IPv6 its name; "" lets the kernel choose.
    pub interface: String,
    /// How many routers a beacon may pass; 1 stays on the segment.
    pub ttl: u32,
    /// Whether this machine hears its own beacons: needed for two nodes on one machine.
    pub loopback: bool,
    /// Whether others on this machine may use the port too.
    pub reuse_address: bool,
    /// Between two beacons.
    pub every: Duration,
}

impl Multicast {
    /// The socket, bound and joined.
    ///
    /// # Errors
    /// With the field that is wrong: the port is taken, the interface is unknown.
    pub(super) fn socket(&self) -> io::Result<UdpSocket> {
        let field = |name: &'static str| {
            move |error: io::Error| io::Error::new(error.kind(), format!("{name}: {error}"))
        };
        let (domain, any) = match self.group {
            IpAddr::V4(_) => (Domain::IPV4, IpAddr::V4(Ipv4Addr::UNSPECIFIED)),
            IpAddr::V6(_) => (Domain::IPV6, IpAddr::V6(Ipv6Addr::UNSPECIFIED)),
        };
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        socket.set_reuse_address(self.reuse_address)?;
        if domain == Domain::IPV6 {
            socket.set_only_v6(true)?;
        }
        socket.bind(&SockAddr::from(SocketAddr::new(any, self.port))).map_err(field("multicast_port"))?;
        match self.group {
            IpAddr::V4(group) => self.join_v4(&socket, group).map_err(field("multicast_interface"))?,
            IpAddr::V6(group) => self.join_v6(&socket, group).map_err(field("multicast_interface"))?,
        }
        UdpSocket::from_std(socket.into())
    }

    fn join_v4(&self, socket: &Socket, group: Ipv4Addr) -> io::Result<()> {
        let interface = match self.interface.as_str() {
            "" => Ipv4Addr::UNSPECIFIED,
            text => text.parse().map_err(|_| {
                let sentence = format!("\"{text}\" is no IPv4 address of an interface");
                io::Error::new(io::ErrorKind::InvalidInput, sentence)
            })?,
        };
        socket.set_multicast_if_v4(&interface)?;
        socket.set_multicast_loop_v4(self.loopback)?;
        socket.set_multicast_ttl_v4(self.ttl)?;
        self.joined(socket.join_multicast_v4(&group, &interface));
        Ok(())
    }

    fn join_v6(&self, socket: &Socket, group: Ipv6Addr) -> io::Result<()> {
        let index = match self.interface.as_str() {
            "" => 0,
            name => index_of(name)?,
        };
        socket.set_multicast_if_v6(index)?;
        socket.set_multicast_loop_v6(self.loopback)?;
        socket.set_multicast_hops_v6(self.ttl)?;
        self.joined(socket.join_multicast_v6(&group, index));
        Ok(())
    }

    /// A group that cannot be joined can still be spoken to, and who hears dials.
    fn joined(&self, outcome: io::Result<()>) {
        if let Err(error) = outcome
            && self.group != IpAddr::V4(DEFAULT_GROUP)
        {
            let group = self.group;
            tracing::warn!(cause = %error, "cannot join the multicast group {group}: beacons of others will not be heard");
        }
    }
}

fn index_of(interface: &str) -> io::Result<u32> {
    let unknown = || {
        let sentence = format!("\"{interface}\" is no name of an interface");
        io::Error::new(io::ErrorKind::InvalidInput, sentence)
    };
    if interface.contains(['/', '.']) {
        return Err(unknown());
    }
    let text = std::fs::read_to_string(format!("{INTERFACES}/{interface}/ifindex")).map_err(|_| unknown())?;
    text.trim().parse().map_err(|_| unknown())
}

/// Sends beacons and hears those of others, for ever.
pub(super) async fn run(
    settings: Multicast,
    socket: UdpSocket,
    own: Announcement,
    mut serves: watch::Receiver<Option<Serves>>,
    keys: Keys,
    now: Now,
    found: Arc<Found>,
) {
    let group = SocketAddr::new(settings.group, settings.port);
    let complaints = Complaints::default();
    let mut ears = Ears::new(own.clone(), keys.clone(), settings.every);
    let mut ticks = interval(settings.every);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut sequence = 0u64;
    // One more than a beacon may have, so that a longer one is seen to be longer.
    let mut bytes = vec![0; BYTES_MAX + 1];
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                sequence = sequence.saturating_add(1);
                let serves = serves.borrow_and_update().clone();
                let beacon = Beacon { from: own.clone(), serves, time_ms: now(), sequence };
                let Some(key) = keys.all().first().copied() else { continue };
                match socket.send_to(&beacon.seal(&key), group).await {
                    Ok(_) => complaints.forget("beacons"),
                    Err(error) => {
                        complaints.say("beacons", "send", &format!("they cannot be sent to {group}: {error}"));
                    }
                }
                ears.forget_the_silent();
            }
            // Web tiers hear at once that it serves, and that it does not any more.
            Ok(()) = serves.changed() => ticks.reset_immediately(),
            came = socket.recv_from(&mut bytes) => match came {
                Ok((length, from)) => {
                    let heard = bytes.get(..length).unwrap_or_default();
                    if let Err(sentence) = ears.hear(heard, from, now()) {
                        complaints.say(&from.ip().to_string(), "beacon", &sentence);
                    }
                }
                Err(error) => {
                    complaints.say("beacons", "receive", &format!("they cannot be received: {error}"));
                }
            },
        }
        found.set("beacons", ears.places());
    }
}

/// What was heard, and of whom.
pub(super) struct Ears {
    own: Announcement,
    keys: Keys,
    replay: Replay,
    heard: BTreeMap<SocketAddr, Instant>,
    silent_max: Duration,
}

impl Ears {
    pub(super) fn new(own: Announcement, keys: Keys, every: Duration) -> Self {
        let silent_max = every.saturating_mul(MISSED_MAX);
        Self { own, keys, replay: Replay::default(), heard: BTreeMap::new(), silent_max }
    }

    /// Takes in what came.
    ///
    /// # Errors
    /// A sentence for the log. What is none of our business is no error.
    pub(super) fn hear(&mut self, bytes: &[u8], from: SocketAddr, now_ms: i64) -> Result<(), String> {
        let beacon = match Beacon::open(bytes, &self.own.cluster, &self.keys.all()) {
            Ok(beacon) => beacon,
            Err(Rejected::Foreign | Rejected::Elsewhere(_)) => return Ok(()),
            Err(rejected) => return Err(rejected.to_string()),
        };
        if beacon.from.node == self.own.node {
            return Ok(());
        }
        self.replay.take(&beacon, now_ms).map_err(|stale| stale.to_string())?;
        let now = Instant::now();
        self.heard.extend(beacon.places(from).map(|place| (place, now)));
        Ok(())
    }

    /// Lets go of those that have not been heard for long. Who is connected stays connected.
    fn forget_the_silent(&mut self) {
        let silent_max = self.silent_max;
        self.heard.retain(|_, heard| heard.elapsed() <= silent_max);
    }

    /// Where nodes are.
    pub(super) fn places(&self) -> super::Addresses {
        self.heard.keys().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::beacon::tests::announcement;
    use super::*;
    use crate::mesh::Security;

    const NOW_MS: i64 = 1_795_651_200_000;

    fn keys() -> Keys {
        Keys::of(&Security::Plain, &announcement("OX-1").cluster)
    }

    fn sealed(node: &str, time_ms: i64, sequence: u64) -> Vec<u8> {
        let key = keys().all()[0];
        Beacon { from: announcement(node), serves: None, time_ms, sequence }.seal(&key)
    }

    #[tokio::test(start_paused = true)]
    async fn forged_and_repeated_beacons_are_refused_with_their_line_and_lead_nowhere() {
        let mut ears = Ears::new(announcement("OX-1"), keys(), Duration::from_secs(2));
        let from = "10.0.0.2:6780".parse().unwrap();
        let mut forged = sealed("OX-2", NOW_MS, 1);
        let last = forged.len() - 1;
        forged[last] ^= 1;
        assert!(
            ears.hear(&forged, from, NOW_MS).unwrap_err().contains("is not sealed with the cluster's key")
        );
        let good = sealed("OX-2", NOW_MS, 1);
        assert!(
            ears.hear(&good, from, NOW_MS + 31_000).unwrap_err().contains("-31000 ms off this node's clock")
        );
        assert!(ears.places().is_empty());
        ears.hear(&good, from, NOW_MS).unwrap();
        assert_eq!(ears.places().len(), 2);
        assert!(
            ears.hear(&good, "10.0.0.66:6780".parse().unwrap(), NOW_MS).unwrap_err().contains("seen before")
        );
        assert_eq!(ears.places().len(), 2, "who repeats it is not dialled");
        ears.hear(&sealed("OX-1", NOW_MS, 1), from, NOW_MS).unwrap();
        ears.hear(b"something else", from, NOW_MS).unwrap();
        assert_eq!(ears.places().len(), 2);
        tokio::time::advance(Duration::from_secs(21)).await;
        ears.forget_the_silent();
        assert!(ears.places().is_empty());
    }

    #[tokio::test]
    async fn an_interface_that_is_none_is_refused_with_the_field() {
        let settings = |group: &str, interface: &str| Multicast {
            group: group.parse().unwrap(),
            port: 0,
            interface: interface.to_owned(),
            ttl: 1,
            loopback: true,
            reuse_address: true,
            every: Duration::from_secs(2),
        };
        for (group, interface) in [("224.0.0.1", "eth9999"), ("ff02::1", "eth9999"), ("ff02::1", "../lo")] {
            let error = settings(group, interface).socket().unwrap_err().to_string();
            assert!(error.starts_with("multicast_interface: \"") && error.contains(interface), "{error}");
        }
        // 224.0.0.1 cannot always be joined, which is no error.
        settings("224.0.0.1", "127.0.0.1").socket().unwrap();
        settings("ff02::1", "lo").socket().unwrap();
    }
}
