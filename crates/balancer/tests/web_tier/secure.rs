//! TLS: certificates by name, versions, resumption, new files, what plain connections and nodes are told. Clients are curl
//! and openssl.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::TempDir;
use tokio::process::Command;
use zebu_balancer::{CertificateConfig, Config, Listener, Listeners, Scheme, TlsConfig, Version};

use crate::node::Node;
use crate::tier::{Tier, config, eventually};

/// A certificate for these names, signed by itself; its subject is the first.
pub(crate) fn certificate(dir: &Path, file: &str, names: &[&str]) -> CertificateConfig {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    let mut params = rcgen::CertificateParams::new(names.clone()).unwrap();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(rcgen::DnType::CommonName, names[0].clone());
    let key = rcgen::KeyPair::generate().unwrap();
    let made = CertificateConfig {
        certificate: dir.join(format!("{file}.pem")),
        key: dir.join(format!("{file}.key")),
    };
    put(&made.key, &key.serialize_pem());
    put(&made.certificate, &params.self_signed(&key).unwrap().pem());
    made
}

/// Puts a file into its place as a tool that renews does.
fn put(path: &Path, text: &str) {
    let new = path.with_extension("new");
    fs::write(&new, text).unwrap();
    fs::set_permissions(&new, fs::Permissions::from_mode(0o600)).unwrap();
    fs::rename(new, path).unwrap();
}

/// Listening plain and with TLS, with two certificates.
pub(crate) fn both(nodes: &[&Node], dir: &TempDir) -> Config {
    let at = |scheme| Listener { scheme, address: SocketAddr::from(([127, 0, 0, 1], 0)) };
    let certificates = vec![
        certificate(dir.path(), "one", &["one.example"]),
        certificate(dir.path(), "many", &["*.many.example"]),
    ];
    Config {
        listen: Listeners(vec![at(Scheme::Http), at(Scheme::Https)]),
        tls: TlsConfig { certificates, watch_ms: 10, ..TlsConfig::default() },
        ..config(nodes)
    }
}

/// The address of the listener for TLS.
pub(crate) fn secure_address(tier: &Tier) -> SocketAddr {
    let snapshot = tier.snapshot();
    snapshot.listeners.iter().find_map(|listener| listener.strip_prefix("https://")).unwrap().parse().unwrap()
}

/// What curl says, asked for `https://HOST/PATH`. It verifies the certificate with `trusted`.
pub(crate) async fn curl(tier: &Tier, trusted: &Path, host: &str, arguments: &[&str], path: &str) -> String {
    let address = secure_address(tier);
    let port = address.port();
    let output = Command::new("curl")
        .args(["-sS", "--max-time", "30", "--noproxy", "*", "--resolve"])
        .arg(format!("{host}:{port}:{}", address.ip()))
        .arg("--cacert")
        .arg(trusted)
        .args(arguments)
        .arg(format!("https://{host}:{port}{path}"))
        .output()
        .await
        .unwrap();
    String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
}

/// What `openssl s_client` says of a connection.
pub(crate) async fn s_client(address: SocketAddr, arguments: &[&str]) -> String {
    let connect = ["s_client", "-connect", &address.to_string()].map(str::to_owned);
    let mut command = Command::new("openssl");
    let output =
        command.args(connect).args(arguments).stdin(std::process::Stdio::null()).output().await.unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

#[tokio::test]
async fn the_name_decides_the_certificate_in_tls_1_2_and_1_3() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start("OX-1").await;
    let tier = Tier::with(both(&[&node], &dir)).await;
    let address = secure_address(&tier);
    for (version, spoken) in [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")] {
        for (name, subject) in [
            ("one.example", "CN = one.example"),
            ("a.many.example", "CN = *.many.example"),
            ("other.example", "CN = one.example"),
        ] {
            let said = s_client(address, &["-servername", name, version, "-brief"]).await;
            assert!(said.contains(&format!("Protocol version: {spoken}")), "{said}");
            assert!(said.contains(&format!("Peer certificate: {subject}")), "{said}");
        }
        let said = s_client(address, &["-noservername", version, "-brief"]).await;
        assert!(said.contains("Peer certificate: CN = one.example"), "{said}");
    }
    let one = dir.path().join("one.pem");
    assert_eq!(curl(&tier, &one, "one.example", &["--http1.1"], "/ajax/x").await, "OX-1");
    let refused = curl(&tier, &one, "a.many.example", &[], "/ajax/x").await;
    assert!(refused.contains("curl: (60)"), "{refused}");
}

