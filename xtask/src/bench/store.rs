//! `cargo xtask bench store`: the store by itself, on both engines, in a program of its own (`bench/`): how costs grow with a
//! deployment, what the SQL layer costs beside the bare drivers, what replicas cost.

use crate::Result;
use crate::command::{cargo, run};
use crate::install;

/// `cargo xtask bench store [--dir FOLDER] [--contexts N[,N…]] [--engine sqlite|mariadb]`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER, install::MARIADB])?;
    let mut growth = cargo(&["run", "--release", "--locked", "--package", "zebu-bench", "--", "store"]);
    run(growth.args(arguments))
}
