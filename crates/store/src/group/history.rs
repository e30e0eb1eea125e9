//! When the writer was where: so it can be told how old the data of a replica is, though its threads may say nothing.

use std::collections::VecDeque;
use std::time::Instant;

use super::observation::Status;
use super::position::Position;

/// Positions kept: some 17 minutes of a busy writer. Who is further behind is behind by at least as much.
const KEPT: usize = 4_096;

/// The positions at which the writer was first seen, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<(Instant, Position)>);

impl History {
    /// The writer is here.
    pub(crate) fn note(&mut self, position: &Position, asked: Instant) {
        if self.0.back().is_some_and(|(_, last)| last == position) {
            return;
        }
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back((asked, position.clone()));
    }

    /// How far behind the writer a replica is: since when the writer has been where the replica is not yet. What the replica
    /// itself says counts if it is more: it knows what was written before this process began to look.
    pub(crate) fn lag_ms(&self, status: &Status, now: Instant) -> Option<u64> {
        let source = status.source.as_ref()?;
        let said = source.behind_seconds.map(|seconds| seconds.saturating_mul(1_000));
        let Some((_, last)) = self.0.back().filter(|(_, last)| *last != Position::default()) else {
            return said;
        };
        if status.position.covers(last) {
            return Some(0);
        }
        let missing = self.0.iter().find(|(_, position)| !status.position.covers(position));
        let since = missing.map_or(0, |(at, _)| {
            u64::try_from(now.saturating_duration_since(*at).as_millis()).unwrap_or(u64::MAX)
        });
        // Somewhere between the last look and this one at least.
        Some(since.max(said.unwrap_or(0)).max(1))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::observation::Source;
    use super::*;

    #[test]
    fn a_replica_is_as_old_as_what_it_misses() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut history = History::default();
        let replica = |position: &str, behind_seconds| Status {
            position: Position::parse(position),
            source: Some(Source { behind_seconds, ..Source::default() }),
            ..Status::default()
        };
        assert_eq!(history.lag_ms(&replica("0-1-1", Some(2)), start), Some(2_000));
        assert_eq!(history.lag_ms(&replica("", None), start), None);
        for (ms, position) in [(0, "0-1-1"), (100, "0-1-1"), (250, "0-1-5"), (500, "0-1-9")] {
            history.note(&Position::parse(position), at(ms));
        }
        let check = |position: &str, said, expected: u64| {
            assert_eq!(history.lag_ms(&replica(position, said), at(1_000)), Some(expected), "{position}");
        };
        check("0-1-9", Some(0), 0);
        check("0-1-9", None, 0);
        check("0-1-6", Some(0), 500);
        check("0-1-4", None, 750);
        check("0-1-1", Some(60), 60_000);
    }
}
