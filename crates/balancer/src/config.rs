//! The `[web]` part of the configuration: every limit and delay of the web tier, with unit, default and
//! effect.
//!
//! Read by the binary, checked by [`Config::check`] when the server binds. A limit that is not named here
//! does not exist; `live` says what of it can be changed while the server runs.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize};

use crate::Error;
use crate::found::MeshMembers;
use crate::http2::Http2Config;
use crate::listen::Listeners;
use crate::manager::ManagerConfig;
use crate::outlier::Bounds;
use crate::params::balancer::BalancerConfig;
use crate::params::member::{MemberConfig, Protocol};
use crate::rates::{Rate, Rates};
use crate::tls::TlsConfig;

/// What the web tier is told. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// Where to listen: `ADDRESS:PORT` or `http://ADDRESS:PORT` for plain connections, `https://ADDRESS:PORT` for TLS; one,
    /// or a list. Default `127.0.0.1:8080`; port 0 takes any free port.
    pub listen: Listeners,
    /// The Unix socket by which a successor takes over the listening sockets. Default "": none.
    #[serde(deserialize_with = "path_or_nothing")]
    pub handover: Option<PathBuf>,
    /// TLS: certificates, versions, what plain connections are told.
    pub tls: TlsConfig,
    /// HTTP/2 with clients.
    pub h2: Http2Config,
    /// Changes of members while it runs.
    pub manager: ManagerConfig,
    /// The nodes, if there is but one balancer and nothing to be said of it. Default none: every request for a node is then
    /// answered 503.
    #[serde(skip_serializing)]
    pub members: Vec<MemberConfig>,
    /// The balancers, instead of `members`, each with members of its own. Default none.
    #[serde(skip_serializing)]
    pub balancers: Vec<BalancerConfig>,
    /// A file with Apache's own text (`<Proxy balancer://…>`, `BalancerMember`, `ProxyPass`), instead of `members` and
    /// `balancers`. Default "": none.
    pub proxy_config: String,
    /// Whether nodes that are heard of in the cluster's mesh are members: `auto`, if no others are named here; `also`, beside those that
    /// are; `off`. Takes a `[cluster]`. Default `auto`.
    pub mesh_members: MeshMembers,
    /// What is spoken to them, `http` or `ajp`. Default `http`.
    pub mesh_protocol: Protocol,
    /// Parameters of each of them, as a member has them, but for `route` and `address`. Default none.
    #[serde(skip_serializing)]
    pub mesh_parameters: MemberConfig,
    /// The file for the access log, as text. Default "" (none): then each request is a line of the log, with its fields
    /// apart.
    #[serde(deserialize_with = "path_or_nothing")]
    pub access_log: Option<PathBuf>,
    /// Threads that serve connections; each connection stays on one. Default 0: as many as there are cores. Up to 512.
    pub threads: usize,
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
    // What follows is for members that say nothing else of themselves.
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
    ///
    /// Also how long a member is in error after an answer of a `failonstatus`. 0: nothing takes a member out.
    pub retry_ms: u64,
    /// Milliseconds between two checks of a member that is up, by which nodes also say how busy they are and whether they
    /// drain. 0: no checks. Default 5,000.
    pub check_interval_ms: u64,
    /// Milliseconds in which the share of a member that came back grows from a tenth to the whole. Default 10,000.
    pub slow_start_ms: u64,
    /// Milliseconds of a period in which members are compared; one that is far worse than its peers is left out for a
    /// while. 0: never. Default 10,000.
    pub outlier_interval_ms: u64,
    /// Requests that a member, and all others together, must have had in a period to be compared. Default 50.
    pub outlier_requests_min: u64,
    /// Points of a hundred by which the share of failures and answers from 500 of an outlier is above its peers'. Default
    /// 40, from 1 to 100.
    pub outlier_errors_percent: u64,
    /// How many times as long as its peers an outlier takes for the head of an answer. Default 5, from 2 to 1,000.
    pub outlier_latency_times: u64,
    /// Milliseconds an outlier is left out; when it is one again at once, twice, three times as long, up to ten times.
    /// Default 30,000.
    pub outlier_ejection_ms: u64,
    /// Members of a hundred of a balancer that may be left out so at once; one always may, the last never. Default 34.
    pub outlier_share_percent_max: u64,
    /// Whether routes in session ids are signed, so that no client can aim at a member it was not given. Default yes.
    pub sign_routes: bool,
    /// The file with the keys they are signed with, the same on all web tiers: a line each, 64 hexadecimal digits, the first
    /// signs, all verify; mode 0600. Read again by itself. Default "" (none): a random key of this process; `zebu serve` names
    /// one beside its configuration.
    #[serde(deserialize_with = "path_or_nothing")]
    pub route_key_file: Option<PathBuf>,
    /// Requests a second that come from one client address (of IPv6 from one network of 64 bits). More are answered 429.
    /// Default 0: no limit.
    pub client_requests_per_second: u64,
    /// Requests at once that it may send after a pause. Default 100.
    pub client_requests_burst: u64,
    /// The same for all sessions of one context together, as nodes say whose they are. Default 0: no limit.
    pub tenant_requests_per_second: u64,
    /// Requests at once that a context may send after a pause. Default 1,000.
    pub tenant_requests_burst: u64,
    /// Addresses, contexts and sessions remembered for these limits, each; some 32 bytes of memory a place, if there is a
    /// limit. Default 65,536, from 64 to 16,777,216.
    pub rates_max: usize,
    /// Milliseconds requests under way may take to finish after the shutdown began. Default 30,000.
    pub drain_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)).into(),
            handover: None,
            tls: TlsConfig::default(),
            h2: Http2Config::default(),
            manager: ManagerConfig::default(),
            members: Vec::new(),
            access_log: None,
            balancers: Vec::new(),
            proxy_config: String::new(),
            mesh_members: MeshMembers::default(),
            mesh_protocol: Protocol::default(),
            mesh_parameters: MemberConfig::new("", ""),
            threads: 0,
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
            check_interval_ms: 5_000,
            slow_start_ms: 10_000,
            outlier_interval_ms: 10_000,
            outlier_requests_min: 50,
            outlier_errors_percent: 40,
            outlier_latency_times: 5,
            outlier_ejection_ms: 30_000,
            outlier_share_percent_max: 34,
            sign_routes: true,
            route_key_file: None,
            client_requests_per_second: 0,
            client_requests_burst: 100,
            tenant_requests_per_second: 0,
            tenant_requests_burst: 1_000,
            rates_max: 65_536,
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
        self.tls.acme.check(&self.listen)?;
        self.h2.check()?;
        self.manager.check()?;
        if !self.mesh_parameters.route.is_empty() || !self.mesh_parameters.address.is_empty() {
            let words = "mesh_parameters must have no route and no address: each node says its own";
            return Err(Error::Config(words.to_owned()));
        }
        if !self.mesh_parameters.secret.is_empty() && self.mesh_protocol != Protocol::Ajp {
            return Err(Error::Config("mesh_parameters: secret is for mesh_protocol = \"ajp\"".to_owned()));
        }
        within("threads", self.threads, 0, 512)?;
        within("connections_max", self.connections_max, 1, 1_000_000)?;
        within("header_bytes_max", self.header_bytes_max, 8 * 1024, 1024 * 1024)?;
        within("rates_max", self.rates_max, 64, 16 * 1024 * 1024)?;
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
        for (field, value, least, most) in [
            ("outlier_errors_percent", self.outlier_errors_percent, 1, 100),
            ("outlier_latency_times", self.outlier_latency_times, 2, 1_000),
            ("outlier_share_percent_max", self.outlier_share_percent_max, 0, 100),
        ] {
            within(field, usize::try_from(value).unwrap_or(usize::MAX), least, most)?;
        }
        Ok(())
    }

    pub(crate) fn rates(&self) -> Rates {
        let client = Rate { per_second: self.client_requests_per_second, burst: self.client_requests_burst };
        let tenant = Rate { per_second: self.tenant_requests_per_second, burst: self.tenant_requests_burst };
        Rates::new(client, tenant, self.rates_max)
    }

    pub(crate) fn outlier_bounds(&self) -> Bounds {
        Bounds {
            attempts_min: self.outlier_requests_min.max(1),
            errors_percent: self.outlier_errors_percent,
            latency_times: self.outlier_latency_times,
            share_percent_max: self.outlier_share_percent_max,
        }
    }

    pub(crate) fn probe_timeout(&self) -> Duration {
        Duration::from_millis(self.probe_timeout_ms)
    }
}

