//! What was asked, what was answered, and when: all that the checkers see.

/// A scope, as the clients and the database number them.
pub(crate) type Scope = u64;
/// One thing that a client does; a number each.
pub(crate) type OpId = u64;

/// What a row says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) version: i64,
    /// The operation that wrote it last; 0 for none.
    pub(crate) write: OpId,
    /// How many writes it has seen: read and written under its lock.
    pub(crate) count: u64,
}

/// What was waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Wait {
    /// A read, from question to answer.
    Read,
    /// A write, for the word that it may commit.
    MayCommit,
    /// A write, from the question to the answer.
    Write,
    /// A node, from its start to its first leave to write.
    Join,
    /// After all faults have ended: until each node writes and answers from memory.
    Settle,
}

/// What happens, in the order in which it happens.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Event {
    ReadBegins {
        op: OpId,
        scopes: Vec<Scope>,
    },
    /// All that one transaction saw.
    ReadAnswered {
        op: OpId,
        seen: Vec<(Scope, Row)>,
    },
    /// Nothing was answered.
    ReadFailed {
        op: OpId,
    },
    WriteBegins {
        op: OpId,
        scopes: Vec<Scope>,
    },
    /// It was answered: these rows were written.
    WriteAnswered {
        op: OpId,
        rows: Vec<(Scope, Row)>,
    },
    /// It was answered that nothing was written.
    WriteFailed {
        op: OpId,
    },
    /// The master's log: a transaction was carried out, having relied on these versions.
    Committed {
        op: OpId,
        rows: Vec<(Scope, Row)>,
        relied: Vec<(Scope, i64)>,
    },
    /// How long something took, in milliseconds, and for how much of that something else is to blame: its node stood still, its
    /// database was slow or out of reach.
    Waited {
        wait: Wait,
        ms: u64,
        excused_ms: u64,
    },
    /// All is over: what the master has.
    Final {
        rows: Vec<Row>,
    },
}
