//! The CA of a cluster as the operator has it: one file in one directory, and beside it the files made for nodes.
//!
//! A rotation is one pass over the nodes, in any order and at any pace: the new CA's key is also signed by the previous CA
//! (the bridge), and a node's file carries that along. So a node with a new file is believed by those with old ones, and the
//! other way round, because the new files trust both. [`Authority::finish`] ends the trust in the previous CA.

use std::fs;
use std::path::{Path, PathBuf};

use super::certificate::Certificate;
use super::identity::Identity;
use super::names::Name;
use super::pem::{BEACON_KEY, BRIDGE, CERTIFICATE, PREVIOUS, PRIVATE_KEY, TRUSTED, all, one, push, read};
use super::{CA_DAYS, Error, NODE_DAYS, Result, issue, private};

/// The authority's file in its directory.
pub const FILE: &str = "authority.pem";
/// Bytes of the key that beacons are authenticated with.
pub(super) const BEACON_KEY_BYTES: usize = 32;
const DAYS_MAX: u32 = 36_500;
const FINISHED: &str = "no rotation is under way: zebu cluster ca rotate begins one";
const UNFINISHED: &str = "the last rotation is not finished: give every node a new certificate, \
    then zebu cluster ca rotate --finish";

/// A cluster's CA, read from its file.
#[derive(Debug)]
pub struct Authority {
    dir: PathBuf,
    cluster: Name,
    certificate: Certificate,
    key: Vec<u8>,
    /// Bridge and CA of before, while a rotation is under way.
    previous: Option<(Vec<u8>, Certificate)>,
    /// The current one first.
    beacon_keys: Vec<Vec<u8>>,
}

/// A node's file that lies beside the authority's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeFile {
    /// Where.
    pub path: PathBuf,
    /// The node's certificate, or why it cannot be read.
    pub certificate: std::result::Result<Certificate, String>,
    /// True if it was made since the last rotation (and, once that is finished, since then): the node needs no new one.
    pub current: bool,
}

impl Authority {
    /// Makes the CA of a cluster in a directory, which is made too.
    ///
    /// # Errors
    /// [`Error::Exists`] if there is one: another would lock out every node.
    pub fn create(dir: &Path, cluster: &str, now_ms: i64) -> Result<Self> {
        let cluster = Name::new("cluster", cluster)?;
        let path = dir.join(FILE);
        if path.exists() {
            return Err(Error::Exists { path });
        }
        fs::create_dir_all(dir).map_err(|cause| Error::File { path: dir.to_owned(), cause })?;
        let key = issue::key()?;
        let until = issue::until(now_ms, CA_DAYS);
        let certificate = issue::root(&cluster, &serial()?, &key, now_ms, until)?;
        let authority = Self {
            dir: dir.to_owned(),
            certificate: Certificate::read(&certificate).map_err(Error::Make)?,
            cluster,
            key: key.serialized_der().to_vec(),
            previous: None,
            beacon_keys: vec![random(BEACON_KEY_BYTES)?],
        };
        authority.save()?;
        Ok(authority)
    }

    /// Reads the CA of a directory.
    ///
    /// # Errors
    /// There is none, others may read it, or it is damaged.
    pub fn open(dir: &Path) -> Result<Self> {
        let path = dir.join(FILE);
        let text = private::read(&path)?;
        let damaged = |reason: String| Error::Content { path: path.clone(), reason };
        let blocks = read(&text).map_err(damaged)?;
        let certificate = one(&blocks, CERTIFICATE).and_then(Certificate::read).map_err(damaged)?;
        let cluster = certificate.subject.rsplit("of cluster ").next().unwrap_or_default();
        let cluster = Name::new("cluster", cluster)?;
        let previous = match (all(&blocks, BRIDGE).next(), all(&blocks, PREVIOUS).next()) {
            (Some(bridge), Some(previous)) => {
                Some((bridge.to_vec(), Certificate::read(previous).map_err(damaged)?))
            }
            _ => None,
        };
        let beacon_keys: Vec<Vec<u8>> = all(&blocks, BEACON_KEY).map(<[u8]>::to_vec).collect();
        one(&blocks, BEACON_KEY).map_err(damaged)?;
        let key = one(&blocks, PRIVATE_KEY).map_err(damaged)?.to_vec();
        issue::key_from(&key)?;
        Ok(Self { dir: dir.to_owned(), cluster, certificate, key, previous, beacon_keys })
    }

    /// The cluster it is for.
    #[must_use]
    pub fn cluster(&self) -> &Name {
        &self.cluster
    }

    /// Its own certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The CA of before, while a rotation is under way.
    #[must_use]
    pub fn previous(&self) -> Option<&Certificate> {
        self.previous.as_ref().map(|(_, certificate)| certificate)
    }

