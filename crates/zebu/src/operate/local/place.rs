//! Where the commands' own files are, and how they are written: by whoever installs, for the daemons to read, for
//! nobody else, because there are passwords in them.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

/// Where the original lives, and so the links of `zebu setup`.
pub(crate) const PREFIX: &str = "/opt/open-xchange";
/// The group that the daemons' user is in.
pub(crate) const GROUP: &str = "open-xchange";

/// The prefix that a command was called below (`PREFIX/sbin/command`), else the original's.
pub(super) fn prefix() -> PathBuf {
    let called = std::env::args_os().next().map(PathBuf::from);
    let sbin = called.as_deref().and_then(Path::parent).filter(|folder| folder.ends_with("sbin"));
    sbin.and_then(Path::parent)
        .filter(|prefix| prefix.is_absolute())
        .map_or_else(|| PREFIX.into(), Path::to_owned)
}

/// Whether this process may do everything on this machine.
pub(super) fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Writes a file that the daemons may read and nobody else. What was there before is kept beside it, under `.old`.
pub(super) fn write(path: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = |end: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        PathBuf::from(name)
    };
    let new = beside(".new");
    let _ = fs::remove_file(&new);
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o640).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    if let Some(group) = group_id(GROUP)
        && is_root()
    {
        chown(&new, None, Some(group))?;
    }
    if fs::read_to_string(path).is_ok_and(|before| before != text) {
        fs::rename(path, beside(".old"))?;
    }
    fs::rename(new, path)
}

/// The number of a group on this machine.
fn group_id(name: &str) -> Option<u32> {
    let groups = fs::read_to_string("/etc/group").ok()?;
    let line = groups.lines().find(|line| line.split(':').next() == Some(name))?;
    line.split(':').nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_was_there_is_kept_beside_and_strangers_read_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("etc/a.toml");
        write(&path, "first\n").unwrap();
        write(&path, "first\n").unwrap();
        assert!(!folder.path().join("etc/a.toml.old").exists());
        write(&path, "second\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "second\n");
        assert_eq!(fs::read_to_string(folder.path().join("etc/a.toml.old")).unwrap(), "first\n");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::read_dir(folder.path().join("etc")).unwrap().count(), 2);
    }
}
