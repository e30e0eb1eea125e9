//! Where a new context is put: which master and which file store. Pure; the store counts, `app` asks.

use std::fmt;

/// A master that could take a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// Its id.
    pub id: i64,
    /// Its name, for the reason why it does not take one.
    pub name: String,
    /// 0 to 100: its share of new contexts beside the others'. 0: none.
    pub weight: i64,
    /// How many it takes; negative: no limit, 0: none.
    pub contexts_max: i64,
    /// How many it has.
    pub contexts: i64,
    /// Why nothing can be written to it at the moment, if that is so.
    pub gone: Option<String>,
}

/// A file store that could take a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filestore {
    /// Its id.
    pub id: i64,
    /// Its URL, for the reason why it does not take one.
    pub url: String,
    /// What all contexts may use together, bytes.
    pub size: i64,
    /// How many it takes; 0: none.
    pub contexts_max: i64,
    /// How many it has.
    pub contexts: i64,
}

/// Why one of the candidates takes no context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRoom {
    /// The operator gave it no share.
    Weightless,
    /// The operator locked it: it may hold no context.
    Locked,
    /// It has as many contexts as it may have.
    Full {
        /// How many that is.
        limit: i64,
    },
    /// Nothing can be written to it at the moment.
    Gone {
        /// Why.
        why: String,
    },
    /// What is set aside for its contexts and for one more is more than its size.
    TooSmall {
        /// Bytes set aside for the contexts it has.
        reserved: i64,
        /// Bytes to set aside for one more.
        more: i64,
        /// Its size, bytes.
        size: i64,
    },
}

impl fmt::Display for NoRoom {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoRoom::Weightless => f.write_str("its weight is 0"),
            NoRoom::Locked => f.write_str("it may hold no contexts"),
            NoRoom::Full { limit } => write!(f, "it holds as many contexts as it may, {limit}"),
            NoRoom::Gone { why } => write!(f, "nothing can be written to it: {why}"),
            NoRoom::TooSmall { reserved, more, size } => {
                write!(f, "of its {size} bytes {reserved} are set aside, and a context needs {more} more")
            }
        }
    }
}

impl Master {
    fn no_room(&self) -> Option<NoRoom> {
        if self.contexts_max == 0 {
            return Some(NoRoom::Locked);
        }
        if self.contexts_max > 0 && self.contexts >= self.contexts_max {
            return Some(NoRoom::Full { limit: self.contexts_max });
        }
        if self.weight <= 0 {
            return Some(NoRoom::Weightless);
        }
        self.gone.clone().map(|why| NoRoom::Gone { why })
    }

    /// Whether this one is further behind its share than another: `(2 contexts + 1) / weight` is smaller, compared without
    /// dividing. By this rule (Sainte-Laguë's) shares follow the weights from the first context on.
    fn is_before(&self, other: &Master) -> bool {
        let load = |m: &Master| i128::from(m.contexts) * 2 + 1;
        let (mine, theirs) = (load(self) * i128::from(other.weight), load(other) * i128::from(self.weight));
        (mine, self.id) < (theirs, other.id)
    }
}

impl Filestore {
    /// Why it takes no context if `average` bytes are set aside for each.
    #[must_use]
    pub fn no_room(&self, average: i64) -> Option<NoRoom> {
        self.no_room_for(average, average)
    }

    /// The same for a context that brings so many bytes along.
    #[must_use]
    pub fn no_room_for(&self, average: i64, bytes: i64) -> Option<NoRoom> {
        let more = bytes.max(average);
        if self.contexts_max <= 0 {
            return Some(NoRoom::Locked);
        }
        if self.contexts >= self.contexts_max {
            return Some(NoRoom::Full { limit: self.contexts_max });
        }
        let reserved = self.contexts.saturating_mul(average);
        (reserved.saturating_add(more) > self.size).then_some(NoRoom::TooSmall {
            reserved,
            more,
            size: self.size,
        })
    }
}

/// The master that takes the next context: of those with room the one furthest behind its share. Else why each takes none.
pub fn master(candidates: &[Master]) -> Result<i64, Vec<(String, NoRoom)>> {
    let mut best: Option<&Master> = None;
    let mut reasons = Vec::new();
    for candidate in candidates {
        match candidate.no_room() {
            Some(reason) => reasons.push((candidate.name.clone(), reason)),
            None if best.is_none_or(|best| candidate.is_before(best)) => best = Some(candidate),
            None => {}
        }
    }
    best.map(|m| m.id).ok_or(reasons)
}

