//! A node behind the web tier: its settings, its connections, what is counted about it.
//!
//! `life` says whether it lives, `standing` whether it takes requests; [`Member`] brings both together with what happens
//! to it, and says so in the log when it changes. Shared by every request, its watch (`health`) and the manager.

use std::sync::atomic::{AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use zebu_ajp::PacketSize;

use crate::Config;
use crate::flags::Flags;
use crate::life::{Change, Event, Life, Moment, Probe};
use crate::outlier::Sample;
use crate::params::member::{MemberConfig, Protocol};
use crate::params::value::Weight;
use crate::patience::Ms;
use crate::pool::Pool;
use crate::ramp;
use crate::selection::Candidate;
use crate::standing::{Found, Stand, Standing};
use crate::upstream::{Speech, Tuning, ajp};
use crate::waits::Waits;

/// "Not ramping" in the field that says since when.
const NOT: Ms = Ms::MAX;

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

/// The times that hold for one member: its own, else those of the tier.
#[derive(Debug, Clone)]
pub(crate) struct Terms {
    pub(crate) connect: Duration,
    pub(crate) tuning: Tuning,
    pub(crate) speech: Speech,
    /// How long it may stay silent.
    pub(crate) silence_ms: Ms,
    /// How long it is left alone in error.
    retry_ms: Ms,
    slow_start_ms: Ms,
    pub(crate) check_interval_ms: Ms,
}

impl Terms {
    fn new(member: &MemberConfig, config: &Config) -> Self {
        let connect_ms =
            member.connect_timeout_ms.or(member.timeout_ms.filter(|ms| *ms < config.connect_timeout_ms));
        Self {
            connect: Duration::from_millis(connect_ms.unwrap_or(config.connect_timeout_ms)),
            speech: speech(member, config),
            tuning: Tuning { keepalive: member.keepalive, receive_buffer_bytes: member.receive_buffer_bytes },
            silence_ms: member.timeout_ms.unwrap_or(config.response_timeout_ms),
            retry_ms: member.retry_ms.unwrap_or(config.retry_ms),
            slow_start_ms: config.slow_start_ms,
            check_interval_ms: member.check.interval_ms.unwrap_or(config.check_interval_ms),
        }
    }
}

fn speech(member: &MemberConfig, config: &Config) -> Speech {
    match member.protocol {
        Protocol::Http => Speech::Http,
        Protocol::Ajp => Speech::Ajp(ajp::Terms {
            secret: member.secret.clone(),
            // Its limits are those of the parameter.
            size: PacketSize::new(member.packet_bytes_max as usize).unwrap_or_default(),
            read_bytes_max: config.stream_buffer_bytes,
        }),
    }
}

/// What answers at a member's address, as its answers to questions show.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Kind {
    Unknown,
    /// A node of ours.
    Ours,
    /// Anything else: a Tomcat, say.
    Foreign,
}

/// One node.
pub(crate) struct Member {
    /// Unlike that of any other member of this tier, now or before.
    pub(crate) number: usize,
    /// The name of its balancer.
    pub(crate) balancer: Arc<str>,
    pub(crate) config: MemberConfig,
    pub(crate) route: String,
    pub(crate) address: String,
    pub(crate) terms: Terms,
    pub(crate) pool: Pool,
    pub(crate) counts: Counts,
    /// Woken when a request ends, if the member may have only so many.
    pub(crate) room: Notify,
    stand: Stand,
    /// Its share in hundredths, as the operator wants it.
    weight: AtomicU32,
    /// Its share as it is now: less during a slow start.
    share: AtomicU32,
    /// Since when it has less than its share.
    ramp_since: AtomicU64,
    /// How busy its node says it is, in hundredths.
    load: AtomicU32,
    /// What answers there.
    kind: AtomicU8,
    life: Mutex<Life>,
    /// Until when it is in error, and until when it is left out as an outlier.
    sentences: Mutex<Sentences>,
    /// How often it fell silent; requests waiting for it watch this.
    silences: AtomicU64,
    pub(crate) waits: Waits,
}

