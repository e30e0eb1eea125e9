//! The folder of `[web.tls.acme]`: what is kept, and what web tiers behind one name tell each other.
//!
//! | file | content |
//! |---|---|
//! | `account-….json` | the account's key, one file for each directory |
//! | `certificate.pem` | the certificate, its chain and its key |
//! | `challenges/TOKEN` | the answer to the server's question, while an order is under way |
//! | `lock` | who orders (`claim`) |
//!
//! All blocks; called from threads that may wait for a disk.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair};
use zebu_cluster::authority::write_private;

use super::claim;
use crate::tls::CertificateConfig;
use crate::tls::certificate::Certificate;

/// Bytes of an answer, at most: token, dot and the digest of a key.
const ANSWER_BYTES_MAX: u64 = 512;
/// Letters of a token, at most; servers use 22 to 43.
const TOKEN_MAX: usize = 128;

/// The folder.
#[derive(Debug, Clone)]
pub(super) struct Folder(PathBuf);

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.to_owned())
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    pub(super) fn certificate(&self) -> PathBuf {
        self.0.join("certificate.pem")
    }

    /// The file of the account at a directory: one that is gone back to is known again.
    pub(super) fn account(&self, directory: &str) -> PathBuf {
        let digest = blake3::hash(directory.as_bytes()).to_hex();
        self.0.join(format!("account-{}.json", digest.get(..16).unwrap_or_default()))
    }

    /// Makes it, and in it a self-signed placeholder if there is no certificate yet. Whether what is there is a placeholder.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(super) fn prepare(&self, names: &[String]) -> Result<bool, String> {
        let challenges = self.challenges();
        let made = DirBuilder::new().recursive(true).mode(0o700).create(&challenges);
        made.map_err(|error| format!("{}: {error}", challenges.display()))?;
        // Of several web tiers that start at once, one makes it.
        claim::exclusively(&self.0, |_| match self.certificate().exists() {
            true => Ok(()),
            false => {
                write_private(&self.certificate(), &placeholder(names)?).map_err(|error| error.to_string())
            }
        })?;
        self.read().map(|certificate| certificate.self_signed)
    }

    /// The certificate as it is now.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(super) fn read(&self) -> Result<Certificate, String> {
        read_both(&self.certificate())
    }

    /// Puts a new certificate in the place of the one that is there, if it is good.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it, or names the file.
    pub(super) fn install(&self, names: &[String], chain: &str, key: &str) -> Result<(), String> {
        let new = self.0.join("ordered.pem");
        write_private(&new, &format!("{}\n{key}", chain.trim_end())).map_err(|error| error.to_string())?;
        let certificate = read_both(&new)?;
        if let Some(missing) = names.iter().find(|name| !certificate.names.contains(name)) {
            return Err(format!("the server's certificate is not for {missing}"));
        }
        fs::rename(&new, self.certificate()).map_err(|error| format!("{}: {error}", new.display()))
    }

    /// Has the answer for a token ready.
    ///
    /// # Errors
    /// A sentence that says what is wrong with the token, or names the file.
    pub(super) fn put_answer(&self, token: &str, answer: &str) -> Result<(), String> {
        if !is_token(token) {
            return Err("the server's token is none that RFC 8555 allows".to_owned());
        }
        write_private(&self.challenges().join(token), answer).map_err(|error| error.to_string())
    }

    /// The answer for a token, if it is one of an order under way.
    pub(super) fn find_answer(&self, token: &str) -> Option<String> {
        let file = File::open(self.challenges().join(token)).ok()?;
        let mut answer = String::new();
        file.take(ANSWER_BYTES_MAX).read_to_string(&mut answer).ok()?;
        Some(answer)
    }

    /// Forgets all answers.
    ///
    /// # Errors
    /// The folder cannot be read, or a file not be removed.
    pub(super) fn forget_answers(&self) -> io::Result<()> {
        for entry in fs::read_dir(self.challenges())? {
            fs::remove_file(entry?.path())?;
        }
        Ok(())
    }

    fn challenges(&self) -> PathBuf {
        self.0.join("challenges")
    }
}

/// Whether it can be a token (RFC 8555 §8.3): letters of base64url, so never a path.
pub(super) fn is_token(token: &str) -> bool {
    let letters = token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    letters && (1..=TOKEN_MAX).contains(&token.len())
}

fn read_both(file: &Path) -> Result<Certificate, String> {
    Certificate::read(&CertificateConfig { certificate: file.to_owned(), key: file.to_owned() })
}

/// A certificate that nobody trusts, with its key: the listener for TLS works before there is another.
fn placeholder(names: &[String]) -> Result<String, String> {
    let failed = |error: rcgen::Error| format!("no placeholder can be made: {error}");
    let mut params = CertificateParams::new(names.to_vec()).map_err(failed)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "placeholder of the web tier");
    let key = KeyPair::generate().map_err(failed)?;
    let made = params.self_signed(&key).map_err(failed)?;
    Ok(format!("{}{}", made.pem(), key.serialize_pem()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_placeholder_is_made_once_and_only_the_owner_may_look() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(&dir.path().join("acme"));
        let names = ["a.example".to_owned(), "b.example".to_owned()];
        assert!(folder.prepare(&names).unwrap());
        assert_eq!(folder.read().unwrap().names, names);
        let first = fs::read(folder.certificate()).unwrap();
        assert!(folder.prepare(&["c.example".to_owned()]).unwrap());
        assert_eq!(fs::read(folder.certificate()).unwrap(), first);
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(folder.path()), mode(&folder.certificate())), (0o700, 0o600));
    }

    #[test]
    fn only_tokens_that_were_put_have_an_answer() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        folder.prepare(&["a.example".to_owned()]).unwrap();
        folder.put_answer("tok-_1", "tok-_1.digest").unwrap();
        assert_eq!(folder.find_answer("tok-_1").unwrap(), "tok-_1.digest");
        assert_eq!(folder.find_answer("other"), None);
        folder.forget_answers().unwrap();
        assert_eq!(folder.find_answer("tok-_1"), None);
        for bad in ["", ".", "..", "../certificate.pem", "a/b", "a%2Fb", "a.b", &"a".repeat(129)] {
            assert!(!is_token(bad) && folder.put_answer(bad, "x").is_err(), "{bad}");
        }
    }

    #[test]
    fn a_certificate_for_other_names_is_not_put_in_place() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path());
        let names = ["a.example".to_owned()];
        folder.prepare(&names).unwrap();
        let before = fs::read(folder.certificate()).unwrap();
        let other = placeholder(&["b.example".to_owned()]).unwrap();
        let error = folder.install(&names, &other, "").unwrap_err();
        assert!(error.contains("not for a.example"), "{error}");
        assert_eq!(fs::read(folder.certificate()).unwrap(), before);
        folder.install(&names, &placeholder(&names).unwrap(), "").unwrap();
        assert_ne!(fs::read(folder.certificate()).unwrap(), before);
    }
}
