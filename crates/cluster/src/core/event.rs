//! What goes into a step, what comes out of it, and what members say to each other.

use super::names::{Connection, Incarnation, Millis, Version, WriteId};
use crate::ScopeKey;

/// What happened. The time that a step is given with it was read after it happened.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// A connection to a peer stands. Any earlier one to it is broken by this.
    Connected {
        /// Who is at the other end.
        peer: Incarnation,
        /// This connection.
        connection: Connection,
    },
    /// A connection is broken.
    Disconnected {
        /// Who was at the other end.
        peer: Incarnation,
        /// That connection.
        connection: Connection,
    },
    /// A message came, in the order in which the peer sent them on this connection.
    Received {
        /// Who sent it.
        peer: Incarnation,
        /// Over which connection.
        connection: Connection,
        /// What it says.
        message: Message,
    },
    /// The registry carried out a renewal, and this is everybody it has.
    Renewed {
        /// Of the [`Action::Renew`] that this answers.
        attempt: u64,
        /// All members, this node too, as the registry had them then.
        members: Vec<Listed>,
    },
    /// A renewal was not carried out, or nobody knows.
    RenewFailed {
        /// Of the [`Action::Renew`] that failed.
        attempt: u64,
    },
    /// The registry does not have this member any more.
    Gone {
        /// Of the [`Action::Renew`] that this answers.
        attempt: u64,
    },
    /// A write transaction knows which scopes it will change. As early as possible: the peers are told meanwhile.
    WriteBegun {
        /// The write.
        write: WriteId,
        /// Every scope whose version it raises.
        scopes: Vec<ScopeKey>,
    },
    /// The transaction holds the lock on each scope row it changes, and a shared lock on each it relied on.
    RowsLocked {
        /// The write.
        write: WriteId,
        /// What it relied on, with the versions found under lock.
        relied: Vec<Relied>,
    },
    /// The transaction is over. Comes for each write that began, also for one that must fail.
    WriteEnded {
        /// The write.
        write: WriteId,
        /// How it ended.
        outcome: Outcome,
    },
    /// The outcome of a write in doubt is known now.
    FoundOut {
        /// The write.
        write: WriteId,
        /// The version its scopes have, read under a shared lock and so after the transaction was over, either way.
        version: Version,
    },
    /// This node is to stop: it begins no more writes, and leaves when those under way are over.
    Leave,
    /// Time passed.
    Tick,
}

/// What a step wants done, in this order.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// An epoch begins: what is loaded from now on may be served until then, unless it is extended or ended.
    EpochBegan {
        /// The first moment at which it is over.
        until: Millis,
    },
    /// The epoch that lasts, lasts until then.
    EpochExtended {
        /// The first moment at which it is over.
        until: Millis,
    },
    /// Nothing that was cached in the epoch may be served any more.
    EpochEnded {
        /// Why.
        why: EpochEnd,
    },
    /// These scopes are held once more: nothing of them is served or cached.
    Hold {
        /// The scopes.
        scopes: Vec<ScopeKey>,
    },
    /// These scopes are held once less.
    Free {
        /// The scopes.
        scopes: Vec<ScopeKey>,
        /// The version that the write gave them; none if it changed nothing, or nobody here will learn of it.
        version: Option<Version>,
    },
    /// Send this, after all that was sent on this connection before.
    Send {
        /// To whom.
        peer: Incarnation,
        /// Over which connection; if it is broken, to nobody.
        connection: Connection,
        /// What.
        message: Message,
    },
    /// Close a connection to somebody who is no member any more.
    Close {
        /// Who is at the other end.
        peer: Incarnation,
        /// Which connection.
        connection: Connection,
    },
    /// Ask the registry to register or renew this member, and for all members.
    Renew {
        /// Grows; the registry keeps it in the member's row, and carries out nothing older than what it has.
        attempt: u64,
        /// Whether the row may be made. If not, and it is not there, the answer is [`Event::Gone`].
        register: bool,
    },
    /// Ask the registry to remove a member, if its row still has this attempt.
    Remove {
        /// Whom.
        member: Incarnation,
        /// The attempt with which it was seen last.
        attempt: u64,
    },
    /// This member was removed: close all its connections, drop this core, and begin a new one under a new incarnation.
    /// The last action that it gives.
    Rejoin,
    /// This node's writes are not refused any more: all who were there before it count it.
    Joined,
    /// This node has left: its connections may be closed once what was sent on them is. The last action that it gives.
    Left,
    /// Commit.
    WriteMayCommit {
        /// Which write.
        write: WriteId,
    },
    /// Roll back.
    WriteMustFail {
        /// Which write.
        write: WriteId,
        /// Why.
        why: WriteFailure,
    },
    /// Read the version of one of these scopes under a shared lock, as often as it takes, and tell by
    /// [`Event::FoundOut`].
    FindOut {
        /// Which write is in doubt.
        write: WriteId,
        /// What it would have changed.
        scopes: Vec<ScopeKey>,
    },
    /// Call again with [`Event::Tick`] at this moment, whatever else comes before.
    WakeAt {
        /// When.
        at: Millis,
    },
}

/// What members say to each other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Message {
    /// I am registered, and what you leased me over earlier connections I have given up.
    Hello,
    /// I count you: from here on I cache only with a lease from you.
    Welcome,
    /// Lease me the right to cache.
    Ask,
    /// You may cache; but not what these writes change, until their releases.
    Grant {
        /// The holds that are open and that this connection has not carried yet.
        holds: Vec<Hold>,
    },
    /// A write is under way.
    Hold(Hold),
    /// I serve nothing any more of what that write changes.
    Ack {
        /// Which write.
        write: WriteId,
    },
    /// That write is over.
    Release {
        /// Which write.
        write: WriteId,
        /// The version it gave to all its scopes, if it changed them.
        version: Option<Version>,
    },
    /// I stop: I have no write under way and begin none, and cache nothing.
    Leave,
}

/// A write that is under way, and what it changes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Hold {
    /// The write; with the incarnation at the other end of the connection it is unique.
    pub write: WriteId,
    /// All scopes it changes.
    pub scopes: Vec<ScopeKey>,
}

/// A row of the registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Listed {
    /// Whose row.
    pub member: Incarnation,
    /// The attempt by which it was registered or renewed last.
    pub attempt: u64,
}

/// A scope that a write relied on without changing it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Relied {
    /// The scope.
    pub scope: ScopeKey,
    /// The version at which it was read, cached or not.
    pub read: Version,
    /// The version found under the shared lock.
    pub found: Version,
}

/// How a write transaction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// Committed, and its scopes have this version.
    Committed(Version),
    /// Rolled back for certain.
    RolledBack,
    /// The commit was sent and its answer lost.
    InDoubt,
}

/// Why an epoch ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EpochEnd {
    /// The own membership ran out.
    MembershipOver,
    /// A lease ran out or was lost with its connection, or a new member gave none yet.
    NoLeaseFrom(Incarnation),
    /// A member was removed.
    Removed(Incarnation),
    /// This member itself was removed, or leaves.
    Leaving,
}

/// Why a write must be rolled back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WriteFailure {
    /// Not a member, or not any more. Again once the registry can be reached.
    NotAMember,
    /// Just joined, and not everybody knows. Again in a moment, at most a membership later.
    Joining,
    /// The node is stopping. Again on another.
    Leaving,
    /// This scope was changed after it was read. Again with fresh data, at once.
    StaleGround(ScopeKey),
}
