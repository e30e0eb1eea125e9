//! Who of a group takes writes and who answers reads: decided from what was seen, by nothing else.
//!
//! The rule of rules: never two writers. Whatever the registry says, a server is written to only if it is the only one of its
//! group that takes writes and follows nobody. If two do, none is written to until one of them is read-only.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use super::observation::{Member, Seen, ServerId, Status};
use super::position::Position;

/// What is decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Roles {
    /// The one that takes writes, or why there is none.
    pub(crate) writer: Result<ServerId, Stop>,
    /// Those that may answer reads.
    pub(crate) readers: Vec<ServerId>,
    /// All others, but for the writer and those nobody has looked at yet.
    pub(crate) left_out: Vec<(ServerId, Why)>,
}

/// Why nothing is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    NotSeenYet,
    Dead { name: Arc<str>, reason: Arc<str> },
    ReadOnly { name: Arc<str> },
    Follows { name: Arc<str> },
    Split { names: Vec<Arc<str>> },
    Replaced { name: Arc<str>, here: Position, floor: Position },
}

/// Why a server answers no reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    Dead(Arc<str>),
    Writable,
    FollowsNobody,
    FollowsStranger(u64),
    ReceiverStopped(String),
    ApplierStopped(String),
    Lagging { lag_ms: Option<u64>, limit_ms: u64 },
}

/// What was decided before, as far as later decisions depend on it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Memory {
    /// The last one that was written to.
    pub(crate) writer: Option<ServerId>,
    /// Those that were written to before another took their place.
    pub(crate) replaced: BTreeSet<ServerId>,
    /// How far the writer was seen to be: what has been answered is not beyond it by more than the last moments.
    pub(crate) floor: Position,
}

impl Memory {
    /// Whether a server lacks what was written to the one that took its place. Whoever unregisters that one decides that what
    /// it had is given up.
    fn lacks(&self, member: &Member, members: &[Member]) -> bool {
        let has = |status: &Status| status.log.has(&status.position, &self.floor);
        self.replaced.contains(&member.id)
            && members.iter().any(|m| Some(m.id) == self.writer)
            && !member.status().is_some_and(has)
    }
}

impl Memory {
    /// Remembers a decision made from these observations.
    pub(crate) fn remember(&mut self, members: &[Member], roles: &Roles) {
        let Ok(writer) = roles.writer else { return };
        if let Some(before) = self.writer.filter(|before| *before != writer) {
            self.replaced.insert(before);
            // What only its predecessor had is given up.
            self.floor = Position::default();
        }
        self.replaced.remove(&writer);
        self.writer = Some(writer);
        if let Some(status) = members.iter().find(|m| m.id == writer).and_then(Member::status) {
            self.floor.raise(&status.position);
        }
    }
}

/// Decides. `lag_ms_max`: how far behind a reader may be.
pub(crate) fn decide(members: &[Member], memory: &Memory, lag_ms_max: u64) -> Roles {
    let writer = writer(members, memory);
    let (mut readers, mut left_out) = (Vec::new(), Vec::new());
    for member in members.iter().filter(|m| writer.as_ref().ok() != Some(&m.id)) {
        match unfit(member, members, lag_ms_max) {
            None if member.seen == Seen::NotYet => {}
            None => readers.push(member.id),
            Some(why) => left_out.push((member.id, why)),
        }
    }
    Roles { writer, readers, left_out }
}

fn writer(members: &[Member], memory: &Memory) -> Result<ServerId, Stop> {
    // Who has not seen everybody cannot know that there is only one.
    if members.iter().any(|m| m.seen == Seen::NotYet) {
        return Err(Stop::NotSeenYet);
    }
    let masters: Vec<&Member> = members.iter().filter(|m| m.acts_as_master()).collect();
    match masters.as_slice() {
        [] => Err(absence(members, memory)),
        [one] => {
            let position = one.status().map(|s| s.position.clone()).unwrap_or_default();
            // One that was replaced came back as it was: what its successor answered is not in it. Whoever promotes a
            // replica decides that for the replica, but nobody decided it for this one.
            if memory.lacks(one, members) {
                let floor = memory.floor.clone();
                return Err(Stop::Replaced { name: Arc::clone(&one.name), here: position, floor });
            }
            Ok(one.id)
        }
        several => Err(Stop::Split { names: several.iter().map(|m| Arc::clone(&m.name)).collect() }),
    }
}

