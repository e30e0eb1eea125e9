//! The members' connections: one between each two of them, frames in order, whole or not at all.
//!
//! What the protocol above relies on, and what is held here:
//!
//! - A frame that was sent arrives, after all that were sent before it on that connection, or the connection ends. There is no
//!   third case: a full queue ends the connection too.
//! - [`Event::Disconnected`] comes exactly once for each [`Event::Connected`], and before the next [`Event::Connected`] of that
//!   member, which has a higher number.
//! - A frame is sent on the connection it was meant for, never on its successor: [`Mesh::send`] takes the number.
//! - Whoever is connected is of this cluster, has the name of its certificate, and is not a life that is known to be over.
//!
//! Payloads are bytes; what is in them is for the protocol to know. Streams come from a [`Network`], so that a simulation can run
//! all this.

mod accept;
mod complaints;
mod dial;
mod frame;
mod handshake;
mod hello;
mod link;
mod missing;
mod network;
mod peers;
mod queue;
mod secure;
mod settings;
mod shared;
mod status;
mod watch;
mod watchers;

pub(crate) use complaints::Complaints;
pub use missing::{Expected, Missing};
pub use network::{Duplex, Later, Listener, Network, Stream, Tcp};
pub use secure::Security;
pub use settings::{ADMIN_PORT, GROUPWARE_PORT, Limits, Settings};
pub use shared::Mesh;
pub use status::{PeerStatus, Refused, Status};
pub(crate) use watch::{Spectator, Spoke};

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;

use crate::authority::Name;

/// What the mesh tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// A member is connected.
    Connected {
        /// Who.
        peer: Name,
        /// Which life of it.
        incarnation: Arc<str>,
        /// Higher than that of every connection before.
        connection: u64,
        /// Where it is.
        address: SocketAddr,
    },
    /// A frame came in. The next one of a connection comes when this one has been taken from the channel: whoever does not keep up
    /// is held to be dead by the member that sends.
    Received {
        /// From whom.
        peer: Name,
        /// By which connection.
        connection: u64,
        /// What was sent.
        payload: Bytes,
    },
    /// A connection has ended; nothing comes from it any more, and what was sent and not acknowledged may have arrived or not.
    Disconnected {
        /// Whose.
        peer: Name,
        /// Which.
        connection: u64,
        /// Why.
        why: Broken,
    },
}

/// Why a connection ended.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The other end closed it, or its machine did.
    #[error("it was closed by the other end")]
    Closed,
    /// Nothing was heard for too long.
    #[error("nothing was heard for {ms} ms")]
    Silent {
        /// How long.
        ms: u64,
    },
    /// The other end sends, but takes nothing: pings are not answered.
    #[error("no ping was answered for {ms} ms")]
    Unanswered {
        /// How long.
        ms: u64,
    },
    /// The other end does not take what is sent to it.
    #[error("{bytes} bytes waited to be sent, queue_bytes_max is {max}")]
    Overflow {
        /// What waited.
        bytes: usize,
        /// What may wait.
        max: usize,
    },
    /// The other end sent what is no frame.
    #[error("{0}")]
    Malformed(String),
    /// The system said so.
    #[error("{0}")]
    Io(String),
    /// The other end said goodbye.
    #[error("it said goodbye: {0}")]
    Bye(String),
    /// The member was struck from the registry.
    #[error("it is no member any more")]
    Struck,
    /// The member was started anew and has connected again.
    #[error("a newer life of it has connected")]
    Replaced,
    /// This node was struck from the registry and begins a new life.
    #[error("this node begins a new life")]
    NewLife,
    /// This node stops.
    #[error("this node stops")]
    Stopped,
}

/// A frame that was not sent: that connection is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The connection has ended, or has just been ended because too much waited.
    #[error("the connection is over")]
    Over,
    /// The payload is longer than `frame_bytes_max`; the connection lives on.
    #[error("the payload has {bytes} bytes, frame_bytes_max is {max}")]
    TooLong {
        /// Its length.
        bytes: usize,
        /// What may be sent.
        max: usize,
    },
}
