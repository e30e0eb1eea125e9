//! One MariaDB with a data directory and a socket of its own, and what a test can do to it.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::leftovers;
use crate::process::Process;
use crate::template::{copy, template};

/// From its start until it takes connections, on a busy machine.
const START_SECONDS_MAX: u64 = 120;
/// How long is waited between two looks whether it takes connections.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How often a server is started that did not come up by no fault of its own.
const STARTS_MAX: u32 = 8;

/// Whether a server takes part in replication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// It has a socket only, and no binary log.
    Alone,
    /// With this number it writes a binary log and listens on a free port of the loopback address, for its replicas.
    Member(u32),
}

/// A running server.
#[derive(Debug)]
pub struct Server {
    process: Mutex<Option<Process>>,
    port: AtomicU32,
    part: Part,
    schemas: AtomicU32,
    folder: tempfile::TempDir,
}

/// What is said of a server that does not answer, before what it says itself.
const SILENT: &str = "it takes no connections: ";

/// Whether a server may start where it just did not: another took its port meanwhile, or it ended before it began its log.
fn is_worth_another_try(said: &str) -> bool {
    said.contains("Address already in use") || said == SILENT
}

impl Server {
    /// A server of a test's own, for what must not happen to the one that all tests of a process share.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    #[allow(clippy::panic, reason = "fails the test that asked, with what the server said")]
    pub fn own() -> Server {
        Server::start(Part::Alone, &[]).unwrap_or_else(|reason| panic!("MariaDB for tests: {reason}"))
    }

    pub(crate) fn start(part: Part, more: &[&str]) -> Result<Server, String> {
        let folder = leftovers::new_folder().map_err(|e| e.to_string())?;
        copy(&template()?, &folder.path().join("data"))
            .map_err(|e| format!("copy of the empty data directory: {e}"))?;
        let server = Server {
            process: Mutex::new(None),
            port: AtomicU32::new(0),
            part,
            schemas: AtomicU32::new(1),
            folder,
        };
        server.run(more)?;
        Ok(server)
    }

    /// Starts the process, on the port it had before if it had one.
    fn run(&self, more: &[&str]) -> Result<(), String> {
        let mut tries = 0;
        loop {
            let port = match (self.part, self.port.load(Ordering::SeqCst)) {
                (Part::Alone, _) => 0,
                (Part::Member(_), 0) => free_port()?,
                (Part::Member(_), before) => before,
            };
            let log = self.folder.path().join("log");
            let _ = std::fs::remove_file(&log);
            let mut arguments = self.arguments(port);
            arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
            let process = Process::start("mariadbd", &arguments)?;
            let done = self.wait_until_it_answers(&process, &log);
            match done {
                Ok(()) => {
                    self.port.store(port, Ordering::SeqCst);
                    if let Ok(mut held) = self.process.lock() {
                        *held = Some(process);
                    }
                    return Ok(());
                }
                Err(said) if is_worth_another_try(&said) && tries < STARTS_MAX => tries += 1,
                Err(said) => return Err(said),
            }
        }
    }

    fn wait_until_it_answers(&self, process: &Process, log: &Path) -> Result<(), String> {
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while UnixStream::connect(self.socket()).is_err() {
            if process.ends_within(LOOK_EVERY) || Instant::now() > deadline {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                return Err(format!("{SILENT}{log}"));
            }
        }
        Ok(())
    }