/// A path, of which "" is none: TOML has no other way to say so.
pub(crate) fn path_or_nothing<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<PathBuf>, D::Error> {
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

    #[test]
    fn the_default_is_accepted() {
        assert!(Config::default().check().is_ok());
    }

    #[test]
    fn an_unknown_key_is_refused_and_what_a_member_or_balancer_does_not_know_too() {
        let check = |json: &str, named: &str| {
            let error = serde_json::from_str::<Config>(json).expect_err(json).to_string();
            assert!(error.contains(named), "{error}");
        };
        check(r#"{"connections_maximum":5}"#, "connections_maximum");
        check(
            r#"{"members":[{"route":"a","address":"h:1","loadfaktor":5}]}"#,
            "loadfaktor is no parameter of a member",
        );
        check(r#"{"balancers":[{"nam":"a"}]}"#, "nam is no parameter of a balancer");
        check(r#"{"balancers":[{"members":[{"rout":"a"}]}]}"#, "rout is no parameter of a member");
        check(r#"{"balancers":[{"maxattempts":-1}]}"#, "maxattempts must be a number");
    }

    #[test]
    fn members_and_balancers_are_told_in_toml_s_own_types() {
        let config: Config = serde_json::from_str(
            r#"{"balancers":[{"name":"ox","failonstatus":[500,503],"nofailover":true,"paths":["/ajax","!/x"],
                "members":[{"route":"a","address":"ajp://h","weight":2.5,"retry":5,"keepalive":true}]}]}"#,
        )
        .unwrap();
        let balancer = &config.balancers[0];
        assert_eq!((balancer.name.as_str(), balancer.nofailover), ("ox", true));
        assert_eq!(balancer.fail_on_status, [500, 503]);
        assert_eq!(balancer.paths, ["/ajax", "!/x"]);
        let member = &balancer.members[0];
        assert_eq!((member.weight.hundredths(), member.retry_ms, member.keepalive), (250, Some(5_000), true));
    }

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_field() {
        let check = |change: fn(&mut Config), named: &str| {
            let mut config = Config::default();
            change(&mut config);
            let error = config.check().expect_err(named).to_string();
            assert!(error.contains(named), "{error}");
        };
        check(|c| c.threads = 513, "threads");
        check(|c| c.connections_max = 0, "connections_max");
        check(|c| c.header_bytes_max = 100, "header_bytes_max");
        check(|c| c.stream_buffer_bytes = 1, "stream_buffer_bytes");
        check(|c| c.probe_interval_ms = 0, "probe_interval_ms");
        check(|c| c.rates_max = 0, "rates_max");
        check(|c| c.mesh_parameters = MemberConfig::new("a", ""), "mesh_parameters");
        check(|c| c.mesh_parameters.secret = "x".into(), "mesh_protocol");
        check(|c| c.outlier_errors_percent = 0, "outlier_errors_percent");
        check(|c| c.outlier_latency_times = 1, "outlier_latency_times");
        check(|c| c.outlier_share_percent_max = 101, "outlier_share_percent_max");
    }
}
