//! The empty data directory that every server begins as a copy of: making one takes seconds, and most runners give each
//! test a process. Kept among what is built; the first to come makes it, the others wait for that.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the template is; made now if it is not there.
pub(crate) fn template() -> Result<PathBuf, String> {
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

/// Copies a folder with everything in it.
pub(crate) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
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
