//! Who gets a request: mod_proxy_balancer's own algorithm (httpd 2.4, `ap_proxy_balancer_get_best_worker` and the
//! lbmethod modules), so that whoever knows one knows the other.
//!
//! Pure: [`Ledger`] is told what each member is like at the moment, and keeps only what the members are owed. Called by
//! `members` under its lock, for every request.

use crate::params::balancer::Method;
use crate::standing::Standing;

/// So many rounds of new sessions go by at most without a member that its own sessions keep busy.
const DEBT_ROUNDS_MAX: i64 = 20;

/// A member at the moment of a choice.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Candidate {
    /// Its share, in hundredths.
    pub(crate) weight: u32,
    /// Its set; lower ones are asked first.
    pub(crate) set: u8,
    pub(crate) standing: Standing,
    /// It had this very request already.
    pub(crate) tried: bool,
    /// Requests it has now.
    pub(crate) busy: u64,
    /// Bytes it has carried, both ways.
    pub(crate) traffic: u64,
}

impl Candidate {
    fn is_usable(&self) -> bool {
        !self.tried && self.standing.is_usable()
    }
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    /// What it is owed, `lbstatus` in Apache. The sum over all members never changes.
    balance: i64,
    now: Candidate,
}

/// What the members of one balancer are owed, in their order.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    entries: Vec<Entry>,
}

impl Ledger {
    /// For so many members, none of which is owed anything.
    pub(crate) fn new(members: usize) -> Self {
        Self { entries: vec![Entry::default(); members] }
    }

    /// Strikes members; the others keep what they are owed.
    pub(crate) fn strike(&mut self, mut stays: impl FnMut(usize) -> bool) {
        let mut index = 0;
        self.entries.retain(|_| {
            index += 1;
            stays(index - 1)
        });
    }

    /// The ledger of other members, each of them the one at a place here, who keeps what they are owed, or none of these.
    pub(crate) fn of(&self, places: impl Iterator<Item = Option<usize>>) -> Self {
        let entry = |place: Option<usize>| place.and_then(|place| self.entries.get(place)).copied();
        Self { entries: places.map(|place| entry(place).unwrap_or_default()).collect() }
    }

    /// One more member at the end, who is owed nothing.
    pub(crate) fn add(&mut self) {
        self.entries.push(Entry::default());
    }

    /// Says what the members are like now, in their order; must be called before each choice.
    pub(crate) fn look(&mut self, members: impl Iterator<Item = Candidate>) {
        for (entry, now) in self.entries.iter_mut().zip(members) {
            entry.now = now;
        }
    }

    /// Charges a request of a session to the member that it belongs to: all that can work are credited with their
    /// shares, and this one pays for them.
    ///
    /// Up to [`DEBT_ROUNDS_MAX`]; Apache knows no end, so that one busy program keeps all new sessions from its member.
    pub(crate) fn charge(&mut self, chosen: usize) {
        let usable = || self.entries.iter().filter(|entry| entry.now.standing.is_usable());
        let total: i64 = usable().map(|entry| i64::from(entry.now.weight)).sum();
        if self.entries.get(chosen).is_none_or(|entry| entry.balance < -DEBT_ROUNDS_MAX * total) {
            return;
        }
        for entry in self.entries.iter_mut().filter(|entry| entry.now.standing.is_usable()) {
            entry.balance += i64::from(entry.now.weight);
        }
        if let Some(entry) = self.entries.get_mut(chosen) {
            entry.balance -= total;
        }
    }

    /// The member for a request that belongs to nobody, or whose own member cannot; it is charged. None if nobody can.
    pub(crate) fn choose(&mut self, method: Method) -> Option<usize> {
        let mut round = Round { method, best: None, total: 0 };
        let sets = self.entries.iter().map(|entry| entry.now.set).max()?;
        for set in 0..=sets {
            self.try_set(set, &mut round);
            if round.best.is_some() {
                break;
            }
        }
        let best = round.best?;
        if method != Method::ByTraffic
            && let Some(entry) = self.entries.get_mut(best.index)
        {
            entry.balance -= round.total;
        }
        Some(best.index)
    }

