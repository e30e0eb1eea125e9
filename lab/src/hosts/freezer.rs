//! Freezes a whole host by a control group (version 2): every process on it stops at once, whoever started it, without a signal that it
//! could notice. Called by `host`.

use crate::Result;
use crate::wait::until;
use std::fs;
use std::path::{Path, PathBuf};

/// All processes of a host have come to a stop, or gone on.
const STOP_SECONDS_MAX: u64 = 10;
/// Rounds of looking for processes that were started while others were put into the group.
const ROUNDS_MAX: usize = 20;

/// The control group of one host. It is made when it is first needed.
#[derive(Debug)]
pub(super) struct Freezer {
    name: String,
}

impl Freezer {
    pub(super) fn new(host: &str) -> Self {
        Self { name: format!("zebu-lab-{}-{host}", std::process::id()) }
    }

    /// Stops every process in the namespace of this one. They stay in the group afterwards.
    pub(super) fn freeze(&self, init: u32) -> Result {
        let group = self.group()?;
        if !group.exists() {
            fs::create_dir(&group).map_err(|error| format!("{}: {error}", group.display()))?;
        }
        for _ in 0..ROUNDS_MAX {
            let outside = outside(init, &group)?;
            if outside.is_empty() {
                break;
            }
            for process in outside {
                // One that has ended meanwhile needs no freezing.
                let _ = fs::write(group.join("cgroup.procs"), process.to_string());
            }
        }
        fs::write(group.join("cgroup.freeze"), "1")?;
        self.is_said(&group, "frozen 1")
    }

    /// Lets them go on.
    pub(super) fn thaw(&self) -> Result {
        let group = self.group()?;
        fs::write(group.join("cgroup.freeze"), "0")?;
        self.is_said(&group, "frozen 0")
    }

    fn is_said(&self, group: &Path, wanted: &str) -> Result {
        until(&format!("{} says {wanted}", group.display()), STOP_SECONDS_MAX, || {
            let said = fs::read_to_string(group.join("cgroup.events"))?;
            if said.lines().any(|line| line == wanted) { Ok(Some(())) } else { Err(said.into()) }
        })
        .map(drop)
    }

    fn group(&self) -> Result<PathBuf> {
        let mounts = fs::read_to_string("/proc/self/mounts")?;
        let root = mounts.lines().find_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (at, kind) = (words.next()?, words.next()?);
            (kind == "cgroup2").then(|| PathBuf::from(at))
        });
        Ok(root
            .ok_or("this machine has no control groups of version 2 (cgroup2): a host cannot be frozen")?
            .join(&self.name))
    }
}

impl Drop for Freezer {
    fn drop(&mut self) {
        // Its processes are dead by now; without any, it was never made.
        if let Ok(group) = self.group().map(|group| group.join("cgroup.procs")) {
            let gone = || Ok(fs::read_to_string(&group).map_or(true, |left| left.is_empty()).then_some(()));
            let _ = until("the group is empty", 2, gone);
            let _ = group.parent().map(fs::remove_dir);
        }
    }
}

/// The processes in the namespace of `init` that are not in the group.
fn outside(init: u32, group: &Path) -> Result<Vec<u32>> {
    let namespace = |process: u32| fs::read_link(format!("/proc/{process}/ns/pid")).ok();
    let wanted = namespace(init).ok_or("the host has no first process")?;
    let inside = fs::read_to_string(group.join("cgroup.procs"))?;
    let inside: Vec<u32> = inside.lines().filter_map(|line| line.parse().ok()).collect();
    let all = fs::read_dir("/proc")?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(all
        .filter(|process| !inside.contains(process) && namespace(*process).as_ref() == Some(&wanted))
        .collect())
}
