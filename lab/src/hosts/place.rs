//! Where a lab keeps its hosts' disks: a folder in memory under the lab's name, locked as long as the lab runs. It is removed
//! when the runner ends, however it ends; should even that fail, the next lab to start removes it. Called by `lab`.

use crate::Result;
use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// Every lab of this machine, running or left behind.
const ALL: &str = "/dev/shm/zebu-lab";

/// Removes a folder once the runner is gone. The last writes of processes that die at the same moment may get in between.
const SWEEP: &str = "cat; for attempt in $(seq 100); do rm -rf \"$@\" && exit 0; sleep 0.1; done";

/// The folders of one lab.
#[derive(Debug)]
pub(crate) struct Place {
    memory: PathBuf,
    disk: PathBuf,
    _lock: File,
    // Its input closes with this process: then it sweeps.
    input: Option<ChildStdin>,
    sweeper: Child,
}

impl Place {
    /// Takes the name, after removing what earlier labs left. Data directories go below `disk`, if one is given.
    ///
    /// # Errors
    /// A lab of this name is running; or the name has other characters than letters, digits and `-`.
    pub(crate) fn take(name: &str, disk: Option<&Path>) -> Result<Self> {
        if name.is_empty() || !name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(format!("--name {name:?}: letters, digits and - only, at least one").into());
        }
        fs::create_dir_all(ALL)?;
        // One lab at a time begins: a lock file that is made and not yet locked looks left behind.
        let gate = File::create(Path::new(ALL).join("gate"))?;
        gate.lock()?;
        clear_leftovers(Path::new(ALL))?;
        let lock = Path::new(ALL).join(format!("{name}.lock"));
        let held = File::create(&lock)?;
        if held.try_lock().is_err() {
            return Err(format!("a lab named {name} is running here: choose another --name").into());
        }
        let memory = Path::new(ALL).join(name);
        fs::create_dir(&memory)?;
        let disk = disk.map_or_else(|| memory.clone(), |disk| disk.join(format!("zebu-lab-{name}")));
        fs::create_dir_all(&disk)?;
        // Where else data lies, for the next lab to remove if this one cannot.
        fs::write(&lock, disk.as_os_str().as_encoded_bytes())?;
        // In a session of its own: Ctrl-C in the terminal is for the runner.
        let mut sweeper = Command::new("setsid")
            .args(["sh", "-c", SWEEP, "sweeper"])
            .args([&memory, &disk, &lock])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("setsid: {error}"))?;
        Ok(Self { memory, disk, _lock: held, input: sweeper.stdin.take(), sweeper })
    }

    /// A new folder for small things, in memory.
    pub(crate) fn in_memory(&self, name: &str) -> Result<PathBuf> {
        made(self.memory.join(name))
    }

    /// A new folder for data, on the disk that was asked for.
    pub(crate) fn on_disk(&self, name: &str) -> Result<PathBuf> {
        made(self.disk.join("data").join(name))
    }
}

fn made(folder: PathBuf) -> Result<PathBuf> {
    fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

impl Drop for Place {
    fn drop(&mut self) {
        drop(self.input.take());
        let _ = self.sweeper.wait();
    }
}

/// Removes the folders of labs whose runner is gone.
fn clear_leftovers(all: &Path) -> Result {
    for entry in fs::read_dir(all)?.flatten() {
        let lock = entry.path();
        if lock.extension().is_none_or(|extension| extension != "lock") {
            continue;
        }
        let Ok(held) = File::open(&lock) else { continue };
        match held.try_lock() {
            Err(TryLockError::WouldBlock) => continue,
            Err(TryLockError::Error(error)) => return Err(error.into()),
            Ok(()) => {}
        }
        let elsewhere = fs::read_to_string(&lock).unwrap_or_default();
        println!("clearing what an earlier lab left: {}", lock.with_extension("").display());
        let _ = fs::remove_dir_all(lock.with_extension(""));
        if elsewhere.contains("zebu-lab") {
            let _ = fs::remove_dir_all(elsewhere);
        }
        let _ = fs::remove_file(&lock);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_gone_when_it_is_dropped_and_its_name_is_free_again() {
        let name = format!("test-{}", std::process::id());
        let place = Place::take(&name, None).unwrap();
        let folder = place.in_memory("host").unwrap();
        fs::write(folder.join("file"), "x").unwrap();
        assert!(Place::take(&name, None).unwrap_err().to_string().contains("is running here"));
        drop(place);
        assert!(!folder.exists());
        drop(Place::take(&name, None).unwrap());
    }

    #[test]
    fn what_a_dead_runner_left_is_cleared_and_a_running_lab_is_left_alone() {
        let name = format!("left-{}", std::process::id());
        let all = std::env::temp_dir().join(&name);
        let disk = all.join("zebu-lab-disk");
        for folder in ["dead", "alive", "zebu-lab-disk"] {
            fs::create_dir_all(all.join(folder).join("below")).unwrap();
        }
        fs::write(all.join("dead.lock"), disk.to_str().unwrap()).unwrap();
        let alive = File::create(all.join("alive.lock")).unwrap();
        alive.lock().unwrap();
        clear_leftovers(&all).unwrap();
        assert!(!all.join("dead").exists() && !disk.exists() && !all.join("dead.lock").exists());
        assert!(all.join("alive").join("below").exists());
        fs::remove_dir_all(&all).unwrap();
    }

    #[test]
    fn a_name_that_is_no_name_is_refused() {
        for name in ["", "a b", "../x"] {
            assert!(Place::take(name, None).unwrap_err().to_string().contains("letters"), "{name}");
        }
    }
}
