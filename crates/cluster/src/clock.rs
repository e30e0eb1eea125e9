//! A node's own clock: monotonic, and as fast as the others' but for a little that the protocol allows for.

use std::time::Duration;

use tokio::time::Instant;

const MILLION: u128 = 1_000_000;

/// What one node measures time by.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    zero: Instant,
    /// By how many millionths it runs too fast.
    fast: i32,
}

impl Default for Clock {
    /// The machine's.
    fn default() -> Clock {
        Clock { zero: Instant::now(), fast: 0 }
    }
}

impl Clock {
    /// One that shows the right time now and runs too fast by so many millionths, or too slowly: a simulated node's.
    #[must_use]
    pub fn running_fast(millionths: i32) -> Clock {
        Clock { fast: millionths, ..Clock::default() }
    }

    /// What it shows.
    #[must_use]
    pub fn now(&self) -> Instant {
        let now = Instant::now();
        if self.fast == 0 {
            return now;
        }
        let elapsed = now.saturating_duration_since(self.zero).as_nanos();
        self.shows_after(elapsed.saturating_mul(self.rate()) / MILLION)
    }

    /// When it will show this, not a moment earlier.
    pub(crate) fn when(&self, shows: Instant) -> Instant {
        if self.fast == 0 {
            return shows;
        }
        let shown = shows.saturating_duration_since(self.zero).as_nanos();
        self.shows_after(shown.saturating_mul(MILLION).div_ceil(self.rate()))
    }

    fn rate(&self) -> u128 {
        u128::try_from(1_000_000_i64.saturating_add(self.fast.into())).unwrap_or(1).max(1)
    }

    fn shows_after(&self, nanos: u128) -> Instant {
        let after = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
        self.zero.checked_add(after).unwrap_or(self.zero)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn what_a_clock_is_waited_for_to_show_it_shows_then() {
        for fast in [0, 8_000, -8_000, 333] {
            let clock = Clock::running_fast(fast);
            let begun = clock.now();
            for ms in [1, 7, 999, 6_000] {
                let wanted = begun + Duration::from_millis(ms);
                tokio::time::sleep_until(clock.when(wanted)).await;
                let late = clock.now().checked_duration_since(wanted).unwrap();
                assert!(late < Duration::from_millis(2), "{fast} {late:?}");
            }
        }
        let (fast, right) = (Clock::running_fast(10_000), Clock::default());
        tokio::time::advance(Duration::from_secs(10)).await;
        assert_eq!(fast.now() - right.now(), Duration::from_millis(100));
    }
}
