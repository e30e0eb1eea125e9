//! `cargo xtask bench push`: the memory of ten thousand resting subscribers on a node, and how long a write takes to reach them all.

use crate::Result;
use crate::bench::programs;
use crate::command::run;
use crate::install;

/// `cargo xtask bench push`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER])?;
    run(programs::bench("push")?.args(arguments))
}
