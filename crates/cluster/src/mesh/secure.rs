//! TLS around a stream, or nothing, as configured; and what TLS errors mean in words.

use std::io;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use rustls::{AlertDescription, CertificateError, CommonState};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::network::Stream;
use crate::authority::{Certificate, Credentials, Name};

/// Whether connections are encrypted and both ends proven.
#[derive(Clone)]
pub enum Security {
    /// TLS 1.3, certificates on both ends.
    Tls(Arc<Credentials>),
    /// Nothing: everybody who reaches the port is believed. Only where the operator said so.
    Plain,
}

/// A stream, and the names in the certificate of its other end, if there is TLS.
pub(super) type Secured = (Stream, Option<(Name, Name)>);

impl Security {
    /// Makes a stream that was opened secure.
    pub(super) async fn client(&self, stream: Stream) -> io::Result<Secured> {
        let Self::Tls(credentials) = self else { return Ok((stream, None)) };
        // No name is asked for or checked here: the judge looks at the cluster's and node's in the certificate.
        let name = ServerName::try_from("zebu").map_err(io::Error::other)?;
        let connector = TlsConnector::from(credentials.pki().client);
        let stream = connector.connect(name, stream).await?;
        let names = names_of(stream.get_ref().1)?;
        Ok((Box::new(stream), Some(names)))
    }

    /// Makes a stream that came in secure.
    pub(super) async fn server(&self, stream: Stream) -> io::Result<Secured> {
        let Self::Tls(credentials) = self else { return Ok((stream, None)) };
        let acceptor = TlsAcceptor::from(credentials.pki().server);
        let stream = acceptor.accept(stream).await?;
        let names = names_of(stream.get_ref().1)?;
        Ok((Box::new(stream), Some(names)))
    }
}

fn names_of(state: &CommonState) -> io::Result<(Name, Name)> {
    let end = state.peer_certificates().and_then(<[_]>::first);
    let names = end.and_then(|end| Certificate::read(end).ok()).and_then(|certificate| certificate.names);
    // The judge let nobody pass without.
    names.ok_or_else(|| io::Error::other("the certificate names no node"))
}

/// An error of a stream in words, and whether it is about certificates.
pub(super) fn in_words(error: &io::Error) -> (bool, String) {
    let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
    match tls {
        Some(rustls::Error::InvalidCertificate(CertificateError::Other(sentence))) => {
            (true, sentence.0.to_string())
        }
        Some(rustls::Error::AlertReceived(alert)) if is_about_certificates(*alert) => {
            (true, "it does not accept this node's certificate; its log says why".to_owned())
        }
        Some(rustls::Error::InvalidMessage(_)) => {
            (false, "it does not speak TLS: is it configured for plain connections?".to_owned())
        }
        Some(rustls::Error::NoCertificatesPresented) => (true, "it shows no certificate".to_owned()),
        Some(other) => (false, format!("TLS failed: {other}")),
        None => (false, error.to_string()),
    }
}

fn is_about_certificates(alert: AlertDescription) -> bool {
    matches!(
        alert,
        AlertDescription::BadCertificate
            | AlertDescription::UnsupportedCertificate
            | AlertDescription::CertificateRevoked
            | AlertDescription::CertificateExpired
            | AlertDescription::CertificateUnknown
            | AlertDescription::UnknownCA
            | AlertDescription::AccessDenied
            | AlertDescription::CertificateRequired
    )
}
