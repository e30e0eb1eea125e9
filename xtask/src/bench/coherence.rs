//! `cargo xtask bench coherence`: what answering from memory saves and what telling the others costs, beside Redis as a bus that nobody
//! waits for.

use crate::Result;
use crate::bench::programs;
use crate::command::run;
use crate::install;

/// `cargo xtask bench coherence`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER, install::MARIADB, install::REDIS])?;
    run(programs::bench("coherence")?.args(arguments))
}
