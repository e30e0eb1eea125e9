//! One member of a balancer, as configured: `BalancerMember` in Apache's text, `[[web.members]]` in TOML.

use serde::{Deserialize, Deserializer, Serialize};

use crate::flags::Flags;
use crate::params::value::{Secret, Weight, number, switch, time_ms};
use crate::params::{Parameters, about};

/// A day, the longest time that is taken anywhere here.
const DAY_MS: u64 = 86_400_000;

/// Longest route; Apache keeps 96 bytes with the one that ends a text.
const ROUTE_CHARS_MAX: usize = 95;

/// Longest AJP secret; the same with 64.
const SECRET_BYTES_MAX: usize = 63;

/// How a member is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// HTTP/1.1.
    #[default]
    Http,
    /// AJP13.
    Ajp,
}

/// How much is found out about a member before a request is given to it (`ping`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ping {
    /// Nothing, unless the request could not be repeated.
    #[default]
    Off,
    /// Whether its connection is still open, as far as the kernel knows. Of HTTP also what a time means.
    Socket,
    /// AJP: it is asked (CPING), and has so many milliseconds to answer.
    Within(u64),
}

/// The active check of a member that is up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// `None`, `TCP`, `GET`, `HEAD`, `OPTIONS` or `CPING`. Default `GET`.
    pub method: CheckMethod,
    /// Milliseconds between two checks; `None`: as `[web] check_interval_ms` says.
    pub interval_ms: Option<u64>,
    /// Checks in a row that must succeed until a member that failed them is used again. Default 1.
    pub passes: u32,
    /// Checks in a row that must fail until it is not used any more. Default 1.
    pub fails: u32,
    /// What is asked for. Default `/health/ready`.
    pub uri: String,
}

/// How a member is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckMethod {
    /// It is not, while it is up and answers.
    None,
    /// It accepts a connection.
    Tcp,
    /// It answers an AJP ping.
    Cping,
    /// It answers a request with a status below 500.
    Get,
    /// The same without a body.
    Head,
    /// The same.
    Options,
}

impl Default for Check {
    fn default() -> Self {
        Self {
            method: CheckMethod::Get,
            interval_ms: None,
            passes: 1,
            fails: 1,
            uri: "/health/ready".to_owned(),
        }
    }
}

/// One member. Times that are `None` are those of `[web]`.
#[derive(Debug, Clone, PartialEq)]
pub struct MemberConfig {
    /// The route it appends to the session id, `OX-1` in the guide: 1 to 95 letters, digits, `-` and `_`.
    pub route: String,
    /// `host:port` it listens on.
    pub address: String,
    /// What it speaks. In a file: the scheme before the address, `ajp://` or `http://`.
    pub protocol: Protocol,
    /// Its share of new sessions (`loadfactor`, `weight`). Default 1.
    pub weight: Weight,
    /// Its set (`lbset`), 0 to 99: members of a set are used only if nobody in a lower one can. Default 0.
    pub set: u8,
    /// Its status letters (`status`). Default none.
    pub flags: Flags,
    /// The route of the member that takes its sessions while it cannot (`redirect`). Default "": none.
    pub redirect: String,
    /// Requests it is given at once (`max`, `hmax`). Default: no limit.
    pub requests_max: Option<u32>,
    /// Milliseconds a request waits when it has so many, then it is answered 503 (`acquire`). Default 0.
    pub acquire_ms: u64,
    /// Idle connections kept open beyond `ttl` (`smax`). Default 0.
    pub smax: u32,
    /// Milliseconds after which idle connections beyond `smax` are closed (`ttl`, in seconds).
    pub ttl_ms: Option<u64>,
    /// Milliseconds it is left alone when it is in error (`retry`, in seconds). 0: it is never taken out.
    pub retry_ms: Option<u64>,
    /// Milliseconds it may stay silent (`timeout`, in seconds).
    pub timeout_ms: Option<u64>,
    /// Milliseconds for a connect (`connectiontimeout`, in seconds).
    pub connect_timeout_ms: Option<u64>,
    /// What is found out before a request (`ping`, in seconds).
    pub ping: Ping,
    /// Whether the kernel looks after idle connections (`keepalive`). Default off.
    pub keepalive: bool,
    /// Whether connections are used for more than one request (`disablereuse`, `enablereuse`). Default on.
    pub reuse: bool,
    /// Bytes of a connection's receive buffer (`receivebuffersize`). 0: the system's choice, the default.
    pub receive_buffer_bytes: u32,
    /// Bytes of an AJP packet (`iobuffersize`), 8,192 to 65,536. Default 8,192.
    pub packet_bytes_max: u32,
    /// What it is shown that we may ask it (`secret`), AJP only, up to 63 bytes. Default none.
    pub secret: Secret,
    /// How it is checked while it is up (`hcmethod`, `hcinterval`, `hcpasses`, `hcfails`, `hcuri`).
    pub check: Check,
}

