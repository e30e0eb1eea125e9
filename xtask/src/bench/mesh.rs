//! `cargo xtask bench mesh`: how long three other nodes take to acknowledge a message, over TLS on this machine.

use crate::Result;
use crate::command::{cargo, run};
use crate::install;

/// `cargo xtask bench mesh [--plain]`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER])?;
    let mut bench = cargo(&["run", "--release", "--locked", "--package", "zebu-bench", "--", "mesh"]);
    run(bench.args(arguments))
}
