//! Starting this process anew in its own place: the same process id, arguments and open standard streams, with the program that
//! is on disk by now. So whoever watches over it (systemd, an init script, a demo) sees one process that lives on.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::failure::Failure;

/// How this process was started.
pub(super) struct Program {
    path: Option<PathBuf>,
    arguments: Vec<OsString>,
}

impl Program {
    /// To be asked at the start: later the program's file may have another name.
    pub(super) fn now() -> Self {
        let mut arguments = env::args_os();
        let called = arguments.next().unwrap_or_default();
        Self {
            path: named(Path::new(&called)).or_else(|| env::current_exe().ok()),
            arguments: arguments.collect(),
        }
    }

    /// Starts it; comes back only with a failure.
    pub(super) fn replace(self) -> Failure {
        let Some(path) = self.path else {
            return Failure::new("cannot start anew: it is not known where the program is");
        };
        let error = Command::new(&path).args(self.arguments).exec();
        Failure::new(format!("cannot start {} anew: {error}", path.display()))
    }
}

/// The file that a name on the command line means. Not what a link there leads to: a new version may be put behind it.
fn named(called: &Path) -> Option<PathBuf> {
    if called.components().count() > 1 {
        return env::current_dir().ok().map(|dir| dir.join(called));
    }
    let dirs = env::var_os("PATH")?;
    env::split_paths(&dirs).map(|dir| dir.join(called)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_its_path_or_as_a_shell_finds_it() {
        assert_eq!(named(Path::new("/opt/zebu")), Some(PathBuf::from("/opt/zebu")));
        assert_eq!(named(Path::new("./zebu")), Some(env::current_dir().unwrap().join("./zebu")));
        let shell = named(Path::new("sh")).unwrap();
        assert!(shell.is_absolute() && shell.ends_with("sh"), "{}", shell.display());
        assert_eq!(named(Path::new("no-such-program-of-ours")), None);
    }
}