    fn arguments(&self, port: u32) -> Vec<String> {
        let data = self.folder.path().join("data");
        let shown = data.display();
        let socket = self.socket();
        let mut arguments = vec![
            "--no-defaults".to_owned(),
            "--user=root".to_owned(),
            format!("--datadir={shown}"),
            format!("--socket={}", socket.display()),
            // Its own: a server that starts clears away the temporary tables it finds, also those of another.
            format!("--tmpdir={shown}"),
            format!("--log-error={}", self.folder.path().join("log").display()),
            format!("--pid-file={}.pid", socket.display()),
        ];
        // Small and quick: what is tested is what it does.
        let quick = "--innodb-buffer-pool-size=32M --innodb-log-file-size=8M --innodb-lock-wait-timeout=10 \
                     --performance-schema=OFF --max-connections=300";
        arguments.extend(quick.split_whitespace().map(str::to_owned));
        match self.part {
            // Nothing of it is needed after its end.
            Part::Alone => {
                let alone = "--skip-networking --innodb-flush-log-at-trx-commit=0";
                arguments.extend(alone.split_whitespace().map(str::to_owned));
            }
            // What was committed survives its process, as on a server that is configured to keep it.
            Part::Member(number) => {
                let member = "--bind-address=127.0.0.1 --skip-name-resolve --log-bin=binlog --log-slave-updates \
                              --innodb-flush-log-at-trx-commit=2 --rpl-semi-sync-slave-enabled=1 --slave-net-timeout=10";
                arguments.extend(member.split_whitespace().map(str::to_owned));
                arguments.push(format!("--port={port}"));
                arguments.push(format!("--server-id={number}"));
            }
        }
        arguments
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// The port for its replicas.
    #[must_use]
    pub fn port(&self) -> u32 {
        self.port.load(Ordering::SeqCst)
    }

    /// The URL of a new, empty schema.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    pub fn schema(&self) -> String {
        let name = format!("zebu_{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE DATABASE {name}"));
        self.url_of(&name)
    }

    /// The URL of a schema, whether it is there or not.
    #[must_use]
    pub fn url_of(&self, schema: &str) -> String {
        format!("mysql://root@localhost/{schema}?socket={}", self.socket().display())
    }

    /// The URL of the server itself, without a schema.
    #[must_use]
    pub fn url(&self) -> String {
        format!("mysql://root@localhost?socket={}", self.socket().display())
    }

    /// A name that no other test of this process gets, for a database to register: its schemas are called after it.
    #[must_use]
    pub fn name(&self) -> String {
        format!("shard{}", self.schemas.fetch_add(1, Ordering::Relaxed))
    }

    /// Runs statements as root; answers what they print, a line a row.
    ///
    /// # Panics
    /// If one fails.
    #[allow(clippy::panic, reason = "fails the test that asked")]
    pub fn sql(&self, statements: &str) -> String {
        self.try_sql(statements).unwrap_or_else(|said| panic!("{statements}: {said}"))
    }

    /// The same; what the client says if a statement fails.
    ///
    /// # Errors
    /// The client's words.
    pub fn try_sql(&self, statements: &str) -> Result<String, String> {
        let mut child = Command::new("mariadb")
            .args(["--no-defaults", "--batch", "--skip-column-names", "--user=root"])
            .arg(format!("--socket={}", self.socket().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|e| format!("the client of MariaDB: {e}"))?;
        let mut input = child.stdin.take().ok_or("its input")?;
        input.write_all(statements.as_bytes()).map_err(|e| e.to_string())?;
        drop(input);
        let output = child.wait_with_output().map_err(|e| e.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    fn with_process(&self, act: impl FnOnce(&Process)) {
        if let Ok(held) = self.process.lock()
            && let Some(process) = held.as_ref()
        {
            act(process);
        }
    }

    /// Stops it in the middle of whatever it does (SIGSTOP): its kernel goes on taking connections, and once this has
    /// returned it answers nothing.
    pub fn freeze(&self) {
        self.with_process(Process::stop);
    }

    /// Lets it go on.
    pub fn thaw(&self) {
        self.with_process(|process| process.signal("CONT"));
    }

    /// Kills it (SIGKILL); returns when it is gone.
    pub fn kill(&self) {
        if let Ok(mut held) = self.process.lock() {
            // Dropping a process kills it and waits.
            *held = None;
        }
    }

    /// Starts it again on its data and its port, with these arguments more.
    ///
    /// # Panics
    /// If it does not start.
    #[allow(clippy::panic, reason = "fails the test that asked, with what the server said")]
    pub fn start_again(&self, more: &[&str]) {
        self.kill();
        let _ = std::fs::remove_file(self.socket());
        self.run(more).unwrap_or_else(|reason| panic!("MariaDB for tests: {reason}"));
    }
}

/// A port of the loopback address that nobody has at this moment.
fn free_port() -> Result<u32, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    listener.local_addr().map(|address| address.port().into()).map_err(|e| e.to_string())
}
