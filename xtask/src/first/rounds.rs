//! The same again and again: shared, seen, withdrawn, refused, with the next request always on the other node.

use super::report::Report;
use super::sharing::{REFUSALS, Shared};
use crate::Result;
use std::time::{Duration, Instant};

const ROUNDS: usize = 50;

pub(super) fn run(report: &mut Report, shared: &mut Shared) -> Result {
    report.step("the same over and over: no request of ben's sees what was before", || {
        let mut slowest = Duration::ZERO;
        for _ in 0..ROUNDS {
            let started = Instant::now();
            shared.share(true)?;
            shared.ben.get(&shared.list())?.data()?;
            shared.share(false)?;
            shared.ben.get(&shared.list())?.refused_with(&REFUSALS)?;
            slowest = slowest.max(started.elapsed());
        }
        Ok(((), format!("{ROUNDS} rounds, 0 stale, the slowest {} ms", slowest.as_millis())))
    })
}
