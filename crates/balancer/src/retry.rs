//! After a failed attempt: whether the request may be sent again, and where. Pure; the rule that no request
//! is ever carried out twice lives here alone.
//!
//! Called by `forward`.

use http::Method;

use crate::fault::Fault;

/// How an attempt at one member failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    /// No connection could be made.
    #[error("no connection: {0}")]
    NoConnection(String),
    /// There was a connection, but not a byte of the request went over it.
    #[error("not sent: {0}")]
    NotSent(String),
    /// Its head fits no packet of so many bytes; nothing was sent.
    #[error("the head does not fit a packet of {0} bytes")]
    HeadTooLarge(usize),
    /// It has something that the member's protocol cannot carry; nothing was sent.
    #[error("it cannot be said in the member's protocol: {0}")]
    Unspeakable(String),
    /// The member was asked whether it is there, and did not answer as it must; nothing was sent.
    #[error("no answer to a ping: {0}")]
    NoPong(String),
    /// The connection was lost after bytes of the request were written and before the head of an answer was
    /// whole.
    #[error("lost: {0}")]
    Lost(String),
    /// The member answers not even probes any more, while the request waited.
    #[error("the member fell silent")]
    MemberSilent,
    /// The member did not answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// The client's body broke off.
    #[error("the client's body broke off: {0}")]
    BodyBroken(String),
}

impl Failure {
    /// Whether it is the request that cannot be sent, to whomever.
    pub(crate) fn is_of_the_request(&self) -> bool {
        matches!(self, Self::HeadTooLarge(_) | Self::Unspeakable(_))
    }
}

/// What the decision depends on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt {
    /// The method promises to change nothing.
    pub(crate) safe: bool,
    /// The request has a body.
    pub(crate) has_body: bool,
    /// Some of the body was taken from the client: it cannot be sent a second time.
    pub(crate) body_begun: bool,
    /// The connection had served a request before, so the member may have closed it for being idle.
    pub(crate) reused: bool,
}

/// Where to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// The same member on a new connection; if that is no way either, this is the answer.
    SameMember(Fault),
    /// Another member; if there is none left, this is the answer.
    OtherMember(Fault),
    /// Nowhere: this is the answer.
    GiveUp(Fault),
}

/// Methods that change nothing (RFC 9110 §9.2.1, RFC 4918, RFC 3253, RFC 5323): repeating them harms nobody.
/// Merely idempotent ones (`PUT`, `DELETE`) are not here: a repeated `DELETE` that succeeded answers 404, and
/// between the two somebody else may have written.
pub(crate) fn is_safe(method: &Method) -> bool {
    method.is_safe() || matches!(method.as_str(), "PROPFIND" | "REPORT" | "SEARCH")
}

/// Decides after `failure`.
pub(crate) fn next(failure: &Failure, attempt: Attempt) -> Next {
    let answer = match failure {
        Failure::NoConnection(_) | Failure::NoPong(_) => Fault::NoMember,
        Failure::NotSent(_) => Fault::NotSent,
        Failure::Lost(_) | Failure::MemberSilent => Fault::MaybeDone,
        // Elsewhere it would take as long: a request that hangs one node must not hang them all.
        Failure::TimedOut => return Next::GiveUp(Fault::TimedOut),
        Failure::HeadTooLarge(limit) => return Next::GiveUp(Fault::HeadTooLarge(*limit)),
        Failure::Unspeakable(_) => {
            return Next::GiveUp(Fault::Malformed("it cannot be passed on to its server"));
        }
        Failure::BodyBroken(_) => return Next::GiveUp(Fault::BodyBroken),
    };
    let sent = answer == Fault::MaybeDone;
    if attempt.body_begun || (sent && !may_repeat(attempt)) {
        return Next::GiveUp(answer);
    }
    let closed_for_idleness =
        attempt.reused && !matches!(failure, Failure::NoConnection(_) | Failure::MemberSilent);
    if closed_for_idleness { Next::SameMember(answer) } else { Next::OtherMember(answer) }
}

