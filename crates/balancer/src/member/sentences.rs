//! Errors, ejections and checks of one member that lives: for how long they keep requests away, and what was last wrong.
//!
//! What happened is told by `forward` (errors), `health` (checks, ejections, time) and `members` (pardon). Whether the member
//! lives is `life`'s.

use std::sync::atomic::Ordering;

use crate::flags::Flags;
use crate::member::{Member, lock};
use crate::outlier::Sample;
use crate::patience::Ms;
use crate::standing::Found;

/// Times served for errors.
#[derive(Debug, Default)]
pub(super) struct Sentences {
    pub(super) error_until: Ms,
    outlier_until: Ms,
    /// Ejections one after the other; each is longer than the one before.
    ejections: u32,
    checks_failed: u32,
    checks_passed: u32,
    /// What was counted up to the last comparison.
    pub(super) counted: Sample,
    why: Option<String>,
    /// When it was checked last, and what was wrong.
    last_check: Option<(Ms, Option<String>)>,
}

impl Member {
    /// Why it is in error, left out or not used.
    pub(crate) fn complaint(&self) -> Option<String> {
        lock(&self.sentences).why.clone()
    }

    /// Nothing that goes wrong takes it out: the operator wants it so (`I`), or it may be retried at once (`retry=0`).
    pub(super) fn forgives(&self) -> bool {
        self.standing().ignores_errors() || self.terms.retry_ms == 0
    }

    /// Puts it in error for as long as its `retry` says.
    pub(crate) fn condemn(&self, why: String, now: Ms) {
        if self.forgives() {
            return;
        }
        let mut sentences = lock(&self.sentences);
        sentences.error_until = now.saturating_add(self.terms.retry_ms);
        if self.stand.set(Flags::ERROR, true) {
            tracing::warn!(route = self.route, address = self.address, reason = why, "member is in error");
        }
        sentences.why = Some(why);
    }

    /// Leaves it out for being far worse than its peers, the longer the oftener.
    pub(crate) fn eject(&self, why: String, now: Ms, first_ms: Ms, longest_ms: Ms) {
        if self.forgives() {
            return;
        }
        let mut sentences = lock(&self.sentences);
        sentences.ejections = sentences.ejections.saturating_add(1);
        let ms = first_ms.saturating_mul(sentences.ejections.into()).min(longest_ms);
        sentences.outlier_until = now.saturating_add(ms);
        self.counts.ejections.fetch_add(1, Ordering::Relaxed);
        self.stand.find(Found::Outlier, true);
        tracing::warn!(
            route = self.route,
            address = self.address,
            reason = why,
            ms,
            "member is left out for a while"
        );
        sentences.why = Some(why);
    }

    /// It was no outlier in a whole period: the next ejection is a short one again.
    pub(crate) fn behaved(&self) {
        lock(&self.sentences).ejections = 0;
    }

    /// A check was answered, or not: for whoever looks.
    pub(crate) fn note_check(&self, failure: Option<String>, now: Ms) {
        lock(&self.sentences).last_check = Some((now, failure));
    }

    /// When it was checked last, and what was wrong.
    pub(crate) fn last_check(&self) -> Option<(Ms, Option<String>)> {
        lock(&self.sentences).last_check.clone()
    }

    /// A check of a member that lives: enough that failed in a row keep requests away, enough that passed bring them back.
    pub(crate) fn checked(&self, outcome: Result<(), String>, now: Ms) {
        let mut sentences = lock(&self.sentences);
        match outcome {
            Ok(()) => {
                sentences.checks_failed = 0;
                sentences.checks_passed = sentences.checks_passed.saturating_add(1);
                if sentences.checks_passed >= self.config.check.passes
                    && self.stand.find(Found::CheckFailed, false)
                {
                    drop(sentences);
                    self.ramp_up(now);
                    tracing::info!(
                        route = self.route,
                        address = self.address,
                        "member passes its checks again"
                    );
                }
            }
            Err(why) if !self.forgives() => {
                sentences.checks_passed = 0;
                sentences.checks_failed = sentences.checks_failed.saturating_add(1);
                if sentences.checks_failed >= self.config.check.fails
                    && self.stand.find(Found::CheckFailed, true)
                {
                    tracing::warn!(
                        route = self.route,
                        address = self.address,
                        reason = why,
                        "member fails its checks"
                    );
                }
                sentences.why = Some(why);
            }
            Err(_) => {}
        }
    }

