//! The state of the web tier as shown to operators and published to the cluster page.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use serde::{Serialize, Serializer};

use crate::flags::Flags;
use crate::listen::Listener;
use crate::member::Member;
use crate::members::Members;
use crate::params::value::Weight;
use crate::standing::{Found, Standing};
use crate::tier::Tier;
use crate::tls::CertificateStatus;

/// A handle on the live state: cheap to clone, valid after the server ended. Serialises as a [`Snapshot`] of
/// the moment.
#[derive(Clone)]
pub struct Status(Arc<Tier>);

/// The state at one moment. Counts are since the start.
#[derive(Debug, Clone, PartialEq, Serialize)]
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
    /// Connections of clients that have been idle for a while (HTTP/1.1), and hold hardly any memory until they ask again.
    pub resting: u64,
    /// The nodes, in the order of the configuration.
    pub members: Vec<MemberStatus>,
}

/// One node at one moment.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MemberStatus {
    /// Its route.
    pub route: String,
    /// Its `host:port`.
    pub address: String,
    /// The balancer it belongs to.
    pub balancer: String,
    /// Its share of new sessions.
    pub weight: Weight,
    /// Its status letters.
    pub flags: Flags,
    /// Its set.
    pub set: u8,
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
    /// How busy its node says it is, in hundredths.
    pub load: u32,
    /// Bytes of bodies to it.
    pub bytes_to: u64,
    /// Bytes of bodies from it.
    pub bytes_from: u64,
    /// How often it was left out for being far worse than its peers.
    pub ejections: u64,
    /// The last check of it; none before the first.
    pub last_check: Option<CheckStatus>,
    /// Why it went down last, or is still down.
    pub last_error: Option<String>,
    /// When it last went up or down (at first: the start), milliseconds since 1970.
    pub last_change: i64,
}

/// A check of a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CheckStatus {
    /// When, milliseconds since 1970.
    pub at: i64,
    /// What was wrong; none if nothing was.
    pub failure: Option<String>,
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
    /// It is in error after an answer or a silence, until its `retry` is over.
    Error,
    /// Its checks fail.
    Failing,
    /// It is far worse than its peers, and left out for a while.
    Outlier,
    /// Its node says that it is about to stop, or the operator wants it to get nothing but its own sessions.
    Draining,
    /// The operator wants it to get nothing.
    Disabled,
}

impl Status {
    pub(crate) fn new(tier: Arc<Tier>) -> Self {
        Self(tier)
    }

    /// Where the manager's page is, once it listens.
    pub fn manager_page(&self) -> Option<SocketAddr> {
        *self.0.manager_page.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
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
            resting: read(&tier.counts.resting),
            members: tier
                .plan()
                .balancers
                .iter()
                .flat_map(Members::list)
                .map(|member| member_status(&member, tier.started_wall_ms))
                .collect(),
        }
    }
}

impl Serialize for Status {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.snapshot().serialize(serializer)
    }
}

fn member_status(member: &Member, started_wall_ms: i64) -> MemberStatus {
    let life = member.life();
    let standing = member.standing();
    let counts = &member.counts;
    MemberStatus {
        route: member.route.clone(),
        address: member.address.clone(),
        balancer: member.balancer.to_string(),
        weight: member.weight(),
        flags: standing.flags(),
        set: member.config.set,
        state: state(standing),
        sessions_assigned: read(&counts.sessions_assigned),
        requests: read(&counts.requests),
        failures: read(&counts.failures),
        retries: read(&counts.retries),
        in_flight: read(&counts.in_flight),
        load: member.load(),
        bytes_to: read(&counts.bytes_to),
        bytes_from: read(&counts.bytes_from),
        ejections: read(&counts.ejections),
        last_check: member.last_check().map(|(at, failure)| CheckStatus {
            at: started_wall_ms.saturating_add(i64::try_from(at).unwrap_or(i64::MAX)),
            failure,
        }),
        last_error: life.last_error.or_else(|| member.complaint()),
        last_change: life.changed_wall_ms,
    }
}

/// The one word for a standing: the operator's will first, then the worst that was found.
fn state(standing: Standing) -> MemberState {
    let flags = standing.flags();
    if flags.has(Flags::DISABLED) || flags.has(Flags::STOPPED) {
        MemberState::Disabled
    } else if standing.is_found(Found::Dead) {
        MemberState::Down
    } else if standing.is_found(Found::Leaving) || standing.is_draining() {
        MemberState::Draining
    } else if flags.has(Flags::ERROR) {
        MemberState::Error
    } else if standing.is_found(Found::CheckFailed) {
        MemberState::Failing
    } else if standing.is_found(Found::Outlier) {
        MemberState::Outlier
    } else {
        MemberState::Up
    }
}

fn read(count: &AtomicU64) -> u64 {
    count.load(Ordering::Relaxed)
}
