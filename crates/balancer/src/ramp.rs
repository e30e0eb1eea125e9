//! Slow start: a member that came back gets a growing part of its share, because its memory is cold and everybody who
//! waited for it would come at once.
//!
//! Pure. Called by `member` on each tick of its watch.

use crate::patience::Ms;

/// The part of its share that a member begins with, in hundredths.
const FIRST_PERCENT: u64 = 10;

/// The share, in hundredths, of a member that came back `since` ago, when it has its whole share after `whole` ms; and
/// whether it has.
pub(crate) fn share(weight: u32, since: Ms, whole: Ms) -> (u32, bool) {
    if since >= whole {
        return (weight, true);
    }
    // Below the whole, so the percentage is below 100.
    let percent = (since.saturating_mul(100) / whole.max(1)).max(FIRST_PERCENT);
    let part = u64::from(weight).saturating_mul(percent) / 100;
    (u32::try_from(part).unwrap_or(weight).max(1), false)
}

/// The share, in hundredths, of a member whose node says it is busy to `load` hundredths: what is idle of it counts.
pub(crate) fn idle_share(share: u32, load: u32) -> u32 {
    let idle = 100u64.saturating_sub(u64::from(load)).max(1);
    u32::try_from(u64::from(share).saturating_mul(idle) / 100).unwrap_or(share).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_share_grows_from_a_tenth_to_the_whole() {
        let check = |since, expected| assert_eq!(share(5_000, since, 10_000), expected, "{since}");
        check(0, (500, false));
        check(999, (500, false));
        check(2_000, (1_000, false));
        check(9_999, (4_950, false));
        check(10_000, (5_000, true));
        assert_eq!(share(100, 0, 0), (100, true), "no slow start");
        assert_eq!(share(1, 0, 10), (1, false), "never nothing");
    }

    #[test]
    fn a_busy_node_counts_for_what_is_idle_of_it() {
        let check = |load, expected| assert_eq!(idle_share(1_000, load), expected, "{load}");
        check(0, 1_000);
        check(50, 500);
        check(100, 10);
        check(250, 10);
    }
}
