//! What one node proves itself with, and how it judges others: the node's file, read, and the TLS settings made of it.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, verify_server_cert_signed_by_trust_anchor};
use rustls::crypto::{CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{NoServerSessionStorage, ParsedCertificate};
use rustls::time_provider::TimeProvider;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, OtherError, PeerIncompatible,
    RootCertStore, ServerConfig, SignatureScheme, version,
};

use super::ca::BEACON_KEY_BYTES;
use super::certificate::Certificate;
use super::names::Name;
use super::pem::{BEACON_KEY, BRIDGE, CERTIFICATE, PRIVATE_KEY, TRUSTED, all, one, read};
use super::{Error, Result, private};

/// The time, ms since the epoch.
pub type Now = Arc<dyn Fn() -> i64 + Send + Sync>;

/// A node's file, read.
pub struct Identity {
    names: (Name, Name),
    certificate: Certificate,
    chain: Vec<Vec<u8>>,
    key: Vec<u8>,
    trusted: Vec<Certificate>,
    beacon_keys: Vec<[u8; BEACON_KEY_BYTES]>,
}

impl fmt::Debug for Identity {
    /// Without the keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity").field("names", &self.names).finish_non_exhaustive()
    }
}

impl Identity {
    /// Reads a node's file.
    ///
    /// # Errors
    /// It cannot be read, others may read it, or something is missing in it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = private::read(path)?;
        Self::parse(&text).map_err(|reason| Error::Content { path: path.to_owned(), reason })
    }

    fn parse(text: &[u8]) -> std::result::Result<Self, String> {
        let blocks = read(text)?;
        let certificate = Certificate::read(one(&blocks, CERTIFICATE)?)?;
        let names = certificate.names.clone();
        let names =
            names.ok_or("its certificate names no node of a cluster: zebu cluster certificate makes one")?;
        one(&blocks, TRUSTED)?;
        one(&blocks, BEACON_KEY)?;
        let key = |bytes: &[u8]| {
            bytes.try_into().map_err(|_| format!("a {BEACON_KEY} in it is not {BEACON_KEY_BYTES} bytes long"))
        };
        Ok(Self {
            names,
            chain: [CERTIFICATE, BRIDGE]
                .iter()
                .flat_map(|label| all(&blocks, label))
                .map(<[u8]>::to_vec)
                .collect(),
            key: one(&blocks, PRIVATE_KEY)?.to_vec(),
            trusted: all(&blocks, TRUSTED).map(Certificate::read).collect::<std::result::Result<_, _>>()?,
            beacon_keys: all(&blocks, BEACON_KEY).map(key).collect::<std::result::Result<_, _>>()?,
            certificate,
        })
    }

    /// The cluster that it is of.
    #[must_use]
    pub fn cluster(&self) -> &Name {
        &self.names.0
    }

    /// The node that it is for.
    #[must_use]
    pub fn node(&self) -> &Name {
        &self.names.1
    }

    /// The node's certificate.
    #[must_use]
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The CAs that it trusts.
    #[must_use]
    pub fn trusted(&self) -> &[Certificate] {
        &self.trusted
    }

    /// What beacons are authenticated with: the first is for sending, all are believed.
    #[must_use]
    pub fn beacon_keys(&self) -> &[[u8; BEACON_KEY_BYTES]] {
        &self.beacon_keys
    }

    /// A sentence for each certificate that has run out or will within [`super::WARN_DAYS`].
    #[must_use]
    pub fn warnings(&self, now_ms: i64) -> Vec<String> {
        let mut found = Vec::new();
        let mut look = |what: String, certificate: &Certificate, advice: &str| {
            let (left, last) = (certificate.days_left(now_ms), certificate.last_day());
            if left < 0 {
                found.push(format!("{what} ran out on {last}: {advice}"));
            } else if left < super::WARN_DAYS {
                found.push(format!("{what} runs out on {last}, in {left} days: {advice}"));
            }
        };
        let advice = format!("zebu cluster certificate {}", self.node());
        look(format!("the certificate of node {}", self.node()), &self.certificate, &advice);
        // The first is the CA of now; one of before may run out in peace.
        if let Some(ca) = self.trusted.first() {
            let advice = "zebu cluster ca renew, then a new certificate for every node";
            look(format!("the CA of cluster {}", self.cluster()), ca, advice);
        }
        found
    }
}

