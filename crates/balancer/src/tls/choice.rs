//! Which certificate a client gets, and taking up new ones while the server runs.
//!
//! rustls asks [`Choice`] in each handshake; `watch` has it look at the files. A file that cannot be used leaves what was
//! read before in its place.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;

use super::CertificateConfig;
use super::certificate::{Certificate, CertificateStatus, Stamp, stamp};
use crate::{Clock, Error};

/// What is left of a certificate when the log begins to warn, milliseconds: a week.
const WARN_MS: i64 = 7 * 24 * 3_600_000;

/// All certificates.
pub(crate) struct Choice {
    clock: Clock,
    pairs: Mutex<Vec<Pair>>,
    table: RwLock<Table>,
}

/// One certificate of the configuration.
#[derive(Debug)]
struct Pair {
    config: CertificateConfig,
    stamp: Stamp,
    current: Certificate,
    error: Option<String>,
}

#[derive(Debug, Default)]
struct Table {
    by_name: HashMap<String, Arc<CertifiedKey>>,
    first: Option<Arc<CertifiedKey>>,
}

impl Choice {
    /// Reads all.
    ///
    /// # Errors
    /// [`Error::Tls`] naming the first file that cannot be used.
    pub(super) fn read(configs: &[CertificateConfig], clock: Clock) -> Result<Self, Error> {
        let pairs = configs.iter().map(|config| Pair::read(config).map_err(Error::Tls));
        let pairs: Vec<Pair> = pairs.collect::<Result<_, _>>()?;
        let choice = Self { clock, table: RwLock::new(Table::of(&pairs)), pairs: Mutex::new(pairs) };
        choice.say_what_ends();
        Ok(choice)
    }

    /// Takes up files that have changed, or all of them. Each that cannot be used is said once.
    pub(crate) fn look(&self, all: bool) {
        let mut pairs = self.pairs();
        let mut changed = false;
        for pair in pairs.iter_mut() {
            changed |= pair.look(all);
        }
        if changed {
            *self.table.write().unwrap_or_else(PoisonError::into_inner) = Table::of(&pairs);
        }
        drop(pairs);
        if changed {
            self.say_what_ends();
        }
    }

    /// Goes over to another list of certificates, all read anew. One that was there before and cannot be read now is kept.
    ///
    /// # Errors
    /// [`Error::Tls`] naming the first new one that cannot be used; then nothing has changed.
    pub(crate) fn replace(&self, configs: &[CertificateConfig]) -> Result<(), Error> {
        let mut pairs = self.pairs();
        let mut new = Vec::new();
        for config in configs {
            match (Pair::read(config), pairs.iter().position(|pair| pair.config == *config)) {
                (Ok(pair), _) => new.push(pair),
                (Err(_), Some(index)) => {
                    let mut kept = pairs.remove(index);
                    kept.look(true);
                    new.push(kept);
                }
                (Err(reason), None) => return Err(Error::Tls(reason)),
            }
        }
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Table::of(&new);
        *pairs = new;
        Ok(())
    }

    /// Says of a certificate's file what is wrong with having a new one, until a new one is taken up.
    pub(crate) fn complain(&self, file: &Path, reason: &str) {
        let mut pairs = self.pairs();
        let own = pairs.iter_mut().filter(|pair| pair.config.certificate == file);
        own.for_each(|pair| pair.error = Some(reason.to_owned()));
    }

    /// As shown to operators, in the order of the configuration.
    pub(crate) fn status(&self) -> Vec<CertificateStatus> {
        self.pairs().iter().map(Pair::status).collect()
    }

    fn pairs(&self) -> MutexGuard<'_, Vec<Pair>> {
        self.pairs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn say_what_ends(&self) {
        let now = (self.clock)();
        for pair in self.pairs().iter() {
            let left = pair.current.until_ms.saturating_sub(now);
            let file = pair.config.certificate.display();
            if left <= 0 {
                tracing::error!(%file, "the certificate has ended: clients refuse it");
            } else if left < WARN_MS {
                tracing::warn!(%file, hours = left / 3_600_000, "the certificate ends soon");
            }
        }
    }

    fn find(&self, name: Option<&str>) -> Option<Arc<CertifiedKey>> {
        let table = self.table.read().unwrap_or_else(PoisonError::into_inner);
        let named = name.and_then(|name| {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            let above = || name.split_once('.').map(|(_, above)| format!("*.{above}"));
            table.by_name.get(&name).or_else(|| table.by_name.get(&above()?))
        });
        named.or(table.first.as_ref()).cloned()
    }
}

impl Pair {
    fn read(config: &CertificateConfig) -> Result<Self, String> {
        // Before the content: what changes in between is noticed at the next look.
        let stamp = stamp(config);
        Certificate::read(config).map(|current| Self { config: config.clone(), stamp, current, error: None })
    }

