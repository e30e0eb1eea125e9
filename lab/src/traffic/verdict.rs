//! What of a part's counts breaks a promise. Pure.

use super::books::{Counts, Kind};
use super::reply::Way;
use super::wire::Broken;

/// What a fault may cost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bears {
    /// No request at all.
    Nothing,
    /// Requests that nobody could send a second time: their writes may have been carried out, or part of the answer was given.
    Unrepeatable,
    /// Whatever the front costs; but nobody's session and no answered write.
    Requests,
}

/// Each broken promise, in words.
pub(crate) fn breaches(counts: &Counts, bears: Bears) -> Vec<String> {
    let mut all = Vec::new();
    let mut none = |what: &str, count: u64| {
        if count > 0 {
            all.push(format!("{count} {what}"));
        }
    };
    none("sign-outs", sign_outs(counts));
    none("answered writes lost", size(&counts.lost));
    none("events lost", size(&counts.events_lost));
    none("own writes not seen", size(&counts.stale));
    none("done twice", twice(counts));
    let failed = match bears {
        Bears::Nothing => counts.failures(|_, _| true),
        Bears::Unrepeatable => counts.failures(|kind, way| !unrepeatable(kind, way)),
        Bears::Requests => counts.failures(|_, way| way == Way::Strange),
    };
    none("requests failed that need not have", failed);
    all
}

/// Whether a request that failed so could not have been sent again without doing something twice, or was answered in part.
pub(crate) fn unrepeatable(kind: Kind, way: Way) -> bool {
    let changes = matches!(kind, Kind::SignIn | Kind::Write | Kind::Upload);
    match way {
        Way::MaybeDone => changes,
        Way::Broken(Broken::CutOff) => true,
        _ => false,
    }
}

pub(crate) fn sign_outs(counts: &Counts) -> u64 {
    counts.failures(|_, way| way == Way::SignedOut)
}

/// What is there twice, and what was told that it is there already.
pub(crate) fn twice(counts: &Counts) -> u64 {
    size(&counts.twice) + counts.failures(|_, way| way == Way::Twice)
}

pub(crate) fn size(all: &[String]) -> u64 {
    u64::try_from(all.len()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(kind: Kind, way: Way) -> Counts {
        let mut counts = Counts::default();
        counts.fail(kind, way);
        counts
    }

    #[test]
    fn a_killed_node_may_cost_only_what_could_not_be_sent_again() {
        let check = |kind, way, expected: [bool; 3]| {
            let held = [Bears::Nothing, Bears::Unrepeatable, Bears::Requests]
                .map(|bears| breaches(&with(kind, way), bears).is_empty());
            assert_eq!(held, expected, "{kind:?} {way:?}");
        };
        check(Kind::Upload, Way::MaybeDone, [false, true, true]);
        check(Kind::Download, Way::Broken(Broken::CutOff), [false, true, true]);
        check(Kind::Read, Way::MaybeDone, [false, false, true]);
        check(Kind::Write, Way::NothingDone, [false, false, true]);
        check(Kind::Write, Way::Broken(Broken::Refused), [false, false, true]);
        check(Kind::Read, Way::Broken(Broken::TimedOut), [false, false, true]);
        check(Kind::Read, Way::SignedOut, [false, false, false]);
        check(Kind::Upload, Way::Twice, [false, false, false]);
        check(Kind::Read, Way::Strange, [false, false, false]);
    }

    #[test]
    fn nobody_bears_a_lost_write_or_event_nor_a_look_at_the_past() {
        let fill: [fn(&mut Counts) -> &mut Vec<String>; 4] = [
            |counts| &mut counts.lost,
            |counts| &mut counts.events_lost,
            |counts| &mut counts.stale,
            |counts| &mut counts.twice,
        ];
        for list in fill {
            let mut counts = Counts::default();
            assert!(breaches(&counts, Bears::Nothing).is_empty());
            list(&mut counts).push("one".to_owned());
            assert_eq!(breaches(&counts, Bears::Requests).len(), 1, "{counts:?}");
        }
    }
}
