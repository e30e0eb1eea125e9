//! A beacon: who is there and where, with the time, sealed by a keyed BLAKE3 of the cluster's beacon key.
//!
//! In order: magic, version (1), time in ms, number (8 bytes each), cluster, node and incarnation (each with its length in one byte),
//! the number of addresses and those (4 or 6, the address, the port); the number of listeners for requests (0 to 2), and if there are any the
//! route and their addresses, HTTP first; then 32 bytes of seal over all of it. Numbers are big-endian.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use bytes::{Buf, BufMut};

use crate::authority::Name;
use crate::mesh::Security;

/// Bytes of a beacon, at most: it must fit into one packet anywhere.
pub(super) const BYTES_MAX: usize = 1_024;
/// Addresses in one beacon, at most.
pub(super) const ADDRESSES_MAX: usize = 8;
const MAGIC: &[u8; 8] = b"ZEBUBEAC";
const VERSION: u8 = 1;
const SEAL_BYTES: usize = 32;
/// What the key is for, so that it is never a key for something else.
const PURPOSE: &str = "zebu cluster beacon, version 1";

/// What a node tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Announcement {
    /// Its cluster.
    pub cluster: Name,
    /// Its name.
    pub node: Name,
    /// Its life.
    pub incarnation: Arc<str>,
    /// Where its mesh listens, at most eight. An address of all zeros stands for the one that the beacon comes from.
    pub addresses: Vec<SocketAddr>,
}

/// What a node takes requests by, for web tiers. An address of all zeros stands for the one that the beacon comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serves {
    /// What stands behind the dot of its session ids, 255 bytes at most.
    pub route: Arc<str>,
    /// Where it takes HTTP.
    pub http: SocketAddr,
    /// Where it takes AJP13, if it does.
    pub ajp: Option<SocketAddr>,
}

/// A beacon, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Beacon {
    pub(super) from: Announcement,
    /// None: it takes no requests, not yet, or not any more.
    pub(super) serves: Option<Serves>,
    pub(super) time_ms: i64,
    pub(super) sequence: u64,
}

/// Bytes that are no beacon to be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Rejected {
    /// Something else that somebody sends to the group.
    #[error("it is no beacon")]
    Foreign,
    /// Another cluster's, which is none of our business.
    #[error("it is of cluster {0}")]
    Elsewhere(Name),
    #[error("its beacon is of version {0}, this node knows version {VERSION}")]
    Version(u8),
    #[error(
        "its beacon says that it is of this cluster and is not sealed with the cluster's key: it has another CA's node file, or is forged"
    )]
    Forged,
    #[error("its beacon cannot be read")]
    Malformed,
}

/// The keys that beacons are sealed with: the first for sending, all for receiving. Asked for at each beacon, because they change with
/// a rotation.
#[derive(Clone)]
pub struct Keys(Arc<dyn Fn() -> Vec<[u8; SEAL_BYTES]> + Send + Sync>);

impl Keys {
    /// Those of a node's file; without one, a key that everybody can make from the cluster's name.
    #[must_use]
    pub fn of(security: &Security, cluster: &Name) -> Self {
        match security {
            Security::Tls(credentials) => {
                let credentials = Arc::clone(credentials);
                Self(Arc::new(move || {
                    let identity = credentials.identity();
                    identity.beacon_keys().iter().map(|key| blake3::derive_key(PURPOSE, key)).collect()
                }))
            }
            Security::Plain => {
                let key = blake3::derive_key(PURPOSE, cluster.as_str().as_bytes());
                Self(Arc::new(move || vec![key]))
            }
        }
    }

    pub(super) fn all(&self) -> Vec<[u8; SEAL_BYTES]> {
        (self.0)()
    }
}

impl Beacon {
    /// The beacon as it is sent.
    pub(super) fn seal(&self, key: &[u8; SEAL_BYTES]) -> Vec<u8> {
        let mut bytes = Vec::from(&MAGIC[..]);
        bytes.put_u8(VERSION);
        bytes.put_i64(self.time_ms);
        bytes.put_u64(self.sequence);
        let Announcement { cluster, node, incarnation, addresses } = &self.from;
        for text in [cluster.as_str(), node.as_str(), incarnation] {
            // Names have 64 bytes at most, and so have incarnations.
            bytes.put_u8(u8::try_from(text.len()).unwrap_or(0));
            bytes.put_slice(text.as_bytes());
        }
        let some = addresses.get(..ADDRESSES_MAX).unwrap_or(addresses);
        bytes.put_u8(u8::try_from(some.len()).unwrap_or(0));
        some.iter().for_each(|address| put_address(&mut bytes, address));
        put_serves(&mut bytes, self.serves.as_ref());
        let seal = blake3::keyed_hash(key, &bytes);
        bytes.extend_from_slice(seal.as_bytes());
        bytes
    }

