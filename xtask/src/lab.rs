//! `cargo xtask lab SCENARIO`: hosts in network namespaces on this machine. Installs what they need, builds the binary and
//! the lab, and becomes the lab; `zebu-lab` knows the scenarios.

use crate::command::{announce, capture, cargo, command, run as run_command};
use crate::{Result, demo, install};
use std::os::unix::process::CommandExt;

/// Installs, builds, and becomes `zebu-lab` with these arguments.
pub(crate) fn run(arguments: &[String]) -> Result {
    if capture(&mut command("id", &["-u"]))?.trim() != "0" {
        return Err("namespaces, mounts and filters need root: run it as root".into());
    }
    install::ensure(&[
        install::CURL,
        install::IPROUTE,
        install::NFTABLES,
        install::PROCPS,
        install::MARIADB,
    ])?;
    let binary = demo::build(false)?;
    run_command(&mut cargo(&["build", "--package", "zebu-lab"]))?;
    let mut lab = command(&binary.with_file_name("zebu-lab").to_string_lossy(), &[]);
    lab.args(arguments).args(["--binary", &binary.to_string_lossy()]);
    announce(&lab);
    Err(lab.exec().into())
}
