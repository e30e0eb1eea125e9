//! What is counted about a member, and what of it the comparison with its peers (`outlier`) looks at.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::member::{Member, lock};
use crate::outlier::Sample;
use crate::patience::Ms;

/// What is counted about a member, since the server started.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// Requests without a usable route given to it by weight.
    pub(crate) sessions_assigned: AtomicU64,
    /// Attempts made with it.
    pub(crate) requests: AtomicU64,
    /// Attempts with it that failed.
    pub(crate) failures: AtomicU64,
    /// Attempts with it after another attempt of the same request had failed.
    pub(crate) retries: AtomicU64,
    /// Requests with it now.
    pub(crate) in_flight: AtomicU64,
    /// How often it was left out as an outlier.
    pub(crate) ejections: AtomicU64,
    /// Bytes of bodies to it.
    pub(crate) bytes_to: AtomicU64,
    /// Bytes of bodies from it.
    pub(crate) bytes_from: AtomicU64,
    /// Answers it gave.
    answers: AtomicU64,
    /// Of these, with a status of 500 or more.
    bad_answers: AtomicU64,
    /// Milliseconds waited for the heads of its answers.
    waited_ms: AtomicU64,
}

impl Member {
    /// An answer came.
    pub(crate) fn answered(&self, status: u16, waited_ms: Ms) {
        self.counts.answers.fetch_add(1, Ordering::Relaxed);
        if status >= 500 {
            self.counts.bad_answers.fetch_add(1, Ordering::Relaxed);
        }
        if waited_ms > 0 {
            self.counts.waited_ms.fetch_add(waited_ms, Ordering::Relaxed);
        }
    }

    /// What was counted since the last call.
    pub(crate) fn sample(&self) -> Sample {
        let failures = self.counts.failures.load(Ordering::Relaxed);
        let total = Sample {
            attempts: self.counts.answers.load(Ordering::Relaxed) + failures,
            bad: self.counts.bad_answers.load(Ordering::Relaxed) + failures,
            waited_ms: self.counts.waited_ms.load(Ordering::Relaxed),
            is_out: !self.standing().is_usable(),
        };
        let mut sentences = lock(&self.sentences);
        let before = std::mem::replace(&mut sentences.counted, total);
        Sample {
            attempts: total.attempts - before.attempts,
            bad: total.bad - before.bad,
            waited_ms: total.waited_ms - before.waited_ms,
            is_out: total.is_out,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::member::tests::member;

    #[test]
    fn what_is_counted_in_a_period_is_counted_once() {
        let member = member(|_| {});
        member.answered(200, 5);
        member.answered(503, 7);
        member.counts.failures.fetch_add(1, Ordering::Relaxed);
        assert_eq!(member.sample(), Sample { attempts: 3, bad: 2, waited_ms: 12, is_out: false });
        member.answered(200, 0);
        assert_eq!(member.sample(), Sample { attempts: 1, bad: 0, waited_ms: 0, is_out: false });
    }
}
