//! The passwords of databases, as configdb keeps them: sealed with a key that only the nodes' configuration has.
//!
//! XChaCha20-Poly1305 (RFC 8439 with the 192-bit nonce of draft-irtf-cfrg-xchacha), a random nonce each time, bound to the name of
//! the database it is for: a row copied to another name does not open.

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};

use crate::config::Config;
use crate::error::{Error, Result};

/// What every sealed text begins with, so that another way can be told from this one.
const MARK: &str = "x1:";
const NONCE_BYTES: usize = 24;
/// Bytes a key file must have at least: as many as the key.
const KEY_FILE_BYTES_MIN: usize = 32;
/// What the key is for, so that no other use of the same secret gives the same key.
const PURPOSE: &str = "zebu 2026 passwords of databases in configdb";

/// Seals and opens. Without a secret in the configuration it does neither, and says what is missing.
pub(crate) struct Vault {
    cipher: Option<XChaCha20Poly1305>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// The vault of a configuration.
    pub(crate) fn new(config: &Config, configdb_password: Option<&str>) -> Result<Vault> {
        let path = &config.key_file;
        let secret = match path.as_os_str().is_empty() {
            false => {
                let cannot = |reason: String| Error::Secret {
                    reason: format!("key_file {}: {reason}", path.display()),
                };
                let bytes = std::fs::read(path).map_err(|e| cannot(e.to_string()))?;
                if bytes.len() < KEY_FILE_BYTES_MIN {
                    let reason = format!("{} bytes are too few, it needs {KEY_FILE_BYTES_MIN}", bytes.len());
                    return Err(cannot(reason));
                }
                Some(bytes)
            }
            true => configdb_password.filter(|p| !p.is_empty()).map(|p| p.as_bytes().to_vec()),
        };
        let cipher = secret.map(|s| XChaCha20Poly1305::new(&Key::from(blake3::derive_key(PURPOSE, &s))));
        Ok(Vault { cipher })
    }

    /// Whether there is a key.
    pub(crate) fn can_seal(&self) -> bool {
        self.cipher.is_some()
    }

    fn cipher(&self) -> Result<&XChaCha20Poly1305> {
        self.cipher.as_ref().ok_or_else(|| Error::Secret {
            reason: "neither key_file nor a password of configdb is configured to encrypt it with".to_owned(),
        })
    }

    /// Seals a password for the database `name`. An empty one stays empty: there is nothing to hide.
    pub(crate) fn seal(&self, name: &str, password: &str) -> Result<String> {
        if password.is_empty() {
            return Ok(String::new());
        }
        let failed = |reason: String| Error::Secret { reason };
        let mut nonce = [0u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(|e| failed(format!("no randomness: {e}")))?;
        let payload = Payload { msg: password.as_bytes(), aad: name.as_bytes() };
        let sealed = self.cipher()?.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| failed(format!("the password of {name} cannot be encrypted")))?;
        Ok(format!("{MARK}{}", STANDARD_NO_PAD.encode([nonce.as_slice(), &sealed].concat())))
    }

    /// Opens what [`Vault::seal`] made for the same name.
    pub(crate) fn open(&self, name: &str, sealed: &str) -> Result<String> {
        if sealed.is_empty() {
            return Ok(String::new());
        }
        let failed = || Error::Secret {
            reason: format!(
                "the password of database {name} was encrypted with another key than this node's"
            ),
        };
        let bytes = sealed.strip_prefix(MARK).and_then(|text| STANDARD_NO_PAD.decode(text).ok());
        let bytes = bytes.ok_or_else(failed)?;
        let (nonce, text) = bytes.split_at_checked(NONCE_BYTES).ok_or_else(failed)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().map_err(|_| failed())?;
        let payload = Payload { msg: text, aad: name.as_bytes() };
        let opened = self.cipher()?.decrypt(&XNonce::from(nonce), payload).map_err(|_| failed())?;
        String::from_utf8(opened).map_err(|_| failed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn vault(password: &str) -> Vault {
        Vault::new(&Config::new("mysql://db/config"), Some(password)).unwrap()
    }

    #[test]
    fn a_password_comes_back_with_the_same_key_and_name_only() {
        let sealed = vault("key").seal("oxdatabase", "secret").unwrap();
        assert!(!sealed.contains("secret"), "{sealed}");
        assert_eq!(vault("key").open("oxdatabase", &sealed).unwrap(), "secret");
        assert!(vault("key").open("another", &sealed).is_err());
        assert!(vault("other").open("oxdatabase", &sealed).is_err());
        assert_ne!(sealed, vault("key").seal("oxdatabase", "secret").unwrap());
    }

    #[test]
    fn without_a_secret_nothing_is_kept_in_clear() {
        let refused = vault("").seal("oxdatabase", "secret").unwrap_err().to_string();
        assert!(refused.contains("key_file"), "{refused}");
        assert_eq!(vault("").seal("oxdatabase", "").unwrap(), "");
    }

    #[test]
    fn a_key_file_overrules_the_password_and_must_be_long_enough() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        std::fs::write(&path, [7u8; 32]).unwrap();
        let config = Config { key_file: path.clone(), ..Config::new("mysql://db/config") };
        let sealed = Vault::new(&config, Some("a")).unwrap().seal("x", "secret").unwrap();
        assert_eq!(Vault::new(&config, Some("b")).unwrap().open("x", &sealed).unwrap(), "secret");
        std::fs::write(&path, [7u8; 31]).unwrap();
        let refused = Vault::new(&config, None).unwrap_err().to_string();
        assert!(refused.contains("31 bytes are too few"), "{refused}");
    }
}
