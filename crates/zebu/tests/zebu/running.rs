//! A process of the binary under test: what it prints, line by line, and its end. It does not outlive its test.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

/// For a line to come or a process to end: a debug build on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// A command of the binary under test.
pub(crate) fn zebu<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zebu"));
    command.args(arguments).env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// A process that runs until it is told to stop.
pub(crate) struct Running {
    child: Child,
    lines: Receiver<String>,
    seen: Vec<String>,
}

impl Running {
    pub(crate) fn start(command: &mut Command) -> Self {
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines, seen: Vec::new() }
    }

    /// A demo on a free port, and where it answers.
    pub(crate) fn demo(arguments: &[&OsStr]) -> (Self, SocketAddr) {
        let own = ["demo", "--port", "0"].map(OsStr::new);
        let mut demo = Self::start(&mut zebu(own.iter().chain(arguments)));
        let address = demo.wait_for("ready http://").trim_end_matches('/').parse().unwrap();
        (demo, address)
    }

    /// Waits for the next line that begins so, and answers its rest.
    pub(crate) fn wait_for(&mut self, start: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else { self.give_up(start) };
            self.seen.push(line.clone());
            if let Some(rest) = line.strip_prefix(start) {
                return rest.to_owned();
            }
        }
    }

    /// The rest of the last line that has begun so.
    pub(crate) fn said(&mut self, start: &str) -> String {
        self.seen.extend(self.lines.try_iter());
        let last = self.seen.iter().rev().find_map(|line| line.strip_prefix(start)).map(str::to_owned);
        last.unwrap_or_else(|| panic!("no line `{start}…` in {:#?}", self.seen))
    }

    fn give_up(&mut self, start: &str) -> ! {
        let _ = self.child.kill();
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        panic!("no line `{start}…` came after {:#?}\nstandard error: {errors}", self.seen)
    }

    pub(crate) fn signal(&self, name: &str) {
        signal(name, self.child.id());
    }

    /// Signals it and these processes of it by one command, so that none has time to end before it is signalled.
    pub(crate) fn signal_with(&self, name: &str, children: &[String]) {
        let all = std::iter::once(self.child.id().to_string()).chain(children.iter().cloned());
        let status = Command::new("kill").arg(format!("-{name}")).args(all).status().unwrap();
        assert!(status.success(), "kill -{name} {children:?}");
    }

    /// Waits for its end; answers how it ended, what it said on standard error, and its lines on standard output.
    pub(crate) fn end(mut self) -> (ExitStatus, String, Vec<String>) {
        let deadline = Instant::now() + PATIENCE;
        // The channel closes when nobody holds the output any more.
        while let Ok(line) = self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            self.seen.push(line);
        }
        assert!(Instant::now() < deadline, "it did not end; it said {:#?}", self.seen);
        let mut errors = String::new();
        self.child.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
        (self.child.wait().unwrap(), errors, std::mem::take(&mut self.seen))
    }

    /// Stops it as a service manager does. It must end by itself, in success and silence.
    pub(crate) fn stop(self) {
        self.signal("TERM");
        let (status, errors, _) = self.end();
        assert!(status.success(), "{status}: {errors}");
        assert_eq!(errors, "");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Of a test that failed. What it started ends with it.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn signal(name: &str, pid: impl ToString) {
    let status = Command::new("kill").args([format!("-{name}"), pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -{name} {}", pid.to_string());
}

/// A command that is to end by itself: its exit code, standard output and standard error.
pub(crate) fn outcome(command: &mut Command) -> (i32, String, String) {
    let output = command.output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}
