//! With all rules no case shows a fault. Among the other tests each case is checked as far as some seconds go; with
//! `ZEBU_MODEL=long`, which `cargo xtask model` sets, to its end, or as deep as ten minutes and three million moves go.

use std::time::Duration;

use stateright::{Checker, HasDiscoveries, Model};

use super::case::Case;
use super::cases;
use super::properties::{
    ALWAYS, COMES_BACK, MEMORY_ANSWERS, ORPHAN_COMMITS, PEER_IS_AWAITED, PEER_IS_TOLD, REMOVED_ALIVE,
    REPLICA_ANSWERS,
};

/// The long form takes hold of some gigabytes for each case.
const MOVES_MAX: usize = 3_000_000;

/// Fails with the first fault. `depth` is how many moves the short form makes in a row, none if the case is small enough
/// for its end; `happens` must happen on the way, and in the long form `later` too.
fn check(case: Case, depth: Option<usize>, happens: &[&'static str], later: &[&'static str]) {
    let long = std::env::var("ZEBU_MODEL").is_ok_and(|form| form == "long");
    let name = case.name;
    let mut checker = case.checker().finish_when(HasDiscoveries::AnyFailures);
    match depth.filter(|_| !long) {
        Some(depth) => checker = checker.target_max_depth(depth + 1),
        None => checker = checker.timeout(Duration::from_mins(10)).target_state_count(MOVES_MAX),
    }
    let checker = checker.spawn_bfs().join();
    let (moves, depth) = (checker.state_count(), checker.max_depth());
    let end = if moves < MOVES_MAX { "" } else { ", not to the end" };
    println!("{name}: {moves} moves, {} states, {depth} deep{end}", checker.unique_state_count());
    let mut found = checker.discoveries();
    for promise in ALWAYS {
        if let Some(fault) = found.remove(promise) {
            panic!("{name}: not so: {promise}: {:?}", fault.into_actions());
        }
    }
    for event in happens.iter().chain(later.iter().filter(|_| long)) {
        assert!(found.contains_key(event), "{name}: never happened: {event}");
    }
}

#[test]
fn leases_that_run_out_and_connections_that_break_show_nothing_stale() {
    check(cases::leases(), Some(16), &[PEER_IS_TOLD, PEER_IS_AWAITED, MEMORY_ANSWERS], &[]);
}

#[test]
fn a_replica_that_lags_and_a_write_in_doubt_show_nothing_stale() {
    let happens = [REPLICA_ANSWERS, MEMORY_ANSWERS, PEER_IS_TOLD, ORPHAN_COMMITS];
    check(cases::replica(), Some(13), &happens, &[]);
}

#[test]
fn a_node_that_stood_still_serves_nothing_stale_when_it_goes_on() {
    check(cases::standstill(), None, &[PEER_IS_TOLD], &[]);
}

#[test]
fn messages_of_an_earlier_connection_do_no_harm() {
    check(cases::late(), None, &[PEER_IS_TOLD, PEER_IS_AWAITED], &[]);
}

#[test]
fn members_that_are_removed_alive_neither_serve_nor_write() {
    let happens = [PEER_IS_TOLD, PEER_IS_AWAITED, REMOVED_ALIVE, MEMORY_ANSWERS, ORPHAN_COMMITS];
    check(cases::members(), None, &happens, &[]);
}

#[test]
fn a_registry_that_takes_its_time_makes_nothing_stale() {
    check(cases::slow_registry(), Some(13), &[PEER_IS_TOLD], &[REMOVED_ALIVE]);
}

#[test]
fn a_member_that_leaves_is_missed_by_nobody() {
    check(cases::leave(), None, &[PEER_IS_TOLD], &[]);
}

#[test]
fn a_writer_that_dies_and_comes_back_leaves_nothing_stale() {
    check(cases::crash(), Some(14), &[PEER_IS_TOLD, ORPHAN_COMMITS], &[MEMORY_ANSWERS, REMOVED_ALIVE]);
}

#[test]
fn a_member_that_was_removed_alive_comes_back_and_serves_nothing_from_before() {
    check(cases::return_of_the_removed(), Some(9), &[REMOVED_ALIVE], &[COMES_BACK, MEMORY_ANSWERS]);
}

#[test]
fn a_writer_that_joins_waits_for_those_who_were_there() {
    check(cases::join(), Some(16), &[], &[PEER_IS_AWAITED]);
}

#[test]
fn two_nodes_that_write_and_cache_show_each_other_nothing_stale() {
    check(cases::both(), Some(14), &[PEER_IS_TOLD, PEER_IS_AWAITED], &[]);
}

#[test]
fn no_write_is_committed_on_withdrawn_ground() {
    check(cases::ground(), Some(10), &[PEER_IS_TOLD], &[]);
}

#[test]
fn two_writers_show_a_third_node_nothing_stale() {
    check(cases::three(), Some(9), &[PEER_IS_TOLD], &[MEMORY_ANSWERS]);
}

#[test]
fn all_that_can_go_wrong_at_once_makes_nothing_stale() {
    check(cases::everything(), Some(8), &[PEER_IS_TOLD, ORPHAN_COMMITS], &[PEER_IS_AWAITED, REMOVED_ALIVE]);
}