/// Whether a request of which bytes were written may be sent again. A body not begun means the member had an
/// incomplete request; on a reused connection, the sign of a connection closed for idleness, that is proof
/// enough.
fn may_repeat(attempt: Attempt) -> bool {
    attempt.safe || (attempt.reused && attempt.has_body)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Attempt = Attempt { safe: true, has_body: false, body_begun: false, reused: false };
    const POST: Attempt = Attempt { safe: false, has_body: true, body_begun: false, reused: false };
    const DELETE: Attempt = Attempt { safe: false, has_body: false, body_begun: false, reused: false };

    fn lost() -> Failure {
        Failure::Lost("reset".into())
    }

    #[test]
    fn nothing_sent_goes_to_the_next_member_whatever_the_method() {
        for attempt in [GET, POST, DELETE] {
            let failure = Failure::NoConnection("refused".into());
            assert_eq!(next(&failure, attempt), Next::OtherMember(Fault::NoMember));
            let failure = Failure::NoPong("none within 5 ms".into());
            assert_eq!(next(&failure, attempt), Next::OtherMember(Fault::NoMember));
            assert_eq!(
                next(&failure, Attempt { reused: true, ..attempt }),
                Next::SameMember(Fault::NoMember)
            );
            let failure = Failure::NotSent("closed".into());
            assert_eq!(next(&failure, attempt), Next::OtherMember(Fault::NotSent));
            assert_eq!(next(&failure, Attempt { reused: true, ..attempt }), Next::SameMember(Fault::NotSent));
        }
    }

    #[test]
    fn what_no_member_could_be_told_goes_to_none() {
        assert_eq!(next(&Failure::HeadTooLarge(8_192), GET), Next::GiveUp(Fault::HeadTooLarge(8_192)));
        let failure = Failure::Unspeakable("a header has no usable name".into());
        assert!(matches!(next(&failure, GET), Next::GiveUp(Fault::Malformed(_))));
    }

    #[test]
    fn what_may_have_been_carried_out_is_never_sent_twice() {
        for reused in [false, true] {
            let begun = Attempt { body_begun: true, reused, ..POST };
            assert_eq!(next(&lost(), begun), Next::GiveUp(Fault::MaybeDone));
            assert_eq!(next(&Failure::MemberSilent, begun), Next::GiveUp(Fault::MaybeDone));
            assert_eq!(next(&lost(), Attempt { reused, ..DELETE }), Next::GiveUp(Fault::MaybeDone));
            assert_eq!(
                next(&Failure::MemberSilent, Attempt { reused, ..DELETE }),
                Next::GiveUp(Fault::MaybeDone)
            );
        }
        assert_eq!(next(&lost(), POST), Next::GiveUp(Fault::MaybeDone));
    }

    #[test]
    fn a_safe_request_is_repeated_as_long_as_its_body_is_whole() {
        assert_eq!(next(&lost(), GET), Next::OtherMember(Fault::MaybeDone));
        assert_eq!(next(&lost(), Attempt { reused: true, ..GET }), Next::SameMember(Fault::MaybeDone));
        assert_eq!(
            next(&Failure::MemberSilent, Attempt { reused: true, ..GET }),
            Next::OtherMember(Fault::MaybeDone)
        );
        let propfind = Attempt { has_body: true, ..GET };
        assert_eq!(next(&lost(), propfind), Next::OtherMember(Fault::MaybeDone));
        assert_eq!(next(&lost(), Attempt { body_begun: true, ..propfind }), Next::GiveUp(Fault::MaybeDone));
    }

    #[test]
    fn an_unsent_body_makes_a_closed_idle_connection_harmless() {
        assert_eq!(next(&lost(), Attempt { reused: true, ..POST }), Next::SameMember(Fault::MaybeDone));
    }

    #[test]
    fn a_member_that_takes_too_long_is_not_made_two() {
        assert_eq!(next(&Failure::TimedOut, GET), Next::GiveUp(Fault::TimedOut));
    }

    #[test]
    fn a_body_once_begun_cannot_be_repeated_even_if_nothing_reached_the_member() {
        let begun = Attempt { body_begun: true, ..POST };
        assert_eq!(next(&Failure::NotSent("closed".into()), begun), Next::GiveUp(Fault::NotSent));
    }

    #[test]
    fn webdav_questions_are_safe_and_webdav_changes_are_not() {
        for (method, expected) in [
            ("GET", true),
            ("HEAD", true),
            ("OPTIONS", true),
            ("PROPFIND", true),
            ("REPORT", true),
            ("POST", false),
            ("PUT", false),
            ("DELETE", false),
            ("MKCOL", false),
            ("MOVE", false),
            ("LOCK", false),
            ("PROPPATCH", false),
        ] {
            assert_eq!(is_safe(&Method::from_bytes(method.as_bytes()).unwrap()), expected, "{method}");
        }
    }
}
