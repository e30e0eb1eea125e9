//! Starting over: a use case whose ground moved between its reading and its writing (P2) does both again, a bounded
//! number of times. Used by every use case that writes.

/// How often a use case starts over because its ground moved or somebody was in the way, before it gives up.
pub(crate) const TRIES_MAX: usize = 8;

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

/// Runs a use case again while its ground moves (P2): `$attempt` is an expression that reads, decides and writes.
macro_rules! until_settled {
    ($attempt:expr) => {{
        let mut tries = 1;
        loop {
            let result = $attempt;
            if tries < crate::settle::TRIES_MAX && crate::settle::asks_to_start_over(&result) {
                tries += 1;
                continue;
            }
            break result;
        }
    }};
}
pub(crate) use until_settled;
