//! One certificate with its key: read from its two files, or not at all.
//!
//! Called by `choice`.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use serde::Serialize;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;
use zebu_cluster::authority::read_private;

use super::CertificateConfig;

/// Bytes of a file with certificates, at most: a chain is some 10 KiB.
const BYTES_MAX: u64 = 256 * 1024;

/// A certificate, ready to be shown to clients.
#[derive(Debug)]
pub(super) struct Certificate {
    /// The names it is for, in small letters; `*.example.com` for all names one level below.
    pub(super) names: Vec<String>,
    /// When it begins, milliseconds since 1970.
    pub(super) from_ms: i64,
    /// When it ends, milliseconds since 1970.
    pub(super) until_ms: i64,
    /// Whether it names itself as its issuer.
    pub(super) self_signed: bool,
    pub(super) key: Arc<CertifiedKey>,
}

/// A certificate as shown to operators.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CertificateStatus {
    /// Its file.
    pub file: String,
    /// The names it is for.
    pub names: Vec<String>,
    /// When it ends, milliseconds since 1970.
    pub until: i64,
    /// Why the file as it is now could not be taken up; what was read before is used on.
    pub error: Option<String>,
}

impl Certificate {
    /// Reads both files.
    ///
    /// # Errors
    /// A sentence that names the file.
    pub(super) fn read(config: &CertificateConfig) -> Result<Self, String> {
        let CertificateConfig { certificate, key } = config;
        let at = |reason: String| format!("{}: {reason}", certificate.display());
        let chain = CertificateDer::pem_slice_iter(&text(certificate)?)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| at(format!("it is not PEM: {error}")))?;
        let first = chain.first().ok_or_else(|| at("there is no certificate in it".to_owned()))?;
        let Content { names, from_ms, until_ms, self_signed } = content(first).map_err(at)?;
        let private = read_private(key).map_err(|error| error.to_string())?;
        let private = PrivateKeyDer::from_pem_slice(&private)
            .map_err(|error| format!("{}: no private key can be read from it: {error}", key.display()))?;
        let both = CertifiedKey::from_der(chain, private, &default_provider());
        let key = both.map_err(|error| at(format!("it does not go with {}: {error}", key.display())))?;
        Ok(Self { names, from_ms, until_ms, self_signed, key: Arc::new(key) })
    }
}

fn text(path: &Path) -> Result<Vec<u8>, String> {
    let failed = |error: std::io::Error| format!("{}: {error}", path.display());
    let bytes = fs::metadata(path).map_err(failed)?.len();
    if bytes > BYTES_MAX {
        return Err(format!("{}: it has {bytes} bytes, more than {BYTES_MAX}", path.display()));
    }
    fs::read(path).map_err(failed)
}

/// What is read from a certificate.
struct Content {
    names: Vec<String>,
    from_ms: i64,
    until_ms: i64,
    self_signed: bool,
}

/// Its names are those of the extension (RFC 6125), never the subject's.
fn content(der: &[u8]) -> Result<Content, String> {
    let (_, parsed) =
        X509Certificate::from_der(der).map_err(|error| format!("it cannot be read: {error}"))?;
    let extension = parsed.subject_alternative_name().map_err(|error| format!("its names: {error}"))?;
    let names: Vec<String> = extension
        .iter()
        .flat_map(|names| &names.value.general_names)
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
            _ => None,
        })
        .collect();
    let life = parsed.validity();
    Ok(Content {
        names,
        from_ms: life.not_before.timestamp().saturating_mul(1_000),
        until_ms: life.not_after.timestamp().saturating_mul(1_000),
        self_signed: parsed.issuer() == parsed.subject(),
    })
}

/// What changes when a file is written or put in another's place: time, length and inode of both files. None where one
/// is missing.
pub(super) type Stamp = [Option<(i64, i64, u64, u64)>; 2];

pub(super) fn stamp(config: &CertificateConfig) -> Stamp {
    let of = |meta: Metadata| (meta.mtime(), meta.mtime_nsec(), meta.len(), meta.ino());
    [&config.certificate, &config.key].map(|path| fs::metadata(path).ok().map(of))
}
