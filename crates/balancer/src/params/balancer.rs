//! One balancer, as configured: `<Proxy balancer://…>` with `ProxySet` in Apache's text, `[[web.balancers]]` in TOML.

use std::collections::HashSet;

use serde::{Deserialize, Deserializer};

use crate::params::member::MemberConfig;
use crate::params::value::{number, switch, time_ms};
use crate::params::{Parameters, about};

/// The longest wait for a member: an hour.
const WAIT_MS_MAX: u64 = 3_600_000;

/// Who gets a request that belongs to nobody (`lbmethod`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// By turns, each its share of the requests.
    #[default]
    ByRequests,
    /// Whoever has carried the fewest bytes for its share.
    ByTraffic,
    /// Whoever has the fewest requests under way; equals by turns.
    ByBusyness,
    /// By turns, the share being smaller the more its node says it has to do.
    Heartbeat,
}

/// Where a session's route is found (`stickysession`, `stickysessionsep`, `scolonpathdelim`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sticky {
    /// Name of the cookie. Default `JSESSIONID`.
    pub cookie: String,
    /// Name of the parameter in the path or the query. Default `jsessionid`.
    pub parameter: String,
    /// What stands between id and route; `None`: all of it is the route. Default `.`.
    pub separator: Option<char>,
    /// Whether a `;` ends the parameter too. Default off.
    pub semicolon_ends: bool,
}

impl Default for Sticky {
    fn default() -> Self {
        Self {
            cookie: "JSESSIONID".to_owned(),
            parameter: "jsessionid".to_owned(),
            separator: Some('.'),
            semicolon_ends: false,
        }
    }
}

/// One balancer.
#[derive(Debug, Clone, PartialEq)]
pub struct BalancerConfig {
    /// Its name: `oxcluster` of `balancer://oxcluster`. Default `nodes`.
    pub name: String,
    /// Its members, in order.
    pub members: Vec<MemberConfig>,
    /// The paths it serves, the longest first found; with a `!` before it one that it does not. TOML only; Apache's text
    /// says it by `ProxyPass`. Default, if it is the only balancer: those of our nodes.
    pub paths: Vec<String>,
    /// Default by requests.
    pub method: Method,
    /// `None`: no request belongs to a member.
    pub sticky: Option<Sticky>,
    /// Whether a session stays without an answer while its member cannot (`nofailover`). Default off.
    pub nofailover: bool,
    /// Members tried after the first (`maxattempts`). Default: all others.
    pub attempts_max: Option<u32>,
    /// Milliseconds a request waits for a member when none can take it (`timeout`, in seconds). Default 0.
    pub wait_ms: u64,
    /// Statuses of an answer that put its member in error (`failonstatus`). Default none.
    pub fail_on_status: Vec<u16>,
    /// Whether an answer that does not come in time does (`failontimeout`). Default off.
    pub fail_on_timeout: bool,
    /// Whether members in error are tried when all of them are (`forcerecovery`). Default on.
    pub force_recovery: bool,
    /// Whether its routes are signed, if the tier signs (`signroutes`). Default on; off for servers that write routes into
    /// addresses and whose kind is not known from checks.
    pub sign_routes: bool,
    /// Members that may be added while it runs (`growth`), 0 to 100. Default 100.
    pub growth: u32,
}

impl Default for BalancerConfig {
    fn default() -> Self {
        Self {
            name: "nodes".to_owned(),
            members: Vec::new(),
            paths: Vec::new(),
            method: Method::ByRequests,
            sticky: Some(Sticky::default()),
            nofailover: false,
            attempts_max: None,
            wait_ms: 0,
            fail_on_status: Vec::new(),
            fail_on_timeout: false,
            force_recovery: true,
            sign_routes: true,
            growth: 100,
        }
    }
}

impl BalancerConfig {
    /// Refuses what could not work.
    ///
    /// # Errors
    /// The sentence names the field.
    pub(crate) fn check(&self) -> Result<(), String> {
        let mut routes = HashSet::new();
        for member in &self.members {
            member.check()?;
            if !routes.insert(member.route.as_str()) {
                return Err(format!("two members have the route \"{}\"", member.route));
            }
        }
        for path in &self.paths {
            if !path.strip_prefix('!').unwrap_or(path).starts_with('/') {
                return Err(format!("paths \"{path}\" must begin with / (or with !/)"));
            }
        }
        Ok(())
    }

    /// Takes `COOKIE` or `COOKIE|parameter`; `Off` (Zebu's word for Apache's absence) for none.
    fn stick(&mut self, value: &str) -> Result<(), String> {
        if value.eq_ignore_ascii_case("off") {
            self.sticky = None;
            return Ok(());
        }
        let (cookie, parameter) = value.split_once('|').unwrap_or((value, value));
        for name in [cookie, parameter] {
            if name.is_empty()
                || !name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
            {
                return Err(
                    "must be COOKIE or COOKIE|parameter: letters, digits, '-', '_' and '.'".to_owned()
                );
            }
        }
        let sticky = self.sticky.get_or_insert_default();
        cookie.clone_into(&mut sticky.cookie);
        parameter.clone_into(&mut sticky.parameter);
        Ok(())
    }

