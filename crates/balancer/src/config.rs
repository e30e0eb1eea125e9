//! The `[web]` part of the configuration: every limit and delay of the web tier, with unit, default and
//! effect.
//!
//! Read by the binary, checked by [`Config::check`] when the server binds. A limit that is not named here
//! does not exist; nothing here is changed while the server runs.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Error;
use crate::http2::Http2Config;
use crate::listen::Listeners;
use crate::tls::TlsConfig;

/// What the web tier is told. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen: `ADDRESS:PORT` or `http://ADDRESS:PORT` for plain connections, `https://ADDRESS:PORT` for TLS; one,
    /// or a list. Default `127.0.0.1:8080`; port 0 takes any free port.
    pub listen: Listeners,
    /// TLS: certificates, versions, what plain connections are told.
    pub tls: TlsConfig,
    /// HTTP/2 with clients.
    pub h2: Http2Config,
    /// The nodes. Default none: every request for a node is then answered 503.
    pub members: Vec<MemberConfig>,
    /// The file for the access log, as text. Default "" (none): then each request is a line of the log, with its fields
    /// apart.
    #[serde(deserialize_with = "path_or_nothing")]
    pub access_log: Option<PathBuf>,
    /// Client connections open at once. At the limit the connection that has been idle longest is closed to
    /// make room; if none is idle, new ones wait in the kernel's queue. Default 10,000.
    pub connections_max: usize,
    /// Bytes of a request's line and headers together; more is answered 431. A node's answer has the same
    /// limit. Default 32,768, from 8,192 to 1,048,576.
    pub header_bytes_max: usize,
    /// Milliseconds a client may take for the line and headers of a request, from its first byte (of a new
    /// connection: from the connect). Then the connection is closed. Default 15,000.
    pub client_header_timeout_ms: u64,
    /// Milliseconds a connection may rest between two requests. Default 75,000.
    pub client_idle_timeout_ms: u64,
    /// Milliseconds in which a client must take or send at least something of a body under way. Default
    /// 60,000.
    pub client_stall_timeout_ms: u64,
    /// Milliseconds for which nothing may go through a WebSocket in either direction; then it is closed. Default 300,000.
    pub websocket_idle_timeout_ms: u64,
    /// Bytes read from a socket at once while a body streams; small messages use 8 KiB. Each connection with
    /// a body under way holds a few of these. Default 262,144, from 8,192 to 4,194,304.
    pub stream_buffer_bytes: usize,
    /// Milliseconds for a TCP connect to a member; then it is down. Default 2,000.
    pub connect_timeout_ms: u64,
    /// Milliseconds a member may stay silent: from the last byte of the request to the head of the answer,
    /// and between two parts of the answer. Long by design: a node that hangs is found by probes. Default
    /// 300,000.
    pub response_timeout_ms: u64,
    /// Idle connections kept open for each member. Default 256.
    pub idle_connections_max: usize,
    /// Milliseconds after which an idle connection to a member is closed. Keep it below the node's own limit,
    /// so that we close first and no request meets a closing connection. Default 30,000.
    pub idle_connection_ms: u64,
    /// Milliseconds between two probes (`GET /health/ready`) of a member that is down or suspected. Default
    /// 250.
    pub probe_interval_ms: u64,
    /// Milliseconds for the answer to a probe. Default 1,000.
    pub probe_timeout_ms: u64,
    /// Milliseconds without any answer from a member that has requests waiting until it is suspected and
    /// probed; two failed probes mark it down, unless it is the last one up. Default 1,000.
    pub suspect_ms: u64,
    /// Milliseconds a member found dead is left alone when its probe is answered, but with neither 200 nor a
    /// server error (another make of server, without `/health/ready`). Default 5,000.
    pub retry_ms: u64,
    /// Milliseconds requests under way may take to finish after the shutdown began. Default 30,000.
    pub drain_ms: u64,
}

/// One node behind the web tier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemberConfig {
    /// The route this node appends to `JSESSIONID`, `OX-1` in the guide. Letters, digits, `-` and `_`.
    pub route: String,
    /// `host:port` of the node's HTTP listener.
    pub address: String,
    /// Share of new sessions (`loadfactor` in the guide), 1 to 100; only ratios matter. Default 1.
    #[serde(default = "one")]
    pub weight: u32,
}

fn one() -> u32 {
    1
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)).into(),
            tls: TlsConfig::default(),
            h2: Http2Config::default(),
            members: Vec::new(),
            access_log: None,
            connections_max: 10_000,
            header_bytes_max: 32 * 1024,
            client_header_timeout_ms: 15_000,
            client_idle_timeout_ms: 75_000,
            client_stall_timeout_ms: 60_000,
            websocket_idle_timeout_ms: 300_000,
            stream_buffer_bytes: 256 * 1024,
            connect_timeout_ms: 2_000,
            response_timeout_ms: 300_000,
            idle_connections_max: 256,
            idle_connection_ms: 30_000,
            probe_interval_ms: 250,
            probe_timeout_ms: 1_000,
            suspect_ms: 1_000,
            retry_ms: 5_000,
            drain_ms: 30_000,
        }
    }
}

