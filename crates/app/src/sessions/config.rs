//! The `[sessions]` part of a node's configuration. Every node of a deployment should say the same.

use serde::Deserialize;
use zebu_model::session::Lifetimes;

use super::guard::GuardConfig;
use super::network::{Network, Prefixes};

/// `[sessions]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct SessionConfig {
    /// Idle time after which a session ends, ms. Default 12 hours.
    pub short_ms: i64,
    /// The same for one whose user stays signed in, ms. Default a week.
    pub long_ms: i64,
    /// Sessions a user may have; 0 without limit. Default 100.
    pub per_user_max: u32,
    /// Sessions a user may have with one kind of client; 0 without limit. Default 0.
    pub per_client_max: u32,
    /// Sessions there may be in the whole deployment; 0 without limit. A limit costs each sign-in two writes of configdb and
    /// a question to each schema. Default 0.
    pub in_all_max: u64,
    /// What a sign-in does that finds its user at a limit. Default [`AtLimit::EndOldest`].
    pub at_limit: AtLimit,
    /// Whether a session is bound to where its user signed in. Default [`IpCheck::None`].
    pub ip_check: IpCheck,
    /// For `ranges`: the bits of an IPv4 address that must stay the same. Default 24.
    pub ip_check_ipv4_prefix: u8,
    /// The same for IPv6. Default 48: what one customer of a provider has.
    pub ip_check_ipv6_prefix: u8,
    /// Requests from these networks are not checked, whatever the mode. Default none.
    pub ip_check_not_from: Vec<Network>,
    /// `[sessions.guard]`.
    pub guard: GuardConfig,
    /// How old the secret in a session's cookie gets before it is renewed, ms; 0: never. Default an hour.
    pub renew_ms: i64,
    /// How long the secret before is good beside the new one, once that was used, ms. Default two minutes.
    pub renew_grace_ms: i64,
}

/// What happens at the limit of a user's sessions. At the limit in all a sign-in is refused whatever this says: no tenant
/// ends another's sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtLimit {
    /// The sign-in is refused (`SES-0007`, `SES-0009`).
    Refuse,
    /// The session that was not used for the longest time ends.
    EndOldest,
}

/// Whether the address of a request must be that of the sign-in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IpCheck {
    /// No: people change between networks.
    None,
    /// The very address.
    Strict,
    /// The same network, by the configured prefixes.
    Ranges,
}

impl Default for SessionConfig {
    fn default() -> Self {
        let life = Lifetimes::default();
        SessionConfig {
            short_ms: life.short_ms,
            long_ms: life.long_ms,
            per_user_max: 100,
            per_client_max: 0,
            in_all_max: 0,
            at_limit: AtLimit::EndOldest,
            ip_check: IpCheck::None,
            ip_check_ipv4_prefix: 24,
            ip_check_ipv6_prefix: 48,
            ip_check_not_from: Vec::new(),
            guard: GuardConfig::default(),
            renew_ms: 3_600_000,
            renew_grace_ms: 120_000,
        }
    }
}

/// A year: the longest of any time here, ms.
const YEAR_MS: i64 = 365 * 24 * 3_600_000;

impl SessionConfig {
    /// Refuses what could not work, by field and limit.
    pub fn check(&self) -> Result<(), String> {
        let within = |field: &str, value: i64, least: i64, most: i64| {
            let fits = (least..=most).contains(&value);
            fits.then_some(())
                .ok_or(format!("[sessions] {field} is {value}: it must be from {least} to {most}"))
        };
        within("short_ms", self.short_ms, 60_000, YEAR_MS)?;
        within("long_ms", self.long_ms, self.short_ms, YEAR_MS)?;
        within("ip_check_ipv4_prefix", self.ip_check_ipv4_prefix.into(), 1, 32)?;
        within("ip_check_ipv6_prefix", self.ip_check_ipv6_prefix.into(), 1, 128)?;
        if self.renew_ms != 0 {
            within("renew_ms (unless 0)", self.renew_ms, 300_000, YEAR_MS)?;
            within("renew_grace_ms", self.renew_grace_ms, 1_000, self.renew_ms / 2)?;
        }
        self.guard.check()
    }

    pub(crate) fn lifetimes(&self) -> Lifetimes {
        Lifetimes { short_ms: self.short_ms, long_ms: self.long_ms }
    }

    pub(super) fn ranges(&self) -> Prefixes {
        Prefixes { ipv4: self.ip_check_ipv4_prefix, ipv6: self.ip_check_ipv6_prefix }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_field() {
        let check = |change: fn(&mut SessionConfig), named: &str| {
            let mut config = SessionConfig::default();
            config.check().unwrap();
            change(&mut config);
            let error = config.check().expect_err(named);
            assert!(error.contains(named), "{error}");
        };
        check(|c| c.short_ms = 0, "short_ms");
        check(|c| c.long_ms = c.short_ms - 1, "long_ms");
        check(|c| c.ip_check_ipv4_prefix = 33, "ip_check_ipv4_prefix");
        check(|c| c.ip_check_ipv6_prefix = 0, "ip_check_ipv6_prefix");
        check(|c| c.renew_ms = 1_000, "renew_ms");
        check(|c| c.renew_grace_ms = c.renew_ms, "renew_grace_ms");
    }
}
