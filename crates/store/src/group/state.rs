//! How the servers are, for operators: `listdatabase`, the cluster page, the metrics.

use std::sync::Arc;

use super::observation::{Member, Seen};
use super::{Decided, Group};

/// What a server is to its group at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It takes the writes.
    Master,
    /// It answers reads.
    Replica,
    /// It is registered and asked for nothing.
    Out,
}

impl Role {
    /// Its name in listings.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Replica => "replica",
            Role::Out => "out",
        }
    }
}

/// A server as this process sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerState {
    /// Its id; configdb's own is 0, its replicas' are negative.
    pub id: i64,
    /// What operators call it.
    pub name: String,
    /// The registered master of its group: itself, if it is that.
    pub group: String,
    /// What it is now, whatever it is registered as.
    pub role: Role,
    /// Whether it answers.
    pub answers: bool,
    /// Why it is [`Role::Out`], with the remedy; empty if it is not.
    pub trouble: String,
    /// How far behind its master it is, ms; `None` for a master and where nobody can tell.
    pub lag_ms: Option<u64>,
    /// Statements the server is working on, for whomever.
    pub running: u64,
    /// Connections the server has, with whomever.
    pub connected: u64,
    /// Connections of this process to it: in use, and idle.
    pub pool: (usize, usize),
}

impl Group {
    /// How each of its servers is; looks first, if nobody did.
    pub(crate) async fn states(self: &Arc<Self>) -> Vec<ServerState> {
        let decided = self.decided().await;
        self.states_of(&decided)
    }

    /// The same as far as somebody has looked.
    pub(crate) fn seen(&self) -> Vec<ServerState> {
        let decided = Arc::clone(&self.decided.borrow());
        self.states_of(&decided)
    }

    fn states_of(&self, decided: &Decided) -> Vec<ServerState> {
        decided.members.iter().map(|member| self.state(decided, member)).collect()
    }

    fn state(&self, decided: &Decided, member: &Member) -> ServerState {
        let roles = &decided.roles;
        let left_out = roles.left_out.iter().find(|(id, _)| *id == member.id).map(|(_, why)| why.to_string());
        let (role, trouble) = if roles.writer.as_ref().ok() == Some(&member.id) {
            (Role::Master, String::new())
        } else if roles.readers.contains(&member.id) {
            (Role::Replica, String::new())
        } else {
            let stop = roles.writer.as_ref().err().filter(|_| member.registered_master);
            let why = stop.map(ToString::to_string).or(left_out);
            (Role::Out, why.unwrap_or_else(|| "nobody has looked at it yet".to_owned()))
        };
        let status = member.status();
        let watched = decided.servers.iter().find(|s| s.id == member.id);
        ServerState {
            id: member.id,
            name: member.name.to_string(),
            group: self.name().to_owned(),
            role,
            answers: matches!(member.seen, Seen::Alive(_)),
            trouble,
            lag_ms: status.filter(|_| role != Role::Master).and_then(|s| s.lag_ms),
            running: status.map_or(0, |s| s.running),
            connected: status.map_or(0, |s| s.connected),
            pool: watched.and_then(|w| w.server.as_ref().ok()).map_or((0, 0), |s| s.connections()),
        }
    }
}
