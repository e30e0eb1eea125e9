//! One exchange with the ACME server at a time, over a connection of its own. Its certificate is verified with `ca_file`.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::{HeaderValue, Request, Response, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use rustls::crypto::ring::default_provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

use super::later::Later;

/// For one exchange.
const PATIENCE: Duration = Duration::from_secs(30);
/// Bytes of an answer, at most: a chain of certificates is some 10 KiB.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

/// Asks ACME servers, and takes down when they say to come again.
pub(super) struct Http {
    connector: TlsConnector,
    later: Later,
}

impl Http {
    /// # Errors
    /// A sentence that names the file.
    pub(super) fn trusting(ca_file: &Path, later: Later) -> Result<Self, String> {
        let failed = |reason: String| format!("tls.acme.ca_file {}: {reason}", ca_file.display());
        let certificates =
            CertificateDer::pem_file_iter(ca_file).map_err(|error| failed(error.to_string()))?;
        let mut roots = RootCertStore::empty();
        // A bundle may have one among hundreds that is of no use here.
        let (added, _) = roots.add_parsable_certificates(certificates.filter_map(Result::ok));
        if added == 0 {
            return Err(failed("there is no certificate in it".to_owned()));
        }
        let config = ClientConfig::builder_with_provider(Arc::new(default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| error.to_string())?
            .with_root_certificates(roots)
            .with_no_client_auth();
        Ok(Self { connector: TlsConnector::from(Arc::new(config)), later })
    }
}

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let (connector, later) = (self.connector.clone(), self.later.clone());
        Box::pin(async move {
            later.forget();
            let uri = request.uri().clone();
            let answer = tokio::time::timeout(PATIENCE, exchange(&connector, &uri, request)).await;
            let late = || Err(format!("no answer in {} s", PATIENCE.as_secs()));
            let answer = answer.unwrap_or_else(|_| late());
            if let Ok(answer) = &answer {
                later.hear(&answer.parts.headers);
            }
            answer.map_err(|reason| Error::Other(format!("{uri}: {reason}").into()))
        })
    }
}

async fn exchange(
    connector: &TlsConnector,
    uri: &Uri,
    mut request: Request<BodyWrapper<Bytes>>,
) -> Result<BytesResponse, String> {
    let (Some("https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        return Err("it is no address with https://".to_owned());
    };
    let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
    let port = authority.port_u16().unwrap_or(443);
    let stream = TcpStream::connect((host.as_str(), port)).await.map_err(|error| error.to_string())?;
    let name = ServerName::try_from(host).map_err(|error| error.to_string())?;
    let stream = connector.connect(name, stream).await.map_err(|error| error.to_string())?;
    let (mut sender, connection) =
        http1::handshake(TokioIo::new(stream)).await.map_err(|error| error.to_string())?;
    // Ends with this function.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let named = HeaderValue::try_from(authority.as_str()).map_err(|error| error.to_string())?;
    request.headers_mut().insert(HOST, named);
    *request.uri_mut() =
        uri.path_and_query().map_or("/", |target| target.as_str()).parse().unwrap_or_default();
    let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
    let (parts, body) = answer.into_parts();
    let body = Limited::new(body, ANSWER_BYTES_MAX).collect().await.map_err(|error| error.to_string())?;
    Ok(BytesResponse::from(Response::from_parts(parts, Full::new(body.to_bytes()))))
}