/// Why nobody acts as a master: what is the matter with the one that should.
fn absence(members: &[Member], memory: &Memory) -> Stop {
    let expected = memory.writer.and_then(|id| members.iter().find(|m| m.id == id));
    let Some(expected) = expected.or_else(|| members.iter().find(|m| m.registered_master)) else {
        return Stop::NotSeenYet;
    };
    let name = Arc::clone(&expected.name);
    match &expected.seen {
        Seen::NotYet => Stop::NotSeenYet,
        Seen::Dead(reason) => Stop::Dead { name, reason: Arc::clone(reason) },
        Seen::Alive(status) if status.source.is_some() => Stop::Follows { name },
        Seen::Alive(_) => Stop::ReadOnly { name },
    }
}

/// Why a server that is not written to answers no reads either.
fn unfit(member: &Member, members: &[Member], lag_ms_max: u64) -> Option<Why> {
    let status = match &member.seen {
        Seen::NotYet => return None,
        Seen::Dead(reason) => return Some(Why::Dead(Arc::clone(reason))),
        Seen::Alive(status) => status,
    };
    let Some(source) = &status.source else { return Some(Why::FollowsNobody) };
    if !status.read_only {
        return Some(Why::Writable);
    }
    if !source.applies {
        return Some(Why::ApplierStopped(source.error.clone()));
    }
    if !source.receives {
        return Some(Why::ReceiverStopped(source.error.clone()));
    }
    let is_source = |m: &Member| m.id != member.id && m.status().is_some_and(|s| s.number == source.number);
    if !members.iter().any(is_source) {
        return Some(Why::FollowsStranger(source.number));
    }
    match status.lag_ms {
        Some(lag_ms) if lag_ms <= lag_ms_max => None,
        lag_ms => Some(Why::Lagging { lag_ms, limit_ms: lag_ms_max }),
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stop::NotSeenYet => write!(f, "not all of its servers have been looked at yet"),
            Stop::Dead { name, reason } => write!(f, "its master {name} does not answer ({reason})"),
            Stop::ReadOnly { name } => write!(
                f,
                "{name} is read-only and no other takes its place; SET GLOBAL read_only=0 on the one that shall be the master"
            ),
            Stop::Follows { name } => write!(
                f,
                "{name} follows another server and none of the group takes writes; promote one: STOP SLAVE; RESET SLAVE \
                 ALL; SET GLOBAL read_only=0"
            ),
            Stop::Split { names } => write!(
                f,
                "{} all take writes and follow nobody; nothing is written until all but one are read-only: SET GLOBAL \
                 read_only=1 on the others, or unregister them",
                names.join(" and ")
            ),
            Stop::Replaced { name, here, floor } => write!(
                f,
                "{name} was replaced as the master and came back without what was written since (it is at {here}, the \
                 group at {floor}); SET GLOBAL read_only=1 on it and let it follow its successor"
            ),
        }
    }
}

impl fmt::Display for Why {
    /// What is the matter, and what to do about it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Why::Dead(reason) => write!(f, "it does not answer ({reason}); start it, or look at the network"),
            Why::Writable => write!(
                f,
                "it takes writes though it is a replica; SET GLOBAL read_only=1 on it, and compare its data with the \
                 master's if somebody wrote to it"
            ),
            Why::FollowsNobody => {
                write!(f, "it follows nobody; CHANGE MASTER TO … and START SLAVE on it, or unregister it")
            }
            Why::FollowsStranger(number) => write!(
                f,
                "it follows the server with server_id {number}, which is not one of its group that answers; CHANGE MASTER \
                 TO the group's master on it"
            ),
            Why::ReceiverStopped(error) => {
                write!(
                    f,
                    "its IO thread is not connected ({error}); it goes on trying unless it was stopped: then START SLAVE \
                 IO_THREAD on it"
                )
            }
            Why::ApplierStopped(error) => {
                write!(f, "its SQL thread is stopped ({error}); mend that and START SLAVE SQL_THREAD on it")
            }
            Why::Lagging { lag_ms: Some(lag), limit_ms } => {
                write!(f, "it is {lag} ms behind, replica_lag_ms_max is {limit_ms}; it has to catch up")
            }
            Why::Lagging { lag_ms: None, .. } => {
                write!(f, "it does not say how far it is behind; look at SHOW SLAVE STATUS on it")
            }
        }
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;
