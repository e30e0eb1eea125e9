//! A node behind the web tier: whether it is up, and what is counted about it.
//!
//! [`Health`] is the state machine: synchronous, events and times come from the caller. [`Member`] holds it
//! beside the connections and counts. A member goes down when it cannot be connected to, or when it answers
//! neither requests nor probes; it comes up when a probe is answered. No user's request is ever the trial.
//!
//! Down means: gets no new requests. Those it already has are given up only when it is silent altogether; a
//! node that merely closed its listener is finishing its work before it restarts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Config;
use crate::config::MemberConfig;
use crate::patience::Ms;
use crate::pool::Pool;

/// Probes in a row without any answer after which a member counts as silent.
const SILENT_PROBES_MAX: u32 = 2;

/// What happened to a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// It could not be connected to.
    ConnectFailed(String),
    /// It was asked whether it is ready.
    Probed(Probe),
    /// It has no request waiting too long (any more).
    Lively,
}

/// How a probe ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Probe {
    /// 200.
    Ready,
    /// 5xx: it lives but wants no work.
    NotReady(u16),
    /// Any other status: it lives, but does not know the question.
    Foreign(u16),
    /// Its machine answers, but nobody speaks HTTP there.
    Refused(String),
    /// Nothing answers.
    Silent(String),
}

/// What an event changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Change {
    None,
    WentDown,
    /// It answers nothing at all: it is down (now, if it was not before), and whoever waits for it waits in
    /// vain.
    WentSilent,
    CameUp,
}

/// Circumstances of an event.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Moment {
    /// Since the server started.
    pub(crate) now: Ms,
    /// By the clock on the wall, milliseconds since 1970.
    pub(crate) wall_ms: i64,
    /// No other member is up.
    pub(crate) last_one: bool,
}

/// Up or down, and why.
#[derive(Debug, Clone)]
pub(crate) struct Health {
    pub(crate) is_up: bool,
    pub(crate) last_error: Option<String>,
    pub(crate) changed_wall_ms: i64,
    down_since: Ms,
    silent_probes: u32,
    retry_ms: Ms,
}

impl Health {
    /// Members are taken to be up until found otherwise: the first request finds out.
    pub(crate) fn new(retry_ms: Ms, wall_ms: i64) -> Self {
        Self {
            is_up: true,
            last_error: None,
            changed_wall_ms: wall_ms,
            down_since: 0,
            silent_probes: 0,
            retry_ms,
        }
    }

    pub(crate) fn step(&mut self, event: &Event, at: Moment) -> Change {
        if self.is_up { self.step_up(event, at) } else { self.step_down(event, at) }
    }

    fn step_up(&mut self, event: &Event, at: Moment) -> Change {
        match event {
            Event::ConnectFailed(reason) | Event::Probed(Probe::Refused(reason)) => {
                self.fall(reason.clone(), at)
            }
            Event::Probed(Probe::Silent(reason)) => {
                self.silent_probes = self.silent_probes.saturating_add(1);
                // A slow last member is better than none.
                if self.silent_probes < SILENT_PROBES_MAX || at.last_one {
                    return Change::None;
                }
                self.fall(format!("silent, to probes too: {reason}"), at);
                Change::WentSilent
            }
            Event::Probed(_) | Event::Lively => {
                self.silent_probes = 0;
                Change::None
            }
        }
    }

    fn step_down(&mut self, event: &Event, at: Moment) -> Change {
        let rises = match event {
            Event::Probed(Probe::Ready) => true,
            Event::Probed(Probe::Foreign(_)) => at.now.saturating_sub(self.down_since) >= self.retry_ms,
            Event::Probed(Probe::NotReady(status)) => {
                self.last_error = Some(format!("not ready: answers its probe with {status}"));
                false
            }
            Event::Probed(Probe::Silent(_)) => {
                self.silent_probes = self.silent_probes.saturating_add(1);
                return if self.silent_probes == SILENT_PROBES_MAX {
                    Change::WentSilent
                } else {
                    Change::None
                };
            }
            Event::Probed(Probe::Refused(_)) => false,
            Event::ConnectFailed(_) | Event::Lively => return Change::None,
        };
        self.silent_probes = 0;
        if !rises {
            return Change::None;
        }
        self.is_up = true;
        self.changed_wall_ms = at.wall_ms;
        Change::CameUp
    }

