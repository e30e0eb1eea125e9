//! One process of a demo: how it is started, known to be ready, and stopped.
//!
//! It lives as long as this process holds its standard input: a demo that is killed leaves nothing behind.

use std::fs::{self, File};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use crate::demo::settings::Settings;
use crate::failure::{Failure, Result};
use crate::say;

/// From the start of a process to its line `ready …`; a laptop that is busy with other things included.
const START_MAX: Duration = Duration::from_secs(60);
/// From closing its standard input to its end. Then it is killed.
const STOP_MAX: Duration = Duration::from_secs(10);

/// A process that can be started, again and again.
pub(super) struct Child {
    zebu: PathBuf,
    settings: Settings,
    file: PathBuf,
    log: PathBuf,
}

/// A process that is running and has said that it is ready. Killed if dropped.
pub(super) struct Live {
    process: tokio::process::Child,
    input: ChildStdin,
    address: SocketAddr,
}

impl Child {
    /// `zebu` is the program, `file` where its configuration is written, `log` what its standard error is added to.
    pub(super) fn new(zebu: PathBuf, settings: Settings, file: PathBuf, log: PathBuf) -> Self {
        Self { zebu, settings, file, log }
    }

    pub(super) fn name(&self) -> &str {
        &self.settings.name
    }

    /// Where it listens from its next start on, also if it starts itself anew.
    ///
    /// # Errors
    /// Its file cannot be written.
    pub(super) fn keep_address(&mut self, address: SocketAddr) -> Result<()> {
        self.settings.listen = address;
        let written = fs::write(&self.file, self.settings.text());
        written.map_err(|error| Failure::new(format!("cannot write {}: {error}", self.file.display())))
    }

    /// Starts it, says so, and waits until it is ready.
    ///
    /// # Errors
    /// It cannot be started, or ends or hangs before it is ready.
    pub(super) async fn start(&self) -> Result<Live> {
        let name = self.name();
        let cannot = |error: std::io::Error| Failure::new(format!("cannot start {name}: {error}"));
        fs::write(&self.file, self.settings.text()).map_err(cannot)?;
        let log = File::options().create(true).append(true).open(&self.log).map_err(cannot)?;
        let mut process = Command::new(&self.zebu)
            .args(["serve", "--until-stdin-closes", "--config"])
            .arg(&self.file)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .map_err(cannot)?;
        let ends = (process.id(), process.stdin.take(), process.stdout.take());
        let (Some(pid), Some(input), Some(output)) = ends else {
            return Err(Failure::new(format!("cannot start {name}: it ended at once")));
        };
        say::line(&format!("child {name} pid {pid}"));
        let mut lines = BufReader::new(output).lines();
        match timeout(START_MAX, ready(&mut lines)).await {
            Ok(Some(address)) => {
                tokio::spawn(drain(lines));
                Ok(Live { process, input, address })
            }
            Ok(None) => {
                let status = process.wait().await.map_err(cannot)?;
                Err(Failure::new(format!(
                    "{name} did not start ({}): {}",
                    how(status),
                    self.last_words().unwrap_or_else(|| format!("see {}", self.log.display()))
                )))
            }
            Err(_) => Err(Failure::new(format!(
                "{name} was not ready after {} s; see {}",
                START_MAX.as_secs(),
                self.log.display()
            ))),
        }
    }

    /// The last line of its log.
    fn last_words(&self) -> Option<String> {
        let log = fs::read_to_string(&self.log).ok()?;
        log.lines().rev().find(|line| !line.trim().is_empty()).map(str::to_owned)
    }
}

impl Live {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Waits until it ends by itself, and tells how: `signal 9`, `exit code 1`.
    pub(super) async fn end(&mut self) -> String {
        match self.process.wait().await {
            Ok(status) => how(status),
            Err(error) => error.to_string(),
        }
    }

    /// Asks it to stop, and waits; kills it if that takes too long, and then tells so.
    pub(super) async fn stop(self) -> bool {
        let Self { mut process, input, .. } = self;
        drop(input);
        if timeout(STOP_MAX, process.wait()).await.is_ok() {
            return true;
        }
        // An error means that it has just ended.
        let _ = process.kill().await;
        false
    }
}

/// The address in the line by which a process says that it is ready; none if it ends without one.
async fn ready(lines: &mut Lines<BufReader<ChildStdout>>) -> Option<SocketAddr> {
    while let Ok(Some(line)) = lines.next_line().await {
        if let Some(address) = address_in(&line) {
            return Some(address);
        }
    }
    None
}

/// `ready groupware OX-1 http://127.0.0.1:41233`, `ready web http://127.0.0.1:8080/`.
fn address_in(line: &str) -> Option<SocketAddr> {
    let url = line.strip_prefix("ready ")?.split(' ').next_back()?;
    url.strip_prefix("http://")?.trim_end_matches('/').parse().ok()
}

/// Reads on, so that the process never waits for a reader.
async fn drain(mut lines: Lines<BufReader<ChildStdout>>) {
    while let Ok(Some(_)) = lines.next_line().await {}
}

fn how(status: ExitStatus) -> String {
    match (status.signal(), status.code()) {
        (Some(signal), _) => format!("signal {signal}"),
        (None, Some(code)) => format!("exit code {code}"),
        (None, None) => status.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_line_that_says_ready() {
        let check = |line: &str, expected: Option<&str>| {
            assert_eq!(address_in(line), expected.map(|address| address.parse().unwrap()), "{line}");
        };
        check("ready groupware OX-1 http://127.0.0.1:41233", Some("127.0.0.1:41233"));
        check("ready web http://127.0.0.1:8080/", Some("127.0.0.1:8080"));
        check("ready web", None);
        check("child OX-1 pid 12", None);
    }
}
