//! The file with the keys that routes are signed with: one a line, 64 hexadecimal digits; the first signs, all verify. Empty lines
//! and those that begin with `#` say nothing. Read by `seal`, made and rotated by the operator's command.
//!
//! A key is changed in three steps, so that web tiers that have taken the file up and those that have not believe each other: the new
//! one is added below, put above, and the old one dropped.

use std::path::Path;
use std::sync::Arc;

use zebu_cluster::authority::{read_private, write_private};

use crate::Error;

/// Bytes of a key.
pub const KEY_BYTES: usize = 32;

/// Most keys in a file: one signs, the others are on their way in or out.
const KEYS_MAX: usize = 8;

const HEAD: &str = "# Keys of routes (JSESSIONID), the same on all web tiers. The first signs, all verify. Made by `zebu front key`.\n";

/// The keys of a file, in order.
#[derive(Clone, PartialEq, Eq)]
pub struct RouteKeys(Arc<[[u8; KEY_BYTES]]>);

/// What a rotation has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// There is a new key below; it verifies and does not sign.
    Added,
    /// The new key signs; the ones before verify.
    Turned,
    /// Only the first is left.
    Finished,
}

impl std::fmt::Debug for RouteKeys {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "RouteKeys({})", self.0.len())
    }
}

impl RouteKeys {
    /// These keys, of which there must be one at least.
    pub(crate) fn of(keys: impl IntoIterator<Item = [u8; KEY_BYTES]>) -> Self {
        Self(keys.into_iter().collect())
    }

    /// A random one.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn random() -> Result<Self, Error> {
        Ok(Self::of([random()?]))
    }

    /// Those of a file.
    ///
    /// # Errors
    /// It cannot be read, others than its owner may read it, or something in it is no key.
    pub fn read(file: &Path) -> Result<Self, Error> {
        let bytes = read_private(file).map_err(|error| about(file, error.to_string()))?;
        let text = String::from_utf8_lossy(&bytes);
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let keys: Option<Vec<_>> =
            lines.map(|line| blake3::Hash::from_hex(line).ok().map(|hash| *hash.as_bytes())).collect();
        let keys = keys.filter(|keys| (1..=KEYS_MAX).contains(&keys.len()));
        let bad = || format!("it must have 1 to {KEYS_MAX} lines of 64 hexadecimal digits");
        keys.map(Self::of).ok_or_else(|| about(file, bad()))
    }

    /// Makes a file with a new key.
    ///
    /// # Errors
    /// There is one already, or it cannot be written.
    pub fn create(file: &Path) -> Result<(), Error> {
        if file.exists() {
            return Err(about(file, "it is there already".to_owned()));
        }
        Self::random()?.write(file)
    }

    /// The next step of a rotation: a new key below the only one, or the last one above the others.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn rotate(file: &Path) -> Result<Rotated, Error> {
        let before = Self::read(file)?;
        let mut keys = before.0.to_vec();
        if keys.len() > 1 {
            keys.rotate_right(1);
            Self::of(keys).write(file)?;
            return Ok(Rotated::Turned);
        }
        keys.push(random()?);
        Self::of(keys).write(file)?;
        Ok(Rotated::Added)
    }

    /// Ends a rotation: all but the first are dropped.
    ///
    /// # Errors
    /// The file cannot be read or written.
    pub fn finish(file: &Path) -> Result<Rotated, Error> {
        let keys = Self::read(file)?;
        Self::of(keys.0.first().copied()).write(file)?;
        Ok(Rotated::Finished)
    }

    pub(crate) fn write(&self, file: &Path) -> Result<(), Error> {
        let lines = self.0.iter().map(|key| blake3::Hash::from_bytes(*key).to_hex().to_string() + "\n");
        let text = std::iter::once(HEAD.to_owned()).chain(lines).collect::<String>();
        write_private(file, &text).map_err(|error| about(file, error.to_string()))
    }

    /// The one that signs.
    pub(crate) fn first(&self) -> Option<&[u8; KEY_BYTES]> {
        self.0.first()
    }

    /// All, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &[u8; KEY_BYTES]> {
        self.0.iter()
    }
}

fn random() -> Result<[u8; KEY_BYTES], Error> {
    let mut key = [0; KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| Error::Random(error.to_string()))?;
    Ok(key)
}

fn about(file: &Path, reason: String) -> Error {
    Error::Config(format!("route_key_file {}: {reason}", file.display()))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_file_of_keys_is_private_and_well_formed_or_refused() {
        let directory = tempfile::tempdir().unwrap();
        let check = |mode: u32, text: &str, expected: Option<usize>| {
            let file = directory.path().join("keys");
            let _ = std::fs::remove_file(&file);
            let mut options = std::fs::OpenOptions::new();
            let opened = options.write(true).create_new(true).mode(mode).open(&file);
            opened.unwrap().write_all(text.as_bytes()).unwrap();
            let keys = RouteKeys::read(&file).ok().map(|keys| keys.0.len());
            assert_eq!(keys, expected, "{mode:o} {text}");
        };
        let key = "00".repeat(32);
        check(0o600, &format!("# the new one\n{key}\n\n{key}\n"), Some(2));
        check(0o644, &key, None);
        check(0o600, "", None);
        check(0o600, "abc", None);
        check(0o600, &format!("{key}\n").repeat(9), None);
        assert!(RouteKeys::read(&directory.path().join("none")).is_err());
    }

    #[test]
    fn a_rotation_adds_turns_and_drops_and_the_file_stays_private() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("keys");
        RouteKeys::create(&file).unwrap();
        assert!(RouteKeys::create(&file).unwrap_err().to_string().contains("it is there already"));
        let old = RouteKeys::read(&file).unwrap().0[0];
        assert_eq!(RouteKeys::rotate(&file).unwrap(), Rotated::Added);
        let added = RouteKeys::read(&file).unwrap();
        assert_eq!((added.0.len(), added.0[0]), (2, old), "the old one still signs");
        assert_eq!(RouteKeys::rotate(&file).unwrap(), Rotated::Turned);
        let turned = RouteKeys::read(&file).unwrap();
        assert_eq!((turned.0[0], turned.0[1]), (added.0[1], old));
        assert_eq!(RouteKeys::finish(&file).unwrap(), Rotated::Finished);
        assert_eq!(RouteKeys::read(&file).unwrap(), RouteKeys::of([added.0[1]]));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
