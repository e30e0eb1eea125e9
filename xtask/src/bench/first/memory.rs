//! Memory of the cluster's processes, as the kernel counts it: now, and at the highest.

use super::CHILDREN;
use crate::Result;
use crate::running::Running;

/// Resident memory of one process, MiB.
pub(super) struct Memory {
    name: &'static str,
    now: u64,
    peak: u64,
}

/// What every process has.
pub(super) fn of(cluster: &mut Running) -> Result<Vec<Memory>> {
    CHILDREN
        .iter()
        .map(|name| {
            let status = std::fs::read_to_string(format!("/proc/{}/status", cluster.pid_of(name)?))?;
            let mib = |field: &str| -> u64 {
                let line = status.lines().find_map(|line| line.strip_prefix(field));
                let kib =
                    line.and_then(|rest| rest.trim_matches([':', ' ', '\t', 'k', 'B']).parse::<u64>().ok());
                kib.unwrap_or(0) / 1024
            };
            Ok(Memory { name, now: mib("VmRSS"), peak: mib("VmHWM") })
        })
        .collect()
}

/// Prints what every process had when it was idle, and its highest after all that was measured.
pub(super) fn table(cluster: &mut Running, idle: &[Memory]) -> Result {
    println!("\n## Memory (resident, MiB)\n");
    println!("| process | idle after the start | now | peak |\n|---|---|---|---|");
    for (before, after) in idle.iter().zip(of(cluster)?) {
        println!("| {} | {} | {} | {} |", after.name, before.now, after.now, after.peak);
    }
    Ok(())
}
