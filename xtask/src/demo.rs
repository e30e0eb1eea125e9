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
    let profile: &[&str] = if release { &["--release"] } else { &[] };
    build_as(&["build", "--package", "zebu"], profile)
}

/// The same among all tests of the workspace. What tests depend on changes how some dependencies are built: alone, the
/// binary and half of what it stands on would be built once more.
pub(crate) fn build_with_tests() -> Result<PathBuf> {
    build_as(&["build", "--locked", "--workspace", "--all-targets"], &[])
}

fn build_as(arguments: &[&str], profile: &[&str]) -> Result<PathBuf> {
    install::ensure(&[install::C_COMPILER])?;
    ui::build()?;
    run_command(cargo(arguments).args(profile))?;
    Ok(target_folder().join(if profile.is_empty() { "debug" } else { "release" }).join("zebu"))
}

/// Where cargo builds.
pub(crate) fn target_folder() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}
