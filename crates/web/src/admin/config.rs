//! The `[admin]` part of a configuration: where the admin daemon listens, and its limits. Who its master is stands in
//! `[operator]`, which `zebu_app` owns.
//!
//! Read by the binary, checked when the server binds. Nothing here changes while the server runs.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Error;
use crate::server::Limits;

/// Bytes of a request's line and headers together. Commands travel in bodies.
const HEADER_BYTES_MAX: usize = 16 * 1024;

/// What the admin daemon is told. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on. Default `127.0.0.1:1099`, the port of the original's registry; port 0 takes any free
    /// one. Passwords come in clear, so whoever opens it to other machines should put TLS in front.
    pub listen: SocketAddr,
    /// Connections open at once; more wait in the kernel's queue. Default 64.
    pub connections_max: usize,
    /// Bytes of a command's options, rows of an import included; more is refused (`SVL-0016`). Default 4,194,304.
    pub body_bytes_max: u64,
    /// Milliseconds a connection may rest between two requests. Default 60,000.
    pub idle_ms_max: u64,
    /// Milliseconds in which at least something of a body under way must arrive. Default 60,000.
    pub body_stall_ms_max: u64,
    /// Milliseconds commands under way may take to finish after the shutdown began. Default 30,000.
    pub drain_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 1099)),
            connections_max: 64,
            body_bytes_max: 4 * 1024 * 1024,
            idle_ms_max: 60_000,
            body_stall_ms_max: 60_000,
            drain_ms: 30_000,
        }
    }
}

impl Config {
    /// Refuses what could not work, before anything listens.
    pub(crate) fn check(&self) -> Result<(), Error> {
        let within = |field, value, least, most| Error::unless_within("[admin]", field, value, least, most);
        within("connections_max", self.connections_max as u64, 1, 1_000_000)?;
        within("body_bytes_max", self.body_bytes_max, 1_024, 67_108_864)?;
        within("idle_ms_max", self.idle_ms_max, 1, 3_600_000)?;
        within("body_stall_ms_max", self.body_stall_ms_max, 1, 3_600_000)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            connections_max: self.connections_max,
            header_bytes_max: HEADER_BYTES_MAX,
            read_buffer_bytes_max: HEADER_BYTES_MAX * 4,
            idle_ms_max: self.idle_ms_max,
            stall_ms_max: self.idle_ms_max,
            drain_ms: self.drain_ms,
        }
    }

    pub(crate) fn body_stall(&self) -> Duration {
        Duration::from_millis(self.body_stall_ms_max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_work_is_refused_with_part_and_field() {
        assert!(Config::default().check().is_ok());
        let config = Config { body_bytes_max: 0, ..Config::default() };
        assert!(config.check().unwrap_err().to_string().starts_with("[admin] body_bytes_max is 0"));
    }
}
