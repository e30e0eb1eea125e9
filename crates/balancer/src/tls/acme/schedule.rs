//! When a certificate is renewed, and when what failed is tried again. Pure: times are given, randomness too.

use std::time::Duration;

/// A day, milliseconds.
const DAY_MS: i64 = 24 * 3_600_000;
/// After the first failure, milliseconds; twice as long after each further one.
const RETRY_MS: i64 = 60_000;
/// The longest pause between two attempts, milliseconds.
const RETRY_MAX_MS: i64 = 6 * 3_600_000;

/// What a server may have us wait, milliseconds: two days, some more than the longest that a large one takes to give a right back.
/// Longer would let one wrong answer cost the certificate.
const ASKED_MAX_MS: i64 = 2 * DAY_MS;

/// The life of a certificate, milliseconds since 1970.
#[derive(Debug, Clone, Copy)]
pub(super) struct Life {
    pub(super) from_ms: i64,
    pub(super) until_ms: i64,
}

/// When it is to be renewed: some days before its end, but not before half its life is over, and earlier by up to a tenth of what
/// is left then, by chance, so that the many who began together do not come together.
pub(super) fn due(life: Life, renew_before_days: u64, random: u64) -> i64 {
    let wanted = i64::try_from(renew_before_days).unwrap_or(i64::MAX).saturating_mul(DAY_MS);
    let half = life.until_ms.saturating_sub(life.from_ms) / 2;
    let before = wanted.min(half).max(0);
    life.until_ms.saturating_sub(before).saturating_sub(part(before / 10, random))
}

/// How long to wait after so many failures in a row, milliseconds; less by up to a quarter, by chance. `asked`: what the server said
/// to wait at least.
pub(super) fn retry(failures: u32, random: u64, asked: Option<Duration>) -> i64 {
    let doubled = RETRY_MS.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let pause = doubled.min(RETRY_MAX_MS);
    let asked = asked.map_or(0, |asked| i64::try_from(asked.as_millis()).unwrap_or(i64::MAX));
    (pause - part(pause / 4, random)).max(asked.min(ASKED_MAX_MS))
}

/// From 0 to below `most`.
fn part(most: i64, random: u64) -> i64 {
    let most = u64::try_from(most).unwrap_or(0).max(1);
    i64::try_from(random % most).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn it_is_renewed_days_before_its_end_and_a_short_one_in_its_second_half() {
        let life = |days: i64| Life { from_ms: 0, until_ms: days * DAY_MS };
        assert_eq!(due(life(90), 30, 0), 60 * DAY_MS);
        assert_eq!(due(life(6), 30, 0), 3 * DAY_MS);
        assert_eq!(due(life(-1), 30, 0), -DAY_MS);
    }

    #[test]
    fn pauses_double_up_to_six_hours() {
        let pauses: Vec<i64> = (1..=10).map(|failures| retry(failures, 0, None) / 60_000).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 360]);
        assert_eq!(retry(u32::MAX, 0, None), RETRY_MAX_MS);
    }

    #[test]
    fn the_server_can_have_us_wait_longer_but_not_shorter_and_not_for_ever() {
        let asked = |seconds| retry(1, 0, Some(Duration::from_secs(seconds)));
        assert_eq!((asked(5), asked(7_200)), (60_000, 7_200_000));
        assert_eq!(asked(u64::MAX), ASKED_MAX_MS);
    }

    proptest! {
        #[test]
        fn chance_makes_it_earlier_by_a_tenth_and_a_quarter_at_most(days in 1_i64..4_000, random: u64, failures in 1_u32..40) {
            let life = Life { from_ms: 0, until_ms: days * DAY_MS };
            let (latest, at) = (due(life, 30, 0), due(life, 30, random));
            prop_assert!(at <= latest && latest - at <= (life.until_ms - latest) / 10);
            prop_assert!(at > 0, "a new one is never due");
            let (longest, pause) = (retry(failures, 0, None), retry(failures, random, None));
            prop_assert!(pause <= longest && pause >= longest / 4 * 3);
        }
    }
}
