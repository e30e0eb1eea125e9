//! The `[ajp]` part of a node's configuration: where it listens for AJP13, to whom, and its limits. Times that are the same for
//! HTTP stand in `[groupware]`.
//!
//! Read by the binary, checked when the server binds. Nothing here changes while the server runs.

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use zebu_ajp::PacketSize;

use crate::server::Limits;
use crate::{Error, Networks};

/// What a node's AJP listener is told. Unknown keys are refused.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Address and port to listen on. Default `127.0.0.1:8009`; port 0 takes any free one.
    pub listen: SocketAddr,
    /// What every request must come with (`secret` of Apache's and mod_jk's members); one without it is answered 403. Empty for
    /// none, the default. At most 63 characters: Apache takes no more.
    pub secret: String,
    /// The web servers that may connect, as networks. What they say of the client's address and TLS is believed. Default this
    /// machine.
    pub peers: Networks,
    /// Request attributes that are taken, and ignored, beside those that Apache and mod_jk add by themselves; a request with
    /// any other is answered 403. Default none.
    pub attributes: Vec<String>,
    /// The largest packet, in bytes, head included; the web server must have the same (`ProxyIOBufferSize`, `max_packet_size`).
    /// All headers of a request must fit one. Default 8,192, to 65,536.
    pub packet_bytes_max: usize,
    /// Connections open at once; more wait in the kernel's queue. Default 4,096.
    pub connections_max: usize,
    /// Milliseconds a connection may rest between two requests. Keep it above the web server's (`ttl`,
    /// `connection_pool_timeout`), so that it closes first. Default 600,000.
    pub idle_ms_max: u64,
    /// Milliseconds for which a web server leaves a node alone that has refused it a connection, as one that drains does: `retry` of
    /// Apache's members, `recover_time` of mod_jk. Until so long after it began to listen, `zebu rolling-restart` does not take it for
    /// back. Default 5,000, the guide's `retry=5`; at most 600,000.
    pub front_retry_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 8009)),
            secret: String::new(),
            peers: Networks::loopback(),
            attributes: Vec::new(),
            packet_bytes_max: PacketSize::LEAST,
            connections_max: 4_096,
            idle_ms_max: 600_000,
            front_retry_ms: 5_000,
        }
    }
}

/// The secret is not shown.
impl fmt::Debug for Config {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Config")
            .field("listen", &self.listen)
            .field("peers", &self.peers)
            .finish_non_exhaustive()
    }
}

/// What a connection is served by.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(super) secret: String,
    pub(super) peers: Networks,
    pub(super) attributes: Vec<String>,
    pub(super) size: PacketSize,
    /// Between two requests.
    pub(super) idle: Duration,
    /// In the middle of one.
    pub(super) stall: Duration,
}

impl fmt::Debug for Settings {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Settings").field("peers", &self.peers).finish_non_exhaustive()
    }
}

/// Apache cuts what is longer.
const SECRET_CHARS_MAX: usize = 63;

impl Config {
    /// Refuses what could not work, before anything listens, and warns of what should not be.
    pub(crate) fn settings(&self, stall: Duration) -> Result<Settings, Error> {
        let within = |field, value, least, most| Error::unless_within("[ajp]", field, value, least, most);
        within(
            "packet_bytes_max",
            self.packet_bytes_max as u64,
            PacketSize::LEAST as u64,
            PacketSize::MOST as u64,
        )?;
        within("connections_max", self.connections_max as u64, 1, 1_000_000)?;
        within("idle_ms_max", self.idle_ms_max, 1, 86_400_000)?;
        within("front_retry_ms", self.front_retry_ms, 0, 600_000)?;
        if self.secret.len() > SECRET_CHARS_MAX {
            let words =
                format!("[ajp] secret has {} characters: {SECRET_CHARS_MAX} at most", self.secret.len());
            return Err(Error::Config(words));
        }
        if !self.listen.ip().is_loopback() && self.secret.is_empty() {
            tracing::warn!(
                listen = %self.listen,
                "AJP is open to other machines without a secret: whoever reaches it from one of `peers` can say to be any client"
            );
        }
        Ok(Settings {
            secret: self.secret.clone(),
            peers: self.peers.clone(),
            attributes: self.attributes.clone(),
            size: PacketSize::new(self.packet_bytes_max).unwrap_or_default(),
            idle: Duration::from_millis(self.idle_ms_max),
            stall,
        })
    }

    pub(crate) fn limits(&self, of_node: Limits) -> Limits {
        Limits { connections_max: self.connections_max, idle_ms_max: self.idle_ms_max, ..of_node }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_field() {
        let check = |change: fn(&mut Config), named: &str| {
            let mut config = Config::default();
            change(&mut config);
            let error = config.settings(Duration::from_secs(1)).expect_err(named).to_string();
            assert!(error.contains(named), "{error}");
        };
        assert!(Config::default().settings(Duration::from_secs(1)).is_ok());
        check(|c| c.packet_bytes_max = 8_191, "packet_bytes_max");
        check(|c| c.packet_bytes_max = 65_537, "packet_bytes_max");
        check(|c| c.connections_max = 0, "connections_max");
        check(|c| c.idle_ms_max = 0, "idle_ms_max");
        check(|c| c.front_retry_ms = 600_001, "front_retry_ms");
        check(|c| c.secret = "s".repeat(64), "secret has 64 characters: 63 at most");
    }

    #[test]
    fn the_secret_is_in_no_debug_output() {
        let config = Config { secret: "hunter2".to_owned(), ..Config::default() };
        assert!(!format!("{config:?} {:?}", config.settings(Duration::ZERO).unwrap()).contains("hunter2"));
    }
}
