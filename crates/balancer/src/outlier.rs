//! Which members are so much worse than their peers that they are better left out for a while.
//!
//! Pure: [`judge`] compares what was counted about each in one period. A trouble that all have is no reason: a database
//! that fails makes all nodes fail alike. Called by `health` once a period.

/// What was counted about a member in a period.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Sample {
    /// Answers and failures.
    pub(crate) attempts: u64,
    /// Of these, failures and answers with a status of 500 or more.
    pub(crate) bad: u64,
    /// Milliseconds waited for the heads of answers, all together.
    pub(crate) waited_ms: u64,
    /// It is left out already, or cannot work for another reason: it is no measure for others.
    pub(crate) is_out: bool,
}

/// When a member is an outlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// Attempts in the period below which nothing is concluded from it.
    pub(crate) attempts_min: u64,
    /// Points of a hundred by which its share of bad answers is above that of the others together.
    pub(crate) errors_percent: u64,
    /// How many times as long as the others it takes, and at least [`SLOWER_MS_MIN`] longer.
    pub(crate) latency_times: u64,
    /// Members of a hundred that may be out at once; one may always be, the last never.
    pub(crate) share_percent_max: u64,
}

/// A difference in the mean that nobody feels is no reason, however many times it is.
const SLOWER_MS_MIN: u64 = 200;

/// Why a member is an outlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    Errors,
    Slow,
}

/// The members to leave out now, the worst first, by their place in `samples`.
pub(crate) fn judge(samples: &[Sample], bounds: Bounds) -> Vec<(usize, Reason)> {
    let mut worst: Vec<_> = (0..samples.len()).filter_map(|index| excess(samples, index, bounds)).collect();
    worst.sort_by_key(|(index, excess, _)| (std::cmp::Reverse(*excess), *index));
    let count = samples.len() as u64;
    let most = (count * bounds.share_percent_max / 100).max(1).min(count.saturating_sub(1));
    let out = samples.iter().filter(|sample| sample.is_out).count() as u64;
    let room = usize::try_from(most.saturating_sub(out)).unwrap_or(0);
    worst.into_iter().take(room).map(|(index, _, reason)| (index, reason)).collect()
}

/// By how many thousandths of its bound one is above its peers, if it is above.
fn excess(samples: &[Sample], index: usize, bounds: Bounds) -> Option<(usize, u64, Reason)> {
    let this = samples.get(index).filter(|sample| !sample.is_out)?;
    let others = samples.iter().enumerate().filter(|(other, sample)| *other != index && !sample.is_out);
    let peers = others.fold(Sample::default(), |sum, (_, sample)| Sample {
        attempts: sum.attempts + sample.attempts,
        bad: sum.bad + sample.bad,
        waited_ms: sum.waited_ms + sample.waited_ms,
        is_out: false,
    });
    if this.attempts < bounds.attempts_min || peers.attempts < bounds.attempts_min {
        return None;
    }
    let permille = |sample: &Sample| sample.bad * 1_000 / sample.attempts;
    let above = permille(this).saturating_sub(permille(&peers));
    if above >= bounds.errors_percent * 10 {
        return Some((index, 1_000 + above, Reason::Errors));
    }
    let mean_us = |sample: &Sample| sample.waited_ms * 1_000 / sample.attempts;
    let (mean, usual) = (mean_us(this), mean_us(&peers));
    let is_slow = mean >= usual * bounds.latency_times && mean - usual >= SLOWER_MS_MIN * 1_000;
    is_slow.then_some((index, (mean / usual.max(1)).min(999), Reason::Slow))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BOUNDS: Bounds =
        Bounds { attempts_min: 50, errors_percent: 40, latency_times: 5, share_percent_max: 34 };

    /// Members as (attempts, bad, mean wait).
    fn check(members: &[(u64, u64, u64)], expected: &[(usize, Reason)]) {
        let samples: Vec<_> = members
            .iter()
            .map(|(attempts, bad, mean)| Sample {
                attempts: *attempts,
                bad: *bad,
                waited_ms: mean * attempts,
                is_out: false,
            })
            .collect();
        assert_eq!(judge(&samples, BOUNDS), expected, "{members:?}");
    }

    #[test]
    fn who_fails_or_dawdles_more_than_its_peers_is_left_out() {
        check(&[(100, 0, 10), (100, 1, 10)], &[]);
        check(&[(100, 0, 10), (100, 41, 10)], &[(1, Reason::Errors)]);
        check(&[(100, 0, 10), (100, 39, 10)], &[]);
        check(&[(100, 60, 10), (100, 61, 10)], &[]);
        check(&[(100, 0, 100), (100, 0, 600)], &[(1, Reason::Slow)]);
        check(&[(100, 0, 100), (100, 0, 450)], &[]);
        check(&[(100, 0, 1), (100, 0, 100)], &[]);
        check(&[(100, 0, 0), (100, 0, 201)], &[(1, Reason::Slow)]);
    }

    #[test]
    fn too_little_seen_and_nobody_to_compare_with_proves_nothing() {
        check(&[(100, 0, 10), (49, 49, 10)], &[]);
        check(&[(49, 0, 10), (100, 100, 10)], &[]);
        check(&[(100, 100, 10)], &[]);
        check(&[], &[]);
    }

    #[test]
    fn no_more_than_a_share_is_out_at_once_the_worst_first() {
        check(&[(900, 0, 1), (100, 60, 1), (100, 90, 1), (100, 70, 1)], &[(2, Reason::Errors)]);
        let out = Sample { is_out: true, ..Sample::default() };
        let bad = Sample { attempts: 100, bad: 90, ..Sample::default() };
        let good = Sample { attempts: 100, ..Sample::default() };
        assert_eq!(judge(&[good, bad, out], BOUNDS), [], "one is out already");
    }

    proptest! {
        #[test]
        fn the_last_one_is_never_left_out(
            members in prop::collection::vec((0u64..500, 0u64..500, 0u64..5_000, any::<bool>()), 0..8),
            share in 0u64..=100,
        ) {
            let samples: Vec<_> = members
                .iter()
                .map(|(attempts, bad, mean, is_out)| Sample {
                    attempts: *attempts,
                    bad: *bad.min(attempts),
                    waited_ms: mean * attempts,
                    is_out: *is_out,
                })
                .collect();
            let bounds = Bounds { share_percent_max: share, ..BOUNDS };
            let chosen = judge(&samples, bounds);
            let out = samples.iter().filter(|sample| sample.is_out).count();
            prop_assert!(chosen.is_empty() || out + chosen.len() < samples.len());
            prop_assert!(chosen.iter().all(|(index, _)| !samples[*index].is_out));
        }
    }
}