/// The file store that takes the next context: of those with room the one with the fewest contexts. Else why each takes none.
pub fn filestore(candidates: &[Filestore], average: i64) -> Result<i64, Vec<(String, NoRoom)>> {
    let mut best: Option<&Filestore> = None;
    let mut reasons = Vec::new();
    for candidate in candidates {
        match candidate.no_room(average) {
            Some(reason) => reasons.push((candidate.url.clone(), reason)),
            None if best.is_none_or(|b| (candidate.contexts, candidate.id) < (b.contexts, b.id)) => {
                best = Some(candidate);
            }
            None => {}
        }
    }
    best.map(|f| f.id).ok_or(reasons)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn masters(weights: &[i64]) -> Vec<Master> {
        let master = |(id, weight): (i64, &i64)| Master {
            id,
            name: format!("db{id}"),
            weight: *weight,
            contexts_max: -1,
            contexts: 0,
            gone: None,
        };
        (1..).zip(weights).map(master).collect()
    }

    fn place(candidates: &mut [Master]) -> Option<i64> {
        let id = master(candidates).ok()?;
        candidates.iter_mut().filter(|m| m.id == id).for_each(|m| m.contexts += 1);
        Some(id)
    }

    proptest! {
        #[test]
        fn each_master_gets_its_share_however_many_contexts_come(
            weights in proptest::collection::vec(1i64..=100, 1..6),
            contexts in 1i64..400,
        ) {
            let mut candidates = masters(&weights);
            for _ in 0..contexts {
                prop_assert!(place(&mut candidates).is_some());
            }
            let all: i64 = weights.iter().sum();
            let count = i64::try_from(candidates.len()).unwrap();
            for m in &candidates {
                // No share is missed by more than half a context, and half a context more for each other master's rounding.
                let off = (2 * m.contexts * all - 2 * contexts * m.weight).abs();
                prop_assert!(off <= all + count * m.weight, "{candidates:?}");
            }
        }

        #[test]
        fn nobody_is_filled_beyond_its_limit_and_the_others_go_on(
            limits in proptest::collection::vec(-1i64..8, 1..6),
        ) {
            let mut candidates = masters(&vec![100; limits.len()]);
            candidates.iter_mut().zip(&limits).for_each(|(m, limit)| m.contexts_max = *limit);
            let mut placed = 0;
            while placed < 50 && place(&mut candidates).is_some() {
                placed += 1;
            }
            let room: i64 = limits.iter().map(|l| if *l < 0 { 50 } else { *l }).sum();
            prop_assert_eq!(placed, room.min(50));
            for m in candidates.iter().filter(|m| m.contexts_max >= 0) {
                prop_assert!(m.contexts <= m.contexts_max);
            }
        }
    }

    #[test]
    fn half_the_weight_is_half_the_contexts() {
        let mut candidates = masters(&[100, 50, 0]);
        for _ in 0..300 {
            place(&mut candidates).unwrap();
        }
        assert_eq!(candidates.iter().map(|m| m.contexts).collect::<Vec<_>>(), [200, 100, 0]);
    }

    #[test]
    fn who_takes_no_context_says_why() {
        let mut candidates = masters(&[0, 10, 10, 10]);
        candidates[1].contexts_max = 0;
        candidates[3].gone = Some("it does not answer".to_owned());
        (candidates[2].contexts_max, candidates[2].contexts) = (7, 7);
        let reasons: Vec<String> = master(&candidates)
            .unwrap_err()
            .into_iter()
            .map(|(name, why)| format!("{name}: {why}"))
            .collect();
        assert_eq!(
            reasons,
            [
                "db1: its weight is 0",
                "db2: it may hold no contexts",
                "db3: it holds as many contexts as it may, 7",
                "db4: nothing can be written to it: it does not answer"
            ]
        );
        assert_eq!(master(&[]), Err(Vec::new()));
    }

    #[test]
    fn a_master_that_is_gone_is_passed_over_whatever_its_share() {
        let mut candidates = masters(&[100, 1]);
        candidates[0].gone = Some("it does not answer".to_owned());
        assert_eq!(master(&candidates), Ok(2));
        candidates[0].gone = None;
        assert_eq!(master(&candidates), Ok(1));
    }

    #[test]
    fn a_file_store_takes_what_fits_and_no_more() {
        let mib = 1 << 20;
        let mut store =
            Filestore { id: 3, url: "file:/a".into(), size: 1000 * mib, contexts_max: 5000, contexts: 0 };
        for _ in 0..5 {
            assert_eq!(filestore(&[store.clone()], 200 * mib), Ok(3));
            store.contexts += 1;
        }
        // What a context brings along counts if it is more than what is set aside for each.
        let with_room = Filestore { contexts: 3, ..store.clone() };
        assert_eq!(with_room.no_room_for(200 * mib, mib), None);
        assert_eq!(with_room.no_room_for(200 * mib, 400 * mib), None);
        assert!(with_room.no_room_for(200 * mib, 401 * mib).is_some());
        let why = filestore(&[store.clone()], 200 * mib).unwrap_err();
        assert_eq!(
            why,
            [(
                "file:/a".into(),
                NoRoom::TooSmall { reserved: 1000 * mib, more: 200 * mib, size: 1000 * mib }
            )]
        );
        let other = Filestore { id: 4, contexts: 0, ..store.clone() };
        assert_eq!(filestore(&[store, other], 200 * mib), Ok(4));
    }
}
