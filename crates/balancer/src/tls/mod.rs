//! TLS towards clients: `[web.tls]`.
//!
//! `server` makes one [`Tls`] when a listener wants it; `connection` gets its handshakes from it. Certificates are chosen
//! by the name the client asks for (SNI) and replaced while the server runs (`watch`). Keys are never logged, shown or
//! kept anywhere but here.
//!
//! Sessions resume by tickets, whose key this process makes itself and changes every six hours: behind several web tiers a
//! client that comes to another one makes a whole handshake there.

pub(crate) mod acme;
mod agreed;
mod certificate;
mod choice;
mod watch;

use std::path::PathBuf;
use std::sync::Arc;

use rustls::crypto::ring::{Ticketer, default_provider};
use rustls::{ServerConfig, version};
use serde::{Deserialize, Serialize};
use tokio_rustls::TlsAcceptor;

use crate::{Clock, Error, within};
pub use acme::AcmeConfig;
pub use certificate::CertificateStatus;
pub(crate) use choice::Choice;
pub(crate) use watch::watch;

/// The protocols offered in the handshake, best first.
const ALPN_H2: &[u8] = b"h2";
const ALPN_HTTP1: &[u8] = b"http/1.1";

/// Certificates in all; each is looked at again and again.
const CERTIFICATES_MAX: usize = 1_000;

/// `[web.tls]`. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TlsConfig {
    /// Certificates with their keys. Which one a client gets is decided by the name it asks for; one that asks for no
    /// name, or for one that none has, gets the first. Default none; a `https://` listener needs one at least.
    pub certificates: Vec<CertificateConfig>,
    /// Certificates that come by themselves. They are behind those of `certificates`. Default: none.
    pub acme: AcmeConfig,
    /// The oldest version of TLS that is spoken: `1.2` or `1.3`. Default `1.2`.
    pub oldest: Version,
    /// Seconds for which browsers are told to come by https only (HSTS, RFC 6797), on TLS connections. Default 0: nothing
    /// is said. It cannot be taken back before it is over: begin with 300, and go to 31536000 when all works.
    pub hsts_seconds: u64,
    /// Whether that holds for all names below this one too. Default false.
    pub hsts_subdomains: bool,
    /// Whether what comes to a plain listener is sent to https. Default false.
    pub redirect: bool,
    /// The port it is sent to, as clients see it. Default 0: that of the first `https://` listener.
    pub redirect_port: u16,
    /// Milliseconds between two looks at the files of the certificates. Default 5,000, from 10 to 3,600,000.
    pub watch_ms: u64,
}

/// A certificate with what it is proved by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateConfig {
    /// PEM file: the server's certificate first, then those between it and a CA that clients know.
    pub certificate: PathBuf,
    /// PEM file with its private key; mode 0600.
    pub key: PathBuf,
}

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Version {
    /// TLS 1.2 with forward secrecy and authenticated encryption only.
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

impl Default for TlsConfig {
    fn default() -> Self {
        Self {
            certificates: Vec::new(),
            acme: AcmeConfig::default(),
            oldest: Version::Tls12,
            hsts_seconds: 0,
            hsts_subdomains: false,
            redirect: false,
            redirect_port: 0,
            watch_ms: 5_000,
        }
    }
}

impl TlsConfig {
    /// # Errors
    /// [`Error::Config`] naming the field.
    pub(crate) fn check(&self, any_secure: bool) -> Result<(), Error> {
        if any_secure && self.certificates.is_empty() && !self.acme.is_on() {
            return Err(Error::Config(
                "tls.certificates is empty: an https listener needs one at least, or tls.acme".into(),
            ));
        }
        if self.redirect && !any_secure && self.redirect_port == 0 {
            return Err(Error::Config("tls.redirect needs an https listener or tls.redirect_port".into()));
        }
        within("tls.certificates", self.certificates.len(), 0, CERTIFICATES_MAX)?;
        within("tls.watch_ms", self.watch_ms as usize, 10, 3_600_000)
    }

    /// All certificates: those that are given, then that of an ACME server. That one stays as it was at the start.
    pub(crate) fn all(&self, acme: &AcmeConfig) -> Vec<CertificateConfig> {
        self.certificates.iter().cloned().chain(acme::pair(acme)).collect()
    }

    /// The header that says it, if anything is to be said.
    pub(crate) fn hsts(&self) -> Option<String> {
        let below = if self.hsts_subdomains { "; includeSubDomains" } else { "" };
        (self.hsts_seconds > 0).then(|| format!("max-age={}{below}", self.hsts_seconds))
    }
}

/// The server's side of TLS.
pub(crate) struct Tls {
    pub(crate) acceptor: TlsAcceptor,
    pub(crate) choice: Arc<Choice>,
}

impl Tls {
    /// Reads the certificates.
    ///
    /// # Errors
    /// [`Error::Tls`] naming the file.
    pub(crate) fn new(config: &TlsConfig, clock: &Clock) -> Result<Self, Error> {
        let ordered = acme::prepare(&config.acme)?;
        let choice = Arc::new(Choice::read(&config.all(&config.acme), clock.clone())?);
        if let Some(ordered) = ordered.filter(|ordered| ordered.is_placeholder) {
            choice.complain(&ordered.certificate.certificate, acme::PLACEHOLDER);
        }
        let versions: &[&rustls::SupportedProtocolVersion] = match config.oldest {
            Version::Tls12 => &[&version::TLS13, &version::TLS12],
            Version::Tls13 => &[&version::TLS13],
        };
        let failed = |error: rustls::Error| Error::Tls(error.to_string());
        let mut server = ServerConfig::builder_with_provider(Arc::new(default_provider()))
            .with_protocol_versions(versions)
            .map_err(failed)?
            .with_no_client_auth()
            .with_cert_resolver(choice.clone());
        server.alpn_protocols = vec![ALPN_H2.to_vec(), ALPN_HTTP1.to_vec()];
        server.ticketer = Ticketer::new().map_err(failed)?;
        Ok(Self { acceptor: TlsAcceptor::from(Arc::new(server)), choice })
    }
}

pub(crate) use agreed::Agreed;

/// Whether the client chose HTTP/2.
pub(crate) fn chose_http2<S>(stream: &tokio_rustls::server::TlsStream<S>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(ALPN_H2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_work_is_refused_with_the_name_of_the_field() {
        let check = |change: fn(&mut TlsConfig), any_secure: bool, named: &str| {
            let mut config = TlsConfig::default();
            change(&mut config);
            let error = config.check(any_secure).unwrap_err().to_string();
            assert!(error.contains(named), "{error}");
        };
        check(|_| {}, true, "tls.certificates");
        check(|c| c.redirect = true, false, "tls.redirect");
        check(|c| c.watch_ms = 9, false, "tls.watch_ms");
        assert!(TlsConfig::default().check(false).is_ok());
        assert!(serde_json::from_str::<TlsConfig>(r#"{"oldest":"1.1"}"#).is_err());
    }

    #[test]
    fn the_header_says_how_long_and_for_whom() {
        let mut config = TlsConfig::default();
        assert_eq!(config.hsts(), None);
        config.hsts_seconds = 300;
        assert_eq!(config.hsts().unwrap(), "max-age=300");
        config.hsts_subdomains = true;
        assert_eq!(config.hsts().unwrap(), "max-age=300; includeSubDomains");
    }
}
