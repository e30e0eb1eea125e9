//! `cargo xtask bench front`: the web tier beside HAProxy, nginx and Apache.

use crate::command::{cargo, run};
use crate::{Result, demo, install};

/// `cargo xtask bench front [--rounds N] [--seconds N] [--connections N] [--only FRONT[,FRONT…]]`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER, install::APACHE, install::HAPROXY, install::NGINX, install::WRK])?;
    let binary = demo::build(true)?;
    let mut bench =
        cargo(&["run", "--release", "--locked", "--package", "zebu-bench", "--", "front", "--zebu"]);
    run(bench.arg(binary).args(arguments))
}
