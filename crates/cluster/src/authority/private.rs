//! Files with private keys: written whole or not at all, with mode 0600, and refused if others may read them.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::{Error, Result};

/// The mode of a file that holds a private key.
const MODE: u32 = 0o600;
/// What nobody but the owner may have.
const OTHERS: u32 = 0o077;
/// Bytes of such a file, at most: a dozen certificates are 10 KiB.
const BYTES_MAX: u64 = 256 * 1024;

/// Reads a file with a private key.
///
/// # Errors
/// [`Error::Open`] if group or others have any right on it, [`Error::File`] if it cannot be read, [`Error::Content`] if it is
/// longer than such a file can be.
pub fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |cause| Error::File { path: path.to_owned(), cause };
    let file = File::open(path).map_err(failed)?;
    // Of the open file, not of its name: what is checked is what is read.
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & OTHERS != 0 {
        return Err(Error::Open { path: path.to_owned(), mode });
    }
    let mut bytes = Vec::new();
    file.take(BYTES_MAX + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > BYTES_MAX {
        let reason = format!("it is longer than {BYTES_MAX} bytes");
        return Err(Error::Content { path: path.to_owned(), reason });
    }
    Ok(bytes)
}

/// Writes a file with a private key beside its place and puts it there when it is durable: a reader finds the old file or the
/// new one.
///
/// # Errors
/// [`Error::File`].
pub fn write(path: &Path, text: &str) -> Result<()> {
    let failed = |cause| Error::File { path: path.to_owned(), cause };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut new = path.as_os_str().to_owned();
    new.push(".new");
    // A file that an earlier attempt left may have another mode.
    if let Err(cause) = fs::remove_file(&new)
        && cause.kind() != std::io::ErrorKind::NotFound
    {
        return Err(failed(cause));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&new).map_err(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)?;
    fs::rename(&new, path).map_err(failed)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_that_others_may_read_is_refused_and_the_error_says_what_to_do() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("OX-1.pem");
        write(&path, "secret").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        assert_eq!(read(&path).unwrap(), b"secret");
        for mode in [0o640, 0o604, 0o620, 0o601] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains("chmod 600") && error.contains(&format!("{mode:04o}")), "{error}");
        }
    }

    #[test]
    fn writing_replaces_whole_files_whatever_an_earlier_attempt_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("authority.pem");
        fs::write(dir.path().join("authority.pem.new"), "half").unwrap();
        write(&path, "first, and longer").unwrap();
        write(&path, "second").unwrap();
        assert_eq!(read(&path).unwrap(), b"second");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_that_was_not_meant_is_not_read_whole() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big.pem");
        write(&path, &"x".repeat(BYTES_MAX as usize + 1)).unwrap();
        assert!(read(&path).unwrap_err().to_string().contains("longer than 262144 bytes"));
    }
}
