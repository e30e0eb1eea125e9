//! Starting over: a use case whose ground moved between its reading and its writing (P2) does both again, a bounded
//! number of times. Used by every use case that writes, and by every one that reads on a replica.

use std::time::Duration;

/// How often a use case starts over because its ground moved or somebody was in the way, before it gives up.
pub(crate) const TRIES_MAX: u32 = 16;

/// The longest rest before another try, ms.
const REST_MS_MAX: u64 = 200;

/// Rests before try number `tries`, so that those who were in each other's way do not meet again at once. The second try is
/// made at once, the others after a time that nobody can foresee, and that may be twice as long each time.
pub(crate) async fn rest(tries: u32) {
    let longest = 1u64.checked_shl(tries.saturating_sub(1)).unwrap_or(REST_MS_MAX).min(REST_MS_MAX);
    let chance =
        crate::random::bytes().map_or(0, |bytes| u64::from(u16::from_le_bytes([bytes[0], bytes[1]])));
    if tries > 2 {
        tokio::time::sleep(Duration::from_millis(chance % longest.saturating_add(1))).await;
    }
}

/// An error that may be the database's word that nothing was written and it is worth beginning again.
pub(crate) trait StartsOver {
    /// The database's error in it.
    fn of_store(&self) -> Option<&zebu_store::Error>;
}

impl StartsOver for crate::Error {
    fn of_store(&self) -> Option<&zebu_store::Error> {
        match self {
            crate::Error::Store(error) => Some(error),
            _ => None,
        }
    }
}

impl StartsOver for crate::operator::Error {
    fn of_store(&self) -> Option<&zebu_store::Error> {
        match self {
            crate::operator::Error::Failed(error) => error.of_store(),
            crate::operator::Error::Denied(_) => None,
        }
    }
}

/// Whether a use case has to start over: what it relied on changed between its reading and its writing, or the
/// database let another transaction go first.
pub(crate) fn asks_to_start_over<T, E: StartsOver>(result: &Result<T, E>) -> bool {
    result.as_ref().err().and_then(E::of_store).is_some_and(zebu_store::Error::asks_to_start_over)
}

/// Runs a use case again while its ground moves (P2): `$attempt` is an expression that reads, decides and writes. It may ask
/// for the number of the try, from 1.
macro_rules! until_settled {
    ($attempt:expr) => {
        crate::settle::until_settled!(tries => $attempt)
    };
    ($tries:ident => $attempt:expr) => {{
        let mut $tries = 1u32;
        loop {
            let result = $attempt;
            if $tries < crate::settle::TRIES_MAX && crate::settle::asks_to_start_over(&result) {
                $tries += 1;
                crate::settle::rest($tries).await;
                continue;
            }
            break result;
        }
    }};
}
pub(crate) use until_settled;
