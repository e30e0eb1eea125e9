//! How fast a disk is: whether a commit may be waited for on the thread that asks.
//!
//! A commit is answered once it is on disk. A good disk has written it in about the time in which another thread is woken for
//! it and wakes this one; a slow one, or a busy one, would keep the runtime's thread from everybody else.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Longest commit that may be waited for on the thread that asks: some times what it takes to wake another and be woken by it.
const FAST: Duration = Duration::from_micros(300);
/// Fast commits in a row after which the next is believed to be fast too.
const PROBATION: u32 = 16;

/// The disk of a directory, as its last commits were.
#[derive(Debug)]
pub(super) struct Disk {
    /// Fast commits that are missing before it is believed to be fast.
    missing: AtomicU32,
}

impl Default for Disk {
    fn default() -> Disk {
        Disk { missing: AtomicU32::new(PROBATION) }
    }
}

impl Disk {
    /// Whether the next commit will probably be fast.
    pub(super) fn is_fast(&self) -> bool {
        self.missing.load(Ordering::Relaxed) == 0
    }

    /// A commit took so long.
    pub(super) fn committed(&self, took: Duration) {
        if took > FAST {
            self.missing.store(PROBATION, Ordering::Relaxed);
        } else if !self.is_fast() {
            // Two at a time may count as one.
            self.missing.store(self.missing.load(Ordering::Relaxed).saturating_sub(1), Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_fast_after_some_fast_commits_in_a_row_and_until_the_first_slow_one() {
        let disk = Disk::default();
        assert!(!disk.is_fast(), "nobody knows");
        let commits = |count: u32, took: Duration| (0..count).for_each(|_| disk.committed(took));
        commits(PROBATION - 1, FAST);
        assert!(!disk.is_fast());
        commits(1, FAST * 2);
        commits(PROBATION - 1, FAST);
        assert!(!disk.is_fast(), "not in a row");
        commits(1, FAST);
        assert!(disk.is_fast());
        commits(1, FAST + Duration::from_nanos(1));
        assert!(!disk.is_fast());
    }
}
