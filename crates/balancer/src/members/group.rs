//! The list of a balancer's members beside what they are owed: who is there, and who of them is chosen. Used by
//! [`Members`](super::Members) under its lock.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::member::Member;
use crate::params::balancer::Method;
use crate::params::member::MemberConfig;
use crate::patience::Ms;
use crate::selection::Ledger;

#[derive(Default)]
pub(super) struct Group {
    /// First those of the configuration, then those that were found.
    pub(super) list: Vec<Arc<Member>>,
    /// How many the configuration has.
    pub(super) named: usize,
    pub(super) ledger: Ledger,
}

impl Group {
    pub(super) fn look(&mut self, tried: &[usize], by_load: bool) {
        self.ledger.look(self.list.iter().map(|member| member.candidate(tried, by_load)));
    }

    pub(super) fn choose(&mut self, method: Method, tried: &[usize]) -> Option<Arc<Member>> {
        self.look(tried, method == Method::Heartbeat);
        let index = self.ledger.choose(method)?;
        self.list.get(index).cloned()
    }

    /// Who is about to stop, the least busy of them: better than nobody, as it answers until it stops, and may have been given back
    /// since it was last asked.
    pub(super) fn leaving(&self, tried: &[usize]) -> Option<Arc<Member>> {
        let answers =
            |member: &&Arc<Member>| member.standing().is_leaving_only() && !tried.contains(&member.number);
        let busy = |member: &&Arc<Member>| member.counts.in_flight.load(Ordering::Relaxed);
        self.list.iter().filter(answers).min_by_key(busy).cloned()
    }

    /// The place of the usable member for a route: plain members first, then standbys, and where `redirect` leads from one
    /// that cannot. `left`: redirects still followed, so that a circle of them ends.
    pub(super) fn routed(&self, route: &str, left: usize) -> Option<usize> {
        for standby in [false, true] {
            let of_kind = |member: &&Arc<Member>| member.standing().is_standby() == standby;
            let mut named = self.list.iter().filter(of_kind).filter(|member| member.route == route);
            let Some(member) = named.next() else { continue };
            if member.standing().is_usable() {
                return self.list.iter().position(|other| other.number == member.number);
            }
            let redirect = &member.config.redirect;
            if !redirect.is_empty()
                && left > 0
                && let Some(found) = self.routed(redirect, left - 1)
            {
                return Some(found);
            }
        }
        None
    }

    /// The list with these members of the configuration, and behind them those that were found and are not named. `again` makes one
    /// that is here what it is to be now, `make` one that is not.
    pub(super) fn rearranged(
        &self,
        named: &[MemberConfig],
        found: &[MemberConfig],
        again: impl Fn(&Arc<Member>, &MemberConfig) -> Arc<Member>,
        make: impl Fn(&MemberConfig) -> Arc<Member>,
    ) -> Self {
        let others = found.iter().filter(|one| named.iter().all(|other| other.route != one.route));
        let mut places = Vec::new();
        let mut list = Vec::new();
        for config in named.iter().chain(others) {
            let place = self.list.iter().position(|member| member.is_meant_by(config));
            let before = place.and_then(|place| self.list.get(place));
            list.push(before.map_or_else(|| make(config), |member| again(member, config)));
            places.push(place);
        }
        let ledger = self.ledger.of(places.into_iter());
        Self { list, named: named.len(), ledger }
    }

    /// As [`Members::settle`](super::Members::settle).
    pub(super) fn settle(
        &mut self,
        found: &[MemberConfig],
        make: impl Fn(&MemberConfig) -> Arc<Member>,
        now: Ms,
    ) -> Vec<Arc<Member>> {
        let Self { list, named, ledger } = self;
        let was_empty = list.is_empty();
        let mut new = Vec::new();
        let stays: Vec<bool> = list
            .iter()
            .enumerate()
            .map(|(at, member)| at < *named || found.contains(&member.config))
            .collect();
        let stay = |at: usize| stays.get(at).copied().unwrap_or_default();
        ledger.strike(stay);
        let mut at = 0;
        list.retain(|member| {
            let stays = stay(at);
            at += 1;
            if !stays {
                tracing::info!(
                    route = member.route,
                    address = member.address,
                    "member is gone from the mesh"
                );
            }
            stays
        });
        for config in found {
            if list.iter().any(|member| member.route == config.route) {
                continue;
            }
            let member = make(config);
            tracing::info!(route = member.route, address = member.address, "member was found in the mesh");
            if !was_empty {
                member.begins(now);
            }
            list.push(member.clone());
            ledger.add();
            new.push(member);
        }
        new
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;
    use crate::Config;
    use crate::members::tests::{START, members, next, owner};

    #[test]
    fn who_is_found_comes_and_goes_and_who_is_named_stays() {
        let members = members("a", |_| {});
        let config = Config { slow_start_ms: 10_000, ..Config::default() };
        let found = |text: &str| {
            let one = |pair: &str| {
                let (route, port) = pair.split_once(':').unwrap();
                MemberConfig::new(route, format!("h:{port}"))
            };
            let found: Vec<_> = text.split_whitespace().map(one).collect();
            let numbers = AtomicU64::new(100);
            let number = || numbers.fetch_add(1, Ordering::Relaxed) as usize;
            let make = |member: &MemberConfig| Member::new(number(), "x".into(), member, &config, START);
            members.settle(&found, make, 0);
            let line = |member: &Arc<Member>| format!("{}={}", member.route, member.address);
            members.list().iter().map(line).collect::<Vec<_>>().join(" ")
        };
        assert_eq!(found("b:2 c:3"), "a=h:1 b=h:2 c=h:3");
        let before = members.list();
        assert_eq!((before[0].share(), before[1].share()), (100, 10), "who comes starts slowly");
        assert_eq!(found("c:3 a:9"), "a=h:1 c=h:3", "a route that is named is not taken away");
        assert!(Arc::ptr_eq(&members.list()[1], &before[2]), "who stays keeps what was counted of it");
        assert_eq!(found("c:4 d:5"), "a=h:1 c=h:4 d=h:5", "at another address it is another");
        assert_eq!(owner(&members, &["d"]), "d");
        assert_eq!(found(""), "a=h:1");
        assert_eq!(owner(&members, &["d"]), "nobody");
        assert_eq!(next(&members, &[], 0).as_deref(), Some("a"));
    }
}
