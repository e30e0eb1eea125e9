//! The steps of `cargo xtask test`, one function each. A step runs a program that judges; it judges nothing itself.

use super::{Outcome, tally};
use crate::command::{Observed, cargo, found, observe, watch};
use crate::running::Running;
use crate::{Result, demo, install as installing, ui as client_build};
use std::process::Command;

pub(super) fn install() -> Result<Outcome> {
    use installing::{APACHE, HAPROXY, MOD_JK, NGINX, PEBBLE, TOMCAT};
    use installing::{C_COMPILER, CHROMIUM, CURL, IPROUTE, MARIADB, NFTABLES, PROCPS, RCLONE};
    installing::ensure(&[C_COMPILER, CURL, RCLONE, CHROMIUM, MARIADB, IPROUTE, NFTABLES, PROCPS])?;
    installing::ensure(&[APACHE, MOD_JK, HAPROXY, NGINX, PEBBLE, TOMCAT])?;
    installing::ensure_lints()?;
    installing::node()?;
    done()
}

pub(super) fn ui() -> Result<Outcome> {
    client_build::build()?;
    done()
}

pub(super) fn fmt() -> Result<Outcome> {
    observed(&mut cargo(&["fmt", "--all", "--", "--check"]))
}

pub(super) fn tidy() -> Result<Outcome> {
    own(&["tidy"])
}

pub(super) fn clippy() -> Result<Outcome> {
    observed(&mut cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"]))
}

pub(super) fn rust() -> Result<Outcome> {
    if found("cargo-nextest").is_some() {
        observed(&mut cargo(&["nextest", "run", "--workspace", "--locked", "--no-fail-fast"]))
    } else {
        observed(&mut cargo(&[
            "test",
            "--workspace",
            "--locked",
            "--no-fail-fast",
            "--lib",
            "--bins",
            "--tests",
        ]))
    }
}

pub(super) fn doc() -> Result<Outcome> {
    observed(&mut cargo(&["test", "--workspace", "--locked", "--no-fail-fast", "--doc"]))
}

pub(super) fn client() -> Result<Outcome> {
    let node = client_build::build()?;
    let types = observed(&mut node.command("npm", &["run", "check"]))?;
    let mut tests = observed(&mut node.command("npm", &["test"]))?;
    tests.success &= types.success;
    Ok(tests)
}

/// A person's main job and every page of the client, clicked in Chromium against one cluster.
pub(super) fn browser() -> Result<Outcome> {
    let node = client_build::build()?;
    let folder = tempfile::tempdir()?;
    let cluster = Running::start(&demo::build_with_tests()?, folder.path())?;
    let mut outcome = done()?;
    for script in ["e2e/main-job.mjs", "e2e/push.mjs", "e2e/pages.mjs"] {
        let ran = observed(&mut node.command("node", &[script, "--base", cluster.url()]))?;
        outcome.success &= ran.success;
        outcome.tally += ran.tally;
    }
    cluster.stop()?;
    Ok(outcome)
}

pub(super) fn first() -> Result<Outcome> {
    let binary = demo::build_with_tests()?;
    own(&["first", "--binary", &binary.to_string_lossy()])
}

/// The lab itself, then the guide's databases on it, a cluster under a crowd, and web servers before users, each with the faults of
/// a short run.
pub(super) fn lab() -> Result<Outcome> {
    let binary = demo::build_with_tests()?;
    let mut outcome = done()?;
    for scenario in
        [&["hosts"][..], &["databases", "--short"], &["coherence", "--short"], &["front", "--short"]]
    {
        let built = binary.to_string_lossy();
        let ran = own(&[&["lab", "--binary", &*built], scenario].concat())?;
        outcome.success &= ran.success;
        outcome.tally += ran.tally;
    }
    Ok(outcome)
}

/// A subcommand of this tool in a process of its own, so that its lines are counted like any runner's.
fn own(arguments: &[&str]) -> Result<Outcome> {
    // Not by its path: a build of the whole workspace may have put another xtask there since this one started.
    println!("$ cargo xtask {}", arguments.join(" "));
    judged(watch(Command::new("/proc/self/exe").args(arguments))?)
}

fn observed(command: &mut Command) -> Result<Outcome> {
    judged(observe(command)?)
}

fn judged(observed: Observed) -> Result<Outcome> {
    Ok(Outcome { success: observed.success, tally: tally::of(&observed.lines) })
}

fn done() -> Result<Outcome> {
    Ok(Outcome { success: true, tally: tally::Tally::default() })
}
