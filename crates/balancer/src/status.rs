//! The state of the web tier as shown to operators and published to the cluster page.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Serialize, Serializer};

use crate::listen::Listener;
use crate::member::Member;
use crate::tier::Tier;
use crate::tls::CertificateStatus;

/// A handle on the live state: cheap to clone, valid after the server ended. Serialises as a [`Snapshot`] of
/// the moment.
#[derive(Clone)]
pub struct Status(Arc<Tier>);

/// The state at one moment. Counts are since the start.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Snapshot {
    /// Address listened on; the first of several.
    pub listen: SocketAddr,
    /// All of them: `https://0.0.0.0:443`.
    pub listeners: Vec<String>,
    /// Certificates shown to clients.
    pub certificates: Vec<CertificateStatus>,
    /// When it started, milliseconds since 1970.
    pub started: i64,
    /// Requests received.
    pub requests: u64,
    /// Requests under way.
    pub in_flight: u64,
    /// The nodes, in the order of the configuration.
    pub members: Vec<MemberStatus>,
}

/// One node at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MemberStatus {
    /// Its route.
    pub route: String,
    /// Its `host:port`.
    pub address: String,
    /// Its share of new sessions.
    pub weight: u32,
    /// Whether requests go to it.
    pub state: MemberState,
    /// Requests given to it by weight: without a route, or because their own member could not take them.
    pub sessions_assigned: u64,
    /// Attempts made with it.
    pub requests: u64,
    /// Attempts with it that failed.
    pub failures: u64,
    /// Attempts with it for requests that had failed before, here or elsewhere.
    pub retries: u64,
    /// Requests with it now.
    pub in_flight: u64,
    /// Why it went down last, or is still down.
    pub last_error: Option<String>,
    /// When it last went up or down (at first: the start), milliseconds since 1970.
    pub last_change: i64,
}

/// Whether a node takes requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum MemberState {
    /// It takes requests.
    Up,
    /// It was found dead and is probed until it answers.
    Down,
}

impl Status {
    pub(crate) fn new(tier: Arc<Tier>) -> Self {
        Self(tier)
    }

    /// The state now.
    pub fn snapshot(&self) -> Snapshot {
        let tier = &self.0;
        Snapshot {
            listen: tier.listen(),
            listeners: tier.listeners.iter().map(Listener::to_string).collect(),
            certificates: tier.tls.as_ref().map(|tls| tls.choice.status()).unwrap_or_default(),
            started: tier.started_wall_ms,
            requests: read(&tier.counts.requests),
            in_flight: read(&tier.counts.in_flight),
            members: tier.members.iter().map(|member| member_status(member)).collect(),
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.snapshot().serialize(serializer)
    }
}

fn member_status(member: &Member) -> MemberStatus {
    let health = member.health();
    let counts = &member.counts;
    MemberStatus {
        route: member.route.clone(),
        address: member.address.clone(),
        weight: member.weight,
        state: if health.is_up { MemberState::Up } else { MemberState::Down },
        sessions_assigned: read(&counts.sessions_assigned),
        requests: read(&counts.requests),
        failures: read(&counts.failures),
        retries: read(&counts.retries),
        in_flight: read(&counts.in_flight),
        last_error: health.last_error,
        last_change: health.changed_wall_ms,
    }
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
