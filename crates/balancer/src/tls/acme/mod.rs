//! Certificates by ACME (RFC 8555): `[web.tls.acme]`. One certificate for all names, proved by http-01.
//!
//! | module | what it does |
//! |---|---|
//! | `config` | the settings |
//! | `folder` | account, certificate and tokens as files, which several web tiers may share |
//! | `claim` | that one of them orders at a time |
//! | `client` | the exchanges with the server |
//! | `order` | account and order |
//! | `schedule` | when to renew, and when to try again; pure |
//! | `later` | when the server said to come again |
//! | `keeper` | the task that does it all |
//! | `answer` | the token, on plain listeners |
//!
//! The certificate is one file with its key in it, so that both are replaced at once; `choice` takes it up like any other.

mod answer;
mod claim;
mod client;
mod config;
mod folder;
mod keeper;
mod later;
mod order;
mod schedule;

pub(crate) use answer::{answer, token_of};
pub use config::AcmeConfig;
pub(crate) use keeper::keep;

use folder::Folder;
use later::Later;

use super::CertificateConfig;
use crate::Error;

/// What is said as long as no certificate has come.
pub(super) const PLACEHOLDER: &str =
    "no certificate from the ACME server yet: clients are shown a self-signed placeholder";

/// A certificate to begin with.
pub(super) struct Prepared {
    pub(super) certificate: CertificateConfig,
    pub(super) is_placeholder: bool,
}

/// Has the folder and a certificate in it, a placeholder if need be, and says where that is. None without ACME.
///
/// # Errors
/// [`Error::Tls`] naming the file that cannot be made or read.
pub(super) fn prepare(config: &AcmeConfig) -> Result<Option<Prepared>, Error> {
    if !config.is_on() {
        return Ok(None);
    }
    client::Http::trusting(&config.ca_file, Later::default()).map_err(Error::Tls)?;
    let is_placeholder = Folder::new(&config.folder).prepare(&config.names).map_err(Error::Tls)?;
    if is_placeholder {
        let names = config.names.join(", ");
        tracing::warn!(names, "{PLACEHOLDER}");
    }
    Ok(pair(config).map(|certificate| Prepared { certificate, is_placeholder }))
}

/// Where its certificate is. None without ACME.
pub(crate) fn pair(config: &AcmeConfig) -> Option<CertificateConfig> {
    config.is_on().then(|| {
        let file = Folder::new(&config.folder).certificate();
        CertificateConfig { certificate: file.clone(), key: file }
    })
}