    /// A beacon that came in, if it is of this cluster and its seal is right.
    pub(super) fn open(bytes: &[u8], cluster: &Name, keys: &[[u8; SEAL_BYTES]]) -> Result<Self, Rejected> {
        if bytes.len() > BYTES_MAX {
            return Err(Rejected::Foreign);
        }
        let mut rest = bytes.strip_prefix(MAGIC.as_slice()).ok_or(Rejected::Foreign)?;
        match rest.try_get_u8() {
            Ok(VERSION) => {}
            Ok(other) => return Err(Rejected::Version(other)),
            Err(_) => return Err(Rejected::Malformed),
        }
        let beacon = Self::read(&mut rest).ok_or(Rejected::Malformed)?;
        if beacon.from.cluster != *cluster {
            return Err(Rejected::Elsewhere(beacon.from.cluster));
        }
        let sealed = bytes.get(..bytes.len().saturating_sub(SEAL_BYTES)).unwrap_or_default();
        let seal: [u8; SEAL_BYTES] = rest.try_into().map_err(|_| Rejected::Malformed)?;
        // The comparison of hashes takes the same time wherever they differ.
        let authentic = keys.iter().any(|key| blake3::keyed_hash(key, sealed) == blake3::Hash::from(seal));
        if authentic { Ok(beacon) } else { Err(Rejected::Forged) }
    }

    fn read(rest: &mut &[u8]) -> Option<Self> {
        let (time_ms, sequence) = (rest.try_get_i64().ok()?, rest.try_get_u64().ok()?);
        let cluster = Name::new("cluster", text(rest)?).ok()?;
        let node = Name::new("node", text(rest)?).ok()?;
        let incarnation: Arc<str> = text(rest)?.into();
        let count = usize::from(rest.try_get_u8().ok()?);
        if count > ADDRESSES_MAX || incarnation.is_empty() {
            return None;
        }
        let addresses = (0..count).map(|_| address(rest)).collect::<Option<Vec<_>>>()?;
        let serves = serves(rest)?;
        Some(Self { from: Announcement { cluster, node, incarnation, addresses }, serves, time_ms, sequence })
    }

    /// Where it says that the node is, seen from where it came.
    pub(super) fn places(&self, from: SocketAddr) -> impl Iterator<Item = SocketAddr> {
        self.from.addresses.iter().map(move |address| {
            if !address.ip().is_unspecified() {
                return *address;
            }
            // Of a link-local address the interface is a part.
            let mut place = from;
            place.set_port(address.port());
            place
        })
    }
}

/// What a node takes requests by, as it is written in beacons and to those who watch.
pub(super) fn put_serves(bytes: &mut Vec<u8>, serves: Option<&Serves>) {
    let Some(Serves { route, http, ajp }) = serves else { return bytes.put_u8(0) };
    bytes.put_u8(if ajp.is_some() { 2 } else { 1 });
    let route = route.get(..usize::from(u8::MAX)).unwrap_or(route);
    bytes.put_u8(u8::try_from(route.len()).unwrap_or(0));
    bytes.put_slice(route.as_bytes());
    std::iter::once(http).chain(ajp).for_each(|address| put_address(bytes, address));
}

/// The same, read; none if it cannot be.
pub(super) fn serves(rest: &mut &[u8]) -> Option<Option<Serves>> {
    let count = rest.try_get_u8().ok()?;
    if !(1..=2).contains(&count) {
        return (count == 0).then_some(None);
    }
    let (route, http) = (text(rest)?.into(), address(rest)?);
    let ajp = if count == 2 { Some(address(rest)?) } else { None };
    Some(Some(Serves { route, http, ajp }))
}

fn text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::from(rest.try_get_u8().ok()?);
    let (text, behind) = rest.split_at_checked(length)?;
    *rest = behind;
    std::str::from_utf8(text).ok()
}

