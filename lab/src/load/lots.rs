//! Lots for clients that run at the same time: the same in every run that begins with the same number.

use std::sync::atomic::{AtomicU64, Ordering};

/// SplitMix64: each number is a function of a counter, so nobody waits for anybody.
#[derive(Debug)]
pub(crate) struct Lots(AtomicU64);

impl Lots {
    pub(crate) fn from(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A number below `below`; 0 if that is 0.
    pub(crate) fn below(&self, below: usize) -> usize {
        let step = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(step, Ordering::Relaxed).wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        let below = u64::try_from(below.max(1)).unwrap_or(1);
        usize::try_from((z ^ (z >> 31)) % below).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lots_are_below_their_bound_and_the_same_for_the_same_seed() {
        let draw = |seed| {
            let lots = Lots::from(seed);
            (0..100).map(|_| lots.below(7)).collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
        assert!(draw(3).iter().all(|lot| *lot < 7) && (0..7).all(|lot| draw(3).contains(&lot)));
        assert_eq!(Lots::from(1).below(0), 0);
    }
}
