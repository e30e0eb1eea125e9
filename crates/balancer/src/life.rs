//! Whether a member lives: the state machine. Synchronous; events and times come from the caller.
//!
//! A member is dead when it cannot be connected to, or when it answers neither requests nor probes; it lives again when
//! a probe is answered. No user's request is the trial, unless nobody else is left.
//!
//! Dead means: gets no new requests. Those it already has are given up only when it is silent altogether; a node that
//! merely closed its listener is finishing its work before it restarts. Held by `member`.

use crate::patience::Ms;

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
    /// Its machine answers, but nobody speaks our protocol there.
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
    /// No other member of its balancer is up.
    pub(crate) last_one: bool,
}

/// Up or down, and why.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) is_up: bool,
    pub(crate) last_error: Option<String>,
    pub(crate) changed_wall_ms: i64,
    down_since: Ms,
    silent_probes: u32,
    /// How long one that answers strangely is left alone.
    pub(crate) retry_ms: Ms,
}

impl Life {
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
        let mut life = Life::new(5000, 7);
        assert_eq!(life.step(&refused(), at(10)), Change::WentDown);
        assert_eq!((life.is_up, life.changed_wall_ms), (false, 1_000_010));
        assert_eq!(life.last_error.as_deref(), Some("refused"));
        assert_eq!(life.step(&refused(), at(11)), Change::None);
        assert_eq!(life.step(&Event::Probed(Probe::Ready), at(12)), Change::CameUp);
        assert_eq!((life.is_up, life.changed_wall_ms), (true, 1_000_012));
    }

    #[test]
    fn it_stays_down_while_it_says_it_is_not_ready() {
        let mut life = Life::new(5000, 0);
        life.step(&refused(), at(0));
        assert_eq!(life.step(&Event::Probed(Probe::NotReady(503)), at(100_000)), Change::None);
        assert!(life.last_error.is_some_and(|error| error.contains("503")));
    }

    #[test]
    fn a_server_that_does_not_know_the_question_is_tried_after_retry_ms() {
        let mut life = Life::new(5000, 0);
        life.step(&refused(), at(100));
        assert_eq!(life.step(&Event::Probed(Probe::Foreign(404)), at(5099)), Change::None);
        assert_eq!(life.step(&Event::Probed(Probe::Foreign(404)), at(5100)), Change::CameUp);
    }

    #[test]
    fn two_silent_probes_in_a_row_give_a_member_up() {
        let mut life = Life::new(5000, 0);
        assert_eq!(life.step(&silent(), at(1)), Change::None);
        assert_eq!(life.step(&Event::Lively, at(2)), Change::None);
        assert_eq!(life.step(&silent(), at(3)), Change::None);
        assert_eq!(life.step(&Event::Probed(Probe::NotReady(503)), at(4)), Change::None);
        assert_eq!(life.step(&silent(), at(5)), Change::None);
        assert_eq!(life.step(&silent(), at(6)), Change::WentSilent);
        assert!(!life.is_up);
        assert_eq!(life.step(&silent(), at(7)), Change::None, "given up once");
    }

    #[test]
    fn a_member_that_refuses_connections_keeps_the_requests_it_has() {
        let mut life = Life::new(5000, 0);
        assert_eq!(life.step(&refused(), at(0)), Change::WentDown);
        for now in 1..5 {
            assert_eq!(life.step(&Event::Probed(Probe::Refused("refused".into())), at(now)), Change::None);
        }
        assert_eq!(life.step(&silent(), at(6)), Change::None);
        assert_eq!(life.step(&silent(), at(7)), Change::WentSilent, "now its machine is gone too");
    }

    #[test]
    fn a_suspect_whose_port_is_closed_is_down_without_a_second_look() {
        let mut life = Life::new(5000, 0);
        assert_eq!(life.step(&Event::Probed(Probe::Refused("refused".into())), at(1)), Change::WentDown);
    }

    #[test]
    fn the_last_member_is_never_given_up_for_being_slow_but_is_for_being_gone() {
        let alone = |now| Moment { last_one: true, ..at(now) };
        let mut life = Life::new(5000, 0);
        for now in 0..5 {
            assert_eq!(life.step(&silent(), alone(now)), Change::None);
        }
        assert_eq!(life.step(&refused(), alone(5)), Change::WentDown);
    }
}
