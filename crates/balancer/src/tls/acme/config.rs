//! `[web.tls.acme]`. Read with the rest of the configuration; looked at when the server binds.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::listen::{Listeners, Scheme};
use crate::{Error, within};

/// Names in one certificate, at most: what the largest public server allows.
const NAMES_MAX: usize = 100;
/// Addresses of people, at most.
const CONTACTS_MAX: usize = 10;
/// Days, at most.
const RENEW_BEFORE_DAYS_MAX: usize = 365;

/// Where certificates come from by themselves. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AcmeConfig {
    /// The address of the ACME server's directory, `https://…`. Default "": no ACME.
    pub directory: String,
    /// Whom the server may write to, `mailto:…` each, 10 at most. Default none.
    pub contact: Vec<String>,
    /// The names that the certificate is for, 1 to 100, in small letters, without wildcards. Default none.
    pub names: Vec<String>,
    /// The folder for account key, certificate and tokens, made with mode 0700, its files with 0600. Web tiers that answer to
    /// the same names share it. Default `/var/lib/zebu/acme`.
    pub folder: PathBuf,
    /// Whether the operator agrees to the server's terms of service; must be true. Default false.
    pub agree_to_terms: bool,
    /// Days before its end from which a certificate is renewed, 1 to 365; one that lives less than twice as long, when half
    /// of its life is over. Default 30.
    pub renew_before_days: u64,
    /// PEM file with the CAs that the server's own certificate is verified with. Default
    /// `/etc/ssl/certs/ca-certificates.crt`.
    pub ca_file: PathBuf,
}

impl Default for AcmeConfig {
    fn default() -> Self {
        Self {
            directory: String::new(),
            contact: Vec::new(),
            names: Vec::new(),
            folder: PathBuf::from("/var/lib/zebu/acme"),
            agree_to_terms: false,
            renew_before_days: 30,
            ca_file: PathBuf::from("/etc/ssl/certs/ca-certificates.crt"),
        }
    }
}

impl AcmeConfig {
    /// Whether there is an ACME server.
    pub(crate) fn is_on(&self) -> bool {
        !self.directory.is_empty()
    }

    /// # Errors
    /// [`Error::Config`] naming the field and what it may be.
    pub(crate) fn check(&self, listen: &Listeners) -> Result<(), Error> {
        let refused = |text: String| Err(Error::Config(format!("tls.acme.{text}")));
        let days = usize::try_from(self.renew_before_days).unwrap_or(usize::MAX);
        within("tls.acme.renew_before_days", days, 1, RENEW_BEFORE_DAYS_MAX)?;
        if !self.is_on() {
            return match self.names.is_empty() {
                true => Ok(()),
                false => refused("names are given, but tls.acme.directory is empty".to_owned()),
            };
        }
        let uri = self.directory.parse::<http::Uri>().ok();
        if uri.is_none_or(|uri| uri.scheme_str() != Some("https") || uri.host().is_none()) {
            return refused(format!("directory is {}: it must be an address with https://", self.directory));
        }
        if !self.agree_to_terms {
            return refused(
                "agree_to_terms is false: it must be true, no server works without it".to_owned(),
            );
        }
        within("tls.acme.names", self.names.len(), 1, NAMES_MAX)?;
        if let Some(name) = self.names.iter().find(|name| !is_name(name)) {
            return refused(format!(
                "names: {name} must be a host's name in small letters, without wildcard"
            ));
        }
        within("tls.acme.contact", self.contact.len(), 0, CONTACTS_MAX)?;
        let is_mail = |contact: &&String| contact.strip_prefix("mailto:").is_some_and(|at| at.contains('@'));
        if let Some(contact) = self.contact.iter().find(|contact| !is_mail(contact)) {
            return refused(format!("contact: {contact} must be mailto: and an address"));
        }
        if self.folder.as_os_str().is_empty() {
            return refused("folder is empty: account and certificate need a place".to_owned());
        }
        if !listen.any_secure() {
            return refused("directory needs an https listener to show the certificate on".to_owned());
        }
        if !listen.0.iter().any(|listener| listener.scheme == Scheme::Http) {
            return refused(
                "directory needs a plain listener: the server asks on port 80 of each name".to_owned(),
            );
        }
        Ok(())
    }
}

/// Whether it can be the name of a host (RFC 1123), and is in small letters.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let letters = label.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-'));
        letters && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    // An address of IPv4 is made of such labels too.
    name.len() <= 253 && name.split('.').all(is_label) && name.parse::<std::net::IpAddr>().is_err()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> AcmeConfig {
        AcmeConfig {
            directory: "https://ca.example/dir".into(),
            names: vec!["a.example".into()],
            contact: vec!["mailto:a@a.example".into()],
            agree_to_terms: true,
            ..AcmeConfig::default()
        }
    }

    fn listeners(addresses: &[&str]) -> Listeners {
        serde_json::from_value(serde_json::json!(addresses)).unwrap()
    }

    #[test]
    fn what_could_not_work_is_refused_with_field_and_limit() {
        let both = listeners(&["127.0.0.1:80", "https://127.0.0.1:443"]);
        let check = |change: fn(&mut AcmeConfig), named: &str| {
            let mut config = good();
            change(&mut config);
            let error = config.check(&both).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        };
        check(|c| c.directory = "http://ca.example".into(), "tls.acme.directory is http://ca.example");
        check(|c| c.directory.clear(), "tls.acme.directory is empty");
        check(|c| c.agree_to_terms = false, "tls.acme.agree_to_terms is false: it must be true");
        check(|c| c.names.clear(), "tls.acme.names is 0: it must be from 1 to 100");
        for name in ["*.a.example", "A.example", "a..example", "-a.example", "10.0.0.1", ""] {
            let error = AcmeConfig { names: vec![name.into()], ..good() }.check(&both).unwrap_err();
            assert!(error.to_string().contains("tls.acme.names"), "{name}: {error}");
        }
        check(|c| c.contact = vec!["a@a.example".into()], "tls.acme.contact: a@a.example must be mailto:");
        check(
            |c| c.contact = vec!["mailto:a@b".into(); 11],
            "tls.acme.contact is 11: it must be from 0 to 10",
        );
        check(|c| c.renew_before_days = 0, "tls.acme.renew_before_days is 0: it must be from 1 to 365");
        check(|c| c.folder = PathBuf::new(), "tls.acme.folder is empty");
        assert!(good().check(&both).is_ok() && AcmeConfig::default().check(&both).is_ok());
        for (only, named) in [("127.0.0.1:80", "needs an https"), ("https://127.0.0.1:443", "needs a plain")]
        {
            let error = good().check(&listeners(&[only])).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        }
    }
}
