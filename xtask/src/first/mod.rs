//! `cargo xtask first`: the first scenario, run from outside on a cluster of its own, as a stranger would run it with curl
//! and rclone. Two people on two nodes share and withdraw; thousands of real files go in through one node, which is
//! killed meanwhile, and come back through the other; the cluster stops, starts again, and has everything.

mod documents;
mod person;
mod report;
mod rounds;
mod sharing;
mod tree;

use crate::command::{capture, command};
use crate::running::Running;
use crate::{Result, demo, install};
use report::Report;
use std::path::{Path, PathBuf};

/// What is copied where nothing else is named: thousands of files of every kind, on any Debian machine.
const DOCUMENTS: &str = "/usr/share/doc";

/// Room for the documents, their versions and the databases.
const MEMORY_MEGABYTES_MIN: u64 = 2_048;

/// `cargo xtask first [--binary FILE] [FOLDER]`: a binary that is built already, another FOLDER than `/usr/share/doc`.
pub(crate) fn run(arguments: &[String]) -> Result {
    let (binary, rest) = match arguments {
        [flag, file, rest @ ..] if flag == "--binary" => (Some(PathBuf::from(file)), rest),
        rest => (None, rest),
    };
    let documents = match rest {
        [] => DOCUMENTS,
        [folder] if !folder.starts_with('-') => folder,
        _ => return Err("usage: cargo xtask first [--binary FILE] [FOLDER]".into()),
    };
    install::ensure(&[install::CURL, install::RCLONE])?;
    let binary = match binary {
        Some(binary) => binary,
        None => demo::build(false)?,
    };
    let folder = tempfile::Builder::new().prefix("zebu-first-").tempdir_in(place())?;
    let mut report = Report::default();
    let outcome = scenario(&mut report, &binary, folder.path(), Path::new(documents));
    report.close(&outcome);
    outcome
}

/// Where the cluster's data goes: into memory where there is room for it. Processes are killed here, the machine is not,
/// and thousands of files wait for a disk's syncs several times as long.
fn place() -> PathBuf {
    let memory = Path::new("/dev/shm");
    let free =
        capture(&mut command("df", &["--output=avail", "--block-size=1M", "/dev/shm"])).unwrap_or_default();
    let megabytes: u64 = free.lines().nth(1).and_then(|line| line.trim().parse().ok()).unwrap_or(0);
    if megabytes >= MEMORY_MEGABYTES_MIN { memory.to_owned() } else { std::env::temp_dir() }
}

fn scenario(report: &mut Report, binary: &Path, folder: &Path, documents: &Path) -> Result {
    let mut cluster = report.step("a web tier and two nodes start", || {
        let cluster = Running::start(binary, folder)?;
        let said = cluster.url().to_owned();
        Ok((cluster, said))
    })?;
    sharing::run(report, cluster.url())?;
    let copied = documents::copy(report, &mut cluster, documents)?;
    report.step("SIGTERM stops everything, with success", || Ok((cluster.stop()?, String::new())))?;
    documents::check_store(report, binary, folder, &copied)?;
    let cluster = report.step("the same folder starts again", || {
        let cluster = Running::start(binary, folder)?;
        let said = cluster.url().to_owned();
        Ok((cluster, said))
    })?;
    documents::count(report, "everything is still there", cluster.url(), &copied)?;
    report.step("Ctrl-C stops everything, with success", || Ok((cluster.interrupt()?, String::new())))
}
