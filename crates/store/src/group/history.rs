//! When the writer was where: so it can be told how old the data of a replica is, though its threads may say nothing.

use std::collections::VecDeque;
use std::time::Instant;

use super::observation::Status;
use super::position::Position;

/// Positions kept: some 17 minutes of a busy writer. Who is further behind is behind by at least as much.
const KEPT: usize = 4_096;

/// The positions at which the writer was seen, oldest first.
#[derive(Debug, Default)]
pub(crate) struct History(VecDeque<Stay>);

/// A position, and when the writer was there.
#[derive(Debug)]
struct Stay {
    position: Position,
    /// When the first look that found it there was begun, and the last one.
    first: Instant,
    last: Instant,
}

impl History {
    /// A look that was begun then found the writer here.
    pub(crate) fn note(&mut self, position: &Position, asked: Instant) {
        if let Some(stay) = self.0.back_mut().filter(|stay| stay.position == *position) {
            stay.last = stay.last.max(asked);
            return;
        }
        if self.0.len() >= KEPT {
            self.0.pop_front();
        }
        self.0.push_back(Stay { position: position.clone(), first: asked, last: asked });
    }

    /// Everything that the writer showed by then is on this replica: when the last look was begun that found the writer where the
    /// replica has come to. A commit is in the writer's position before anybody is shown it.
    pub(crate) fn has_until(&self, status: &Status) -> Option<Instant> {
        status.source.as_ref()?;
        let reached = |stay: &&Stay| status.position.covers(&stay.position);
        // Positions only grow, so this is found within a few looks unless the replica is far behind.
        let stay = self.0.iter().rev().find(reached)?;
        (stay.position != Position::default()).then_some(stay.last)
    }

    /// How far behind the writer a replica is: since when the writer has been where the replica is not yet. What the replica
    /// itself says counts if it is more: it knows what was written before this process began to look.
    pub(crate) fn lag_ms(&self, status: &Status, now: Instant) -> Option<u64> {
        let source = status.source.as_ref()?;
        let said = source.behind_seconds.map(|seconds| seconds.saturating_mul(1_000));
        let Some(last) = self.0.back().filter(|stay| stay.position != Position::default()) else {
            return said;
        };
        if status.position.covers(&last.position) {
            return Some(0);
        }
        let missing = self.0.iter().find(|stay| !status.position.covers(&stay.position));
        let since = missing.map_or(0, |stay| {
            u64::try_from(now.saturating_duration_since(stay.first).as_millis()).unwrap_or(u64::MAX)
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
        let has_until = |position: &str| history.has_until(&replica(position, None));
        assert_eq!(has_until("0-1-9"), Some(at(500)));
        assert_eq!(has_until("0-1-8"), Some(at(250)));
        assert_eq!(has_until("0-1-1"), Some(at(100)), "it was there for a while");
        assert_eq!(has_until("0-2-9"), Some(at(250)), "another transaction of that number");
        assert_eq!(has_until(""), None);
        let nobody = Status { source: None, ..replica("0-1-9", None) };
        assert_eq!(history.has_until(&nobody), None, "it follows nobody");
    }

    #[test]
    fn a_writer_that_is_nowhere_says_nothing_of_its_replicas() {
        let mut history = History::default();
        history.note(&Position::default(), Instant::now());
        let status = Status { source: Some(Source::default()), ..Status::default() };
        assert_eq!(history.has_until(&status), None);
    }
}
