//! `cargo xtask bench front`: the web tier beside HAProxy, nginx and Apache.

use crate::bench::programs;
use crate::command::run;
use crate::{Result, install};

/// `cargo xtask bench front [--rounds N] [--seconds N] [--connections N] [--only FRONT[,FRONT…]]`
pub(super) fn run_all(arguments: &[String]) -> Result {
    install::ensure(&[install::C_COMPILER, install::APACHE, install::HAPROXY, install::NGINX, install::WRK])?;
    let zebu = programs::zebu()?;
    run(programs::bench("front")?.arg("--zebu").arg(zebu).args(arguments))
}
