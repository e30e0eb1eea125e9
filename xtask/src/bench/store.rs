//! `cargo xtask bench store`: the store by itself, on both engines, in a program of its own (`bench/`): how costs grow with a
//! deployment, what the SQL layer costs beside the bare drivers, what replicas cost.

use crate::Result;
use crate::bench::programs;
use crate::command::run;
use crate::install;

/// `cargo xtask bench store [--dir FOLDER] [--contexts N[,N…]] [--engine sqlite|mariadb]`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER, install::MARIADB])?;
    run(programs::bench("store")?.args(arguments))
}
