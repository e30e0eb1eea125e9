//! Why the web tier could not start. Answers to clients are `fault`'s.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Starting the web tier failed; the text is for the operator.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A field of the configuration has a value that cannot work.
    #[error("web tier configuration: {0}")]
    Config(String),
    /// The files of the web client do not fit together.
    #[error("web client files: {0}")]
    Assets(String),
    /// The address could not be listened on, most often because another process has it.
    #[error("cannot listen on {address}: {}", listen_reason(.source))]
    Listen {
        /// What was asked for in `listen`.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
    /// A certificate or its key cannot be used.
    #[error("TLS: {0}")]
    Tls(String),
    /// The file of the access log cannot be opened.
    #[error("access_log {}: {cause}", path.display())]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// Why.
        cause: io::Error,
    },
    /// The threads that serve connections could not be started.
    #[error("cannot start the web tier's threads: {0}")]
    Threads(io::Error),
    /// The system gave no random numbers.
    #[error("no random numbers from the system: {0}")]
    Random(String),
}

fn listen_reason(source: &io::Error) -> String {
    match source.kind() {
        io::ErrorKind::AddrInUse => "another process is listening there".into(),
        io::ErrorKind::PermissionDenied => "not allowed (ports below 1024 need privileges)".into(),
        io::ErrorKind::AddrNotAvailable => "this machine does not have that address".into(),
        _ => source.to_string(),
    }
}