pub(super) fn put_address(bytes: &mut Vec<u8>, address: &SocketAddr) {
    match address.ip() {
        IpAddr::V4(ip) => {
            bytes.put_u8(4);
            bytes.put_slice(&ip.octets());
        }
        IpAddr::V6(ip) => {
            bytes.put_u8(6);
            bytes.put_slice(&ip.octets());
        }
    }
    bytes.put_u16(address.port());
}

pub(super) fn address(rest: &mut &[u8]) -> Option<SocketAddr> {
    let ip = match rest.try_get_u8().ok()? {
        4 => IpAddr::V4(Ipv4Addr::from(rest.try_get_u32().ok()?)),
        6 => IpAddr::V6(Ipv6Addr::from(rest.try_get_u128().ok()?)),
        _ => return None,
    };
    Some(SocketAddr::new(ip, rest.try_get_u16().ok()?))
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    pub(in super::super) fn announcement(node: &str) -> Announcement {
        Announcement {
            cluster: Name::new("cluster", "oxserver").unwrap(),
            node: Name::new("node", node).unwrap(),
            incarnation: "a1b2".into(),
            addresses: vec!["0.0.0.0:57462".parse().unwrap(), "[fd00::2]:57462".parse().unwrap()],
        }
    }

    fn beacon() -> Beacon {
        Beacon { from: announcement("OX-2"), serves: None, time_ms: 1_795_651_200_000, sequence: 7 }
    }

    #[test]
    fn what_a_node_serves_is_read_as_it_was_sent() {
        let key = [1; 32];
        let http = "0.0.0.0:8090".parse().unwrap();
        for ajp in [None, Some("[fd00::2]:8009".parse().unwrap())] {
            let serves = Some(Serves { route: "OX-2".into(), http, ajp });
            let beacon = Beacon { serves, ..beacon() };
            assert_eq!(Beacon::open(&beacon.seal(&key), &beacon.from.cluster, &[key]), Ok(beacon));
        }
    }

    #[test]
    fn a_beacon_is_read_by_who_has_one_of_the_keys() {
        let (new, old) = ([1; 32], [2; 32]);
        let cluster = beacon().from.cluster;
        assert_eq!(Beacon::open(&beacon().seal(&new), &cluster, &[new, old]), Ok(beacon()));
        assert_eq!(
            Beacon::open(&beacon().seal(&old), &cluster, &[new, old]),
            Ok(beacon()),
            "during a rotation"
        );
        assert_eq!(Beacon::open(&beacon().seal(&old), &cluster, &[new]), Err(Rejected::Forged));
        let places =
            |from: SocketAddr| beacon().places(from).map(|place| place.to_string()).collect::<Vec<_>>();
        assert_eq!(places("10.0.0.9:6780".parse().unwrap()), ["10.0.0.9:57462", "[fd00::2]:57462"]);
        assert_eq!(places("[fe80::9%3]:6780".parse().unwrap()), ["[fe80::9%3]:57462", "[fd00::2]:57462"]);
    }

    #[test]
    fn what_others_send_is_none_of_our_business() {
        let key = [1; 32];
        let elsewhere = Name::new("cluster", "testserver").unwrap();
        let open = |bytes: &[u8]| Beacon::open(bytes, &elsewhere, &[key]);
        assert_eq!(open(&beacon().seal(&key)), Err(Rejected::Elsewhere(beacon().from.cluster)));
        assert_eq!(open(b"\xac\xed\x00\x05sr"), Err(Rejected::Foreign));
        let mut later = beacon().seal(&key);
        later[8] = 2;
        assert_eq!(open(&later), Err(Rejected::Version(2)));
    }

    proptest! {
        #[test]
        fn one_changed_byte_is_never_believed(at in 0usize..200, by in 1u8..) {
            let key = [1; 32];
            let mut bytes = beacon().seal(&key);
            let at = at % bytes.len();
            bytes[at] = bytes[at].wrapping_add(by);
            prop_assert!(Beacon::open(&bytes, &beacon().from.cluster, &[key]).is_err());
        }

        #[test]
        fn no_bytes_make_the_parser_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), magic: bool) {
            let head = [MAGIC.as_slice(), &[VERSION]].concat();
            let whole = if magic { [head, bytes].concat() } else { bytes };
            prop_assert!(Beacon::open(&whole, &beacon().from.cluster, &[[1; 32]]).is_err());
        }
    }
}