/// A node's TLS: TLS 1.3, both ends with certificates of this cluster, nothing resumed.
#[derive(Clone)]
pub struct Pki {
    /// For connections that this node opens.
    pub client: Arc<ClientConfig>,
    /// For connections that come to it.
    pub server: Arc<ServerConfig>,
}

impl Pki {
    /// TLS settings of an identity. `now` is asked at each handshake.
    ///
    /// # Errors
    /// The private key does not fit the certificate.
    pub fn new(identity: &Identity, now: Now) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let judge = Arc::new(Judge::new(identity, &provider));
        let clock: Arc<dyn TimeProvider> = Arc::new(Time(now));
        let failed = |error: rustls::Error| Error::Make(error.to_string());
        let chain = || identity.chain.iter().map(|der| CertificateDer::from(der.clone())).collect::<Vec<_>>();
        let key = || PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(identity.key.clone()));
        let mut client = ClientConfig::builder_with_details(Arc::clone(&provider), Arc::clone(&clock))
            .with_protocol_versions(&[&version::TLS13])
            .map_err(failed)?
            .dangerous()
            .with_custom_certificate_verifier(Arc::clone(&judge) as Arc<dyn ServerCertVerifier>)
            .with_client_auth_cert(chain(), key())
            .map_err(failed)?;
        client.enable_sni = false;
        // A resumed session would skip the certificate, and with it what changed since.
        client.resumption = Resumption::disabled();
        let mut server = ServerConfig::builder_with_details(provider, clock)
            .with_protocol_versions(&[&version::TLS13])
            .map_err(failed)?
            .with_client_cert_verifier(judge)
            .with_single_cert(chain(), key())
            .map_err(failed)?;
        server.session_storage = Arc::new(NoServerSessionStorage {});
        server.send_tls13_tickets = 0;
        Ok(Self { client: Arc::new(client), server: Arc::new(server) })
    }
}

/// The time for TLS.
struct Time(Now);

impl fmt::Debug for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Time")
    }
}

impl TimeProvider for Time {
    fn current_time(&self) -> Option<UnixTime> {
        let ms = u64::try_from((self.0)()).ok()?;
        Some(UnixTime::since_unix_epoch(std::time::Duration::from_millis(ms)))
    }
}

/// Why a certificate was not accepted, in a sentence that names whose it says it is.
#[derive(Debug)]
struct Unacceptable(String);

impl fmt::Display for Unacceptable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unacceptable {}

