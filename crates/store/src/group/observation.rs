//! What can be seen of a server from outside.

use std::sync::Arc;
use std::time::Instant;

use super::position::{Log, Position};

/// A registered server's id.
pub(crate) type ServerId = i64;

/// A server of a group, and what was last seen of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) id: ServerId,
    /// What operators call it.
    pub(crate) name: Arc<str>,
    /// Registered as the master; the others as its replicas.
    pub(crate) registered_master: bool,
    pub(crate) seen: Seen,
}

/// What was seen of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Seen {
    /// Nobody has looked yet.
    NotYet,
    /// It does not answer; the reason.
    Dead(Arc<str>),
    /// It answers.
    Alive(Box<Status>),
}

/// What a server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Status {
    /// Its number in replication.
    pub(crate) number: u64,
    pub(crate) read_only: bool,
    /// Whom it follows, if it is set up as a replica.
    pub(crate) source: Option<Source>,
    /// How far its data is.
    pub(crate) position: Position,
    /// What its binary log has.
    pub(crate) log: Log,
    /// How far it is behind, ms; `None`: nobody can tell.
    pub(crate) lag_ms: Option<u64>,
    /// Everything that the writer showed by then is here; `None`: not known.
    pub(crate) has_until: Option<Instant>,
    /// Statements it is working on.
    pub(crate) running: u64,
    /// Connections it has.
    pub(crate) connected: u64,
    pub(crate) semi_sync: SemiSync,
}

/// A server that another one follows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Source {
    /// The number of the one it follows; 0 if it has never reached it.
    pub(crate) number: u64,
    /// The IO thread runs and is connected.
    pub(crate) receives: bool,
    /// The SQL thread runs.
    pub(crate) applies: bool,
    /// What the threads say went wrong.
    pub(crate) error: String,
    /// How far what it has received goes; `None` if it does not replicate by GTID.
    pub(crate) received: Option<Position>,
    /// What the server itself says it is behind, seconds.
    pub(crate) behind_seconds: Option<u64>,
}

/// The state of semi-synchronous replication.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SemiSync {
    /// As a master: commits are answered only once a replica has them, and that has not been given up.
    pub(crate) holds: bool,
    /// How long a commit waits for a replica before that is given up, ms.
    pub(crate) timeout_ms: u64,
    /// Commits that wait now.
    pub(crate) waiting: u64,
    /// Replicas that acknowledge.
    pub(crate) replicas: u64,
    /// It goes on waiting though no replica is connected.
    pub(crate) waits_without_replicas: bool,
    /// As a replica: it acknowledges to its master.
    pub(crate) acknowledges: bool,
}

/// Something seen, and when the question was sent.
#[derive(Clone, Debug)]
pub(crate) struct Observation {
    pub(crate) asked: Instant,
    pub(crate) seen: Seen,
}

impl Member {
    pub(crate) fn status(&self) -> Option<&Status> {
        match &self.seen {
            Seen::Alive(status) => Some(status),
            Seen::NotYet | Seen::Dead(_) => None,
        }
    }

    /// Takes writes and follows nobody: it behaves like a master, whatever it is registered as.
    pub(crate) fn acts_as_master(&self) -> bool {
        self.status().is_some_and(|status| !status.read_only && status.source.is_none())
    }
}
