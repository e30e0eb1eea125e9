//! A cluster for a test: `zebu demo` on a free port in a folder of the test's, watched through the lines that it prints.
//! Used by `first` and by the browser test. Whatever happens, nothing of it is left running.

use crate::Result;
use crate::command::{announce, capture, command};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// From the start of the process to `ready`: a debug build on two busy cores, with all databases made anew.
const START_SECONDS_MAX: u64 = 120;
/// From SIGTERM until every process has closed its output.
const STOP_SECONDS_MAX: u64 = 60;

/// A running `zebu demo`.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
    url: String,
    log: PathBuf,
}

impl Running {
    /// Starts a cluster of two nodes and waits until it is ready. Its data goes into `folder/data`, what it logs beside it.
    pub(crate) fn start(binary: &Path, folder: &Path) -> Result<Self> {
        let (data, log) = (folder.join("data"), folder.join("demo.log"));
        let arguments = ["demo", "--port", "0", "--nodes", "2", "--dir", &data.to_string_lossy()];
        let mut command = command(&binary.to_string_lossy(), &arguments);
        announce(&command);
        let errors = File::options().create(true).append(true).open(&log)?;
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(errors).spawn()?;
        let (sender, lines) = channel();
        let output = child.stdout.take().ok_or("no standard output")?;
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(std::result::Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let mut running = Self { child, lines, seen: Vec::new(), url: String::new(), log };
        let ready = running.wait_for(START_SECONDS_MAX, |line| line.starts_with("ready http"))?;
        let url = ready.split_whitespace().nth(1).unwrap_or("");
        running.url = url.trim_end_matches('/').to_owned();
        Ok(running)
    }

    /// Where it answers, without a slash at the end.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The process of a node or web tier, by the line `child OX-1 pid 123` of its last start.
    pub(crate) fn pid_of(&mut self, name: &str) -> Result<u32> {
        self.seen.extend(self.lines.try_iter());
        let last = self.seen.iter().rev().find_map(|line| pid_in(line, name));
        last.ok_or_else(|| format!("the demo printed no `child {name} pid …`").into())
    }

    /// Kills a child the hard way; answers which process it was.
    pub(crate) fn kill(&mut self, name: &str) -> Result<u32> {
        let pid = self.pid_of(name)?;
        signal("-KILL", &[pid])?;
        Ok(pid)
    }

    /// Waits until the demo has started another process in place of the one that was killed; answers which.
    pub(crate) fn successor(&mut self, name: &str, killed: u32) -> Result<u32> {
        let already = self.pid_of(name)?;
        if already != killed {
            return Ok(already);
        }
        let wanted = |line: &str| pid_in(line, name).is_some_and(|pid| pid != killed);
        let line = self.wait_for(START_SECONDS_MAX, wanted)?;
        Ok(pid_in(&line, name).unwrap_or(0))
    }

    /// Stops it as a service manager would; it must end by itself, with success, and leave no process behind.
    pub(crate) fn stop(self) -> Result {
        signal("-TERM", &[self.child.id()])?;
        self.ended("SIGTERM")
    }

    /// Stops it as Ctrl-C in a terminal does, where every process gets the signal.
    pub(crate) fn interrupt(mut self) -> Result {
        self.seen.extend(self.lines.try_iter());
        let started = self.seen.iter().filter_map(|line| line.strip_prefix("child ")?.split_once(" pid "));
        let last: BTreeMap<&str, u32> =
            started.filter_map(|(name, pid)| Some((name, pid.parse().ok()?))).collect();
        signal("-INT", &[self.child.id()].into_iter().chain(last.into_values()).collect::<Vec<_>>())?;
        self.ended("Ctrl-C")
    }

    fn ended(mut self, by: &str) -> Result {
        let deadline = Instant::now() + Duration::from_secs(STOP_SECONDS_MAX);
        // The channel closes when the last process that holds the output has gone.
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        if Instant::now() >= deadline {
            return Err(self.explain(format!("still not stopped {STOP_SECONDS_MAX} s after {by}")).into());
        }
        let status = self.child.wait()?;
        if !status.success() {
            return Err(self.explain(format!("stopped with {status} after {by}")).into());
        }
        Ok(())
    }

    /// The first line, from now on, that is wanted.
    fn wait_for(&mut self, seconds_max: u64, wanted: impl Fn(&str) -> bool) -> Result<String> {
        let deadline = Instant::now() + Duration::from_secs(seconds_max);
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line.clone());
            if wanted(&line) {
                return Ok(line);
            }
        }
        Err(self.explain(format!("the line that was waited for did not come within {seconds_max} s")).into())
    }

    /// A sentence, what the demo printed last, and the end of its log.
    fn explain(&self, sentence: String) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let end = |lines: Vec<&str>| {
            lines.into_iter().rev().take(20).rev().map(|line| format!("\n  {line}")).collect::<String>()
        };
        let seen = end(self.seen.iter().map(String::as_str).collect());
        format!("zebu demo: {sentence}; printed:{seen}\nlogged:{}", end(log.lines().collect()))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Its children end with it: that is its own promise. Where it was stopped already, both calls do nothing.
        let stopped = matches!(self.child.try_wait(), Ok(Some(_)));
        if !stopped && signal("-TERM", &[self.child.id()]).is_ok() {
            let _ = self.child.wait();
        }
    }
}

fn pid_in(line: &str, name: &str) -> Option<u32> {
    line.strip_prefix(&format!("child {name} pid "))?.trim().parse().ok()
}

fn signal(signal: &str, pids: &[u32]) -> Result {
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    capture(Command::new("kill").arg(signal).args(pids)).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// A shell script that talks like `zebu demo`.
    fn pretend(folder: &Path, end: &str) -> PathBuf {
        let script = "#!/bin/sh\ntrap 'kill -9 $pid; END' TERM\nwhile :; do\n  sleep 1000 >/dev/null & pid=$!\n  \
            echo child OX-1 pid $pid\n  echo ready http://127.0.0.1:7/\n  wait $pid\ndone\n";
        let path = folder.join("pretend");
        std::fs::write(&path, script.replace("END", end)).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    #[test]
    fn a_demo_is_started_and_stopped_and_its_children_are_known() {
        let folder = tempfile::tempdir().unwrap();
        let mut running = Running::start(&pretend(folder.path(), "exit 0"), folder.path()).unwrap();
        assert_eq!(running.url(), "http://127.0.0.1:7");
        let first = running.pid_of("OX-1").unwrap();
        assert_eq!(running.kill("OX-1").unwrap(), first);
        let successor = running.successor("OX-1", first).unwrap();
        assert_ne!(successor, first);
        assert_eq!(running.pid_of("OX-1").unwrap(), successor);
        assert!(running.pid_of("OX-2").is_err());
        running.stop().unwrap();
    }

    #[test]
    fn a_demo_that_ends_with_an_error_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let running = Running::start(&pretend(folder.path(), "exit 7"), folder.path()).unwrap();
        assert!(running.stop().unwrap_err().to_string().contains("exit status: 7"));
    }
}
