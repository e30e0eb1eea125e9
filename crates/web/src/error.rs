//! Why the HTTP side of a node could not start. What single requests run into is `zebu_app::Error`.

/// A reason not to listen, for the operator.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A setting that could not work; names it and what it may be.
    #[error("{0}")]
    Config(String),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: std::net::SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
}

impl Error {
    /// Refuses a setting outside its range, by the name of its part and its own.
    pub(crate) fn unless_within(
        part: &str,
        field: &str,
        value: u64,
        least: u64,
        most: u64,
    ) -> Result<(), Error> {
        if (least..=most).contains(&value) {
            return Ok(());
        }
        Err(Error::Config(format!("{part} {field} is {value}: it must be from {least} to {most}")))
    }
}
