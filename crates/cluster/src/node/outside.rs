//! What a node needs of the world outside the protocol.

use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;

use crate::ScopeKey;
use crate::core::{Connection, Incarnation, Listed, Version};

/// A future that an object's method returns. Its errors are words for an operator.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = Result<T, String>> + Send + 'a>>;

/// Everything outside.
#[derive(Clone, Debug)]
pub struct Outside {
    /// The members' connections.
    pub transport: Arc<dyn Transport>,
    /// Who is a member.
    pub registry: Arc<dyn Registry>,
    /// Where versions are.
    pub versions: Arc<dyn Versions>,
}

/// The members' connections. What comes over them is told to [`super::Node`].
pub trait Transport: Debug + Send + Sync {
    /// Sends a payload on this connection, after all that was sent on it before, and never on another. Does not wait. What
    /// cannot be sent breaks the connection, and that is told.
    fn send(&self, peer: Incarnation, connection: Connection, payload: Bytes);

    /// Breaks a connection.
    fn close(&self, peer: Incarnation, connection: Connection);

    /// Breaks all connections; new ones are made under the new name. When it returns, nothing goes out on an earlier one.
    fn begin_life(&self, me: Incarnation);
}

/// The members' rows. Each call is one transaction, on the master.
pub trait Registry: Debug + Send + Sync {
    /// Writes `attempt` into the member's row unless that has a later one. Makes the row, if `register` is set.
    fn renew(&self, me: Incarnation, attempt: u64, register: bool) -> Pending<'_, Renewal>;

    /// Deletes a member's row if its attempt is not later than this.
    fn remove(&self, member: Incarnation, attempt: u64) -> Pending<'_, ()>;
}

/// What the registry answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// All rows there are, this member's too.
    Members(Vec<Listed>),
    /// This member's row is not there, and was not to be made.
    Gone,
}

/// The versions of scopes.
pub trait Versions: Debug + Send + Sync {
    /// The version in a scope's row on the master, read under a shared lock: when it comes, no transaction that held the row
    /// is open any more.
    fn locked(&self, scope: ScopeKey) -> Pending<'_, Version>;
}