impl MemberConfig {
    /// A member that speaks HTTP, everything else being the default.
    #[must_use]
    pub fn new(route: impl Into<String>, address: impl Into<String>) -> Self {
        Self {
            route: route.into(),
            address: address.into(),
            protocol: Protocol::Http,
            weight: Weight::ONE,
            set: 0,
            flags: Flags::NONE,
            redirect: String::new(),
            requests_max: None,
            acquire_ms: 0,
            smax: 0,
            ttl_ms: None,
            retry_ms: None,
            timeout_ms: None,
            connect_timeout_ms: None,
            ping: Ping::Off,
            keepalive: false,
            reuse: true,
            receive_buffer_bytes: 0,
            packet_bytes_max: 8_192,
            secret: Secret::default(),
            check: Check::default(),
        }
    }

    /// Takes `host:port`, with `http://` or `ajp://` before it and `/` behind it, or without.
    ///
    /// # Errors
    /// It is not of that form.
    pub(crate) fn locate(&mut self, url: &str) -> Result<(), String> {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        self.protocol = match scheme.to_ascii_lowercase().as_str() {
            "http" => Protocol::Http,
            "ajp" => Protocol::Ajp,
            _ => return Err(format!("\"{url}\": a member is spoken to by http:// or ajp://")),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match (rest.rsplit_once(':'), self.protocol) {
            // What has a colon inside brackets only is an IPv6 address without a port.
            (Some((host, port)), _) if !port.ends_with(']') => (host, port),
            (_, Protocol::Ajp) => (rest, "8009"),
            (_, Protocol::Http) if url.contains("://") => (rest, "80"),
            _ => return Err(format!("\"{url}\" is not host:port")),
        };
        let is_port = port.parse::<u16>().is_ok_and(|port| port > 0);
        if host.is_empty() || host.contains(['/', '@', '?', '#']) || !is_port {
            return Err(format!("\"{url}\" is not host:port"));
        }
        self.address = format!("{host}:{port}");
        Ok(())
    }

    /// Refuses what could not work.
    ///
    /// # Errors
    /// The sentence names the field.
    pub(crate) fn check(&self) -> Result<(), String> {
        check_route("route", &self.route)?;
        let mut again = self.clone();
        again.locate(&self.address).map_err(|reason| about("address", reason))?;
        if !self.redirect.is_empty() {
            check_route("redirect", &self.redirect)?;
        }
        let needs_ajp = self.check.method == CheckMethod::Cping || !self.secret.is_empty();
        if needs_ajp && self.protocol != Protocol::Ajp {
            return Err(format!(
                "{}: secret and hcmethod=CPING are for members spoken to by ajp://",
                self.route
            ));
        }
        Ok(())
    }
}

fn check_route(key: &str, route: &str) -> Result<(), String> {
    // A dot would end the route early: it is what follows the last dot of the session id.
    let speakable = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if route.is_empty() || route.len() > ROUTE_CHARS_MAX || !route.chars().all(speakable) {
        return Err(format!(
            "the {key} \"{route}\" must be 1 to {ROUTE_CHARS_MAX} letters, digits, '-' or '_'"
        ));
    }
    Ok(())
}

impl Parameters for MemberConfig {
    const NAME: &'static str = "member";

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        self.take(key, value).map_err(|reason| about(key, reason))
    }
}