    /// A longer life for the same key: nodes that have not heard of it go on trusting it.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn renew(&mut self, now_ms: i64) -> Result<()> {
        let key = issue::key_from(&self.key)?;
        let until = issue::until(now_ms, CA_DAYS);
        let serial = serial_of(&self.certificate);
        let certificate = issue::root(&self.cluster, &serial, &key, now_ms, until)?;
        self.certificate = Certificate::read(&certificate).map_err(Error::Make)?;
        self.save()
    }

    /// A new key. From now on new node files are signed by it and trust the previous one too.
    ///
    /// # Errors
    /// [`Error::Rotation`] if the last rotation is not finished: nodes would not all trust the CA of before.
    pub fn rotate(&mut self, now_ms: i64) -> Result<()> {
        if self.previous.is_some() {
            return Err(Error::Rotation(UNFINISHED));
        }
        let (key, serial) = (issue::key()?, serial()?);
        let until = issue::until(now_ms, CA_DAYS);
        let certificate = issue::root(&self.cluster, &serial, &key, now_ms, until)?;
        let previous_key = issue::key_from(&self.key)?;
        let life = (now_ms, until.min(self.certificate.until_ms));
        let bridge =
            issue::bridge(&self.cluster, &serial, &key, (&self.certificate.der, previous_key), life)?;
        let previous =
            std::mem::replace(&mut self.certificate, Certificate::read(&certificate).map_err(Error::Make)?);
        self.previous = Some((bridge, previous));
        self.key = key.serialized_der().to_vec();
        self.beacon_keys.insert(0, random(BEACON_KEY_BYTES)?);
        self.save()
    }

    /// Ends a rotation: node files made from now on no longer trust the previous CA.
    ///
    /// # Errors
    /// [`Error::Rotation`] if none is under way.
    pub fn finish(&mut self) -> Result<()> {
        if self.previous.take().is_none() {
            return Err(Error::Rotation(FINISHED));
        }
        self.beacon_keys.truncate(1);
        self.save()
    }

    /// Makes the file of a node, a new key in it, over the one it had. Beside the authority's, unless `out` says where.
    ///
    /// # Errors
    /// A name that cannot be, the CA ran out, or the file cannot be written.
    pub fn certify(
        &self,
        node: &str,
        days: Option<u32>,
        out: Option<&Path>,
        now_ms: i64,
    ) -> Result<NodeFile> {
        let node = Name::new("node", node)?;
        let days = days.unwrap_or(NODE_DAYS);
        if !(1..=DAYS_MAX).contains(&days) {
            return Err(Error::Days(days));
        }
        if self.certificate.until_ms <= now_ms {
            return Err(Error::Expired);
        }
        let life = (now_ms, issue::until(now_ms, days).min(self.certificate.until_ms));
        let key = issue::key()?;
        let issuer = (self.certificate.der.as_slice(), issue::key_from(&self.key)?);
        let certificate = issue::node((&self.cluster, &node), &key, issuer, life)?;
        let path = out.map_or_else(|| self.dir.join(format!("{node}.pem")), Path::to_owned);
        private::write(&path, &self.node_text(&node, &certificate, key.serialized_der()))?;
        Ok(NodeFile { path, certificate: Certificate::read(&certificate), current: true })
    }

    fn node_text(&self, node: &Name, certificate: &[u8], key: &[u8]) -> String {
        let mut text = format!(
            "# What node {node} of cluster {} proves itself with. Private: mode 0600, on that node only.\n",
            self.cluster
        );
        push(&mut text, CERTIFICATE, certificate);
        push(&mut text, PRIVATE_KEY, key);
        push(&mut text, TRUSTED, &self.certificate.der);
        if let Some((bridge, previous)) = &self.previous {
            push(&mut text, BRIDGE, bridge);
            push(&mut text, TRUSTED, &previous.der);
        }
        self.beacon_keys.iter().for_each(|key| push(&mut text, BEACON_KEY, key));
        text
    }

    /// The node files beside the authority's, in the order of their names.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn node_files(&self) -> Result<Vec<NodeFile>> {
        let failed = |cause| Error::File { path: self.dir.clone(), cause };
        let entries: Vec<fs::DirEntry> =
            fs::read_dir(&self.dir).map_err(failed)?.collect::<std::io::Result<_>>().map_err(failed)?;
        let mut paths: Vec<PathBuf> = entries.into_iter().map(|entry| entry.path()).collect();
        paths.retain(|path| {
            path.extension().is_some_and(|end| end == "pem")
                && path.file_name().is_some_and(|name| name != FILE)
        });
        paths.sort();
        Ok(paths.into_iter().map(|path| self.node_file(path)).collect())
    }

    fn node_file(&self, path: PathBuf) -> NodeFile {
        let found = Identity::read(&path);
        // A file that trusts just what a new one would has been made since the last change of the CA.
        let trusted: Vec<&[u8]> = [Some(&self.certificate), self.previous()]
            .into_iter()
            .flatten()
            .map(|c| c.der.as_slice())
            .collect();
        let current = found.as_ref().is_ok_and(|identity| {
            identity.trusted().iter().map(|c| c.der.as_slice()).eq(trusted)
                && identity.cluster() == &self.cluster
        });
        let certificate =
            found.map(|identity| identity.certificate().clone()).map_err(|error| error.to_string());
        NodeFile { path, certificate, current }
    }

    fn save(&self) -> Result<()> {
        let mut text = format!(
            "# The CA of cluster {}. Private: whoever has it can add nodes. Keep a copy off this machine.\n",
            self.cluster
        );
        push(&mut text, CERTIFICATE, &self.certificate.der);
        push(&mut text, PRIVATE_KEY, &self.key);
        self.beacon_keys.iter().for_each(|key| push(&mut text, BEACON_KEY, key));
        if let Some((bridge, previous)) = &self.previous {
            push(&mut text, BRIDGE, bridge);
            push(&mut text, PREVIOUS, &previous.der);
        }
        private::write(&self.dir.join(FILE), &text)
    }
}

fn random(bytes: usize) -> Result<Vec<u8>> {
    let mut random = vec![0; bytes];
    getrandom::fill(&mut random).map_err(|error| Error::Make(error.to_string()))?;
    Ok(random)
}

/// Eight hexadecimal digits that tell one CA of a cluster from the next.
fn serial() -> Result<String> {
    Ok(random(4)?.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn serial_of(certificate: &Certificate) -> String {
    let (_, serial) = certificate.subject.split_once("CN=CA ").unwrap_or_default();
    serial.split(' ').next().unwrap_or_default().to_owned()
}