impl Config {
    /// Refuses what could not work, before anything listens.
    ///
    /// # Errors
    /// [`Error::Config`] naming the field and what it may be.
    pub fn check(&self) -> Result<(), Error> {
        self.listen.check()?;
        self.tls.check(self.listen.any_secure())?;
        self.h2.check()?;
        within("connections_max", self.connections_max, 1, 1_000_000)?;
        within("header_bytes_max", self.header_bytes_max, 8 * 1024, 1024 * 1024)?;
        within("stream_buffer_bytes", self.stream_buffer_bytes, 8 * 1024, 4 * 1024 * 1024)?;
        for (field, ms) in [
            ("client_header_timeout_ms", self.client_header_timeout_ms),
            ("client_idle_timeout_ms", self.client_idle_timeout_ms),
            ("client_stall_timeout_ms", self.client_stall_timeout_ms),
            ("websocket_idle_timeout_ms", self.websocket_idle_timeout_ms),
            ("connect_timeout_ms", self.connect_timeout_ms),
            ("response_timeout_ms", self.response_timeout_ms),
            ("probe_interval_ms", self.probe_interval_ms),
            ("probe_timeout_ms", self.probe_timeout_ms),
        ] {
            if ms == 0 {
                return Err(Error::Config(format!("{field} is 0: it must be at least 1")));
            }
        }
        let mut routes = HashSet::new();
        for member in &self.members {
            member.check()?;
            if !routes.insert(member.route.as_str()) {
                return Err(Error::Config(format!("two members have the route \"{}\"", member.route)));
            }
        }
        Ok(())
    }

    pub(crate) fn connect_timeout(&self) -> Duration {
        Duration::from_millis(self.connect_timeout_ms)
    }

    pub(crate) fn probe_timeout(&self) -> Duration {
        Duration::from_millis(self.probe_timeout_ms)
    }
}

impl MemberConfig {
    fn check(&self) -> Result<(), Error> {
        let Self { route, address, weight } = self;
        // A dot would end the route early: it is what follows the last dot of the session id.
        let speakable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if route.is_empty() || route.len() > 64 || !route.chars().all(speakable) {
            return Err(Error::Config(format!(
                "the route \"{route}\" must be 1 to 64 letters, digits, '-' or '_'"
            )));
        }
        let port = address.rsplit_once(':').and_then(|(host, port)| (!host.is_empty()).then_some(port));
        if port.and_then(|port| port.parse::<u16>().ok()).is_none_or(|port| port == 0) {
            return Err(Error::Config(format!("the address \"{address}\" of {route} is not host:port")));
        }
        within(&format!("weight of {route}"), *weight as usize, 1, 100)
    }
}

/// A path, of which "" is none: TOML has no other way to say so.
fn path_or_nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<PathBuf>, D::Error> {
    let path = PathBuf::deserialize(deserializer)?;
    Ok((!path.as_os_str().is_empty()).then_some(path))
}

/// # Errors
/// [`Error::Config`] naming the field and what it may be.
pub(crate) fn within(field: &str, value: usize, least: usize, most: usize) -> Result<(), Error> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(Error::Config(format!("{field} is {value}: it must be from {least} to {most}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(route: &str, address: &str, weight: u32) -> MemberConfig {
        MemberConfig { route: route.into(), address: address.into(), weight }
    }

    #[test]
    fn the_default_is_accepted() {
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn a_weight_left_out_is_one() {
        let member: MemberConfig =
            serde_json::from_str(r#"{"route":"OX-1","address":"10.20.30.213:8090"}"#).unwrap();
        assert_eq!(member.weight, 1);
    }

    #[test]
    fn an_unknown_key_is_refused() {
        assert!(serde_json::from_str::<Config>(r#"{"connections_maximum":5}"#).is_err());
        assert!(
            serde_json::from_str::<Config>(r#"{"members":[{"route":"a","address":"h:1","loadfactor":5}]}"#)
                .is_err()
        );
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
        check(|c| c.stream_buffer_bytes = 1, "stream_buffer_bytes");
        check(|c| c.probe_interval_ms = 0, "probe_interval_ms");
        check(|c| c.members = vec![member("OX.1", "h:1", 1)], "OX.1");
        check(|c| c.members = vec![member("", "h:1", 1)], "route");
        check(|c| c.members = vec![member("a", "nohost", 1)], "nohost");
        check(|c| c.members = vec![member("a", ":80", 1)], ":80");
        check(|c| c.members = vec![member("a", "h:0", 1)], "h:0");
        check(|c| c.members = vec![member("a", "h:1", 0)], "weight of a");
        check(|c| c.members = vec![member("a", "h:1", 101)], "weight of a");
        check(|c| c.members = vec![member("a", "h:1", 1), member("a", "h:2", 1)], "two members");
    }
}
