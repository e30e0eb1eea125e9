//! `cargo xtask model`: the long form of the model of the coherence protocol. The short form is among the tests.

use crate::Result;
use crate::command::{cargo, run as run_command};

/// Runs every case to its end, or as deep as ten minutes each and some seven gigabytes go.
pub(crate) fn run(arguments: &[String]) -> Result {
    if !arguments.is_empty() {
        return Err("usage: cargo xtask model".into());
    }
    // One after the other: each may take most of the machine's memory.
    let only = ["model::whole", "--nocapture", "--test-threads=1"];
    let build = ["test", "--package", "zebu-cluster", "--locked", "--lib", "--"];
    run_command(cargo(&[&build[..], &only[..]].concat()).env("ZEBU_MODEL", "long"))
}
