//! `cargo xtask bench mesh`: how long three other nodes take to acknowledge a message, over TLS on this machine.

use crate::Result;
use crate::bench::programs;
use crate::command::run;
use crate::install;

/// `cargo xtask bench mesh [--plain]`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER])?;
    run(programs::bench("mesh")?.args(arguments))
}
