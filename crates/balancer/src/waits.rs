//! How long a member has kept requests waiting without a word. `member` has one; requests enter themselves, `health` asks.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::patience::Ms;

/// Requests waiting for the head of their answer.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    count: AtomicU64,
    /// When the first of them began to wait, or an answer last came.
    quiet_since: AtomicU64,
}

impl Waits {
    /// A request begins to wait for the head of its answer.
    pub(crate) fn begin(&self, now: Ms) {
        if self.count.fetch_add(1, Ordering::AcqRel) == 0 {
            self.quiet_since.store(now, Ordering::Release);
        }
    }

    /// A request stopped waiting; `answered` if the member did answer.
    pub(crate) fn end(&self, now: Ms, answered: bool) {
        if answered {
            self.heard(now);
        }
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    /// The member answered something: a request or a probe.
    pub(crate) fn heard(&self, now: Ms) {
        self.quiet_since.store(now, Ordering::Release);
    }

    /// How long requests have been waiting without the member answering anything; none waiting is 0.
    pub(crate) fn quiet_ms(&self, now: Ms) -> Ms {
        if self.count.load(Ordering::Acquire) == 0 {
            return 0;
        }
        now.saturating_sub(self.quiet_since.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quiet_is_measured_from_the_last_answer_or_the_first_wait() {
        let waits = Waits::default();
        assert_eq!(waits.quiet_ms(100), 0);
        waits.begin(100);
        waits.begin(150);
        assert_eq!(waits.quiet_ms(200), 100);
        waits.end(210, true);
        assert_eq!(waits.quiet_ms(300), 90);
        waits.end(310, false);
        assert_eq!(waits.quiet_ms(400), 0);
        waits.begin(500);
        assert_eq!(waits.quiet_ms(510), 10);
    }
}
