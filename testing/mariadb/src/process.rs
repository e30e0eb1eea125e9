//! A server's process: it ends with the process that started it, however that ends, and takes signals meanwhile.

use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::Duration;

/// A running process.
#[derive(Debug)]
pub(crate) struct Process {
    pid: u32,
    ended: Mutex<Receiver<()>>,
}

impl Process {
    /// Starts `program` with these arguments. A child with a death signal ends with the thread that started it: here
    /// that is a thread that only waits for the child.
    pub(crate) fn start(program: &str, arguments: &[String]) -> Result<Process, String> {
        let mut command = Command::new("setpriv");
        command
            .args(["--pdeathsig", "KILL", program])
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let ((said, outcome), (ending, ended)) = (mpsc::channel(), mpsc::channel());
        let owner = std::thread::Builder::new().name(program.to_owned()).spawn(move || {
            match command.spawn() {
                Ok(mut child) => {
                    let _ = said.send(Ok(child.id()));
                    let _ = child.wait();
                }
                Err(error) => drop(said.send(Err(format!("setpriv: {error}")))),
            }
            let _ = ending.send(());
        });
        owner.map_err(|e| e.to_string())?;
        let pid = outcome.recv().map_err(|e| e.to_string())??;
        Ok(Process { pid, ended: Mutex::new(ended) })
    }

    /// Whether it has ended, or does so within this time.
    pub(crate) fn ends_within(&self, time: Duration) -> bool {
        let Ok(ended) = self.ended.lock() else { return true };
        !matches!(ended.recv_timeout(time), Err(RecvTimeoutError::Timeout))
    }

    /// Sends a signal by its name.
    pub(crate) fn signal(&self, name: &str) {
        // One that has ended takes no signal; its number may be another's by now.
        if !self.ends_within(Duration::ZERO) {
            let _ = Command::new("kill").args(["-s", name, &self.pid.to_string()]).status();
        }
    }

    /// Stops it in the middle of whatever it does (SIGSTOP) and returns when none of its threads runs any more: the
    /// signal alone says nothing of when, and on a busy machine a thread may still answer for a while.
    pub(crate) fn stop(&self) {
        self.signal("STOP");
        while !self.ends_within(Duration::from_millis(1)) && self.has_a_running_thread() {}
    }

    fn has_a_running_thread(&self) -> bool {
        let Ok(threads) = std::fs::read_dir(format!("/proc/{}/task", self.pid)) else { return false };
        threads.flatten().any(|thread| {
            // The state is the first letter after the name, which stands in brackets; a thread that ended has no file.
            let stat = std::fs::read_to_string(thread.path().join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['T', 't', 'Z', 'X']))
        })
    }

    /// Kills it (SIGKILL) and waits until it is gone.
    pub(crate) fn kill(&self) {
        self.signal("KILL");
        while !self.ends_within(Duration::from_secs(1)) {}
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
