//! How long a client connection is borne with: pure, on times given by the caller.
//!
//! `client` feeds it what a connection is doing and obeys the verdict. One alarm a connection serves every
//! limit; the verdict says when to look again, so a connection that is busy costs no timer operation a
//! request.

/// Milliseconds since the server started.
pub(crate) type Ms = u64;

/// How often a connection with a request under way is looked at again: the grain of every limit while it
/// waits for a member, and how soon a waiting request notices that its member was found dead.
pub(crate) const TICK_MS: Ms = 250;

/// The same for one that lasts and lasts, such as a stream of events that is silent for hours: thousands of them must not keep a
/// machine busy with looking.
const TICK_MS_MAX: Ms = 5_000;

/// After this time between two requests a connection rests: what serves requests is put away until the next one. Long enough for the
/// burst in which a browser fetches a page, short enough that thousands who pause cost little.
pub(crate) const REST_AFTER_MS: Ms = 500;

/// What a connection is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Between two requests; nothing of the next one came yet.
    Idle,
    /// A head is being received (a new connection begins here: it came to ask something).
    Head,
    /// A request is under way.
    Busy,
    /// HTTP is over, and bytes go both ways; since the last of them.
    Tunnel,
}

/// A connection as seen from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sight {
    pub(crate) phase: Phase,
    /// When the phase began.
    pub(crate) since: Ms,
    /// Since when the client owes us the next bytes of a body, if it does.
    pub(crate) upload_waits_since: Option<Ms>,
    /// Since when the client has not taken bytes we have for it, if it has not.
    pub(crate) client_blocks_since: Option<Ms>,
    /// Since when a head is under way beside other requests (HTTP/2), if one is.
    pub(crate) head_since: Option<Ms>,
    /// It was told to leave.
    pub(crate) leaving: bool,
}

/// How long a connection that was told to leave may rest before it is closed: a client of HTTP/2 is told that none of its
/// requests will be lost, and answers.
const FAREWELL_MS: Ms = 1_000;

/// The limits, from the configuration.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limits {
    pub(crate) head_ms: Ms,
    pub(crate) idle_ms: Ms,
    pub(crate) stall_ms: Ms,
    pub(crate) tunnel_ms: Ms,
}

/// What to do with the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Close it: this is why.
    Close(&'static str),
    /// Keep it, and look again at the latest then.
    LookAgainAt(Ms),
}

/// Judges one connection.
pub(crate) fn judge(sight: &Sight, now: Ms, limits: &Limits) -> Verdict {
    let until = |since: Ms, limit: Ms, reason| {
        let end = since.saturating_add(limit);
        if now >= end { Verdict::Close(reason) } else { Verdict::LookAgainAt(end) }
    };
    if let Some(since) = sight.head_since
        && let close @ Verdict::Close(_) = until(since, limits.head_ms, "a request's head took too long")
    {
        return close;
    }
    let verdict = by_phase(sight, now, limits, until);
    match (sight.head_since, verdict) {
        (Some(since), Verdict::LookAgainAt(at)) => {
            Verdict::LookAgainAt(at.min(since.saturating_add(limits.head_ms)))
        }
        (_, verdict) => verdict,
    }
}

