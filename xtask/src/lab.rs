//! `cargo xtask lab SCENARIO`: hosts in network namespaces on this machine. Installs what they need, builds the binary and
//! the lab, and becomes the lab; `zebu-lab` knows the scenarios.

use crate::command::{announce, capture, cargo, command, run as run_command};
use crate::install::{APACHE, CURL, IPROUTE, MARIADB, NFTABLES, PROCPS};
use crate::{Result, demo, install};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// Installs, builds, and becomes `zebu-lab` with these arguments. After `--binary FILE`, both are built already.
pub(crate) fn run(arguments: &[String]) -> Result {
    if capture(&mut command("id", &["-u"]))?.trim() != "0" {
        return Err("namespaces, mounts and filters need root: run it as root".into());
    }
    install::ensure(&[CURL, IPROUTE, NFTABLES, PROCPS, MARIADB, APACHE])?;
    let (binary, arguments) = match arguments {
        [flag, file, rest @ ..] if flag == "--binary" => (PathBuf::from(file), rest),
        rest => {
            let binary = demo::build(false)?;
            run_command(&mut cargo(&["build", "--package", "zebu-lab"]))?;
            (binary, rest)
        }
    };
    let mut lab = command(&binary.with_file_name("zebu-lab").to_string_lossy(), &[]);
    lab.args(arguments);
    if !arguments.is_empty() {
        lab.args(["--binary", &binary.to_string_lossy()]);
    }
    announce(&lab);
    Err(lab.exec().into())
}
