//! `cargo xtask bench push`: the memory of ten thousand resting subscribers on a node, and how long a write takes to reach them all.

use crate::Result;
use crate::command::{cargo, run};
use crate::install;

/// `cargo xtask bench push`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER])?;
    let mut bench = cargo(&["run", "--release", "--locked", "--package", "zebu-bench", "--", "push"]);
    run(bench.args(arguments))
}