/// Times served for errors.
#[derive(Debug, Default)]
struct Sentences {
    error_until: Ms,
    outlier_until: Ms,
    /// Ejections one after the other; each is longer than the one before.
    ejections: u32,
    checks_failed: u32,
    checks_passed: u32,
    counted: Sample,
    why: Option<String>,
    /// When it was checked last, and what was wrong.
    last_check: Option<(Ms, Option<String>)>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Member {
    pub(crate) fn new(
        number: usize,
        balancer: Arc<str>,
        member: &MemberConfig,
        config: &Config,
        moment: Moment,
    ) -> Arc<Self> {
        let terms = Terms::new(member, config);
        let idle_ms = member.ttl_ms.unwrap_or(config.idle_connection_ms);
        let this = Self {
            number,
            balancer,
            route: member.route.clone(),
            address: member.address.clone(),
            pool: Pool::new(config.idle_connections_max, idle_ms, member.smax as usize),
            counts: Counts::default(),
            room: Notify::new(),
            stand: Stand::new(member.flags),
            weight: AtomicU32::new(member.weight.hundredths()),
            share: AtomicU32::new(member.weight.hundredths()),
            ramp_since: AtomicU64::new(NOT),
            load: AtomicU32::new(0),
            kind: AtomicU8::new(Kind::Unknown as u8),
            life: Mutex::new(Life::new(terms.retry_ms, moment.wall_ms)),
            sentences: Mutex::default(),
            silences: AtomicU64::new(0),
            waits: Waits::default(),
            terms,
            config: member.clone(),
        };
        if member.flags.has(Flags::ERROR) {
            lock(&this.sentences).error_until = moment.now.saturating_add(this.terms.retry_ms);
        }
        Arc::new(this)
    }

    /// It lives, as far as anybody knows.
    pub(crate) fn is_up(&self) -> bool {
        !self.stand.now().is_found(Found::Dead)
    }

    /// Its node says that it is about to stop.
    pub(crate) fn is_leaving(&self) -> bool {
        self.stand.now().is_found(Found::Leaving)
    }

    pub(crate) fn standing(&self) -> Standing {
        self.stand.now()
    }

    pub(crate) fn silences(&self) -> u64 {
        self.silences.load(Ordering::Acquire)
    }

    pub(crate) fn life(&self) -> Life {
        lock(&self.life).clone()
    }

    /// Why it is in error, left out or not used.
    pub(crate) fn complaint(&self) -> Option<String> {
        lock(&self.sentences).why.clone()
    }

    pub(crate) fn weight(&self) -> Weight {
        Weight::of_hundredths(self.weight.load(Ordering::Relaxed)).unwrap_or(Weight::ONE)
    }

    /// Its share now, in hundredths.
    pub(crate) fn share(&self) -> u32 {
        self.share.load(Ordering::Relaxed)
    }

    /// How busy its node says it is, in hundredths; 0 if it says nothing.
    pub(crate) fn load(&self) -> u32 {
        self.load.load(Ordering::Relaxed)
    }

    /// Whether a node of ours answers there: it need not see its own session id as it made it.
    pub(crate) fn is_ours(&self) -> bool {
        self.kind.load(Ordering::Relaxed) == Kind::Ours as u8
    }

    /// Whether something else than a node of ours answers there.
    pub(crate) fn is_foreign(&self) -> bool {
        self.kind.load(Ordering::Relaxed) == Kind::Foreign as u8
    }

    /// It answered a question about its readiness, and not as our nodes do.
    pub(crate) fn is_none_of_ours(&self) {
        self.kind.store(Kind::Foreign as u8, Ordering::Relaxed);
    }

    /// What it is like for a choice; `by_load`: its share is less the more it has to do.
    pub(crate) fn candidate(&self, tried: &[usize], by_load: bool) -> Candidate {
        let share = self.share();
        Candidate {
            weight: if by_load { ramp::idle_share(share, self.load()) } else { share },
            set: self.config.set,
            standing: self.standing(),
            tried: tried.contains(&self.number),
            busy: self.counts.in_flight.load(Ordering::Relaxed),
            traffic: self.counts.bytes_to.load(Ordering::Relaxed)
                + self.counts.bytes_from.load(Ordering::Relaxed),
        }
    }

    /// Tells the member what happened to it; says so in the log when it changed.
    pub(crate) fn observe(&self, event: &Event, at: Moment) {
        if self.forgives() && *event != Event::Probed(Probe::Ready) {
            return;
        }
        let mut life = lock(&self.life);
        let change = life.step(event, at);
        self.stand.find(Found::Dead, !life.is_up);
        let Self { route, address, .. } = self;
        let reason = life.last_error.as_deref().unwrap_or_default();
        match change {
            Change::None => {}
            Change::WentDown => {
                self.pool.clear();
                tracing::warn!(route, address, reason, "member is down");
            }
            Change::WentSilent => {
                self.pool.clear();
                self.silences.fetch_add(1, Ordering::AcqRel);
                tracing::warn!(
                    route,
                    address,
                    reason,
                    "member is down and silent: its requests are given up"
                );
            }
            Change::CameUp => {
                self.ramp_up(at.now);
                tracing::info!(route, address, "member is up again");
            }
        }
    }

    /// Nothing that goes wrong takes it out: the operator wants it so (`I`), or it may be retried at once (`retry=0`).
    fn forgives(&self) -> bool {
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

    /// Makes its share and its status letters what the operator wants.
    pub(crate) fn change(&self, weight: Weight, flags: Flags) {
        let before = self.standing().flags();
        self.stand.set(flags, true);
        self.stand.set(before.without(flags), false);
        self.weight.store(weight.hundredths(), Ordering::Relaxed);
        // A slow start goes on from where it is.
        let since = self.ramp_since.load(Ordering::Relaxed);
        if since == NOT {
            self.share.store(weight.hundredths(), Ordering::Relaxed);
        }
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

    /// What its node says of itself: whether it is about to stop, how busy it is. Sessions need no member of their own on
    /// our nodes, so one that is about to stop gets nothing new at all.
    pub(crate) fn told(&self, leaving: bool, load: Option<u32>, now: Ms) {
        if let Some(load) = load {
            self.kind.store(Kind::Ours as u8, Ordering::Relaxed);
            self.load.store(load, Ordering::Relaxed);
        }
        let changed = self.stand.find(Found::Leaving, leaving);
        match (changed, leaving) {
            (false, _) => {}
            (true, true) => tracing::info!(route = self.route, "member is draining: its users move on"),
            (true, false) => {
                self.ramp_up(now);
                tracing::info!(route = self.route, "member is not draining any more");
            }
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

    /// It came to a balancer that works already: it starts slowly.
    pub(crate) fn begins(&self, now: Ms) {
        self.ramp_up(now);
    }

    fn ramp_up(&self, now: Ms) {
        self.ramp_since.store(now, Ordering::Relaxed);
        self.climb(now);
    }

    fn climb(&self, now: Ms) {
        let weight = self.weight.load(Ordering::Relaxed);
        let since = self.ramp_since.load(Ordering::Relaxed);
        let (share, whole) = match since {
            NOT => (weight, true),
            since => ramp::share(weight, now.saturating_sub(since), self.terms.slow_start_ms),
        };
        self.share.store(share, Ordering::Relaxed);
        if whole {
            self.ramp_since.store(NOT, Ordering::Relaxed);
        }
    }

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

    fn at(now: Ms) -> Moment {
        Moment { now, wall_ms: 0, last_one: false }
    }

    fn member(change: impl FnOnce(&mut MemberConfig)) -> Arc<Member> {
        let mut config = MemberConfig::new("a", "h:1");
        change(&mut config);
        let tier = Config { retry_ms: 5_000, slow_start_ms: 10_000, ..Config::default() };
        Member::new(0, "nodes".into(), &config, &tier, at(0))
    }

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

    #[test]
    fn whoever_comes_back_starts_slowly() {
        let member = member(|_| {});
        assert_eq!(member.share(), 100);
        member.observe(&Event::ConnectFailed("refused".into()), at(0));
        member.observe(&Event::Probed(Probe::Ready), at(1_000));
        assert_eq!(member.share(), 10);
        member.tick(6_000);
        assert_eq!(member.share(), 50);
        member.tick(11_000);
        assert_eq!(member.share(), 100);
    }

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