/// Judges the other end's certificate: signed by a CA that is trusted and has not run out, in force, and of this cluster. The same
/// for both ends; which node it is, is for the mesh to compare with what the other end says.
#[derive(Debug)]
struct Judge {
    cluster: Name,
    trusted: Vec<Certificate>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Judge {
    fn new(identity: &Identity, provider: &CryptoProvider) -> Self {
        Self {
            cluster: identity.cluster().clone(),
            trusted: identity.trusted.clone(),
            algorithms: provider.signature_verification_algorithms,
        }
    }

    fn judge(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> std::result::Result<(), rustls::Error> {
        let refuse = |sentence: String| {
            let cause = OtherError(Arc::new(Unacceptable(sentence)));
            rustls::Error::InvalidCertificate(CertificateError::Other(cause))
        };
        let read = Certificate::read(end).map_err(refuse)?;
        let whose = match &read.names {
            Some((cluster, node)) => format!("the certificate of node {node} of cluster {cluster}"),
            None => format!(
                "the certificate \"{}\", which names no node of a cluster,",
                read.subject.escape_debug()
            ),
        };
        let mut roots = RootCertStore::empty();
        let now_ms = i64::try_from(now.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000);
        // Who verifies a chain looks at the life of every certificate but the root's.
        for ca in self.trusted.iter().filter(|ca| ca.until_ms > now_ms) {
            roots.add(CertificateDer::from(ca.der.clone()))?;
        }
        let parsed = ParsedCertificate::try_from(end)?;
        let verified =
            verify_server_cert_signed_by_trust_anchor(&parsed, &roots, between, now, self.algorithms.all);
        match verified {
            Ok(()) => {}
            Err(rustls::Error::InvalidCertificate(reason)) => {
                return Err(refuse(format!("{whose} {}", in_words(&reason, &read))));
            }
            Err(other) => return Err(other),
        }
        match &read.names {
            Some((cluster, _)) if cluster == &self.cluster => Ok(()),
            _ => Err(refuse(format!("{whose} is not of this cluster, {}", self.cluster))),
        }
    }
}

fn in_words(reason: &CertificateError, read: &Certificate) -> String {
    match reason {
        CertificateError::UnknownIssuer => "was not signed by a CA that this node trusts".to_owned(),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            format!("ran out on {}", read.last_day())
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "is not in force yet: are the clocks right?".to_owned()
        }
        other => format!("is not valid: {other:?}"),
    }
}

impl ServerCertVerifier for Judge {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        self.judge(end, between, now).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::PeerIncompatible(PeerIncompatible::Tls13RequiredForQuic))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl ClientCertVerifier for Judge {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end: &CertificateDer<'_>,
        between: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> std::result::Result<ClientCertVerified, rustls::Error> {
        self.judge(end, between, now).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls12_signature(self, message, certificate, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        ServerCertVerifier::verify_tls13_signature(self, message, certificate, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        ServerCertVerifier::supported_verify_schemes(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authority::{issue, pem};

    const NOW_MS: i64 = 1_795_651_200_000;

    /// A node's file, signed by one CA for any cluster's name.
    fn signed(cluster: &str, ca: (&[u8], &[u8])) -> Identity {
        let (cluster, node) = (Name::new("cluster", cluster).unwrap(), Name::new("node", "OX-2").unwrap());
        let key = issue::key().unwrap();
        let issuer = (ca.0, issue::key_from(ca.1).unwrap());
        let life = (NOW_MS, issue::until(NOW_MS, 10));
        let certificate = issue::node((&cluster, &node), &key, issuer, life).unwrap();
        let mut text = String::new();
        pem::push(&mut text, CERTIFICATE, &certificate);
        pem::push(&mut text, PRIVATE_KEY, key.serialized_der());
        pem::push(&mut text, TRUSTED, ca.0);
        pem::push(&mut text, BEACON_KEY, &[1; 32]);
        Identity::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_certificate_of_another_cluster_is_refused_though_the_same_ca_signed_it() {
        let (cluster, key) = (Name::new("cluster", "oxserver").unwrap(), issue::key().unwrap());
        let ca = issue::root(&cluster, "01", &key, NOW_MS, issue::until(NOW_MS, 10)).unwrap();
        let ca = (ca.as_slice(), key.serialized_der());
        let (ours, theirs) = (signed("oxserver", ca), signed("testserver", ca));
        let judge = Judge::new(&ours, &ring::default_provider());
        let now = UnixTime::since_unix_epoch(std::time::Duration::from_millis(NOW_MS as u64));
        judge.judge(&CertificateDer::from(ours.certificate.der.clone()), &[], now).unwrap();
        let error = judge.judge(&CertificateDer::from(theirs.certificate.der.clone()), &[], now).unwrap_err();
        assert!(
            error.to_string().contains("node OX-2 of cluster testserver is not of this cluster, oxserver"),
            "{error}"
        );
    }

    #[test]
    fn a_file_that_misses_something_is_refused_with_what_it_is() {
        let check = |text: &str, expected: &str| {
            let error = Identity::parse(text.as_bytes()).unwrap_err();
            assert!(error.contains(expected), "{error}");
        };
        check("", "no PEM block");
        let mut text = String::new();
        pem::push(&mut text, PRIVATE_KEY, &[1]);
        check(&text, "no CERTIFICATE");
    }
}
