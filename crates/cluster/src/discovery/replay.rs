//! Which beacons have been seen: each is believed once, and only for a short time, so that a recorded one is worth nothing.

use std::collections::BTreeMap;

use super::beacon::Beacon;
use crate::authority::Name;

/// How far a beacon's time may be from this node's, ms. Clocks further apart than that are told of.
pub(super) const WINDOW_MS: i64 = 30_000;
/// Nodes remembered. Only who has the cluster's key can add one.
const NODES_MAX: usize = 256;

/// Why a beacon is not believed, though it is authentic.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Stale {
    #[error(
        "its beacon is {0} ms off this node's clock, {WINDOW_MS} are allowed: are the clocks right, or is it an old one that somebody repeats?"
    )]
    Clock(i64),
    #[error("its beacon has been seen before: somebody repeats it")]
    Seen,
}

/// The last beacon of each node, by time and number.
#[derive(Debug, Default)]
pub(super) struct Replay(BTreeMap<Name, (i64, u64)>);

impl Replay {
    /// Takes a beacon in.
    ///
    /// # Errors
    /// It is too old, too new, or not later than the last.
    pub(super) fn take(&mut self, beacon: &Beacon, now_ms: i64) -> Result<(), Stale> {
        let off = beacon.time_ms.saturating_sub(now_ms);
        if off.saturating_abs() > WINDOW_MS {
            return Err(Stale::Clock(off));
        }
        let node = &beacon.from.node;
        let stamp = (beacon.time_ms, beacon.sequence);
        if self.0.get(node).is_some_and(|last| *last >= stamp) {
            return Err(Stale::Seen);
        }
        // What is older than the window is refused by its time alone.
        self.0.retain(|_, (time_ms, _)| now_ms.saturating_sub(*time_ms) <= WINDOW_MS);
        if self.0.len() < NODES_MAX || self.0.contains_key(node) {
            self.0.insert(node.clone(), stamp);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::beacon::tests::announcement;
    use super::*;

    fn beacon(time_ms: i64, sequence: u64) -> Beacon {
        Beacon { from: announcement("OX-2"), serves: None, time_ms, sequence }
    }

    #[test]
    fn a_beacon_is_believed_once_and_none_from_before_it_ever() {
        let mut replay = Replay::default();
        let now = 1_000_000;
        assert_eq!(replay.take(&beacon(now, 1), now), Ok(()));
        assert_eq!(replay.take(&beacon(now, 1), now), Err(Stale::Seen));
        assert_eq!(replay.take(&beacon(now, 2), now), Ok(()));
        assert_eq!(replay.take(&beacon(now - 1, 3), now), Err(Stale::Seen));
        let later = now + WINDOW_MS + 1;
        assert_eq!(replay.take(&beacon(now, 2), later), Err(Stale::Clock(-WINDOW_MS - 1)));
        assert_eq!(replay.take(&beacon(later + WINDOW_MS + 1, 3), later), Err(Stale::Clock(WINDOW_MS + 1)));
        assert_eq!(replay.take(&beacon(later, 1), later), Ok(()), "a new life counts from one again");
    }
}
