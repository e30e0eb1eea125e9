//! `cargo xtask bench ajp`: the AJP13 codec alone, in nanoseconds a message and bytes a second.

use crate::Result;
use crate::command::{cargo, run};
use crate::install;

/// `cargo xtask bench ajp`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER])?;
    let mut bench = cargo(&["run", "--release", "--locked", "--package", "zebu-bench", "--", "ajp"]);
    run(bench.args(arguments))
}