fn by_phase(
    sight: &Sight,
    now: Ms,
    limits: &Limits,
    until: impl Fn(Ms, Ms, &'static str) -> Verdict,
) -> Verdict {
    match sight.phase {
        Phase::Idle if sight.leaving => until(sight.since, limits.idle_ms.min(FAREWELL_MS), "told to leave"),
        Phase::Idle => {
            let rests_at = sight.since.saturating_add(REST_AFTER_MS);
            match until(sight.since, limits.idle_ms, "idle too long") {
                Verdict::LookAgainAt(at) if now < rests_at => Verdict::LookAgainAt(at.min(rests_at)),
                verdict => verdict,
            }
        }
        Phase::Head => until(sight.since, limits.head_ms, "the request's head took too long"),
        Phase::Tunnel => {
            until(sight.since, limits.tunnel_ms, "nothing went through the WebSocket for too long")
        }
        Phase::Busy => {
            let waits = [
                (sight.upload_waits_since, "the client stopped sending its body"),
                (sight.client_blocks_since, "the client stopped taking the answer"),
            ];
            for (since, reason) in waits {
                if let Some(since) = since
                    && now >= since.saturating_add(limits.stall_ms)
                {
                    return Verdict::Close(reason);
                }
            }
            let lasted = now.saturating_sub(sight.since);
            Verdict::LookAgainAt(now.saturating_add((lasted / 8).clamp(TICK_MS, TICK_MS_MAX)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: Limits = Limits { head_ms: 15, idle_ms: 75, stall_ms: 60, tunnel_ms: 300 };

    fn check(
        phase: Phase,
        since: Ms,
        upload: Option<Ms>,
        block: Option<Ms>,
        now: Ms,
        expected: Result<Ms, &str>,
    ) {
        let sight = Sight {
            phase,
            since,
            upload_waits_since: upload,
            client_blocks_since: block,
            head_since: None,
            leaving: false,
        };
        let expected = expected.map_or_else(Expected::Close, Expected::Again);
        match (judge(&sight, now, &LIMITS), expected) {
            (Verdict::LookAgainAt(at), Expected::Again(expected)) => assert_eq!(at, expected),
            (Verdict::Close(reason), Expected::Close(word)) => assert!(reason.contains(word), "{reason}"),
            (verdict, _) => panic!("{verdict:?} for {sight:?} at {now}"),
        }
    }

    enum Expected<'a> {
        Close(&'a str),
        Again(Ms),
    }

    #[test]
    fn each_phase_has_its_own_limit() {
        check(Phase::Head, 100, None, None, 114, Ok(115));
        check(Phase::Head, 100, None, None, 115, Err("head"));
        check(Phase::Idle, 100, None, None, 174, Ok(175));
        check(Phase::Idle, 100, None, None, 175, Err("idle"));
        check(Phase::Tunnel, 100, None, None, 399, Ok(400));
        check(Phase::Tunnel, 100, None, None, 400, Err("WebSocket"));
    }

    #[test]
    fn one_that_has_paused_is_looked_at_when_it_may_rest() {
        let limits = Limits { idle_ms: 75_000, ..LIMITS };
        let idle = Sight {
            phase: Phase::Idle,
            since: 100,
            upload_waits_since: None,
            client_blocks_since: None,
            head_since: None,
            leaving: false,
        };
        assert_eq!(judge(&idle, 100, &limits), Verdict::LookAgainAt(100 + REST_AFTER_MS));
        assert_eq!(judge(&idle, 100 + REST_AFTER_MS, &limits), Verdict::LookAgainAt(75_100));
    }

    #[test]
    fn the_longer_a_request_lasts_the_less_often_it_is_looked_at() {
        check(Phase::Busy, 0, None, None, 100, Ok(100 + TICK_MS));
        check(Phase::Busy, 0, None, None, 2_000, Ok(2_000 + TICK_MS));
        check(Phase::Busy, 0, None, None, 16_000, Ok(18_000));
        check(Phase::Busy, 15_000, None, None, 16_000, Ok(16_000 + TICK_MS));
    }

    #[test]
    fn a_request_under_way_may_last_as_long_as_something_moves() {
        check(Phase::Busy, 0, None, None, 1_000_000, Ok(1_000_000 + TICK_MS_MAX));
        check(Phase::Busy, 0, Some(900), None, 959, Ok(959 + TICK_MS));
        check(Phase::Busy, 0, Some(900), None, 960, Err("sending"));
        check(Phase::Busy, 0, None, Some(900), 959, Ok(959 + TICK_MS));
        check(Phase::Busy, 0, None, Some(900), 960, Err("taking"));
    }

    #[test]
    fn a_head_beside_other_requests_has_its_limit_too_and_who_was_told_to_leave_does_not_rest() {
        let busy = Sight {
            phase: Phase::Busy,
            since: 100,
            upload_waits_since: None,
            client_blocks_since: None,
            head_since: Some(110),
            leaving: false,
        };
        assert_eq!(judge(&busy, 120, &LIMITS), Verdict::LookAgainAt(125));
        assert_eq!(judge(&busy, 125, &LIMITS), Verdict::Close("a request's head took too long"));
        let limits = Limits { idle_ms: 75_000, ..LIMITS };
        let idle = Sight { phase: Phase::Idle, head_since: None, leaving: true, ..busy };
        assert_eq!(judge(&idle, 1_099, &limits), Verdict::LookAgainAt(1_100));
        assert_eq!(judge(&idle, 1_100, &limits), Verdict::Close("told to leave"));
    }
}
