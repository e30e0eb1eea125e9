//! One balancer: its members, and who of them takes a request.
//!
//! Called by `forward` for every request, by `health` for who is to be watched, by the manager for who is there. One
//! short lock a request covers the list and what its members are owed; nothing is allocated under it.

mod group;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Config;
use crate::life::Moment;
use crate::member::Member;
use crate::params::balancer::{BalancerConfig, Method};
use crate::params::member::MemberConfig;
use crate::patience::Ms;
use crate::selection::Ledger;

use group::Group;

/// How often members that are dead are tried with a request because nobody else is left: once in this time, so that a
/// cluster that is down is not kept down by those who ask for it.
const PARDON_EVERY_MS: Ms = 1_000;

/// A balancer.
pub(crate) struct Members {
    pub(crate) name: Arc<str>,
    pub(crate) config: BalancerConfig,
    group: Mutex<Group>,
    /// When errors were last forgiven by force, plus one; 0: never.
    pardoned: AtomicU64,
}

/// Who is to have a request of a session.
#[derive(Debug)]
pub(crate) enum Owner {
    /// This one.
    Is(Arc<Member>),
    /// The member of its route, or who stands in for it, cannot; `nofailover` forbids another.
    Refused,
    /// Nobody in particular, or nobody who can.
    Nobody,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(&self.route)
    }
}

impl Members {
    pub(crate) fn new(balancer: &BalancerConfig, config: &Config, first: usize, moment: Moment) -> Self {
        let name: Arc<str> = balancer.name.as_str().into();
        let list: Vec<_> = (first..)
            .zip(&balancer.members)
            .map(|(number, member)| Member::new(number, name.clone(), member, config, moment))
            .collect();
        let (named, ledger) = (list.len(), Ledger::new(list.len()));
        Self {
            name,
            config: BalancerConfig { members: Vec::new(), ..balancer.clone() },
            group: Mutex::new(Group { list, named, ledger }),
            pardoned: AtomicU64::new(0),
        }
    }

    /// This balancer as it is configured now. See [`Group::rearranged`].
    pub(crate) fn rearranged(
        &self,
        balancer: &BalancerConfig,
        found: &[MemberConfig],
        again: impl Fn(&Arc<Member>, &MemberConfig) -> Arc<Member>,
        make: impl Fn(&MemberConfig) -> Arc<Member>,
    ) -> Self {
        Self {
            name: self.name.clone(),
            config: BalancerConfig { members: Vec::new(), ..balancer.clone() },
            group: Mutex::new(self.group().rearranged(&balancer.members, found, again, make)),
            pardoned: AtomicU64::new(self.pardoned.load(Ordering::Relaxed)),
        }
    }

    fn group(&self) -> MutexGuard<'_, Group> {
        self.group.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a route leads to a member that is known to be none of our nodes.
    pub(crate) fn is_foreign(&self, route: &str) -> bool {
        self.group().list.iter().any(|member| member.route == route && member.is_foreign())
    }

    /// All of them, in order.
    pub(crate) fn list(&self) -> Vec<Arc<Member>> {
        self.group().list.clone()
    }

    /// Takes these for the members that were found. Who is there already as it is named here stays as it is; who is not named any
    /// more is given nothing from now on. A route that the configuration names is its own. Answers who is new.
    pub(crate) fn settle(
        &self,
        found: &[MemberConfig],
        make: impl Fn(&MemberConfig) -> Arc<Member>,
        now: Ms,
    ) -> Vec<Arc<Member>> {
        self.group().settle(found, make, now)
    }