    /// Forgets what was found of it, so that the next request tries it: nobody else is left.
    pub(crate) fn pardon(&self) {
        self.stand.set(Flags::ERROR, false);
        self.stand.find(Found::CheckFailed, false);
        self.stand.find(Found::Outlier, false);
    }

    /// Looks at the clock: sentences served, slow starts gone on with. Its watch calls it at each tick.
    pub(crate) fn tick(&self, now: Ms) {
        let sentences = lock(&self.sentences);
        let in_error = self.standing().flags().has(Flags::ERROR);
        if in_error && now >= sentences.error_until && self.stand.set(Flags::ERROR, false) {
            tracing::info!(route = self.route, address = self.address, "member is tried again");
        }
        if now >= sentences.outlier_until && self.stand.find(Found::Outlier, false) {
            self.ramp_up(now);
            tracing::info!(route = self.route, address = self.address, "member is no longer left out");
        }
        drop(sentences);
        self.climb(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::life::Event;
    use crate::member::tests::{at, member};
    use crate::params::member::MemberConfig;

    #[test]
    fn a_member_in_error_is_left_alone_for_its_retry() {
        let member = member(|config| config.retry_ms = Some(2_000));
        member.condemn("answered 503".into(), 100);
        assert!(!member.standing().is_usable());
        member.tick(2_099);
        assert!(!member.standing().is_usable());
        member.tick(2_100);
        assert!(member.standing().is_usable());
    }

    #[test]
    fn one_that_is_configured_in_error_is_tried_after_its_retry() {
        let member = member(|config| config.flags = Flags::ERROR);
        member.tick(4_999);
        assert!(!member.standing().is_usable());
        member.tick(5_000);
        assert!(member.standing().is_usable());
    }

    #[test]
    fn errors_that_are_ignored_take_nobody_out() {
        for change in [
            |c: &mut MemberConfig| c.flags = Flags::IGNORE_ERRORS,
            |c: &mut MemberConfig| c.retry_ms = Some(0),
        ] {
            let member = member(change);
            member.condemn("answered 503".into(), 100);
            member.eject("slow".into(), 100, 1_000, 1_000);
            member.checked(Err("refused".into()), 100);
            member.observe(&Event::ConnectFailed("refused".into()), at(100));
            assert!(member.standing().is_usable());
        }
    }

    #[test]
    fn each_ejection_is_longer_than_the_one_before_until_it_behaves() {
        let member = member(|_| {});
        let ejected = |at: Ms| {
            member.eject("slow".into(), at, 1_000, 2_500);
            (at..).step_by(500).find(|now| {
                member.tick(*now);
                member.standing().is_usable()
            })
        };
        assert_eq!(ejected(0), Some(1_000));
        assert_eq!(ejected(10_000), Some(12_000));
        assert_eq!(ejected(20_000), Some(22_500));
        member.behaved();
        assert_eq!(ejected(30_000), Some(31_000));
    }

    #[test]
    fn so_many_checks_must_fail_and_so_many_must_pass() {
        let member = member(|config| {
            config.check.fails = 2;
            config.check.passes = 3;
        });
        let failed = || member.checked(Err("answers 500".into()), 0);
        let passed = || member.checked(Ok(()), 0);
        failed();
        passed();
        failed();
        assert!(member.standing().is_usable(), "never two in a row");
        failed();
        assert!(!member.standing().is_usable());
        passed();
        passed();
        assert!(!member.standing().is_usable());
        passed();
        assert!(member.standing().is_usable());
    }
}