impl MemberConfig {
    fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        let small =
            |most: u64| number(value, 0, most).and_then(|n| u32::try_from(n).map_err(|e| e.to_string()));
        let seconds = |least_ms: u64| time_ms(value, 1_000, least_ms, DAY_MS);
        match key.to_ascii_lowercase().as_str() {
            "address" => self.locate(value)?,
            "route" => {
                check_route("route", value)?;
                value.clone_into(&mut self.route);
            }
            "loadfactor" | "weight" => self.weight = Weight::parse(value)?,
            "lbset" => self.set = u8::try_from(number(value, 0, 99)?).unwrap_or_default(),
            "status" => self.flags = self.flags.changed(value)?,
            "redirect" => {
                check_route("redirect", value)?;
                value.clone_into(&mut self.redirect);
            }
            "max" | "hmax" => self.requests_max = Some(small(1_000_000)?).filter(|most| *most > 0),
            "acquire" => self.acquire_ms = time_ms(value, 1, 1, DAY_MS)?,
            // Connections are made when they are needed; one made before would be an idle one like others.
            "min" => drop(small(1_000_000)?),
            "smax" => self.smax = small(1_000_000)?,
            "ttl" => self.ttl_ms = Some(seconds(1_000)?),
            "retry" => self.retry_ms = Some(seconds(0)?),
            "timeout" => self.timeout_ms = Some(seconds(1)?),
            "connectiontimeout" => self.connect_timeout_ms = Some(seconds(1)?),
            "ping" => self.ping = ping(value)?,
            "keepalive" => self.keepalive = switch(value)?,
            "disablereuse" => self.reuse = !switch(value)?,
            "enablereuse" => self.reuse = switch(value)?,
            // What comes from a member is always passed on at once.
            "flushpackets" => flush(value)?,
            "flushwait" => drop(time_ms(value, 1, 0, DAY_MS)?),
            "iobuffersize" => self.packet_bytes_max = packet_bytes(value)?,
            "receivebuffersize" => self.receive_buffer_bytes = receive_buffer_bytes(value)?,
            // One field may be as long as the head it stands in: `[web] header_bytes_max`.
            "responsefieldsize" => drop(number(value, 1, 1_048_576)?),
            "secret" => self.secret = secret(value)?,
            "hcmethod" => self.check.method = check_method(value)?,
            "hcinterval" => self.check.interval_ms = Some(time_ms(value, 1_000, 100, DAY_MS)?),
            "hcpasses" => self.check.passes = small(1_000)?.max(1),
            "hcfails" => self.check.fails = small(1_000)?.max(1),
            "hcuri" => self.check.uri = check_uri(value)?,
            _ => return Err("is no parameter of a member".to_owned()),
        }
        Ok(())
    }
}

fn ping(value: &str) -> Result<Ping, String> {
    if value.strip_prefix('-').is_some_and(|rest| time_ms(rest, 1_000, 0, DAY_MS).is_ok()) {
        return Ok(Ping::Socket);
    }
    let ms = time_ms(value, 1_000, 0, DAY_MS)?;
    Ok(if ms == 0 { Ping::Off } else { Ping::Within(ms) })
}

fn flush(value: &str) -> Result<(), String> {
    if value.eq_ignore_ascii_case("auto") {
        return Ok(());
    }
    switch(value).map(drop).map_err(|_| "must be On, Off or Auto".to_owned())
}

fn packet_bytes(value: &str) -> Result<u32, String> {
    Ok(u32::try_from(number(value, 8_192, 65_536)?).unwrap_or(8_192))
}

fn receive_buffer_bytes(value: &str) -> Result<u32, String> {
    match number(value, 0, 16 * 1024 * 1024)? {
        1..512 => Err("must be 0, or at least 512".to_owned()),
        bytes => Ok(u32::try_from(bytes).unwrap_or_default()),
    }
}

fn secret(value: &str) -> Result<Secret, String> {
    if value.is_empty() || value.len() > SECRET_BYTES_MAX {
        return Err(format!("must have 1 to {SECRET_BYTES_MAX} bytes"));
    }
    Ok(Secret::from(value))
}

fn check_method(value: &str) -> Result<CheckMethod, String> {
    Ok(match value.to_ascii_uppercase().as_str() {
        "NONE" => CheckMethod::None,
        "TCP" => CheckMethod::Tcp,
        "CPING" => CheckMethod::Cping,
        "GET" | "GET11" => CheckMethod::Get,
        "HEAD" | "HEAD11" => CheckMethod::Head,
        "OPTIONS" | "OPTIONS11" => CheckMethod::Options,
        _ => return Err("must be None, TCP, CPING, GET, HEAD or OPTIONS".to_owned()),
    })
}

fn check_uri(value: &str) -> Result<String, String> {
    let usable = value.starts_with('/') && value.parse::<http::Uri>().is_ok();
    usable.then(|| value.to_owned()).ok_or_else(|| "must be a path that begins with /".to_owned())
}

