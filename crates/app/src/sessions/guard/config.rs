//! `[sessions.guard]`: how patient the guard is.

use serde::Deserialize;

use super::super::network::Prefixes;

/// `[sessions.guard]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GuardConfig {
    /// Failed sign-ins to an account from one network before each further one makes the next wait. Default 5.
    pub free: u32,
    /// The same where somebody signed in to the account from that network before. Default 50.
    pub free_if_known: u32,
    /// The same of a network whatever the accounts: for who tries one password with many names. Default 100.
    pub free_of_network: u32,
    /// The same of an account whatever the networks: for who guesses from many. Does not bear on networks and devices from
    /// which somebody signed in before. Default 50.
    pub free_of_account: u32,
    /// The first wait, ms; each further failure doubles it. Default 1,000.
    pub wait_ms: i64,
    /// The longest wait, ms. Default 15 minutes.
    pub wait_ms_max: i64,
    /// The longest wait from a network that is known to the account, ms. Default a minute.
    pub wait_if_known_ms_max: i64,
    /// After so long without a failure those before are forgotten, ms. Default an hour.
    pub forget_ms: i64,
    /// The bits of an IPv4 address that make a network. Default 32.
    pub ipv4_prefix: u8,
    /// The same of IPv6. Default 64: what one household or host has.
    pub ipv6_prefix: u8,
    /// Counters kept; those that counted longest ago make room, within half a minute. Default 100,000.
    pub counters_max: u32,
    /// Networks and devices remembered for each user. Default 20.
    pub known_max: u32,
}

impl Default for GuardConfig {
    fn default() -> Self {
        GuardConfig {
            free: 5,
            free_if_known: 50,
            free_of_network: 100,
            free_of_account: 50,
            wait_ms: 1_000,
            wait_ms_max: 900_000,
            wait_if_known_ms_max: 60_000,
            forget_ms: 3_600_000,
            ipv4_prefix: 32,
            ipv6_prefix: 64,
            counters_max: 100_000,
            known_max: 20,
        }
    }
}

impl GuardConfig {
    /// Refuses what could not work, by field and limit.
    pub(in crate::sessions) fn check(&self) -> Result<(), String> {
        let within = |field: &str, value: i64, least: i64, most: i64| {
            let fits = (least..=most).contains(&value);
            fits.then_some(())
                .ok_or(format!("[sessions.guard] {field} is {value}: it must be from {least} to {most}"))
        };
        for (field, value) in [
            ("free", self.free),
            ("free_if_known", self.free_if_known),
            ("free_of_network", self.free_of_network),
            ("free_of_account", self.free_of_account),
        ] {
            within(field, value.into(), 1, 1_000_000)?;
        }
        within("wait_ms", self.wait_ms, 100, 3_600_000)?;
        within("wait_ms_max", self.wait_ms_max, self.wait_ms, 86_400_000)?;
        within("wait_if_known_ms_max", self.wait_if_known_ms_max, self.wait_ms, self.wait_ms_max)?;
        within("forget_ms", self.forget_ms, self.wait_ms_max, 30 * 86_400_000)?;
        within("ipv4_prefix", self.ipv4_prefix.into(), 8, 32)?;
        within("ipv6_prefix", self.ipv6_prefix.into(), 16, 128)?;
        within("counters_max", self.counters_max.into(), 1_000, 100_000_000)?;
        within("known_max", self.known_max.into(), 1, 1_000)
    }

    pub(super) fn patience(&self, free: u32, longest_ms: i64) -> Patience {
        Patience { free, first_ms: self.wait_ms, longest_ms, forget_ms: self.forget_ms }
    }

    pub(super) fn prefixes(&self) -> Prefixes {
        Prefixes { ipv4: self.ipv4_prefix, ipv6: self.ipv6_prefix }
    }
}

/// What is allowed of one counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Patience {
    pub(super) free: u32,
    pub(super) first_ms: i64,
    pub(super) longest_ms: i64,
    pub(super) forget_ms: i64,
}

impl Patience {
    /// How long is still to be waited after so many failures, the last one at `last_ms`.
    pub(super) fn wait_ms(self, failures: u32, last_ms: i64, now_ms: i64) -> i64 {
        // A clock that was set back forgets nothing, and makes nobody wait longer than it says.
        let past = now_ms.saturating_sub(last_ms).max(0);
        let Some(over) = failures.checked_sub(self.free).filter(|_| past <= self.forget_ms) else { return 0 };
        let factor = 1i64.checked_shl(over.min(40)).unwrap_or(i64::MAX);
        let wait = self.first_ms.saturating_mul(factor).min(self.longest_ms);
        wait.saturating_sub(past).max(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_begin_after_the_free_ones_double_and_have_an_end() {
        let patience = Patience { free: 3, first_ms: 1_000, longest_ms: 60_000, forget_ms: 100_000 };
        let check = |failures, past: i64, expected| {
            assert_eq!(patience.wait_ms(failures, 500, 500 + past), expected, "{failures} after {past}");
        };
        check(0, 0, 0);
        check(2, 0, 0);
        check(3, 0, 1_000);
        check(3, 999, 1);
        check(3, 1_000, 0);
        check(4, 0, 2_000);
        check(8, 0, 32_000);
        check(9, 0, 60_000);
        check(u32::MAX, 0, 60_000);
        check(9, 60_000, 0);
        check(3, -5_000, 1_000);
        assert_eq!(patience.wait_ms(9, 0, 100_001), 0);
    }

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_field() {
        let check = |change: fn(&mut GuardConfig), named: &str| {
            let mut config = GuardConfig::default();
            config.check().unwrap();
            change(&mut config);
            let error = config.check().expect_err(named);
            assert!(error.contains(named), "{error}");
        };
        check(|c| c.free = 0, "free");
        check(|c| c.wait_ms = 0, "wait_ms");
        check(|c| c.wait_ms_max = 1, "wait_ms_max");
        check(|c| c.forget_ms = 1, "forget_ms");
        check(|c| c.ipv4_prefix = 33, "ipv4_prefix");
        check(|c| c.counters_max = 1, "counters_max");
    }
}