    /// The member that a session with one of these routes belongs to, the first that is known counting. It is charged.
    pub(crate) fn owner<'a>(&self, mut routes: impl Iterator<Item = &'a str>) -> Owner {
        let mut group = self.group();
        let known = routes.find(|route| group.list.iter().any(|member| member.route == *route));
        let Some(route) = known else { return Owner::Nobody };
        let Some(index) = group.routed(route, group.list.len()) else {
            return if self.config.nofailover { Owner::Refused } else { Owner::Nobody };
        };
        let Some(member) = group.list.get(index).cloned() else { return Owner::Nobody };
        group.look(&[], self.config.method == Method::Heartbeat);
        group.ledger.charge(index);
        Owner::Is(member)
    }

    /// The member for a request that belongs to nobody, or whose own cannot take it, among those not `tried` for it: one that works,
    /// else one that is about to stop, else one that is in error.
    pub(crate) fn next(&self, tried: &[usize], now: Ms) -> Option<Arc<Member>> {
        let mut group = self.group();
        let chosen = group.choose(self.config.method, tried);
        let chosen = chosen.or_else(|| group.leaving(tried));
        let chosen = chosen.or_else(|| self.forced(&mut group, tried, now))?;
        chosen.counts.sessions_assigned.fetch_add(1, Ordering::Relaxed);
        Some(chosen)
    }

    /// When all are in error: their errors are forgiven, and whoever is dead is tried all the same, now and then.
    fn forced(&self, group: &mut Group, tried: &[usize], now: Ms) -> Option<Arc<Member>> {
        let in_error = |member: &Arc<Member>| member.standing().is_in_error_only();
        let works = |member: &Arc<Member>| member.standing().is_usable();
        if !self.config.force_recovery || !group.list.iter().any(in_error) || group.list.iter().any(works) {
            return None;
        }
        group.list.iter().filter(|member| in_error(member)).for_each(|member| member.pardon());
        if let Some(alive) = group.choose(self.config.method, tried) {
            tracing::warn!(balancer = &*self.name, "all members are in error: their errors are forgiven");
            return Some(alive);
        }
        if tried.is_empty() && !self.may_try_the_dead(now) {
            return None;
        }
        group.list.iter().find(|member| in_error(member) && !tried.contains(&member.number)).cloned()
    }

    fn may_try_the_dead(&self, now: Ms) -> bool {
        let last = self.pardoned.load(Ordering::Relaxed);
        let is_due = last == 0 || now + 1 >= last + PARDON_EVERY_MS;
        is_due && self.pardoned.compare_exchange(last, now + 1, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Members that may be tried for one request.
    pub(crate) fn tries_max(&self) -> usize {
        match self.config.attempts_max {
            Some(others) => others as usize + 1,
            None => usize::MAX,
        }
    }

    /// Whether no member but this one is up.
    pub(crate) fn is_last_one(&self, member: &Member) -> bool {
        !self.group().list.iter().any(|other| other.number != member.number && other.is_up())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flags::Flags;
    use crate::life::Event;

    pub(super) const START: Moment = Moment { now: 0, wall_ms: 0, last_one: false };

    /// Members written as `route`, `route:letters` or `route:letters:redirect`.
    pub(super) fn members(text: &str, change: impl FnOnce(&mut BalancerConfig)) -> Members {
        let one = |text: &str| {
            let mut parts = text.split(':');
            let mut member = MemberConfig::new(parts.next().unwrap(), "h:1");
            let letters = parts.next().unwrap_or_default();
            if !letters.is_empty() {
                member.flags = Flags::NONE.changed(letters).unwrap();
            }
            member.redirect = parts.next().unwrap_or_default().to_owned();
            member
        };
        let mut balancer = BalancerConfig {
            members: text.split_whitespace().map(one).collect(),
            ..BalancerConfig::default()
        };
        change(&mut balancer);
        Members::new(&balancer, &Config::default(), 0, START)
    }

    pub(super) fn owner(members: &Members, routes: &[&str]) -> String {
        match members.owner(routes.iter().copied()) {
            Owner::Is(member) => member.route.clone(),
            Owner::Refused => "refused".to_owned(),
            Owner::Nobody => "nobody".to_owned(),
        }
    }

    pub(super) fn next(members: &Members, tried: &[usize], now: Ms) -> Option<String> {
        members.next(tried, now).map(|member| member.route.clone())
    }

    fn kill(members: &Members, route: &str) {
        let list = members.list();
        let member = list.iter().find(|member| member.route == route).unwrap();
        member.observe(&Event::ConnectFailed("refused".into()), START);
    }

    #[test]
    fn a_session_goes_to_the_member_of_its_route_or_where_that_redirects() {
        let check = |text: &str, route: &str, expected: &str| {
            assert_eq!(owner(&members(text, |_| {}), &[route]), expected, "{text} {route}");
        };
        check("a b", "b", "b");
        check("a b", "c", "nobody");
        check("a b:N", "b", "b");
        check("a b:H", "b", "b");
        check("a b:D", "b", "nobody");
        check("a b:D:a", "b", "a");
        check("a:D:b b:D:a", "b", "nobody");
        check("a b:D:c c:D:a", "b", "a");
        check("a b:D:x", "b", "nobody");
        assert_eq!(owner(&members("a b", |_| {}), &["x", "b", "a"]), "b", "the first that is known");
    }

    #[test]
    fn without_failover_a_session_waits_for_its_member() {
        let members = members("a b:D", |balancer| balancer.nofailover = true);
        assert_eq!(owner(&members, &["b"]), "refused");
        assert_eq!(owner(&members, &["c"]), "nobody");
    }

    #[test]
    fn sessions_are_charged_so_that_new_ones_go_elsewhere() {
        let members = members("a b", |_| {});
        assert_eq!(owner(&members, &["a"]), "a");
        assert_eq!(next(&members, &[], 0).as_deref(), Some("b"));
    }

    #[test]
    fn who_is_about_to_stop_gets_what_nobody_else_can_take() {
        let members = members("a b c:D d:N", |_| {});
        let list = members.list();
        let leaves = |index: usize, leaving: bool| list[index].told(leaving, None, 0);
        leaves(0, true);
        assert_eq!(next(&members, &[], 0).as_deref(), Some("b"));
        assert_eq!(next(&members, &[1], 0).as_deref(), Some("a"), "b could not be connected to");
        assert_eq!(next(&members, &[0, 1], 0), None);
        (1..4).for_each(|index| leaves(index, true));
        list[0].counts.in_flight.store(2, Ordering::Relaxed);
        list[1].counts.in_flight.store(1, Ordering::Relaxed);
        assert_eq!(next(&members, &[], 0).as_deref(), Some("b"), "the least busy of them");
        assert_eq!(next(&members, &[0, 1], 0), None, "the operator's word holds");
        leaves(0, false);
        assert_eq!(next(&members, &[], 0).as_deref(), Some("a"), "it works again");
        kill(&members, "a");
        assert_eq!(next(&members, &[], 0).as_deref(), Some("b"), "before who is in error is tried");
        kill(&members, "b");
        assert_eq!(next(&members, &[], 0).as_deref(), Some("a"), "of the dead the one that does not leave");
    }

    #[test]
    fn when_all_are_in_error_their_errors_are_forgiven_but_not_the_operator_s_word() {
        let all = members("a:E b:D c:E", |_| {});
        assert_eq!(next(&all, &[], 0).as_deref(), Some("a"));
        assert_eq!(next(&all, &[0], 0).as_deref(), Some("c"));
        assert_eq!(next(&all, &[0, 2], 0), None);
        let strict = members("a:E b:E", |balancer| balancer.force_recovery = false);
        assert_eq!(next(&strict, &[], 0), None);
        let some = members("a:E b", |_| {});
        assert_eq!(next(&some, &[1], 0), None, "one of them works");
    }

    #[test]
    fn the_dead_are_tried_now_and_then_when_nobody_is_left() {
        let members = members("a b", |_| {});
        kill(&members, "a");
        kill(&members, "b");
        assert_eq!(next(&members, &[], 5).as_deref(), Some("a"));
        assert_eq!(next(&members, &[0], 5).as_deref(), Some("b"), "the same request goes on");
        assert_eq!(next(&members, &[], 900), None);
        assert_eq!(next(&members, &[], 1_005).as_deref(), Some("a"));
    }
}