    fn try_set(&mut self, set: u8, round: &mut Round) {
        let mut unusable = 0;
        let of_set = |entry: &Entry| entry.now.set == set;
        for (index, entry) in self.entries.iter_mut().enumerate().filter(|(_, entry)| of_set(entry)) {
            let standing = entry.now.standing;
            let is_reserve = standing.is_spare() || standing.is_standby();
            if standing.is_draining() || (!is_reserve && !entry.now.is_usable()) {
                unusable += usize::from(!is_reserve);
            } else if !is_reserve {
                round.consider(index, entry);
            }
        }
        let reserves =
            |entry: &Entry| of_set(entry) && !entry.now.standing.is_draining() && entry.now.is_usable();
        let spares = self.entries.iter_mut().enumerate();
        let spares = spares.filter(|(_, entry)| reserves(entry) && entry.now.standing.is_spare());
        for (index, entry) in spares.take(unusable) {
            round.consider(index, entry);
        }
        if round.best.is_some() {
            return;
        }
        for (index, entry) in self.entries.iter_mut().enumerate() {
            let standing = entry.now.standing;
            if reserves(entry) && standing.is_standby() && !standing.is_spare() {
                round.consider(index, entry);
            }
        }
    }
}

/// One choice under way.
struct Round {
    method: Method,
    best: Option<Best>,
    /// The shares of all that were considered.
    total: i64,
}

#[derive(Clone, Copy)]
struct Best {
    index: usize,
    balance: i64,
    busy: u64,
    traffic: u64,
}

