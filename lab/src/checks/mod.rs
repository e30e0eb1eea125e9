//! What clients were answered, and the two judges of it: no stale read, no lost write.

pub(crate) mod history;
pub(crate) mod loss;
pub(crate) mod staleness;
