//! What a mesh is told: who it is, where it listens, and its limits.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::authority::Name;

/// The default port of nodes, as the original's caches have it.
pub const GROUPWARE_PORT: u16 = 57_462;
/// The default port of admin daemons: another, because both may be on one machine.
pub const ADMIN_PORT: u16 = 57_461;

/// Who a mesh is for.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The cluster: only its members are let in.
    pub cluster: Name,
    /// This member.
    pub node: Name,
    /// Its life: new at each start, at most 64 bytes.
    pub incarnation: Arc<str>,
    /// Where it listens; port 0 takes a free one. May be more than one: IPv4 and IPv6.
    pub listen: Vec<SocketAddr>,
    /// Limits and delays.
    pub limits: Limits,
}

/// Limits and delays of a mesh. The defaults are those of the configuration.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Between two pings.
    pub heartbeat: Duration,
    /// A connection by which nothing is heard for so long is over.
    pub dead: Duration,
    /// For a TCP connect.
    pub connect: Duration,
    /// For TLS and the names, from the connect on.
    pub handshake: Duration,
    /// Bytes that may wait to be sent on one connection; as many may be under way beside them.
    pub queue_bytes_max: usize,
    /// Bytes of one payload.
    pub frame_bytes_max: usize,
    /// The first pause before an address is dialled again, doubled with each failure.
    pub pause_min: Duration,
    /// The longest such pause.
    pub pause_max: Duration,
    /// Connections that have not said who they are; above it the oldest is closed.
    pub handshakes_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_millis(500),
            dead: Duration::from_secs(2),
            connect: Duration::from_secs(2),
            handshake: Duration::from_secs(5),
            queue_bytes_max: 8 * 1024 * 1024,
            frame_bytes_max: 1024 * 1024,
            pause_min: Duration::from_millis(100),
            pause_max: Duration::from_secs(5),
            handshakes_max: 64,
        }
    }
}
