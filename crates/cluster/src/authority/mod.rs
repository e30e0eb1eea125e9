//! The cluster's own certificate authority, and the file by which a node proves who it is.
//!
//! `zebu cluster ca …` and `zebu cluster certificate …` call [`Authority`]; the mesh and the beacons read a node's
//! [`Identity`]. One file each, so that there is one thing to copy and none to forget:
//!
//! | file | what is in it | who has it |
//! |---|---|---|
//! | `authority.pem` | the CA's certificate and private key, the beacon key; during a rotation the previous ones | the operator, on one machine |
//! | `NODE.pem` | the node's certificate and private key, the CAs it trusts, the beacon keys | that node alone |
//!
//! Both hold private keys: they are written with mode 0600 and not read if others may read them. Nothing here opens a socket,
//! and nothing here asks a clock: the time is a parameter, in milliseconds since the epoch.

mod ca;
mod certificate;
mod credentials;
mod identity;
mod issue;
mod names;
mod pem;
mod private;

pub use ca::{Authority, FILE, NodeFile};
pub use certificate::{Certificate, DAY_MS};
pub use credentials::Credentials;
pub use identity::{Identity, Now, Pki};
pub use names::{NAME_BYTES_MAX, Name};
pub use private::{read as read_private, write as write_private};

use std::path::PathBuf;

/// How long a new CA is good for, days.
pub const CA_DAYS: u32 = 3_650;
/// How long a node's certificate is good for, days, unless the operator says otherwise. Never longer than its CA.
pub const NODE_DAYS: u32 = 730;
/// From so many days before its end a certificate is warned about.
pub const WARN_DAYS: i64 = 30;

/// Why something of the authority could not be done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A name that cannot stand in a certificate.
    #[error(
        "{field} \"{name}\": must be 1 to {NAME_BYTES_MAX} letters, digits, \"-\", \"_\" or \".\", and begin with a letter or a digit"
    )]
    Name {
        /// Which name.
        field: &'static str,
        /// What was given.
        name: String,
    },
    /// A file that others may read, though it holds a private key.
    #[error(
        "{path}: mode {mode:04o} lets others read or write it, and it holds a private key: chmod 600 {path}"
    )]
    Open {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A file that cannot be read or written.
    #[error("{path}: {cause}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: std::io::Error,
    },
    /// A file whose content is not what it should be.
    #[error("{path}: {reason}")]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// There is a CA already: making another would lock every node out.
    #[error("{path} exists: this cluster has its CA; renew or rotate it")]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// A rotation is under way, or none is.
    #[error("{0}")]
    Rotation(&'static str),
    /// A number of days that cannot be.
    #[error("days {0}: must be from 1 to 36500")]
    Days(u32),
    /// The CA's certificate ran out: nothing that it signs would be believed.
    #[error("the CA ran out: zebu cluster ca renew, then a new certificate for every node")]
    Expired,
    /// A key or certificate could not be made.
    #[error("cannot make a certificate: {0}")]
    Make(String),
}

pub(crate) type Result<T> = std::result::Result<T, Error>;
