//! The `[groupware]` part of a node's configuration: every limit and delay of its HTTP side, with unit, default and effect.
//!
//! Read by the binary, checked when the server binds. Nothing here changes while the server runs.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::server::Limits;
use crate::{Error, Networks};

/// What a node's HTTP listener is told. Unknown keys are refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on. Default `127.0.0.1:8090`; port 0 takes any free port. Only the web tier needs to
    /// reach it.
    pub listen: SocketAddr,
    /// The web tiers and balancers that are believed what they say of a client's address and of TLS, as networks. What others
    /// say is ignored. Default this machine.
    pub trusted_peers: Networks,
    /// Connections open at once; more wait in the kernel's queue. Default 4,096.
    pub connections_max: usize,
    /// Bytes of a request's line and headers together; more is answered 431. Default 65,536, from 8,192 to 262,144.
    pub header_bytes_max: usize,
    /// Bytes read at once while a body arrives fast; a quiet connection needs 8 KiB. Bounds the memory of an upload to
    /// a few of these. Default 524,288, at least `header_bytes_max`, at most 4,194,304.
    pub read_buffer_bytes_max: usize,
    /// Bytes of a JSON or XML body; more is refused (`SVL-0016`). Default 1,048,576.
    pub body_json_bytes_max: u64,
    /// Bytes of a login form; more is refused (`SVL-0016`). Default 16,384.
    pub body_form_bytes_max: u64,
    /// Milliseconds a connection may rest between two requests, and take for a request's head. Keep it above the web
    /// tier's `idle_connection_ms`, so that the web tier closes first. Default 75,000.
    pub idle_ms_max: u64,
    /// Milliseconds in which at least something of a body under way must arrive; then the request is given up.
    /// Default 60,000.
    pub body_stall_ms_max: u64,
    /// Milliseconds requests under way may take to finish after the shutdown began. Default 30,000.
    pub drain_ms: u64,
    /// Origins beside our own whose pages may change something in a user's name, like `https://portal.example.com`. Default
    /// none.
    pub allowed_origins: Vec<String>,
    /// Whether cookies are for TLS only whatever the web tier says: for where TLS ends in front and nothing says so. Default
    /// false.
    pub force_https: bool,
    /// Whether answers carry `X-Zebu-Statements`, the number of database statements they cost. For benchmarks and
    /// tests; it tells strangers about the inside. Default false.
    pub bench_headers: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8090)),
            trusted_peers: Networks::loopback(),
            connections_max: 4_096,
            header_bytes_max: 64 * 1024,
            read_buffer_bytes_max: 512 * 1024,
            body_json_bytes_max: 1024 * 1024,
            body_form_bytes_max: 16 * 1024,
            idle_ms_max: 75_000,
            body_stall_ms_max: 60_000,
            drain_ms: 30_000,
            allowed_origins: Vec::new(),
            force_https: false,
            bench_headers: false,
        }
    }
}

impl Config {
    /// Refuses what could not work, before anything listens.
    pub(crate) fn check(&self) -> Result<(), Error> {
        within("connections_max", self.connections_max as u64, 1, 1_000_000)?;
        within("header_bytes_max", self.header_bytes_max as u64, 8_192, 262_144)?;
        let buffer_least = self.header_bytes_max as u64;
        within("read_buffer_bytes_max", self.read_buffer_bytes_max as u64, buffer_least, 4_194_304)?;
        within("body_json_bytes_max", self.body_json_bytes_max, 1_024, 67_108_864)?;
        within("body_form_bytes_max", self.body_form_bytes_max, 1_024, 1_048_576)?;
        within("idle_ms_max", self.idle_ms_max, 1, 3_600_000)?;
        within("body_stall_ms_max", self.body_stall_ms_max, 1, 3_600_000)
    }

    pub(crate) fn limits(&self) -> Limits {
        Limits {
            connections_max: self.connections_max,
            header_bytes_max: self.header_bytes_max,
            read_buffer_bytes_max: self.read_buffer_bytes_max,
            idle_ms_max: self.idle_ms_max,
            stall_ms_max: self.body_stall_ms_max,
            drain_ms: self.drain_ms,
        }
    }

    pub(crate) fn body_stall(&self) -> Duration {
        Duration::from_millis(self.body_stall_ms_max)
    }
}

fn within(field: &str, value: u64, least: u64, most: u64) -> Result<(), Error> {
    Error::unless_within("[groupware]", field, value, least, most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_accepted_and_an_unknown_key_is_not() {
        assert!(Config::default().check().is_ok());
        assert!(serde_json::from_str::<Config>(r#"{"header_max":1}"#).is_err());
    }

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_field() {
        let check = |change: fn(&mut Config), named: &str| {
            let mut config = Config::default();
            change(&mut config);
            let error = config.check().expect_err(named).to_string();
            assert!(error.contains(named), "{error}");
        };
        check(|c| c.connections_max = 0, "connections_max");
        check(|c| c.header_bytes_max = 100, "header_bytes_max");
        check(|c| c.read_buffer_bytes_max = c.header_bytes_max - 1, "read_buffer_bytes_max");
        check(|c| c.body_json_bytes_max = 0, "body_json_bytes_max");
        check(|c| c.idle_ms_max = 0, "idle_ms_max");
    }
}
