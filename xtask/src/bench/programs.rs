//! What is measured, and what measures, in the profile `dist`: as it is shipped, and as the peers from a distribution are built,
//! for speed and not for a quick build.

use std::path::PathBuf;
use std::process::Command;

use crate::command::{cargo, command, run};
use crate::{Result, demo, ui};

/// Which features dependencies have follows from what is built together. Selected each alone, the two programs would have their
/// own copies of nearly all of them, minutes of building each; so both are selected always, and one is built.
const SELECTED: [&str; 8] =
    ["build", "--locked", "--profile", "dist", "--package", "zebu", "--package", "zebu-bench"];

/// The server, with its client inside.
pub(super) fn zebu() -> Result<PathBuf> {
    ui::build()?;
    built("zebu")
}

/// A benchmark of `zebu-bench`, by its name there, ready for further arguments.
pub(super) fn bench(name: &str) -> Result<Command> {
    Ok(command(&built("zebu-bench")?.to_string_lossy(), &[name]))
}

fn built(program: &str) -> Result<PathBuf> {
    run(cargo(&SELECTED).args(["--bin", program]))?;
    Ok(demo::target_folder().join("dist").join(program))
}