#[tokio::test]
async fn tls_1_2_is_refused_where_it_is_too_old() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = both(&[], &dir);
    config.tls.oldest = Version::Tls13;
    let tier = Tier::with(config).await;
    let said = s_client(secure_address(&tier), &["-tls1_2"]).await;
    assert!(said.contains("alert protocol version"), "{said}");
    let said = s_client(secure_address(&tier), &["-tls1_3", "-brief"]).await;
    assert!(said.contains("Protocol version: TLSv1.3"), "{said}");
}

#[tokio::test]
async fn a_client_that_comes_again_resumes_its_session() {
    let dir = tempfile::tempdir().unwrap();
    let tier = Tier::with(both(&[], &dir)).await;
    let address = secure_address(&tier);
    let said = s_client(address, &["-tls1_2", "-reconnect"]).await;
    assert!(said.matches("Reused, TLSv1.2").count() >= 5, "{said}");
    // In TLS 1.3 the ticket comes after the handshake, with the answer.
    let session = dir.path().join("session");
    let session = session.to_str().unwrap();
    let ask = async |arguments: &str| {
        let request = "printf 'GET / HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n'";
        let script =
            format!("{request} | openssl s_client -connect {address} -tls1_3 -ign_eof {arguments} {session}");
        let output = Command::new("sh").args(["-c", &script]).output().await.unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let first = ask("-sess_out").await;
    assert!(first.contains("New, TLSv1.3") && first.contains("<p>zebu"), "{first}");
    let second = ask("-sess_in").await;
    assert!(second.contains("Reused, TLSv1.3") && second.contains("<p>zebu"), "{second}");
}

#[tokio::test]
async fn a_new_certificate_is_taken_up_while_serving_and_a_broken_one_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let tier = Tier::with(both(&[], &dir)).await;
    let shown = |at: usize| tier.snapshot().certificates[at].clone();
    assert_eq!(shown(0).names, ["one.example"]);
    let before = dir.path().join("before.pem");
    fs::copy(dir.path().join("one.pem"), &before).unwrap();
    put(&dir.path().join("one.pem"), "nothing");
    eventually("the broken file is noticed", || shown(0).error.is_some()).await;
    assert!(shown(0).error.unwrap().contains("one.pem: there is no certificate in it"));
    assert_eq!(curl(&tier, &before, "one.example", &[], "/").await, "<p>zebu");
    let new = certificate(dir.path(), "one", &["new.example", "one.example"]);
    eventually("the new one is taken up", || shown(0).names.len() == 2 && shown(0).error.is_none()).await;
    assert_eq!(curl(&tier, &new.certificate, "new.example", &[], "/").await, "<p>zebu");
    assert!(curl(&tier, &before, "one.example", &[], "/").await.contains("curl: (60)"));
}

#[tokio::test]
async fn nodes_are_told_how_the_client_came_and_browsers_to_come_so_again() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start("OX-1").await;
    let mut config = both(&[&node], &dir);
    config.tls.hsts_seconds = 300;
    let tier = Tier::with(config).await;
    let one = dir.path().join("one.pem");
    let head = curl(&tier, &one, "one.example", &["-i", "-H", "X-Forwarded-Proto: http"], "/ajax/x").await;
    assert!(head.to_ascii_lowercase().contains("strict-transport-security: max-age=300\r\n"), "{head}");
    assert_eq!(node.last_head().1["x-forwarded-proto"], "https");
    let plain = tier.get("/ajax/x", "").await;
    assert!(!plain.headers().contains_key("strict-transport-security"), "not to be said without TLS");
    assert_eq!(node.last_head().1["x-forwarded-proto"], "http");
}

#[tokio::test]
async fn plain_connections_are_sent_to_https_if_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start("OX-1").await;
    let mut config = both(&[&node], &dir);
    config.tls.redirect = true;
    let tier = Tier::with(config).await;
    let port = secure_address(&tier).port();
    let answer = tier.get("/ajax/x?y=1", "").await;
    assert_eq!(answer.status(), 301);
    assert_eq!(answer.headers()["location"], format!("https://groupware.example:{port}/ajax/x?y=1"));
    assert_eq!(tier.send(crate::tier::request("PUT", "/infostore/a", "", "body")).await.status(), 308);
    assert_eq!(node.requests(), 0);
    let one = dir.path().join("one.pem");
    assert_eq!(curl(&tier, &one, "one.example", &[], "/ajax/x").await, "OX-1");
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_at_the_start_with_its_file() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = both(&[], &dir);
    fs::remove_file(dir.path().join("many.key")).unwrap();
    let bind = async |config: Config| {
        let server = zebu_balancer::Server::bind(config, Default::default(), std::sync::Arc::new(|| 0)).await;
        server.err().unwrap().to_string()
    };
    let error = bind(config.clone()).await;
    assert!(error.contains("many.key"), "{error}");
    config.tls.certificates.clear();
    let error = bind(config).await;
    assert!(error.contains("tls.certificates is empty"), "{error}");
}
