//! What the lab can run, one file each.

mod coherence;
mod databases;
mod front;
mod hosts;

use crate::Result;
use crate::report::Report;
use std::path::PathBuf;

/// What the command line says.
#[derive(Debug)]
pub(crate) struct Options {
    /// The lab's name: several of different names run side by side.
    pub(crate) name: String,
    /// The program under test.
    pub(crate) binary: Option<PathBuf>,
    /// Where databases keep their data; in memory without it.
    pub(crate) disk: Option<PathBuf>,
    /// Fewer faults, and shorter ones: for a test run.
    pub(crate) short: bool,
    /// Of the lots that are drawn; one of its own for each run without it.
    pub(crate) seed: Option<u64>,
    /// Where a scenario that has one writes its table, as Markdown.
    pub(crate) table: Option<PathBuf>,
}

impl Options {
    pub(crate) fn named(name: String) -> Self {
        Self { name, binary: None, disk: None, short: false, seed: None, table: None }
    }
}

/// One scenario.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// It takes no longer, whatever hangs.
    pub(crate) seconds_max: u64,
    pub(crate) run: fn(&Options, &mut Report) -> Result,
}

pub(crate) const SCENARIOS: [Scenario; 4] = [
    Scenario {
        name: "hosts",
        what: "the lab itself: its network, its faults, power off and on, nothing left behind",
        seconds_max: 300,
        run: hosts::run,
    },
    Scenario {
        name: "databases",
        what: "the guide's chapters on databases, file storage and provisioning, then what can go wrong, under load",
        seconds_max: 900,
        run: databases::run,
    },
    Scenario {
        name: "coherence",
        what: "three nodes and a web tier, a crowd that writes and reads everywhere at once, faults, a checker",
        seconds_max: 2_100,
        run: coherence::run,
    },
    Scenario {
        name: "front",
        what: "the guide's balancing chapter with Apache and with our web tier, then what goes wrong before users' eyes",
        seconds_max: 1_800,
        run: front::run,
    },
];
