//! `cargo xtask sim`: whole nodes on a simulated network, registry, database and clock, one run a seed. The short share is among
//! the tests.

use crate::Result;
use crate::command::{cargo, run as run_command};

/// Of one run, unless told otherwise: as many as the tests do, so that what they find is repeated by its seed alone.
const OPERATIONS: u64 = 12_500;
const SEEDS: u64 = 800;
const USAGE: &str = "usage: cargo xtask sim [--seeds N] [--from SEED] [--seed SEED] [--operations N]";

/// Runs so many seeds on all processors and prints what was done, what went wrong and how long was waited; or one, with its trace.
pub(crate) fn run(arguments: &[String]) -> Result {
    let (mut seeds, mut from, mut seed, mut operations) = (SEEDS, 0, None, OPERATIONS);
    let mut rest = arguments;
    while let [flag, value, others @ ..] = rest {
        let value: u64 = value.parse().map_err(|_| format!("{flag} {value}: a number is wanted. {USAGE}"))?;
        match flag.as_str() {
            "--seeds" => seeds = value,
            "--from" => from = value,
            "--seed" => seed = Some(value),
            "--operations" => operations = value,
            _ => return Err(USAGE.into()),
        }
        rest = others;
    }
    if !rest.is_empty() {
        return Err(USAGE.into());
    }
    let test = ["test", "--package", "zebu-cluster", "--locked", "--test", "sim", "--"];
    let mut sim = cargo(
        &[&test[..], &["tests::the_seeds_that_are_asked_for_break_no_promise", "--exact", "--nocapture"]]
            .concat(),
    );
    sim.env("ZEBU_SIM_OPERATIONS", operations.to_string());
    match seed {
        Some(seed) => sim.env("ZEBU_SIM_SEED", seed.to_string()),
        None => sim.env("ZEBU_SIM_SEEDS", seeds.to_string()).env("ZEBU_SIM_FROM", from.to_string()),
    };
    run_command(&mut sim)
}
