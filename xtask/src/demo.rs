//! `cargo xtask demo`: everything between a fresh clone and a running cluster. The cluster itself is `zebu demo`: this
//! process becomes it, so that Ctrl-C and SIGTERM reach the one that supervises.

use crate::Result;
use crate::command::{announce, cargo, command, root, run as run_command};
use crate::{install, ui};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;

/// Installs, builds, and becomes `zebu demo` with every flag but our own `--release`.
pub(crate) fn run(arguments: &[String]) -> Result {
    let release = arguments.iter().any(|argument| argument == "--release");
    let passed: Vec<&str> =
        arguments.iter().map(String::as_str).filter(|argument| *argument != "--release").collect();
    let binary = build(release)?;
    let mut demo = command(&binary.to_string_lossy(), &["demo"]);
    // A relative --dir means the developer's folder, not the repository's.
    demo.args(passed).current_dir(std::env::current_dir()?);
    announce(&demo);
    Err(demo.exec().into())
}

/// Builds the client and the binary that embeds it; answers where the binary is.
pub(crate) fn build(release: bool) -> Result<PathBuf> {
    install::ensure(&[install::C_COMPILER])?;
    ui::build()?;
    let mut build = cargo(&["build", "--package", "zebu"]);
    if release {
        build.arg("--release");
    }
    run_command(&mut build)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    Ok(target.join(if release { "release" } else { "debug" }).join("zebu"))
}