impl<'de> Deserialize<'de> for MemberConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::params::read(deserializer, Self::new("", ""))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(pairs: &[(&str, &str)]) -> Result<MemberConfig, String> {
        let mut member = MemberConfig::new("a", "h:1");
        pairs.iter().try_for_each(|(key, value)| member.set(key, value))?;
        member.check()?;
        Ok(member)
    }

    #[test]
    fn each_parameter_is_taken_in_apache_s_unit() {
        let check = |key: &str, value: &str, expected: fn(&mut MemberConfig)| {
            let mut member = MemberConfig::new("a", "h:1");
            expected(&mut member);
            assert_eq!(told(&[(key, value)]).unwrap(), member, "{key}={value}");
            assert_eq!(told(&[(&key.to_uppercase(), value)]).unwrap(), member, "{key}={value}");
        };
        check("loadfactor", "50", |m| m.weight = Weight::of_hundredths(5_000).unwrap());
        check("weight", "2.5", |m| m.weight = Weight::of_hundredths(250).unwrap());
        check("lbset", "99", |m| m.set = 99);
        check("status", "+D-S", |m| m.flags = Flags::DISABLED);
        check("redirect", "b", |m| m.redirect = "b".into());
        check("max", "7", |m| m.requests_max = Some(7));
        check("hmax", "8", |m| m.requests_max = Some(8));
        check("acquire", "250", |m| m.acquire_ms = 250);
        check("min", "3", |_| {});
        check("smax", "0", |m| m.smax = 0);
        check("ttl", "60", |m| m.ttl_ms = Some(60_000));
        check("retry", "5", |m| m.retry_ms = Some(5_000));
        check("retry", "0", |m| m.retry_ms = Some(0));
        check("timeout", "30", |m| m.timeout_ms = Some(30_000));
        check("connectiontimeout", "300ms", |m| m.connect_timeout_ms = Some(300));
        check("ping", "0", |m| m.ping = Ping::Off);
        check("ping", "500ms", |m| m.ping = Ping::Within(500));
        check("ping", "-1", |m| m.ping = Ping::Socket);
        check("keepalive", "On", |m| m.keepalive = true);
        check("disablereuse", "On", |m| m.reuse = false);
        check("enablereuse", "Off", |m| m.reuse = false);
        check("flushpackets", "auto", |_| {});
        check("flushwait", "10", |_| {});
        check("iobuffersize", "65536", |m| m.packet_bytes_max = 65_536);
        check("receivebuffersize", "4096", |m| m.receive_buffer_bytes = 4_096);
        check("responsefieldsize", "8192", |_| {});
        check("hcmethod", "OPTIONS", |m| m.check.method = CheckMethod::Options);
        check("hcinterval", "30", |m| m.check.interval_ms = Some(30_000));
        check("hcpasses", "2", |m| m.check.passes = 2);
        check("hcfails", "3", |m| m.check.fails = 3);
        check("hcuri", "/up", |m| m.check.uri = "/up".into());
    }

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_key() {
        let check = |key: &str, value: &str| {
            let error = told(&[(key, value)]).expect_err(key);
            assert!(error.contains(key), "{key}={value}: {error}");
        };
        for (key, value) in [
            ("loadfactor", "0"),
            ("loadfactor", "100.5"),
            ("lbset", "100"),
            ("status", "+Q"),
            ("route", "OX.1"),
            ("route", ""),
            ("redirect", "OX.1"),
            ("max", "-1"),
            ("acquire", "0"),
            ("ttl", "0"),
            ("retry", "x"),
            ("timeout", "0"),
            ("connectiontimeout", "2d"),
            ("ping", "5x"),
            ("keepalive", "maybe"),
            ("flushpackets", "sometimes"),
            ("iobuffersize", "4096"),
            ("receivebuffersize", "100"),
            ("secret", ""),
            ("secret", "0123456789012345678901234567890123456789012345678901234567890123"),
            ("hcmethod", "PUT"),
            ("hcinterval", "1ms"),
            ("hcuri", "up"),
            ("loadfaktor", "5"),
            ("upgrade", "websocket"),
        ] {
            check(key, value);
        }
        assert!(told(&[("secret", "x")]).unwrap_err().contains("ajp://"));
        assert!(told(&[("address", "ajp://h"), ("secret", "x"), ("hcmethod", "CPING")]).is_ok());
    }

    #[test]
    fn an_address_may_say_what_is_spoken_there() {
        let check = |url: &str, expected: Option<(Protocol, &str)>| {
            let mut member = MemberConfig::new("a", "");
            let found = member.locate(url).is_ok().then_some((member.protocol, member.address.as_str()));
            assert_eq!(found, expected, "{url}");
        };
        check("h:1", Some((Protocol::Http, "h:1")));
        check("ajp://10.20.30.213:8009", Some((Protocol::Ajp, "10.20.30.213:8009")));
        check("ajp://h", Some((Protocol::Ajp, "h:8009")));
        check("HTTP://h/", Some((Protocol::Http, "h:80")));
        check("http://[::1]:8080/", Some((Protocol::Http, "[::1]:8080")));
        check("ajp://[::1]", Some((Protocol::Ajp, "[::1]:8009")));
        check("nohost", None);
        check(":80", None);
        check("h:0", None);
        check("h:99999", None);
        check("ftp://h:21", None);
        check("http://u@h:1", None);
        check("http://h:1/path", None);
    }
}
