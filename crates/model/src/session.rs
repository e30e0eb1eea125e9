//! How long a session lives without being used.

/// Life times, milliseconds of idleness.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lifetimes {
    /// A session whose user did not ask to stay signed in.
    pub short_ms: i64,
    /// One whose user did (`store`).
    pub long_ms: i64,
}

impl Default for Lifetimes {
    /// A working day, and a week as the original's autologin cookie has it.
    fn default() -> Self {
        Lifetimes { short_ms: 12 * 3_600_000, long_ms: 7 * 24 * 3_600_000 }
    }
}

/// How stale the stored time of last use may become before a request writes it again. A write per request would
/// make every read a write; a minute is small beside every life time.
pub const TOUCH_MS: i64 = 60_000;

impl Lifetimes {
    /// Whether a session last used at `used_ms` has run out at `now_ms`.
    #[must_use]
    pub fn expired(self, stays: bool, used_ms: i64, now_ms: i64) -> bool {
        let life = if stays { self.long_ms } else { self.short_ms };
        now_ms.saturating_sub(used_ms) > life
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_lives_as_long_as_it_is_used() {
        let life = Lifetimes { short_ms: 10, long_ms: 100 };
        assert!(!life.expired(false, 0, 10));
        assert!(life.expired(false, 0, 11));
        assert!(!life.expired(true, 0, 100));
        assert!(life.expired(true, 0, 101));
    }

    #[test]
    fn a_clock_set_back_ends_no_session() {
        assert!(!Lifetimes::default().expired(false, 1_000, 0));
    }
}
