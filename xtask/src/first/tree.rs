//! The files under a folder of this machine, links followed as the copy follows them.

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

/// Counts. A link that leads nowhere is no file.
pub(super) fn measure(folder: &Path) -> Result<Size> {
    let mut size = Size::default();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let Ok(metadata) = std::fs::metadata(&path) else { continue };
        if metadata.is_dir() {
            let inner = measure(&path)?;
            size.folders += inner.folders + u64::from(inner.files > 0);
            size.files += inner.files;
            size.bytes += inner.bytes;
        } else if metadata.is_file() {
            size.files += 1;
            size.bytes += metadata.len();
        }
    }
    Ok(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_and_empty_folders_are_left_out() {
        let folder = tempfile::tempdir().unwrap();
        let at = |path: &str| folder.path().join(path);
        std::fs::create_dir_all(at("a/b")).unwrap();
        std::fs::create_dir_all(at("empty/deep")).unwrap();
        std::fs::write(at("a/b/file"), "12345").unwrap();
        std::os::unix::fs::symlink(at("a/b/file"), at("link")).unwrap();
        std::os::unix::fs::symlink(at("nowhere"), at("dangling")).unwrap();
        assert_eq!(measure(folder.path()).unwrap(), Size { files: 2, folders: 2, bytes: 10 });
    }
}