impl Round {
    /// Credits a member and takes it if it is better than the best so far; the first wins a tie.
    fn consider(&mut self, index: usize, entry: &mut Entry) {
        let weight = u64::from(entry.now.weight.max(1));
        if self.method != Method::ByTraffic {
            entry.balance += i64::from(entry.now.weight);
            self.total += i64::from(entry.now.weight);
        }
        let this = Best {
            index,
            balance: entry.balance,
            busy: entry.now.busy,
            // In hundredths as the weight is, so that nothing is lost in the division.
            traffic: entry.now.traffic.saturating_mul(100) / weight,
        };
        let is_better = |best: Best| match self.method {
            Method::ByRequests | Method::Heartbeat => this.balance > best.balance,
            Method::ByTraffic => this.traffic < best.traffic,
            Method::ByBusyness => {
                this.busy < best.busy || (this.busy == best.busy && this.balance > best.balance)
            }
        };
        if self.best.is_none_or(is_better) {
            self.best = Some(this);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::flags::Flags;

    /// Members written as `weight`, `weight:letters` or `weight:letters:set`; `x` among the letters: found dead.
    fn candidates(members: &str) -> Vec<Candidate> {
        let one = |text: &str| {
            let mut parts = text.split(':');
            let weight = parts.next().unwrap().parse::<u32>().unwrap() * 100;
            let letters = parts.next().unwrap_or_default();
            let flags = letters.replace('x', "");
            let flags = if flags.is_empty() { Flags::NONE } else { Flags::NONE.changed(&flags).unwrap() };
            let set = parts.next().map_or(0, |set| set.parse().unwrap());
            let standing = Standing::of(flags, letters.contains('x'));
            Candidate { weight, set, standing, ..Candidate::default() }
        };
        members.split_whitespace().map(one).collect()
    }

    fn letter(index: Option<usize>) -> char {
        index.map_or('-', |index| char::from(b'a' + index as u8))
    }

    fn choices(members: &str, count: usize) -> String {
        let members = candidates(members);
        let mut ledger = Ledger::new(members.len());
        let mut choose = || {
            ledger.look(members.iter().copied());
            letter(ledger.choose(Method::ByRequests))
        };
        (0..count).map(|_| choose()).collect()
    }

    fn check(members: &str, expected: &str) {
        assert_eq!(choices(members, expected.len()), expected, "{members}");
    }

    #[test]
    fn shares_are_given_exactly_and_interleaved() {
        check("1 1", "abababab");
        check("50 50", "abababab");
        check("3 1", "aabaaaba");
        check("70 30", "abaaabaabaabaaabaaba");
        check("5 1 1", "aabacaa");
        check("1", "aaa");
        check("", "---");
    }

    #[test]
    fn who_cannot_gets_nothing_and_owes_nothing() {
        check("1 1:D 1 1", "acdacd");
        check("1 1:S 1", "acac");
        check("1 1:E 1", "acac");
        check("1 1:x 1", "acac");
        check("1:x 1:x", "--");
        check("1 1:N", "aaa");
        check("1:N", "--");
        let (all, without) = (candidates("1 1 1"), candidates("1 1:x 1"));
        let mut ledger = Ledger::new(3);
        let mut choose = |members: &[Candidate]| {
            ledger.look(members.iter().copied());
            letter(ledger.choose(Method::ByRequests))
        };
        assert_eq!((0..4).map(|_| choose(&without)).collect::<String>(), "acac");
        assert_eq!((0..6).map(|_| choose(&all)).collect::<String>(), "abcabc", "no burst for who came back");
    }

    #[test]
    fn a_spare_stands_in_one_for_one_and_a_standby_only_for_all() {
        check("1 1 1:R", "abab");
        check("1 1:x 1:R", "acac");
        check("1 1:N 1:R", "acac");
        check("1 1:x 1:R 1:R", "acac");
        check("1:x 1:x 1:R 1:R", "cdcd");
        check("1:x 1:x 1:R 1:H", "cc");
        check("1 1:x 1:H", "aa");
        check("1:x 1:x 1:H 1:H", "cdcd");
        check("1:x 1:xR 1:H", "cc");
        check("1:x 1:RN 1:H", "cc");
        check("1:x 1:HN", "--");
    }

    #[test]
    fn a_higher_set_is_asked_only_if_no_lower_one_has_anybody() {
        check("1::0 1::1", "aaa");
        check("1:x:0 1::1 1::1", "bcbc");
        check("1:x:0 1:R:1", "--");
        check("1:x:0 1:H:0 1::1", "bb");
        check("1:x:0 1:xH:0 1::1", "cc");
        check("1::7 1::3", "bb");
    }

    #[test]
    fn a_request_of_a_session_is_charged_to_its_member() {
        let members = candidates("1 1");
        let mut ledger = Ledger::new(2);
        ledger.look(members.iter().copied());
        // A session's traffic on the first: whoever signs in next goes to the second, until it has caught up.
        (0..3).for_each(|_| ledger.charge(0));
        let next: String = (0..8).map(|_| letter(ledger.choose(Method::ByRequests))).collect();
        assert_eq!(next, "bbbababa");
    }

    #[test]
    fn one_program_that_asks_and_asks_does_not_keep_new_sessions_from_its_member_for_long() {
        let members = candidates("1 1");
        let mut ledger = Ledger::new(2);
        ledger.look(members.iter().copied());
        (0..100_000).for_each(|_| ledger.charge(0));
        let next: Vec<_> = (0..100).map(|_| letter(ledger.choose(Method::ByRequests))).collect();
        let first = next.iter().position(|letter| *letter == 'a').unwrap();
        assert!((10..=2 * DEBT_ROUNDS_MAX as usize + 1).contains(&first), "{next:?}");
        assert_eq!(next[first..first + 4], ['a', 'b', 'a', 'b']);
    }

    #[test]
    fn who_had_the_request_already_does_not_get_it_again() {
        let mut members = candidates("1 1 1:R");
        members[0].tried = true;
        let mut ledger = Ledger::new(3);
        ledger.look(members.iter().copied());
        assert_eq!(ledger.choose(Method::ByRequests), Some(1));
        assert_eq!(ledger.choose(Method::ByRequests), Some(2), "the spare stands in");
    }

    #[test]
    fn by_busyness_the_idlest_is_taken_and_equals_take_turns() {
        let mut members = candidates("1 1 1");
        let mut ledger = Ledger::new(3);
        members[0].busy = 2;
        members[1].busy = 1;
        members[2].busy = 1;
        ledger.look(members.iter().copied());
        let next: Vec<_> = (0..4).filter_map(|_| ledger.choose(Method::ByBusyness)).collect();
        assert_eq!(next, [1, 2, 1, 2]);
    }

    #[test]
    fn by_traffic_whoever_carried_least_for_its_share_is_taken() {
        let check = |traffic: [u64; 2], expected| {
            let mut members = candidates("3 1");
            members[0].traffic = traffic[0];
            members[1].traffic = traffic[1];
            let mut ledger = Ledger::new(2);
            ledger.look(members.iter().copied());
            assert_eq!(ledger.choose(Method::ByTraffic), Some(expected), "{traffic:?}");
        };
        check([0, 0], 0);
        check([299, 100], 0);
        check([300, 100], 0);
        check([303, 100], 1);
        check([u64::MAX, 1], 1);
    }

    proptest! {
        #[test]
        fn every_round_gives_each_member_exactly_its_share(
            weights in prop::collection::vec(1u32..=20, 1..6),
            rounds in 1usize..4,
        ) {
            let total: u32 = weights.iter().sum();
            let members = weights.iter().map(|weight| Candidate { weight: weight * 100, ..Candidate::default() });
            let mut ledger = Ledger::new(weights.len());
            ledger.look(members);
            for _ in 0..rounds {
                let mut counts = vec![0; weights.len()];
                for _ in 0..total {
                    counts[ledger.choose(Method::ByRequests).unwrap()] += 1;
                }
                prop_assert_eq!(&counts, &weights);
            }
        }

        #[test]
        fn debts_and_credits_always_cancel_out_and_only_who_can_is_chosen(
            members in prop::collection::vec((1u32..=10_000, 0u8..=127, 0u8..3, any::<bool>()), 1..7),
            steps in prop::collection::vec((any::<u8>(), 0usize..7, 0u8..4), 1..60),
        ) {
            let mut ledger = Ledger::new(members.len());
            for (tried, charged, method) in steps {
                let now = members.iter().enumerate().map(|(index, (weight, flags, set, dead))| Candidate {
                    weight: *weight,
                    set: *set,
                    standing: Standing::of(Flags::of_bits(*flags), *dead),
                    tried: tried >> index & 1 == 1,
                    busy: u64::from(tried),
                    traffic: u64::from(tried) * 1_000,
                });
                ledger.look(now);
                if charged < members.len() {
                    ledger.charge(charged);
                }
                let method = [Method::ByRequests, Method::ByBusyness, Method::ByTraffic, Method::Heartbeat][usize::from(method)];
                match ledger.choose(method) {
                    Some(index) => {
                        let chosen = ledger.entries[index].now;
                        prop_assert!(chosen.is_usable() && !chosen.standing.is_draining());
                        let lower = ledger.entries.iter().any(|entry| {
                            let standing = entry.now.standing;
                            entry.now.set < chosen.set && entry.now.is_usable() && !standing.is_draining()
                                && !standing.is_spare()
                        });
                        prop_assert!(!lower, "a member of a lower set could have taken it");
                    }
                    None => {
                        let plain = ledger.entries.iter().any(|entry| {
                            let standing = entry.now.standing;
                            entry.now.is_usable() && !standing.is_draining() && !standing.is_spare()
                        });
                        prop_assert!(!plain, "somebody could have taken it");
                    }
                }
                prop_assert_eq!(ledger.entries.iter().map(|entry| entry.balance).sum::<i64>(), 0);
            }
        }
    }
}
