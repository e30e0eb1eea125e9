//! The making of keys and certificates: the CA's, a bridge from one CA to the next, and a node's.
//!
//! ECDSA on P-256: what every TLS library can, quick to sign with on every new connection.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer,
    KeyPair, KeyUsagePurpose, PKCS_ECDSA_P256_SHA256, SanType, date_time_ymd,
};

use super::certificate::DAY_MS;
use super::names::{self, Name};
use super::{Error, Result};

/// How long before its making a certificate is already good: clocks of machines are apart.
const BEFORE_MS: i64 = 3_600_000;

fn failed(error: rcgen::Error) -> Error {
    Error::Make(error.to_string())
}

/// A new private key.
pub(super) fn key() -> Result<KeyPair> {
    KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).map_err(failed)
}

/// A private key from its PKCS #8 DER.
pub(super) fn key_from(der: &[u8]) -> Result<KeyPair> {
    KeyPair::try_from(der).map_err(failed)
}

/// Until when a certificate made now is good, ms since the epoch: whole seconds, as certificates have it, and no day too few.
pub(super) fn until(now_ms: i64, days: u32) -> i64 {
    let until = now_ms.saturating_add(i64::from(days).saturating_mul(DAY_MS));
    until.saturating_add(999).div_euclid(1_000).saturating_mul(1_000)
}

/// A CA of a cluster: signed by itself, or by another as a bridge to it. `serial` tells a cluster's CAs apart.
fn ca(cluster: &Name, serial: &str, now_ms: i64, until_ms: i64, path_length: u8) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Zebu");
    params.distinguished_name.push(DnType::CommonName, format!("CA {serial} of cluster {cluster}"));
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(path_length));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    valid(&mut params, now_ms, until_ms);
    params
}

fn valid(params: &mut CertificateParams, now_ms: i64, until_ms: i64) {
    let at = |ms: i64| date_time_ymd(1970, 1, 1) + Duration::from_millis(u64::try_from(ms).unwrap_or(0));
    params.not_before = at(now_ms.saturating_sub(BEFORE_MS));
    params.not_after = at(until_ms);
}

/// A CA's certificate, signed with its own key. DER.
pub(super) fn root(
    cluster: &Name,
    serial: &str,
    key: &KeyPair,
    now_ms: i64,
    until_ms: i64,
) -> Result<Vec<u8>> {
    // One: below it there may be a bridge.
    let params = ca(cluster, serial, now_ms, until_ms, 1);
    params.self_signed(key).map(|certificate| certificate.der().to_vec()).map_err(failed)
}

/// The new CA's name and key, signed by the previous CA: who trusts only that believes what the new one signs. DER.
pub(super) fn bridge(
    cluster: &Name,
    serial: &str,
    key: &KeyPair,
    previous: (&[u8], KeyPair),
    (now_ms, until_ms): (i64, i64),
) -> Result<Vec<u8>> {
    let (certificate, previous_key) = previous;
    let issuer = Issuer::from_ca_cert_der(&certificate.into(), previous_key).map_err(failed)?;
    let params = ca(cluster, serial, now_ms, until_ms, 0);
    params.signed_by(key, &issuer).map(|certificate| certificate.der().to_vec()).map_err(failed)
}

/// A node's certificate, for both ends of a connection. DER.
pub(super) fn node(
    (cluster, name): (&Name, &Name),
    key: &KeyPair,
    issuer: (&[u8], KeyPair),
    (now_ms, until_ms): (i64, i64),
) -> Result<Vec<u8>> {
    let (certificate, ca_key) = issuer;
    let issuer = Issuer::from_ca_cert_der(&certificate.into(), ca_key).map_err(failed)?;
    let mut params = CertificateParams::default();
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::OrganizationName, "Zebu");
    params.distinguished_name.push(DnType::CommonName, format!("{name} of cluster {cluster}"));
    let uri = names::uri(cluster, name).try_into().map_err(failed)?;
    params.subject_alt_names = vec![SanType::URI(uri)];
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    params.use_authority_key_identifier_extension = true;
    valid(&mut params, now_ms, until_ms);
    params.signed_by(key, &issuer).map(|certificate| certificate.der().to_vec()).map_err(failed)
}
