//! The mesh as the cluster page, `/health` and `/metrics` show it.

use std::net::SocketAddr;

use serde::Serialize;

use super::missing::Missing;

/// The mesh of one node.
#[derive(Debug, Clone, Serialize)]
pub struct Status {
    /// The cluster.
    pub cluster: String,
    /// This node.
    pub node: String,
    /// Whether connections are TLS.
    pub encrypted: bool,
    /// Where it listens.
    pub listen: Vec<SocketAddr>,
    /// Whom it is connected with, by name.
    pub peers: Vec<PeerStatus>,
    /// Who is registered and not connected, by name.
    pub missing: Vec<Missing>,
    /// Who was refused or could not be reached, since it was well last.
    pub refused: Vec<Refused>,
}

/// A member that is connected.
#[derive(Debug, Clone, Serialize)]
pub struct PeerStatus {
    /// Its name.
    pub name: String,
    /// Its life.
    pub incarnation: String,
    /// Where it is.
    pub address: SocketAddr,
    /// The number of the connection.
    pub connection: u64,
    /// Whether this node opened it.
    pub dialled: bool,
    /// How long it stands, ms.
    pub for_ms: u64,
    /// Round trip of a ping, smoothed, µs; none before the first.
    pub round_trip_us: Option<u64>,
    /// The slowest of the last minute at least, µs.
    pub round_trip_us_max: Option<u64>,
    /// Payloads sent.
    pub sent: u64,
    /// Payloads received.
    pub received: u64,
    /// Bytes that wait to be sent.
    pub queued_bytes: usize,
}

/// Somebody whom there is trouble with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// A node's name, or an address.
    pub whom: String,
    /// What is wrong.
    pub reason: String,
    /// For how long, ms.
    pub for_ms: u64,
    /// How often it was seen.
    pub times: u64,
}