    /// Whether there is something new to show.
    fn look(&mut self, always: bool) -> bool {
        let now = stamp(&self.config);
        if now == self.stamp && !always {
            return false;
        }
        self.stamp = now;
        let file = self.config.certificate.display();
        match Certificate::read(&self.config) {
            Ok(certificate) => {
                let names = certificate.names.join(", ");
                tracing::info!(%file, names, "a certificate was taken up");
                (self.current, self.error) = (certificate, None);
                true
            }
            Err(reason) => {
                tracing::error!(%file, reason, "a certificate cannot be taken up; the one before is used on");
                self.error = Some(reason);
                false
            }
        }
    }

    fn status(&self) -> CertificateStatus {
        CertificateStatus {
            file: self.config.certificate.display().to_string(),
            names: self.current.names.clone(),
            until: self.current.until_ms,
            error: self.error.clone(),
        }
    }
}

impl Table {
    fn of(pairs: &[Pair]) -> Self {
        let mut by_name = HashMap::new();
        for pair in pairs {
            for name in &pair.current.names {
                // Of two certificates for one name the first in the list counts.
                by_name.entry(name.clone()).or_insert_with(|| pair.current.key.clone());
            }
        }
        Self { by_name, first: pairs.first().map(|pair| pair.current.key.clone()) }
    }
}

impl ResolvesServerCert for Choice {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.find(hello.server_name())
    }
}

impl std::fmt::Debug for Choice {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Choice").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn write(dir: &Path, file: &str, names: &[&str]) -> CertificateConfig {
        let names: Vec<String> = names.iter().map(ToString::to_string).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let config = CertificateConfig {
            certificate: dir.join(format!("{file}.pem")),
            key: dir.join(format!("{file}.key")),
        };
        fs::write(&config.certificate, made.cert.pem()).unwrap();
        fs::write(&config.key, made.signing_key.serialize_pem()).unwrap();
        fs::set_permissions(&config.key, fs::Permissions::from_mode(0o600)).unwrap();
        config
    }

    fn choice(configs: &[CertificateConfig]) -> Choice {
        Choice::read(configs, Arc::new(|| 0)).unwrap()
    }

    #[test]
    fn the_name_decides_and_the_first_is_for_everybody_else() {
        let dir = tempfile::tempdir().unwrap();
        let one = write(dir.path(), "one", &["one.example", "shared.example"]);
        let many = write(dir.path(), "many", &["*.many.example", "shared.example"]);
        let choice = choice(&[one, many]);
        let [one, many] = [0, 1].map(|index| choice.pairs()[index].current.key.clone());
        let check = |name: Option<&str>, expected: &Arc<CertifiedKey>| {
            assert!(Arc::ptr_eq(&choice.find(name).unwrap(), expected), "{name:?}");
        };
        check(Some("one.example"), &one);
        check(Some("ONE.Example."), &one);
        check(Some("a.many.example"), &many);
        check(Some("a.b.many.example"), &one);
        check(Some("many.example"), &one);
        check(Some("shared.example"), &one);
        check(Some("other.example"), &one);
        check(None, &one);
    }

    #[test]
    fn a_file_that_cannot_be_used_leaves_the_one_before_and_is_said() {
        let dir = tempfile::tempdir().unwrap();
        let config = write(dir.path(), "a", &["a.example"]);
        let choice = choice(std::slice::from_ref(&config));
        let before = choice.find(None).unwrap();
        fs::write(&config.certificate, "broken").unwrap();
        choice.look(false);
        assert!(Arc::ptr_eq(&choice.find(None).unwrap(), &before));
        let error = choice.status()[0].error.clone().unwrap();
        assert!(error.contains("a.pem: there is no certificate in it"), "{error}");
        // The new certificate with the old key, as in the middle of a renewal.
        let made = write(dir.path(), "b", &["b.example"]);
        fs::copy(&made.certificate, &config.certificate).unwrap();
        choice.look(false);
        assert!(choice.status()[0].error.clone().unwrap().contains("does not go with"));
        fs::copy(&made.key, &config.key).unwrap();
        choice.look(false);
        assert_eq!(
            (choice.status()[0].names.clone(), choice.status()[0].error.clone()),
            (vec!["b.example".to_owned()], None)
        );
        assert!(!Arc::ptr_eq(&choice.find(Some("b.example")).unwrap(), &before));
    }

    #[test]
    fn a_key_that_others_may_read_is_not_read() {
        let dir = tempfile::tempdir().unwrap();
        let config = write(dir.path(), "a", &["a.example"]);
        fs::set_permissions(&config.key, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Choice::read(&[config], Arc::new(|| 0)).unwrap_err().to_string();
        assert!(error.contains("a.key") && error.contains("chmod 600"), "{error}");
    }
}
