//! TLS handshakes: full ones (nothing resumed) with TLS 1.3, one request each, beside HAProxy's.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use rustls::RootCertStore;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::cpu;
use super::fronts::Front;
use super::load::TARGET;

/// Clients at once.
const CLIENTS: usize = 8;
/// A front's turn.
const TURN: Duration = Duration::from_secs(4);

pub(super) async fn table(fronts: &[Front], folder: &Path, rounds: u32) {
    let fronts: Vec<&Front> = fronts.iter().filter(|front| front.kind.is_tls()).collect();
    if fronts.is_empty() {
        return;
    }
    println!(
        "\n## TLS handshakes\n\nFull ones (TLS 1.3, ECDSA P-256), each with one request and its answer.\n"
    );
    println!("| front | handshakes/s | CPU ms each | lowest, highest |\n|---|---|---|---|");
    let mut measured: Vec<Vec<(f64, f64)>> = fronts.iter().map(|_| Vec::new()).collect();
    for round in 0..=rounds {
        for (front, measured) in fronts.iter().zip(&mut measured) {
            let connector = connector(&folder.join(front.kind.name()).join("certificate.pem"));
            let before = cpu::seconds(front.pid());
            let begun = Instant::now();
            let count = turn(front, &connector, begun).await as f64;
            let each = (cpu::seconds(front.pid()) - before) * 1e3 / count;
            if round > 0 {
                measured.push((count / begun.elapsed().as_secs_f64(), each));
            }
        }
    }
    for (front, measured) in fronts.iter().zip(&mut measured) {
        measured.sort_by(|a, b| a.1.total_cmp(&b.1));
        let (rate, each) = measured[measured.len() / 2];
        let (lowest, highest) = (measured[0].1, measured[measured.len() - 1].1);
        println!("| {} | {rate:.0} | {each:.3} | {lowest:.3}, {highest:.3} |", front.kind.name());
    }
}

fn connector(certificate: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).unwrap()).unwrap();
    let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    TlsConnector::from(Arc::new(config))
}

async fn turn(front: &Front, connector: &TlsConnector, begun: Instant) -> u64 {
    let count = Arc::new(AtomicU64::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let (connector, count, address) = (connector.clone(), count.clone(), front.address);
            tokio::spawn(async move {
                while begun.elapsed() < TURN {
                    let stream = TcpStream::connect(address).await.unwrap();
                    let name = ServerName::try_from("mail.example.com").unwrap();
                    let mut stream = connector.connect(name, stream).await.unwrap();
                    let ask = format!(
                        "GET {TARGET} HTTP/1.1\r\nHost: mail.example.com\r\nConnection: close\r\n\r\n"
                    );
                    stream.write_all(ask.as_bytes()).await.unwrap();
                    let mut answer = Vec::new();
                    // Some fronts close without the farewell of TLS; the answer has its length.
                    let _ = stream.read_to_end(&mut answer).await;
                    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
                    count.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    for client in clients {
        client.await.unwrap();
    }
    count.load(Ordering::Relaxed)
}
