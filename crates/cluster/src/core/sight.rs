//! How a node stands in the protocol at a moment, for people to look at. Nothing is decided by it.

use serde::Serialize;

use super::membership::Stage;
use super::names::Millis;
use super::writes::WriteStage;
use super::{Core, Peer};

/// Writes that are listed one by one; more are only counted.
const WRITES_SHOWN_MAX: usize = 20;

/// How a node stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sight {
    /// `registering`, `joining` (not all who were there know it yet), `member`, `leaving` or `over`.
    pub stage: &'static str,
    /// Whom a joiner waits for.
    pub awaited: Vec<String>,
    /// How long its membership is good without a renewal, ms.
    pub membership_ms: u64,
    /// How long it may answer from memory without a renewal of what that needs, ms; none while it may not.
    pub epoch_ms: Option<u64>,
    /// The other members, by incarnation.
    pub members: Vec<MemberSight>,
    /// Its own writes under way, the oldest first, of which no more than twenty are listed.
    pub writes: Vec<WriteSight>,
    /// How many there are.
    pub writes_open: usize,
    /// Writes of others that are under way and hold something here.
    pub holds_open: usize,
}

/// Another member as a node sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MemberSight {
    /// Its life.
    pub incarnation: String,
    /// Whether it is one: it is listed or said hello, and has not left.
    pub counts: bool,
    /// Whether there is a connection.
    pub connected: bool,
    /// How long the lease is good that this node has from it, ms.
    pub lease_ms: u64,
    /// How long the one may be good that it has from this node, ms.
    pub granted_ms: u64,
    /// Its writes under way that hold something here.
    pub holds: usize,
    /// The scopes they hold.
    pub held_scopes: usize,
}

/// A write under way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct WriteSight {
    /// Its number.
    pub write: u64,
    /// Scopes it changes.
    pub scopes: usize,
    /// `begun`, `locked` or `decided`.
    pub stage: &'static str,
    /// Who has not acknowledged it.
    pub waits_for: Vec<String>,
    /// How long it waits for them at most, ms.
    pub wait_ms: u64,
}

impl Core {
    /// How this node stands at this moment.
    #[must_use]
    pub fn sight(&self, now: Millis) -> Sight {
        let membership = &self.membership;
        let stage = match membership.stage {
            Stage::New => "registering",
            Stage::Registered if !membership.barrier.is_empty() => "joining",
            Stage::Registered => "member",
            Stage::Leaving => "leaving",
            Stage::Over => "over",
        };
        let members = self.peers.iter().map(|(member, peer)| peer.sight(member.to_string(), now));
        let writes = self.writes.iter().take(WRITES_SHOWN_MAX).map(|(write, open)| WriteSight {
            write: write.0,
            scopes: open.scopes.len(),
            stage: match open.stage {
                WriteStage::Begun => "begun",
                WriteStage::Locked => "locked",
                WriteStage::Decided => "decided",
            },
            waits_for: open.waiting.keys().map(ToString::to_string).collect(),
            wait_ms: open.waiting.values().map(|until| left(*until, now)).max().unwrap_or(0),
        });
        Sight {
            stage,
            awaited: membership.barrier.iter().map(ToString::to_string).collect(),
            membership_ms: left(membership.until, now),
            epoch_ms: Some(left(self.epoch_until, now)).filter(|ms| *ms > 0),
            members: members.collect(),
            writes: writes.collect(),
            writes_open: self.writes.len(),
            holds_open: self.peers.values().map(|peer| peer.holds.len()).sum(),
        }
    }
}

impl Peer {
    fn sight(&self, incarnation: String, now: Millis) -> MemberSight {
        MemberSight {
            incarnation,
            counts: self.counts(),
            connected: self.connection.is_some(),
            lease_ms: left(self.lease_until, now),
            granted_ms: left(self.granted_until, now),
            holds: self.holds.len(),
            held_scopes: self.holds.values().map(Vec::len).sum(),
        }
    }
}

fn left(until: Millis, now: Millis) -> u64 {
    until.0.saturating_sub(now.0)
}
