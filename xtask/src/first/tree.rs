//! The files under a folder of this machine, without links: the documents of Debian's packages have loops of them.

use crate::Result;
use std::path::Path;

/// What there is to copy.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Size {
    pub(super) files: u64,
    /// Folders that hold a file somewhere below them; the others are not copied.
    pub(super) folders: u64,
    pub(super) bytes: u64,
}

/// Counts what is there itself.
pub(super) fn measure(folder: &Path) -> Result<Size> {
    let mut size = Size::default();
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        if kind.is_dir() {
            let inner = measure(&entry.path())?;
            size.folders += inner.folders + u64::from(inner.files > 0);
            size.files += inner.files;
            size.bytes += inner.bytes;
        } else if kind.is_file() {
            size.files += 1;
            size.bytes += entry.metadata()?.len();
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_and_empty_folders_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("a/b")).unwrap();
        std::fs::create_dir_all(at("empty/deep")).unwrap();
        std::fs::write(at("a/b/file"), "12345").unwrap();
        std::os::unix::fs::symlink(at("a/b/file"), at("link")).unwrap();
        std::os::unix::fs::symlink(folder.path(), at("a/loop")).unwrap();
        assert_eq!(measure(folder.path()).unwrap(), Size { files: 1, folders: 2, bytes: 5 });
    }
}
