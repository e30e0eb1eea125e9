//! A machine that `zebu setup` has been run on: its commands, its init scripts, its configuration, all below one directory.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::running::{Running, outcome, zebu};

/// The daemons by the names of their init scripts.
const DAEMONS: [&str; 2] = ["open-xchange-groupware", "open-xchange-admin"];

/// A machine. What was started on it is stopped when it is dropped.
pub(crate) struct Machine {
    dir: TempDir,
    /// Where its admin daemon is, once it has been started.
    admin: String,
}

impl Machine {
    pub(crate) fn new() -> Machine {
        let machine = Machine { dir: tempfile::tempdir().unwrap(), admin: String::new() };
        let dir = |name: &str| machine.path(name).display().to_string();
        let (prefix, etc, var) = (dir("opt/open-xchange"), dir("etc"), dir("var"));
        let set_up = ["setup", "--prefix", &prefix, "--etc", &etc, "--var", &var];
        let (code, said, errors) = outcome(&mut zebu(set_up));
        assert_eq!((code, errors.as_str()), (0, ""), "{said}");
        machine
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a line of the guide's in a shell, with this machine's directories in place of `/opt`, `/etc` and `/var`.
    pub(crate) fn run(&self, line: &str) -> (i32, String, String) {
        outcome(&mut self.command(line))
    }

    /// Begins a line, which may be watched and cut off; what it says on standard error comes among its lines. The admin
    /// daemon is asked at `admin`.
    pub(crate) fn begin(&self, line: &str, admin: SocketAddr) -> Running {
        // Its process is the shell's, so that a signal reaches it.
        let mut command = self.command(&format!("exec {line} 2>&1"));
        Running::start(command.env("ZEBU_ADMIN_URL", format!("http://{admin}/")))
    }

    /// Where its admin daemon is.
    pub(crate) fn admin(&self) -> SocketAddr {
        self.admin.trim_start_matches("http://").trim_end_matches('/').parse().unwrap()
    }

    fn command(&self, line: &str) -> Command {
        let mut line = line.to_owned();
        for top in ["/opt/open-xchange", "/etc/init.d", "/var/opt"] {
            line = line.replace(top, &self.dir.path().join(&top[1..]).display().to_string());
        }
        let mut command = Command::new("sh");
        command.args(["-c", &line]).env_remove("ADMIN_PASSWORD").env_remove("NEW_USER_PASSWORD");
        command.env_remove("RUST_LOG").env("ZEBU_ADMIN_URL", &self.admin);
        command.stdin(std::process::Stdio::null());
        command
    }

    /// A line that has to work: what it printed, without the last line break.
    pub(crate) fn done(&self, line: &str) -> String {
        let (code, said, errors) = self.run(line);
        assert_eq!((code, errors.as_str()), (0, ""), "{line}\n{said}");
        said.trim_end().to_owned()
    }

    /// A command of the prefix that has to work.
    pub(crate) fn tool(&self, words: &str) -> String {
        self.done(&format!("/opt/open-xchange/sbin/{words}"))
    }

    /// A command that has to fail: its exit code and what it said.
    pub(crate) fn refused(&self, words: &str) -> (i32, String) {
        let (code, said, errors) = self.run(&format!("/opt/open-xchange/sbin/{words}"));
        assert_eq!(said, "", "{words}");
        (code, errors.trim_end().to_owned())
    }

    /// Makes a CA for the cluster, and the files of its node and its admin daemon, where `oxinstaller` looks for them.
    pub(crate) fn certify(&self, cluster: &str) {
        let dir = self.path("opt/open-xchange/etc/cluster").display().to_string();
        for words in
            [&["ca", "create", cluster][..], &["certificate", "OX-1"], &["certificate", "OX-1-admin"]]
        {
            let (code, said, errors) = outcome(zebu(["cluster"]).args(words).args(["--dir", &dir]));
            assert_eq!((code, errors.as_str()), (0, ""), "{said}");
        }
    }

    /// Changes the configuration: free ports, and configdb elsewhere if it is named.
    pub(crate) fn adjust(&self, store: Option<&str>) {
        for file in ["groupware.toml", "admindaemon.toml"] {
            let path = self.path("opt/open-xchange/etc").join(file);
            let text = fs::read_to_string(&path).unwrap();
            let line = |line: &str| match store {
                _ if line.starts_with("listen = ") => "listen = \"127.0.0.1:0\"".to_owned(),
                _ if line.starts_with("certificate = ") => {
                    format!("{line}\nbind = [\"127.0.0.1:0\"]\ndiscovery = \"registry\"")
                }
                Some(store) if line.starts_with("configdb = ") => store.to_owned(),
                _ => line.to_owned(),
            };
            fs::write(&path, text.lines().map(line).collect::<Vec<_>>().join("\n")).unwrap();
        }
    }

    /// Starts the admin daemon by its init script.
    pub(crate) fn start_admin(&mut self) {
        assert_eq!(self.done("/etc/init.d/open-xchange-admin start"), "open-xchange-admin started");
        self.admin = self.logged("open-xchange-admin.log.0", "ready admin ");
    }

    /// Starts the node by its init script; answers where it is.
    pub(crate) fn start_groupware(&self) -> SocketAddr {
        assert_eq!(self.done("/etc/init.d/open-xchange-groupware start"), "open-xchange-groupware started");
        self.logged("open-xchange.log.0", "ready groupware OX-1 http://").parse().unwrap()
    }

    /// The rest of the last line of a log that begins so.
    fn logged(&self, log: &str, start: &str) -> String {
        let text = self.log(log);
        let found = text.lines().rev().find_map(|line| line.strip_prefix(start));
        found.unwrap_or_else(|| panic!("no line {start} in {text}")).to_owned()
    }

    /// A log.
    pub(crate) fn log(&self, name: &str) -> String {
        fs::read_to_string(self.path("var/log/open-xchange").join(name)).unwrap()
    }

    /// The process of a daemon.
    pub(crate) fn pid(&self, daemon: &str) -> String {
        let path = self.path("var/run").join(format!("{daemon}.pid"));
        fs::read_to_string(path).unwrap().trim().to_owned()
    }

    /// A file of its own.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        for daemon in DAEMONS {
            let script = self.path("etc/init.d").join(daemon);
            let _ = Command::new(script).arg("stop").output();
        }
    }
}
