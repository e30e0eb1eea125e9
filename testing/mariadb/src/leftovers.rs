//! The data of servers whose test process is gone. A server that lives as long as its process cannot remove its own folder:
//! the next one to start, of any test, does.

use std::path::Path;

use tempfile::TempDir;

const PREFIX: &str = "zebu-mariadb-";

/// A new folder for one server's data, named after this process; those of processes that are gone are removed first.
pub(crate) fn new_folder() -> std::io::Result<TempDir> {
    let below = std::env::temp_dir();
    remove_from(&below);
    tempfile::Builder::new().prefix(&format!("{PREFIX}{}-", std::process::id())).tempdir_in(below)
}

fn remove_from(below: &Path) {
    // Another process may be at the same: whatever can't be removed is left to it.
    let Ok(entries) = std::fs::read_dir(below) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner =
            name.to_str().and_then(|name| name.strip_prefix(PREFIX)).and_then(|rest| rest.split_once('-'));
        let Some(Ok(owner)) = owner.map(|(pid, _)| pid.parse::<u32>()) else { continue };
        if !Path::new(&format!("/proc/{owner}")).exists() {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that goes wrong fails")]

    use super::*;

    #[test]
    fn what_a_dead_process_left_is_removed_and_nothing_else() {
        let below = tempfile::tempdir().unwrap();
        let make = |name: &str| {
            let path = below.path().join(name);
            std::fs::create_dir(&path).unwrap();
            path
        };
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let dead = child.id();
        child.wait().unwrap();
        let (left, own) =
            (make(&format!("{PREFIX}{dead}-a")), make(&format!("{PREFIX}{}-b", std::process::id())));
        let other = make("zebu-demo-1");
        remove_from(below.path());
        assert!(!left.exists());
        assert!(own.exists() && other.exists());
    }
}
