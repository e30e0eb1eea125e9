//! What clients were answered, and the judges of it. `staleness` and `loss` judge a [`history`], in which each register has one writer;
//! `verdict`, with `zones`, `search` and `across`, a [`record`], in which all write everything.

pub(crate) mod across;
pub(crate) mod history;
pub(crate) mod loss;
#[cfg(test)]
mod planted;
pub(crate) mod record;
pub(crate) mod search;
pub(crate) mod staleness;
pub(crate) mod verdict;
pub(crate) mod zones;
