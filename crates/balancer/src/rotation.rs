//! Weighted round robin: who gets the next new session. Pure and exact.
//!
//! Each choice credits every usable member with its weight and charges the chosen one the sum, so over any
//! run of "sum of weights" choices each member gets exactly its weight, and gets it spread out rather than in
//! a row. Called by `members`. Requests with a route are not charged here: weights share out new sessions,
//! nothing else.

/// The credit of every member, in the order of the configuration.
#[derive(Debug)]
pub(crate) struct Rotation {
    credits: Vec<Credit>,
}

#[derive(Debug)]
struct Credit {
    weight: i64,
    balance: i64,
}

impl Rotation {
    /// Weights in the order of the members.
    pub(crate) fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        let credits =
            weights.into_iter().map(|weight| Credit { weight: i64::from(weight), balance: 0 }).collect();
        Self { credits }
    }

    /// The next member among the usable ones; the first of the configuration wins a tie. None if none is
    /// usable.
    pub(crate) fn next(&mut self, usable: impl Fn(usize) -> bool) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<(usize, i64)> = None;
        for (index, credit) in self.credits.iter_mut().enumerate() {
            if !usable(index) {
                continue;
            }
            total += credit.weight;
            credit.balance += credit.weight;
            if best.is_none_or(|(_, balance)| credit.balance > balance) {
                best = Some((index, credit.balance));
            }
        }
        let (index, _) = best?;
        if let Some(chosen) = self.credits.get_mut(index) {
            chosen.balance -= total;
        }
        Some(index)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn choices(weights: &[u32], count: usize) -> String {
        let mut rotation = Rotation::new(weights.iter().copied());
        (0..count)
            .map(|_| rotation.next(|_| true).map_or('-', |index| char::from(b'a' + index as u8)))
            .collect()
    }

    #[test]
    fn weights_are_shared_out_exactly_and_interleaved() {
        let check = |weights: &[u32], expected: &str| assert_eq!(choices(weights, expected.len()), expected);
        check(&[1, 1], "abababab");
        check(&[50, 50], "abababab");
        check(&[3, 1], "aabaaaba");
        check(&[70, 30], "abaaabaabaabaaabaaba");
        check(&[5, 1, 1], "aabacaa");
        check(&[1], "aaa");
        check(&[], "---");
    }

    #[test]
    fn a_member_that_is_not_usable_gets_nothing_and_owes_nothing() {
        let mut rotation = Rotation::new([1, 1, 1]);
        let without_b: Vec<_> = (0..4).filter_map(|_| rotation.next(|index| index != 1)).collect();
        assert_eq!(without_b, [0, 2, 0, 2]);
        let with_b: Vec<_> = (0..6).filter_map(|_| rotation.next(|_| true)).collect();
        assert_eq!(with_b, [0, 1, 2, 0, 1, 2], "no burst for the member that came back");
        assert_eq!(rotation.next(|_| false), None);
    }

    proptest! {
        #[test]
        fn every_round_gives_each_member_exactly_its_weight(
            weights in prop::collection::vec(1u32..=20, 1..6),
            rounds in 1usize..4,
        ) {
            let total: u32 = weights.iter().sum();
            let mut rotation = Rotation::new(weights.iter().copied());
            for _ in 0..rounds {
                let mut counts = vec![0; weights.len()];
                for _ in 0..total {
                    counts[rotation.next(|_| true).unwrap()] += 1;
                }
                prop_assert_eq!(&counts, &weights);
            }
        }

        #[test]
        fn only_usable_members_are_ever_chosen(
            weights in prop::collection::vec(1u32..=100, 1..6),
            masks in prop::collection::vec(any::<u8>(), 1..50),
        ) {
            let mut rotation = Rotation::new(weights.iter().copied());
            for mask in masks {
                let usable = |index: usize| mask >> index & 1 == 1;
                match rotation.next(usable) {
                    Some(index) => prop_assert!(usable(index)),
                    None => prop_assert!((0..weights.len()).all(|index| !usable(index))),
                }
            }
        }
    }
}
