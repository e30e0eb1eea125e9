//! CPU time and memory of a process and all below it, as the kernel counts them (proc(5)).

use std::collections::HashMap;
use std::fs;

/// Clock ticks a second: 100 on every Linux that this runs on (`getconf CLK_TCK`).
const TICKS: f64 = 100.0;

struct Process {
    parent: u32,
    own_ticks: u64,
    ended_children_ticks: u64,
}

fn processes() -> HashMap<u32, Process> {
    let mut all = HashMap::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ends while it is looked at is not there.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else { continue };
        // The name in parentheses may hold anything.
        let Some((_, fields)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<&str> = fields.split_ascii_whitespace().collect();
        let number = |at: usize| fields[at].parse::<u64>().unwrap();
        let process = Process {
            parent: u32::try_from(number(1)).unwrap(),
            own_ticks: number(11) + number(12),
            ended_children_ticks: number(13) + number(14),
        };
        all.insert(pid, process);
    }
    all
}

fn tree(root: u32, all: &HashMap<u32, Process>) -> Vec<u32> {
    let mut tree = vec![root];
    let mut at = 0;
    while let Some(parent) = tree.get(at).copied() {
        tree.extend(all.iter().filter(|(_, process)| process.parent == parent).map(|(pid, _)| *pid));
        at += 1;
    }
    tree
}

/// Seconds of CPU that the process and all below it have used, those that have ended included.
pub(super) fn seconds(root: u32) -> f64 {
    let all = processes();
    let ticks: u64 = tree(root, &all)
        .iter()
        .filter_map(|pid| all.get(pid))
        .map(|process| process.own_ticks + process.ended_children_ticks)
        .sum();
    ticks as f64 / TICKS
}

/// Memory of the process and all below it, what they share counted once, in KiB (the sum of `Pss`).
pub(super) fn memory_kib(root: u32) -> u64 {
    let all = processes();
    let pss = |pid: &u32| {
        let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
        line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()
    };
    tree(root, &all).iter().filter_map(pss).sum()
}
