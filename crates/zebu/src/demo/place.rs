//! The directory of a demo: what lies where, and the lock that keeps a second demo out.
//!
//! | below the directory | what |
//! |---|---|
//! | `etc` | configuration of each child, written anew at each of its starts |
//! | `ca` | the CA of its cluster, and the nodes' files |
//! | `db` | configdb and the shards; `complete` once they hold what a new demo has |
//! | `files` | the file store |
//! | `key` | what secrets in the databases are encrypted with |
//! | `log` | what each child logs |
//! | `demo.lock` | locked as long as a demo runs |

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tempfile::TempDir;
use zebu_app::Clock;
use zebu_cluster::authority::{Authority, Error};

use crate::demo::child::Child;
use crate::demo::settings::{Mesh, Role, Settings};
use crate::failure::{Failure, Result};

/// What a path in a file store's URL shows as it is.
const IN_URL: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The cluster of every demo; its CA makes it another than all others.
const CLUSTER: &str = "demo";

/// Bytes of the key of a demo.
const KEY_BYTES: usize = 32;

/// A directory taken for one demo.
pub(super) struct Place {
    root: String,
    zebu: PathBuf,
    temporary: Option<TempDir>,
    _lock: File,
}

impl Place {
    /// Takes a directory, or a new temporary one, and makes what a demo needs in it.
    ///
    /// # Errors
    /// It cannot be written to, its name is not UTF-8, or another demo has it.
    pub(super) fn take(dir: Option<&Path>) -> Result<Self> {
        let zebu = std::env::current_exe()
            .map_err(|error| Failure::new(format!("cannot find this program's own file: {error}")))?;
        let temporary = match dir {
            Some(_) => None,
            None => Some(TempDir::with_prefix("zebu-demo-").map_err(|error| {
                Failure::new(format!(
                    "cannot make a temporary directory ({error}); --dir names another place"
                ))
            })?),
        };
        let dir = temporary.as_ref().map(TempDir::path).or(dir).unwrap_or(Path::new("."));
        let cannot = |error| Failure::new(format!("cannot write to {}: {error}", dir.display()));
        fs::create_dir_all(dir).map_err(cannot)?;
        let root = fs::canonicalize(dir).map_err(cannot)?;
        let lock = File::create(root.join("demo.lock")).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => (),
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::new(format!("another demo is running in {}", root.display())));
            }
            Err(TryLockError::Error(error)) => return Err(cannot(error)),
        }
        for name in ["etc", "db", "files", "log"] {
            fs::create_dir_all(root.join(name)).map_err(cannot)?;
        }
        make_key(&root.join("key")).map_err(cannot)?;
        let root = root
            .into_os_string()
            .into_string()
            .map_err(|root| Failure::new(format!("the name of {} is not UTF-8", root.display())))?;
        Ok(Self { root, zebu, temporary, _lock: lock })
    }

    /// The whole directory, absolute.
    pub(super) fn root(&self) -> &str {
        &self.root
    }

    pub(super) fn configdb(&self) -> String {
        configdb_in(&self.root)
    }

    /// Where its shards lie.
    pub(super) fn shards(&self) -> String {
        format!("sqlite:{}/db", self.root)
    }

    pub(super) fn filestore(&self) -> String {
        format!("file://{}/files", utf8_percent_encode(&self.root, IN_URL))
    }

    /// A node, at any free port, with a new certificate.
    ///
    /// # Errors
    /// The CA of the demo cannot be made or read.
    pub(super) fn node(&self, number: u8) -> Result<Child> {
        let anywhere = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let name = format!("OX-{number}");
        let mesh = self.mesh(&name).map_err(|error| Failure::new(error.to_string()))?;
        Ok(self.child(name, &format!("node{number}"), anywhere, Some(mesh), Role::Groupware))
    }

    fn mesh(&self, node: &str) -> std::result::Result<Mesh, Error> {
        let (dir, now_ms) = (self.path("ca"), Clock::System.now_ms());
        let made = Authority::create(&dir, CLUSTER, now_ms);
        let authority = match made {
            Err(Error::Exists { .. }) => Authority::open(&dir),
            made => made,
        }?;
        let certificate = authority.certify(node, None, None, now_ms)?.path;
        Ok(Mesh { cluster: CLUSTER.to_owned(), certificate })
    }

    /// The web tier in front of nodes, given by route and address.
    pub(super) fn web(&self, listen: SocketAddr, members: Vec<(String, SocketAddr)>) -> Child {
        self.child("web".to_owned(), "web", listen, None, Role::Web { members })
    }

    fn child(&self, name: String, file: &str, listen: SocketAddr, mesh: Option<Mesh>, role: Role) -> Child {
        let log = self.path("log").join(format!("{name}.log"));
        let settings =
            Settings { name, listen, configdb: self.configdb(), key: self.path("key"), mesh, role };
        Child::new(self.zebu.clone(), settings, self.path("etc").join(format!("{file}.toml")), log)
    }

    /// Something directly in it.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        Path::new(&self.root).join(name)
    }

    /// Gives the directory up; a temporary one is removed.
    ///
    /// # Errors
    /// It cannot be removed.
    pub(super) fn leave(self) -> Result<()> {
        match self.temporary {
            Some(temporary) => temporary
                .close()
                .map_err(|error| Failure::new(format!("cannot remove {}: {error}", self.root))),
            None => Ok(()),
        }
    }
}

/// Makes a key that nobody else may read, unless there is one.
fn make_key(path: &Path) -> io::Result<()> {
    if path.exists() {
        return Ok(());
    }
    let mut key = [0u8; KEY_BYTES];
    File::open("/dev/urandom")?.read_exact(&mut key)?;
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?.write_all(&key)
}

/// URL of the configdb of a demo that has been in a directory.
///
/// # Errors
/// There never was one: asking must not make one.
pub(crate) fn configdb_of(dir: &Path) -> Result<String> {
    let none = || Failure::new(format!("there are no data of a demo in {}", dir.display()));
    let root = fs::canonicalize(dir).map_err(|_| none())?;
    let root = root.to_str().ok_or_else(none)?;
    if Path::new(root).join("db/config.db").is_file() { Ok(configdb_in(root)) } else { Err(none()) }
}

fn configdb_in(root: &str) -> String {
    format!("sqlite:{root}/db/config.db")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_is_for_one_demo_at_a_time_and_stays_when_it_was_named() {
        let outer = tempfile::tempdir().unwrap();
        let dir = outer.path().join("a b/c");
        let first = Place::take(Some(&dir)).unwrap();
        assert!(first.filestore().ends_with("/a%20b/c/files"), "{}", first.filestore());
        let second = Place::take(Some(&dir)).map(drop).unwrap_err();
        assert!(second.to_string().starts_with("another demo is running in /"), "{second}");
        first.leave().unwrap();
        assert!(dir.join("files").is_dir());
        Place::take(Some(&dir)).map(drop).unwrap();
    }

    #[test]
    fn a_temporary_directory_goes_with_its_demo() {
        let place = Place::take(None).unwrap();
        let root = PathBuf::from(place.root());
        assert!(root.join("db").is_dir());
        place.leave().unwrap();
        assert!(!root.exists());
    }

    #[test]
    fn a_directory_without_data_has_no_configdb() {
        let dir = tempfile::tempdir().unwrap();
        assert!(configdb_of(dir.path()).is_err());
        assert!(!dir.path().join("db").exists());
    }
}
