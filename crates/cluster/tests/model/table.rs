//! The table of rules: without each of them the checker finds a fault, with as few moves as it takes. `docs/COHERENCE.md`
//! shows what it finds, and is compared.

use std::collections::BTreeSet;

use stateright::{Checker, Model};

use super::super::Rule;
use super::case::Case;
use super::cases;
use super::properties::{NEVER_BACK, NO_STALE_READ, NO_WITHDRAWN_GROUND};

/// A rule, the case in which it is missed, and the promise that is broken without it.
type Row = (Rule, fn() -> Case, &'static str);

const LEASES: [Row; 9] = [
    (Rule::LeasesToCache, cases::leases, NO_STALE_READ),
    (Rule::LeaseFromBefore, cases::leases, NO_STALE_READ),
    (Rule::Drift, cases::leases, NO_STALE_READ),
    (Rule::BreakLosesLease, cases::leases, NO_STALE_READ),
    (Rule::GapEndsEpoch, cases::standstill, NO_STALE_READ),
    (Rule::GrantCarriesHolds, cases::leases, NO_STALE_READ),
    (Rule::GrantIsNoAck, cases::leases, NO_STALE_READ),
    (Rule::WaitForUnreachable, cases::leases, NO_STALE_READ),
    (Rule::OldConnectionIgnored, cases::late, NO_STALE_READ),
];

const HOLDS: [Row; 8] = [
    (Rule::CommitWaits, cases::leases, NO_STALE_READ),
    (Rule::HoldVoids, cases::leases, NO_STALE_READ),
    (Rule::EpochVoids, cases::leases, NO_STALE_READ),
    (Rule::HeldIsNotServed, cases::leases, NO_STALE_READ),
    (Rule::ReleaseById, cases::leases, NO_STALE_READ),
    (Rule::DoubtKeepsHold, cases::replica, NEVER_BACK),
    (Rule::ReplicaReached, cases::replica, NO_STALE_READ),
    (Rule::ReliedIsChecked, cases::ground, NO_WITHDRAWN_GROUND),
];

const MEMBERS: [Row; 10] = [
    (Rule::MembershipToCache, cases::members, NO_STALE_READ),
    (Rule::MembershipFromBefore, cases::slow_registry, NO_STALE_READ),
    (Rule::MembershipAfterLock, cases::members, NO_STALE_READ),
    (Rule::FirstLoadLocks, cases::members, NO_STALE_READ),
    (Rule::RemovalWaits, cases::members, NO_STALE_READ),
    (Rule::RemovalEndsEpoch, cases::members, NO_STALE_READ),
    (Rule::NewMemberEndsEpoch, cases::join, NO_STALE_READ),
    (Rule::JoinerWaits, cases::join, NO_STALE_READ),
    (Rule::HelloOutlivesOldLists, cases::join, NO_STALE_READ),
    (Rule::LeaveIsLast, cases::leave, NEVER_BACK),
];

/// The line of the table for one rule, found anew.
fn line((rule, case, promise): &Row) -> String {
    let case = Case { only: Some(*promise), ..case().without(*rule) };
    let name = case.name;
    let checker = case.checker().spawn_bfs().join();
    let fault = checker.discoveries().remove(*promise);
    let fault = fault.unwrap_or_else(|| panic!("without {rule:?} all is well: is it a rule?"));
    let moves: Vec<String> = fault.into_actions().iter().map(|made| format!("{made:?}")).collect();
    format!("| `{rule:?}` | {name} | {promise} | {} | `{}` |", moves.len(), moves.join(" "))
}

fn compare(rows: &[Row]) {
    let page = include_str!("../../../../docs/COHERENCE.md");
    let found: Vec<String> = rows.iter().map(line).collect();
    found.iter().for_each(|line| println!("{line}"));
    let missing: Vec<&String> = found.iter().filter(|line| !page.contains(line.as_str())).collect();
    assert!(missing.is_empty(), "docs/COHERENCE.md shows other lines than these: {missing:#?}");
}

#[test]
fn without_any_one_rule_of_leases_a_promise_is_broken() {
    compare(&LEASES);
}

#[test]
fn without_any_one_rule_of_holds_and_loads_a_promise_is_broken() {
    compare(&HOLDS);
}

#[test]
fn without_any_one_rule_of_memberships_a_promise_is_broken() {
    compare(&MEMBERS);
}

#[test]
fn the_table_has_every_rule_once() {
    let rows = LEASES.iter().chain(&HOLDS).chain(&MEMBERS);
    let rules: BTreeSet<u8> = rows.map(|(rule, ..)| *rule as u8).collect();
    assert_eq!(rules, (0..=Rule::DoubtKeepsHold as u8).collect());
    assert_eq!(LEASES.len() + HOLDS.len() + MEMBERS.len(), rules.len());
}
