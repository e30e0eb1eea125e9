//! A real MariaDB for tests: a server of the test process's own, with its own data directory and socket, no port, started
//! by the first test that asks and gone with the process, however it ends.
//!
//! Called by tests alone. Each test makes schemas of its own in it.

use std::io::Write;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// From its start until it takes connections, on a busy machine.
const START_SECONDS_MAX: u64 = 120;

/// The server of this process.
#[derive(Debug)]
pub struct Server {
    folder: tempfile::TempDir,
    schemas: AtomicU32,
}

static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();

/// The server; started now if it is not running.
///
/// # Panics
/// If it cannot be started: that fails the test that asked, and says what is missing.
#[allow(clippy::panic, reason = "a server that can't be started fails the test, with what it said")]
pub fn server() -> &'static Server {
    match SERVER.get_or_init(Server::start) {
        Ok(server) => server,
        Err(reason) => panic!("MariaDB for tests: {reason}"),
    }
}

impl Server {
    fn start() -> Result<Server, String> {
        let folder = tempfile::Builder::new().prefix("zebu-mariadb-").tempdir().map_err(|e| e.to_string())?;
        let data = folder.path().join("data");
        copy(&template()?, &data).map_err(|e| format!("copy of the empty data directory: {e}"))?;
        let (socket, log) = (folder.path().join("socket"), folder.path().join("log"));
        let command = server_command(&data, &socket, &log);
        let (said, outcome) = mpsc::channel();
        // A child with a death signal ends with the thread that started it: this one lives as long as the process.
        let owner = std::thread::Builder::new().name("mariadb".to_owned()).spawn(move || {
            let mut command = command;
            match command.spawn() {
                Ok(mut child) => {
                    let _ = said.send(Ok(()));
                    let _ = child.wait();
                }
                Err(e) => drop(said.send(Err(format!("setpriv mariadbd: {e}")))),
            }
        });
        owner.map_err(|e| e.to_string())?;
        outcome.recv().map_err(|e| e.to_string())??;
        let deadline = Instant::now() + Duration::from_secs(START_SECONDS_MAX);
        while UnixStream::connect(&socket).is_err() {
            if Instant::now() > deadline {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(format!("takes no connections after {START_SECONDS_MAX} s: {log}"));
            }
            std::thread::yield_now();
        }
        Ok(Server { folder, schemas: AtomicU32::new(1) })
    }

    fn socket(&self) -> PathBuf {
        self.folder.path().join("socket")
    }

    /// The URL of a new, empty schema.
    ///
    /// # Panics
    /// If the server does not answer.
    #[must_use]
    pub fn schema(&self) -> String {
        let name = format!("zebu_{}", self.schemas.fetch_add(1, Ordering::Relaxed));
        self.sql(&format!("CREATE DATABASE {name}"));
        format!("mysql://root@localhost/{name}?socket={}", self.socket().display())
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
    #[allow(clippy::panic, clippy::expect_used, reason = "fails the test that asked")]
    pub fn sql(&self, statements: &str) -> String {
        let mut child = Command::new("mariadb")
            .args(["--no-defaults", "--batch", "--skip-column-names", "--user=root"])
            .arg(format!("--socket={}", self.socket().display()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the client of MariaDB");
        child.stdin.take().expect("its input").write_all(statements.as_bytes()).expect("its input open");
        let output = child.wait_with_output().expect("its output");
        assert!(output.status.success(), "{statements}: {}", output.status);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}

/// An empty data directory that every server begins as a copy of: making one takes seconds, and most runners give each
/// test a process. Kept among what is built; the first to come makes it, the others wait for that.
fn template() -> Result<PathBuf, String> {
    let target = std::env::var_os("CARGO_TARGET_DIR")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target"), PathBuf::from);
    let version = Command::new("mariadbd").arg("--version").output();
    let version = version.map_err(|e| format!("mariadbd: {e} (Debian's package mariadb-server has it)"))?;
    let version: String = String::from_utf8_lossy(&version.stdout)
        .chars()
        .filter(|c| c.is_ascii_digit() || *c == '.')
        .collect();
    let said = |e: std::io::Error| format!("{}: {e}", target.display());
    std::fs::create_dir_all(&target).map_err(said)?;
    let lock = std::fs::File::create(target.join("mariadb-template.lock")).map_err(said)?;
    lock.lock().map_err(said)?;
    let made = target.join(format!("mariadb-template-{version}"));
    if made.exists() {
        return Ok(made);
    }
    let half_made = target.join("mariadb-template-half-made");
    let _ = std::fs::remove_dir_all(&half_made);
    let done = Command::new("mariadb-install-db")
        .args(["--no-defaults", "--auth-root-authentication-method=normal", "--skip-test-db", "--user=root"])
        .args(["--innodb-log-file-size=8M"])
        .arg(format!("--datadir={}", half_made.display()))
        .output()
        .map_err(|e| format!("mariadb-install-db: {e}"))?;
    if !done.status.success() {
        return Err(format!("mariadb-install-db: {}", String::from_utf8_lossy(&done.stderr)));
    }
    std::fs::rename(&half_made, &made).map_err(said)?;
    Ok(made)
}

fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    std::fs::create_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}

fn server_command(data: &Path, socket: &Path, log: &Path) -> Command {
    let mut command = Command::new("setpriv");
    command
        .args(["--pdeathsig", "KILL", "mariadbd", "--no-defaults", "--user=root", "--skip-networking"])
        .arg(format!("--datadir={}", data.display()))
        .arg(format!("--socket={}", socket.display()))
        // Its own: a server that starts clears away the temporary tables it finds, also those of another.
        .arg(format!("--tmpdir={}", data.display()))
        .arg(format!("--log-error={}", log.display()))
        .arg(format!("--pid-file={}.pid", socket.display()))
        // Small and quick: what is tested is what it does, not what it survives.
        .args([
            "--innodb-buffer-pool-size=32M",
            "--innodb-log-file-size=8M",
            "--innodb-flush-log-at-trx-commit=0",
        ])
        .args(["--innodb-lock-wait-timeout=10", "--performance-schema=OFF", "--max-connections=200"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