    fn take(&mut self, key: &str, value: &str) -> Result<(), String> {
        match key.to_ascii_lowercase().as_str() {
            "name" => self.name = name(value)?,
            "lbmethod" => self.method = method(value)?,
            "stickysession" => self.stick(value)?,
            "stickysessionsep" => self.sticky.get_or_insert_default().separator = separator(value)?,
            "scolonpathdelim" => self.sticky.get_or_insert_default().semicolon_ends = switch(value)?,
            "nofailover" => self.nofailover = switch(value)?,
            "maxattempts" => self.attempts_max = u32::try_from(number(value, 0, 1_000)?).ok(),
            "timeout" => self.wait_ms = time_ms(value, 1_000, 0, WAIT_MS_MAX)?,
            "failonstatus" => self.fail_on_status = statuses(value)?,
            "failontimeout" => self.fail_on_timeout = switch(value)?,
            "forcerecovery" => self.force_recovery = switch(value)?,
            "signroutes" => self.sign_routes = switch(value)?,
            "growth" => self.growth = u32::try_from(number(value, 0, 100)?).unwrap_or_default(),
            // Changes at run time are authenticated by more than a number in a form.
            "nonce" => {}
            "paths" => self.paths = value.split(',').map(|path| path.trim().to_owned()).collect(),
            _ => return Err("is no parameter of a balancer".to_owned()),
        }
        Ok(())
    }
}

impl Parameters for BalancerConfig {
    const NAME: &'static str = "balancer";
    const LIST: Option<&'static str> = Some("members");

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        self.take(key, value).map_err(|reason| about(key, reason))
    }

    fn set_list(&mut self, members: Vec<MemberConfig>) {
        self.members = members;
    }
}

fn name(value: &str) -> Result<String, String> {
    let speakable = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if value.is_empty() || value.len() > 95 || !value.chars().all(speakable) {
        return Err("must be 1 to 95 letters, digits, '-', '_' or '.'".to_owned());
    }
    Ok(value.to_ascii_lowercase())
}

fn method(value: &str) -> Result<Method, String> {
    Ok(match value.to_ascii_lowercase().as_str() {
        "byrequests" => Method::ByRequests,
        "bytraffic" => Method::ByTraffic,
        "bybusyness" => Method::ByBusyness,
        "heartbeat" => Method::Heartbeat,
        _ => return Err("must be byrequests, bytraffic, bybusyness or heartbeat".to_owned()),
    })
}

fn separator(value: &str) -> Result<Option<char>, String> {
    let mut characters = value.chars();
    match (characters.next(), characters.next()) {
        _ if value.eq_ignore_ascii_case("off") => Ok(None),
        (Some(one), None) if one.is_ascii_punctuation() => Ok(Some(one)),
        _ => Err("must be one character that is no letter or digit, or Off".to_owned()),
    }
}

fn statuses(value: &str) -> Result<Vec<u16>, String> {
    let status =
        |text: &str| number(text.trim(), 100, 599).map(|status| u16::try_from(status).unwrap_or_default());
    value.split(',').map(status).collect()
}

impl<'de> Deserialize<'de> for BalancerConfig {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        crate::params::read(deserializer, Self::default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(key: &str, value: &str) -> Result<BalancerConfig, String> {
        let mut balancer = BalancerConfig::default();
        balancer.set(key, value)?;
        balancer.check()?;
        Ok(balancer)
    }

    #[test]
    fn each_parameter_is_taken() {
        let check = |key: &str, value: &str, expected: fn(&mut BalancerConfig)| {
            let mut balancer = BalancerConfig::default();
            expected(&mut balancer);
            assert_eq!(told(key, value).unwrap(), balancer, "{key}={value}");
        };
        check("lbmethod", "bytraffic", |b| b.method = Method::ByTraffic);
        check("lbmethod", "bybusyness", |b| b.method = Method::ByBusyness);
        check("lbmethod", "heartbeat", |b| b.method = Method::Heartbeat);
        check("stickysession", "SID|sid", |b| {
            b.sticky = Some(Sticky { cookie: "SID".into(), parameter: "sid".into(), ..Sticky::default() });
        });
        check("stickysession", "ROUTE", |b| {
            b.sticky =
                Some(Sticky { cookie: "ROUTE".into(), parameter: "ROUTE".into(), ..Sticky::default() });
        });
        check("stickysession", "Off", |b| b.sticky = None);
        check("stickysessionsep", "!", |b| b.sticky.as_mut().unwrap().separator = Some('!'));
        check("stickysessionsep", "Off", |b| b.sticky.as_mut().unwrap().separator = None);
        check("scolonpathdelim", "On", |b| b.sticky.as_mut().unwrap().semicolon_ends = true);
        check("nofailover", "On", |b| b.nofailover = true);
        check("signroutes", "Off", |b| b.sign_routes = false);
        check("maxattempts", "3", |b| b.attempts_max = Some(3));
        check("timeout", "2", |b| b.wait_ms = 2_000);
        check("failonstatus", "500, 503", |b| b.fail_on_status = vec![500, 503]);
        check("failontimeout", "On", |b| b.fail_on_timeout = true);
        check("forcerecovery", "Off", |b| b.force_recovery = false);
        check("growth", "5", |b| b.growth = 5);
        check("nonce", "None", |_| {});
        check("paths", "/ajax, !/ajax/x", |b| b.paths = vec!["/ajax".into(), "!/ajax/x".into()]);
    }

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_key() {
        for (key, value) in [
            ("name", "a b"),
            ("lbmethod", "random"),
            ("stickysession", ""),
            ("stickysession", "A|"),
            ("stickysessionsep", ".."),
            ("stickysessionsep", "a"),
            ("nofailover", "1"),
            ("maxattempts", "-1"),
            ("timeout", "9999h"),
            ("failonstatus", "500,abc"),
            ("failonstatus", "99"),
            ("growth", "101"),
            ("paths", "ajax"),
            ("stickysesion", "A"),
        ] {
            let error = told(key, value).expect_err(key);
            assert!(error.contains(key), "{key}={value}: {error}");
        }
    }
}