    fn fall(&mut self, reason: String, at: Moment) -> Change {
        self.is_up = false;
        self.last_error = Some(reason);
        self.changed_wall_ms = at.wall_ms;
        self.down_since = at.now;
        Change::WentDown
    }
}

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
}

/// One node.
pub(crate) struct Member {
    /// Its place in the configuration.
    pub(crate) index: usize,
    pub(crate) route: String,
    pub(crate) address: String,
    pub(crate) weight: u32,
    pub(crate) pool: Pool,
    pub(crate) counts: Counts,
    health: Mutex<Health>,
    /// `health.is_up`, readable without the lock: asked for every request.
    up: AtomicBool,
    /// How often it fell silent; requests waiting for it watch this.
    silences: AtomicU64,
    waits: Waits,
}

/// Requests waiting for the head of their answer.
#[derive(Debug, Default)]
struct Waits {
    count: AtomicU64,
    /// When the first of them began to wait, or an answer last came.
    quiet_since: AtomicU64,
}

impl Member {
    pub(crate) fn new(index: usize, member: &MemberConfig, config: &Config, wall_ms: i64) -> Arc<Self> {
        Arc::new(Self {
            index,
            route: member.route.clone(),
            address: member.address.clone(),
            weight: member.weight,
            pool: Pool::new(config.idle_connections_max, config.idle_connection_ms),
            counts: Counts::default(),
            health: Mutex::new(Health::new(config.retry_ms, wall_ms)),
            up: AtomicBool::new(true),
            silences: AtomicU64::new(0),
            waits: Waits::default(),
        })
    }

    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }

    pub(crate) fn silences(&self) -> u64 {
        self.silences.load(Ordering::Acquire)
    }

    pub(crate) fn health(&self) -> Health {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the member what happened to it; says so in the log when it changed.
    pub(crate) fn observe(&self, event: &Event, at: Moment) {
        let mut health = self.lock();
        let change = health.step(event, at);
        self.up.store(health.is_up, Ordering::Release);
        let Self { route, address, .. } = self;
        let reason = health.last_error.as_deref().unwrap_or_default();
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
            Change::CameUp => tracing::info!(route, address, "member is up again"),
        }
    }

    /// A request begins to wait for the head of its answer.
    pub(crate) fn wait_begins(&self, now: Ms) {
        if self.waits.count.fetch_add(1, Ordering::AcqRel) == 0 {
            self.waits.quiet_since.store(now, Ordering::Release);
        }
    }

    /// A request stopped waiting; `answered` if the member did answer.
    pub(crate) fn wait_ends(&self, now: Ms, answered: bool) {
        if answered {
            self.heard(now);
        }
        self.waits.count.fetch_sub(1, Ordering::AcqRel);
    }

    /// The member answered something: a request or a probe.
    pub(crate) fn heard(&self, now: Ms) {
        self.waits.quiet_since.store(now, Ordering::Release);
    }

    /// How long requests have been waiting without the member answering anything; none waiting is 0.
    pub(crate) fn quiet_ms(&self, now: Ms) -> Ms {
        if self.waits.count.load(Ordering::Acquire) == 0 {
            return 0;
        }
        now.saturating_sub(self.waits.quiet_since.load(Ordering::Acquire))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(now: Ms) -> Moment {
        Moment { now, wall_ms: now as i64 + 1_000_000, last_one: false }
    }

    fn refused() -> Event {
        Event::ConnectFailed("refused".into())
    }

    fn silent() -> Event {
        Event::Probed(Probe::Silent("no answer".into()))
    }

    #[test]
    fn a_refused_connection_marks_it_down_at_once_and_a_ready_probe_up_at_once() {
        let mut health = Health::new(5000, 7);
        assert_eq!(health.step(&refused(), at(10)), Change::WentDown);
        assert_eq!((health.is_up, health.changed_wall_ms), (false, 1_000_010));
        assert_eq!(health.last_error.as_deref(), Some("refused"));
        assert_eq!(health.step(&refused(), at(11)), Change::None);
        assert_eq!(health.step(&Event::Probed(Probe::Ready), at(12)), Change::CameUp);
        assert_eq!((health.is_up, health.changed_wall_ms), (true, 1_000_012));
    }

    #[test]
    fn it_stays_down_while_it_says_it_is_not_ready() {
        let mut health = Health::new(5000, 0);
        health.step(&refused(), at(0));
        assert_eq!(health.step(&Event::Probed(Probe::NotReady(503)), at(100_000)), Change::None);
        assert!(health.last_error.is_some_and(|error| error.contains("503")));
    }

    #[test]
    fn a_server_that_does_not_know_the_question_is_tried_after_retry_ms() {
        let mut health = Health::new(5000, 0);
        health.step(&refused(), at(100));
        assert_eq!(health.step(&Event::Probed(Probe::Foreign(404)), at(5099)), Change::None);
        assert_eq!(health.step(&Event::Probed(Probe::Foreign(404)), at(5100)), Change::CameUp);
    }

    #[test]
    fn two_silent_probes_in_a_row_give_a_member_up() {
        let mut health = Health::new(5000, 0);
        assert_eq!(health.step(&silent(), at(1)), Change::None);
        assert_eq!(health.step(&Event::Lively, at(2)), Change::None);
        assert_eq!(health.step(&silent(), at(3)), Change::None);
        assert_eq!(health.step(&Event::Probed(Probe::NotReady(503)), at(4)), Change::None);
        assert_eq!(health.step(&silent(), at(5)), Change::None);
        assert_eq!(health.step(&silent(), at(6)), Change::WentSilent);
        assert!(!health.is_up);
        assert_eq!(health.step(&silent(), at(7)), Change::None, "given up once");
    }

    #[test]
    fn a_member_that_refuses_connections_keeps_the_requests_it_has() {
        let mut health = Health::new(5000, 0);
        assert_eq!(health.step(&refused(), at(0)), Change::WentDown);
        for now in 1..5 {
            assert_eq!(health.step(&Event::Probed(Probe::Refused("refused".into())), at(now)), Change::None);
        }
        assert_eq!(health.step(&silent(), at(6)), Change::None);
        assert_eq!(health.step(&silent(), at(7)), Change::WentSilent, "now its machine is gone too");
    }

    #[test]
    fn a_suspect_whose_port_is_closed_is_down_without_a_second_look() {
        let mut health = Health::new(5000, 0);
        assert_eq!(health.step(&Event::Probed(Probe::Refused("refused".into())), at(1)), Change::WentDown);
    }

    #[test]
    fn the_last_member_is_never_given_up_for_being_slow_but_is_for_being_gone() {
        let alone = |now| Moment { last_one: true, ..at(now) };
        let mut health = Health::new(5000, 0);
        for now in 0..5 {
            assert_eq!(health.step(&silent(), alone(now)), Change::None);
        }
        assert_eq!(health.step(&refused(), alone(5)), Change::WentDown);
    }

    #[test]
    fn quiet_is_measured_from_the_last_answer_or_the_first_wait() {
        let config = MemberConfig { route: "a".into(), address: "h:1".into(), weight: 1 };
        let member = Member::new(0, &config, &Config::default(), 0);
        assert_eq!(member.quiet_ms(100), 0);
        member.wait_begins(100);
        member.wait_begins(150);
        assert_eq!(member.quiet_ms(200), 100);
        member.wait_ends(210, true);
        assert_eq!(member.quiet_ms(300), 90);
        member.wait_ends(310, false);
        assert_eq!(member.quiet_ms(400), 0);
        member.wait_begins(500);
        assert_eq!(member.quiet_ms(510), 10);
    }
}
