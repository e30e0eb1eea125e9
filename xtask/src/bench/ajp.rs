//! `cargo xtask bench ajp`: the AJP13 codec alone, in nanoseconds a message and bytes a second.

use crate::Result;
use crate::bench::programs;
use crate::command::run;
use crate::install;

/// `cargo xtask bench ajp`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER])?;
    run(programs::bench("ajp")?.args(arguments))
}
