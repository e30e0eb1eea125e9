//! `zebu setup`: makes this binary what the original's guide expects on a machine: its commands below a prefix, and init
//! scripts for the node and the admin daemon. Run again, it brings everything up to date.
//!
//! It writes files and links, starts nothing, and touches no file that it has not made.

use std::fs;
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use crate::cli::Setup;
use crate::failure::{Failure, Result};
use crate::operate;
use crate::say;

const INIT_SCRIPT: &str = include_str!("init_script.sh");
const UNIT: &str = include_str!("unit.service");
/// What every file of ours says of itself, so that no other is overwritten.
const MARK: &str = "Written by `zebu setup`";
/// There as long as systemd runs the machine.
const SYSTEMD: &str = "/run/systemd/system";

/// A daemon to start.
struct Daemon {
    name: &'static str,
    about: &'static str,
    config: &'static str,
    log: &'static str,
}

const DAEMONS: [Daemon; 2] = [
    Daemon {
        name: "open-xchange-groupware",
        about: "Groupware node of Zebu",
        config: "groupware.toml",
        log: "open-xchange.log.0",
    },
    Daemon {
        name: "open-xchange-admin",
        about: "Admin daemon of Zebu",
        config: "admindaemon.toml",
        log: "open-xchange-admin.log.0",
    },
];

/// Installs, a line for everything.
///
/// # Errors
/// Something cannot be written, or is in the way.
pub(crate) fn run(options: &Setup) -> Result<()> {
    let absolute = |path: &Path| {
        std::path::absolute(path).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    };
    let (prefix, etc, var) = (absolute(&options.prefix)?, absolute(&options.etc)?, absolute(&options.var)?);
    let program = std::env::current_exe().and_then(fs::canonicalize);
    let program = program.map_err(|error| Failure::new(format!("cannot find this program: {error}")))?;
    let sbin = prefix.join("sbin");
    folder(&sbin)?;
    folder(&prefix.join("etc"))?;
    let mut count = 0usize;
    for name in operate::names() {
        link(&program, &sbin.join(name))?;
        count = count.saturating_add(1);
    }
    say::line(&format!("{count} commands in {}", sbin.display()));
    let with_systemd = options.systemd || Path::new(SYSTEMD).exists();
    for daemon in &DAEMONS {
        let filled = |template: &str| daemon.filled(template, &program, &prefix, &var);
        file(&etc.join("init.d").join(daemon.name), &filled(INIT_SCRIPT)?, 0o755)?;
        if with_systemd {
            let unit = format!("systemd/system/{}.service", daemon.name);
            file(&etc.join(unit), &filled(UNIT)?, 0o644)?;
        }
    }
    say::line(&format!("next: {}/oxinstaller --help", sbin.display()));
    Ok(())
}

impl Daemon {
    /// A template with this machine's paths.
    fn filled(&self, template: &str, program: &Path, prefix: &Path, var: &Path) -> Result<String> {
        let has_user = fs::read_to_string("/etc/passwd")
            .is_ok_and(|users| users.lines().any(|line| line.starts_with("open-xchange:")));
        let values = [
            ("@NAME@", PathBuf::from(self.name)),
            ("@ABOUT@", PathBuf::from(self.about)),
            ("@ZEBU@", program.to_owned()),
            ("@CONFIG@", prefix.join("etc").join(self.config)),
            ("@LOG@", var.join("log/open-xchange").join(self.log)),
            ("@PIDFILE@", var.join("run").join(format!("{}.pid", self.name))),
            ("@USER@", PathBuf::from(if has_user { "User=open-xchange\n" } else { "" })),
        ];
        let mut text = template.to_owned();
        for (mark, value) in values {
            let value = value.to_str().filter(|v| mark == "@ABOUT@" || mark == "@USER@" || is_plain(v));
            let value = value.ok_or_else(|| {
                Failure::new("paths may have letters, digits and . _ / + - only: they go into scripts")
            })?;
            text = text.replace(mark, value);
        }
        Ok(text)
    }
}

/// Whether a text needs no quotes in a script.
fn is_plain(text: &str) -> bool {
    text.chars().all(|c| c.is_ascii_alphanumeric() || "._/+-".contains(c))
}

fn folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|error| Failure::new(format!("cannot make {}: {error}", path.display())))
}

/// A link to this program, under the name of a command. Only a link is replaced.
fn link(program: &Path, at: &Path) -> Result<()> {
    let failed = |error: io::Error| Failure::new(format!("cannot make {}: {error}", at.display()));
    match fs::symlink_metadata(at) {
        Ok(there) if there.is_symlink() => fs::remove_file(at).map_err(failed)?,
        Ok(_) => return Err(in_the_way(at)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    symlink(program, at).map_err(failed)
}

/// A file of ours. One that is not ours is left alone.
fn file(path: &Path, text: &str, mode: u32) -> Result<()> {
    let failed = |error: io::Error| Failure::new(format!("cannot write {}: {error}", path.display()));
    match fs::read_to_string(path) {
        Ok(there) if there.contains(MARK) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Ok(_) => return Err(in_the_way(path)),
        Err(error) => return Err(failed(error)),
    }
    if let Some(parent) = path.parent() {
        folder(parent)?;
    }
    fs::write(path, text).map_err(failed)?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(failed)?;
    say::line(&path.display().to_string());
    Ok(())
}

fn in_the_way(path: &Path) -> Failure {
    Failure::new(format!("{} is in the way: it is not this program's, so it is left alone", path.display()))
}
