//! What client and web tier have agreed on, in OpenSSL's words: members behind AJP know them from Apache.

use rustls::{CipherSuite, ProtocolVersion};
use tokio_rustls::server::TlsStream;

/// Version and cipher of one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Agreed {
    /// `TLSv1.3`
    pub(crate) protocol: &'static str,
    /// `TLS_AES_256_GCM_SHA384`
    pub(crate) cipher: &'static str,
    /// Bits of its key.
    pub(crate) key_bits: u16,
}

impl Agreed {
    /// After the handshake.
    pub(crate) fn of<S>(stream: &TlsStream<S>) -> Option<Self> {
        let connection = stream.get_ref().1;
        Self::named(connection.protocol_version()?, connection.negotiated_cipher_suite()?.suite())
    }

    fn named(version: ProtocolVersion, suite: CipherSuite) -> Option<Self> {
        let protocol = match version {
            ProtocolVersion::TLSv1_3 => "TLSv1.3",
            ProtocolVersion::TLSv1_2 => "TLSv1.2",
            _ => return None,
        };
        let (cipher, key_bits) = match suite {
            CipherSuite::TLS13_AES_128_GCM_SHA256 => ("TLS_AES_128_GCM_SHA256", 128),
            CipherSuite::TLS13_AES_256_GCM_SHA384 => ("TLS_AES_256_GCM_SHA384", 256),
            CipherSuite::TLS13_CHACHA20_POLY1305_SHA256 => ("TLS_CHACHA20_POLY1305_SHA256", 256),
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-ECDSA-AES128-GCM-SHA256", 128),
            CipherSuite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-ECDSA-AES256-GCM-SHA384", 256),
            CipherSuite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256 => {
                ("ECDHE-ECDSA-CHACHA20-POLY1305", 256)
            }
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256 => ("ECDHE-RSA-AES128-GCM-SHA256", 128),
            CipherSuite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384 => ("ECDHE-RSA-AES256-GCM-SHA384", 256),
            CipherSuite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256 => ("ECDHE-RSA-CHACHA20-POLY1305", 256),
            _ => return None,
        };
        Some(Self { protocol, cipher, key_bits })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cipher_that_is_offered_has_its_name() {
        let provider = super::super::default_provider();
        for suite in &provider.cipher_suites {
            let version = suite.version().version;
            let agreed = Agreed::named(version, suite.suite()).expect("a name");
            assert!(
                agreed.cipher.contains(&agreed.key_bits.to_string()) || agreed.cipher.contains("CHACHA20")
            );
            assert_eq!(agreed.protocol == "TLSv1.3", agreed.cipher.starts_with("TLS_"), "{agreed:?}");
        }
        assert!(!provider.cipher_suites.is_empty());
    }
}
