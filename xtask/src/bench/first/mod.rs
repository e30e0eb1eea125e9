//! `cargo xtask bench first`: what the first actions cost. Statements of each request, 1 GiB up and down beside plain nginx
//! in one run, memory of every process, time from start to ready. Figures and ratios; nothing here passes or fails.

mod client;
mod memory;
mod nginx;
mod statements;
mod transfer;

use crate::bench::programs;
use crate::running::Running;
use crate::{Result, install};
use std::path::Path;
use std::time::Instant;

/// The children of a demo of two nodes.
const CHILDREN: [&str; 3] = ["OX-1", "OX-2", "web"];

/// `cargo xtask bench first [FOLDER]`: everything is kept below FOLDER while it runs; without one below the system's
/// temporary folder, whose disk then counts.
pub(super) fn run(arguments: &[String]) -> Result {
    install::ensure(&[install::CURL, install::NGINX])?;
    let binary = programs::zebu()?;
    let mut builder = tempfile::Builder::new();
    builder.prefix("zebu-bench-");
    let folder = match arguments {
        [] => builder.tempdir()?,
        [folder] => builder.tempdir_in(folder)?,
        _ => return Err("usage: cargo xtask bench first [FOLDER]".into()),
    };
    measure(&binary, folder.path())
}

fn measure(binary: &Path, folder: &Path) -> Result {
    println!("\n## Start to ready (two nodes, web tier, provisioning in the first case)\n");
    println!("| start | ms |\n|---|---|");
    let begun = Instant::now();
    let cluster = Running::start(binary, folder)?;
    println!("| empty folder | {} |", begun.elapsed().as_millis());
    cluster.stop()?;
    let begun = Instant::now();
    let mut cluster = Running::start(binary, folder)?;
    println!("| existing data | {} |", begun.elapsed().as_millis());
    let idle = memory::of(&mut cluster)?;
    statements::table(&mut cluster, folder)?;
    let transfers = transfer::table(&cluster, folder)?;
    memory::table(&mut cluster, &idle)?;
    drop(transfers);
    cluster.stop()
}
