//! Nobody waits longer than the protocol says, what others are to blame for aside.

use super::{Checker, Promise};
use crate::history::{Event, Wait};

/// The longest waits, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    pub(crate) read_ms: u64,
    pub(crate) may_commit_ms: u64,
    pub(crate) write_ms: u64,
    pub(crate) join_ms: u64,
    pub(crate) settle_ms: u64,
}

impl Checker for Bounds {
    fn promise(&self) -> Promise {
        Promise::EveryWaitBounded
    }

    fn saw(&mut self, event: &Event) -> Option<String> {
        let Event::Waited { wait, ms, excused_ms } = event else { return None };
        let bound = match wait {
            Wait::Read => self.read_ms,
            Wait::MayCommit => self.may_commit_ms,
            Wait::Write => self.write_ms,
            Wait::Join => self.join_ms,
            Wait::Settle => self.settle_ms,
        };
        let long = ms.saturating_sub(*excused_ms) > bound;
        long.then(|| format!("{wait:?} took {ms} ms, {excused_ms} of them excused; the bound is {bound}"))
    }
}
