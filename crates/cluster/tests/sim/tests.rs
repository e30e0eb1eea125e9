//! The short share of the simulation, what it finds when bugs are planted, and the long form that `cargo xtask sim` runs.

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::checkers::Promise;
use crate::plan::{Plan, Plant};
use crate::run::{Outcome, Sum, run};

/// Of the short share.
const SEEDS: u64 = 80;
const OPERATIONS: u64 = 12_500;

/// Runs of these seeds, on all processors.
fn many(from: u64, seeds: u64, operations: u64, each: impl Fn(&Outcome, &Sum) + Sync) -> Sum {
    let (next, sum) = (AtomicU64::new(from), Mutex::new(Sum::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + seeds {
                        return;
                    }
                    let outcome = run(Plan::of(seed, operations));
                    let mut sum = sum.lock().unwrap();
                    sum.add(&outcome);
                    each(&outcome, &sum);
                }
            });
        }
    });
    let mut sum = sum.into_inner().unwrap();
    sum.violations.sort_by_key(|(seed, _)| *seed);
    sum
}

#[test]
fn a_million_operations_under_every_fault_break_no_promise() {
    let sum = many(0, SEEDS, OPERATIONS, |_, _| {});
    println!("{}", sum.words());
    assert_eq!(sum.violations, [], "replay with: cargo xtask sim --operations {OPERATIONS} --seed SEED");
    assert!(sum.operations >= 1_000_000);
    assert!(sum.faults.values().all(|count| *count > 100), "each fault happens often: {:?}", sum.faults);
    assert!(sum.counts.hits > sum.operations / 4, "memory is used: {:?}", sum.counts);
    assert!(sum.counts.by_position > 5_000, "{:?}", sum.counts);
    assert!(sum.counts.from_replica > 10_000 && sum.counts.in_doubt > 100, "{:?}", sum.counts);
}

#[test]
fn a_seed_repeats_everything_and_another_does_not() {
    let traced = |seed| run(Plan { traced: true, ..Plan::of(seed, 3_000) });
    for seed in 100..104 {
        let (first, second) = (traced(seed), traced(seed));
        assert!(first.trace.len() > 10_000);
        let differs = first.trace.iter().zip(&second.trace).find(|(one, two)| one != two);
        assert_eq!(differs, None);
        assert_eq!((first.trace.len(), first.fingerprint), (second.trace.len(), second.fingerprint));
        assert_ne!(first.fingerprint, traced(seed + 1000).fingerprint);
        // That it is written down changes nothing.
        assert_eq!(run(Plan::of(seed, 3_000)).fingerprint, first.fingerprint);
    }
}

/// The promise that a planted bug breaks first, in each of some runs.
fn found(plant: Plant) -> Vec<Promise> {
    let outcomes = (0..20).map(|seed| run(Plan::planted(seed, OPERATIONS, plant)));
    outcomes.filter_map(|outcome| outcome.violation).map(|violation| violation.promise).collect()
}

#[test]
fn a_dropped_hold_is_found() {
    assert!(found(Plant::DroppedHold).contains(&Promise::NoStaleRead));
}

#[test]
fn a_stale_fill_is_found() {
    assert!(found(Plant::StaleFill).contains(&Promise::NoStaleRead));
}

#[test]
fn a_forgotten_epoch_is_found() {
    assert!(found(Plant::ForgottenEpoch).contains(&Promise::NoStaleRead));
}

#[test]
fn a_forgotten_first_look_is_found() {
    // Nobody was answered by whoever is gone; but what one reader was shown is gone for the next.
    assert!(found(Plant::ForgottenLook).contains(&Promise::ReadsNeverGoBack));
}

#[test]
fn writes_that_are_announced_and_wait_for_nobody_are_found() {
    assert!(found(Plant::FireAndForget).contains(&Promise::NoStaleRead));
}

#[test]
fn a_replica_that_answers_whatever_it_has_is_found() {
    assert!(found(Plant::ReplicaUnchecked).contains(&Promise::NoStaleRead));
}

#[test]
fn a_replica_that_has_more_than_the_master_shows_is_found() {
    // Whoever asks the master next would see it gone.
    assert!(found(Plant::PositionTrusted).contains(&Promise::ReadsNeverGoBack));
}

#[test]
fn ground_that_is_not_compared_is_found() {
    assert!(found(Plant::GroundUnchecked).contains(&Promise::NoWriteOnWithdrawnGround));
}

#[test]
fn a_transaction_that_is_no_snapshot_is_found() {
    assert!(found(Plant::TornSnapshot).contains(&Promise::OneSnapshot));
}

#[test]
fn a_commit_that_is_confirmed_and_lost_is_found() {
    let found = found(Plant::LostCommit);
    assert!(found.contains(&Promise::NoStaleRead), "{found:?}");
    // Where the last write is lost and nobody reads after it, only the end shows it.
    let short = (0..300).filter_map(|seed| run(Plan::planted(seed, 60, Plant::LostCommit)).violation);
    assert!(short.into_iter().any(|violation| violation.promise == Promise::NoWriteLost));
}

#[test]
fn a_version_that_is_given_again_is_found() {
    assert!(found(Plant::OldVersion).contains(&Promise::VersionsNeverGoBack));
}

#[test]
fn a_writer_that_waits_too_long_is_found() {
    assert!(found(Plant::EndlessWait).contains(&Promise::EveryWaitBounded));
}

fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Only if `cargo xtask sim` asks for it: so many seeds from one on, or one whose trace is printed.
#[test]
fn the_seeds_that_are_asked_for_break_no_promise() {
    let Some(operations) = setting("ZEBU_SIM_OPERATIONS") else { return };
    if let Some(seed) = setting("ZEBU_SIM_SEED") {
        let outcome = run(Plan { traced: true, ..Plan::of(seed, operations) });
        outcome.trace.iter().for_each(|line| println!("{line}"));
        println!("{:?}\n{}", Plan::of(seed, operations), outcome.line());
        assert_eq!(outcome.violation, None);
        return;
    }
    let seeds = setting("ZEBU_SIM_SEEDS").unwrap_or(SEEDS);
    let sum = many(setting("ZEBU_SIM_FROM").unwrap_or(0), seeds, operations, |outcome, sum| {
        if let Some(violation) = &outcome.violation {
            println!("{}\nseed {}: {violation}", outcome.line(), outcome.seed);
        }
        if sum.runs.is_multiple_of(100) {
            println!("{} runs, {} operations, {} violations", sum.runs, sum.operations, sum.violations.len());
        }
    });
    println!("{}", sum.words());
    if let Some((seed, _)) = sum.violations.first() {
        let outcome = run(Plan { traced: true, ..Plan::of(*seed, operations) });
        println!(
            "the end of the trace of seed {seed}; all of it: cargo xtask sim --operations {operations} --seed {seed}"
        );
        let end = outcome.trace.len().saturating_sub(300);
        outcome.trace[end..].iter().for_each(|line| println!("{line}"));
    }
    assert_eq!(sum.violations, []);
}
