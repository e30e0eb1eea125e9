//! How long memberships and leases are good, and how far two clocks may run apart meanwhile.

use std::fmt;

/// The times of the protocol, in milliseconds. The same on every node of a cluster: a granter counts its peer's lease
/// by its own number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Timing {
    /// How long a membership is good after the sending of the renewal that made it so.
    pub member_ttl_ms: u64,
    /// How long after a renewal the next is sent.
    pub renew_every_ms: u64,
    /// How long a lease is good after the sending of the request that got it. A write to what an unreachable node may
    /// have cached waits this long at most, and `drift_ms`.
    pub lease_ms: u64,
    /// How long after a request for a lease the next is sent.
    pub ask_every_ms: u64,
    /// How much further one node's clock may run than another's within `member_ttl_ms`.
    pub drift_ms: u64,
}

impl Default for Timing {
    /// A node that dies without a word costs writes 2.1 s once, and the others' caches some 7 s. 100 ms of drift in 6 s
    /// is thirty times what clocks do that are slewed as hard as NTP ever does (500 ppm).
    fn default() -> Self {
        Timing { member_ttl_ms: 6000, renew_every_ms: 1000, lease_ms: 2000, ask_every_ms: 500, drift_ms: 100 }
    }
}

/// Times that do not fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimingError {
    /// The one that must be longer.
    pub longer: &'static str,
    /// The one that must be shorter.
    pub shorter: &'static str,
}

impl fmt::Display for TimingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} must be more than {}", self.longer, self.shorter)
    }
}

impl std::error::Error for TimingError {}

impl Timing {
    /// Refuses times with which nobody could ever cache or write.
    ///
    /// # Errors
    /// Names the two that do not fit.
    pub fn checked(self) -> Result<Timing, TimingError> {
        let pairs = [
            (self.renew_every_ms, 0, "renew_every_ms", "0"),
            (self.ask_every_ms, 0, "ask_every_ms", "0"),
            // Times are rounded down to whole milliseconds: that alone is a drift of one.
            (self.drift_ms, 0, "drift_ms", "0"),
            (self.member_ttl_ms, self.renew_every_ms, "member_ttl_ms", "renew_every_ms"),
            (self.lease_ms, self.ask_every_ms, "lease_ms", "ask_every_ms"),
            (self.member_ttl_ms, self.drift_ms, "member_ttl_ms", "drift_ms"),
        ];
        match pairs.into_iter().find(|(longer, shorter, ..)| longer <= shorter) {
            Some((_, _, longer, shorter)) => Err(TimingError { longer, shorter }),
            None => Ok(self),
        }
    }
}
