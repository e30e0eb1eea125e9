//! The checkers tried on clusters of which it is known whether they lie: each planted fault must be found, and who is right must never be
//! accused. Every message names the seed, which replays the very same life.

mod cluster;
mod reads;
mod small;

use super::verdict::Verdict;
use cluster::{Bug, live};

const SEEDS: u64 = 50;
/// Of a life, ms.
const LASTS: u64 = 3_000;

fn judged(bug: Bug, seed: u64) -> (usize, Verdict) {
    let lived = live(bug, seed, LASTS);
    assert!(lived.record.operations.len() > 500, "{bug:?}, seed {seed}: nothing happened");
    (lived.lies, Verdict::of(&lived.record, "last look"))
}

#[test]
fn a_cluster_that_keeps_the_rules_is_never_accused() {
    for seed in 0..SEEDS {
        let (lies, verdict) = judged(Bug::None, seed);
        assert_eq!((lies, verdict.violations()), (0, 0), "seed {seed}: {verdict:#?}");
    }
}

/// Every accusation is true, and of the lives with lies at least so many per cent are found out: a lie may be such that nobody outside
/// can know.
fn check(bug: Bug, found_percent_min: usize) {
    let (mut lied, mut found) = (0, 0);
    for seed in 0..SEEDS {
        let (lies, verdict) = judged(bug, seed);
        let accused = verdict.violations() > 0;
        assert!(lies > 0 || !accused, "{bug:?}, seed {seed}: accused of nothing: {verdict:#?}");
        lied += usize::from(lies > 0);
        found += usize::from(accused);
    }
    assert!(lied * 2 > SEEDS as usize, "{bug:?}: only {lied} of {SEEDS} lied: the fault does too little");
    assert!(found * 100 >= lied * found_percent_min, "{bug:?}: {found} of {lied} found out");
}

#[test]
fn a_dropped_hold_is_found() {
    check(Bug::DroppedHold, 98);
}

#[test]
fn a_stale_fill_is_found() {
    check(Bug::StaleFill, 98);
}

#[test]
fn a_forgotten_epoch_is_found() {
    check(Bug::ForgottenEpoch, 98);
}

#[test]
fn fire_and_forget_is_found() {
    check(Bug::FireAndForget, 98);
}

#[test]
fn rights_from_before_a_withdrawal_with_content_from_after_it_are_found() {
    check(Bug::PieceByPiece, 30);
}
