//! Certificates by ACME, from a real pebble: order, placeholder, renewal, refusals, two web tiers with one folder.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use tempfile::TempDir;
use zebu_balancer::{CertificateStatus, Config, Server};

use crate::log::heard;
use crate::node::{self, Node};
use crate::pebble::{FORBIDDEN, Pebble, UNKNOWN};
use crate::secure::{both, certificate, curl, s_client, secure_address};
use crate::tier::{PATIENCE, Tier, WALL_MS, eventually, request};

/// What pebble's log says of each order, and of each new account.
const ORDER: &str = "Added order";
const ACCOUNT: &str = "accounts in memory";

const DAY_MS: i64 = 24 * 3_600_000;

/// A clock that stands until it is set. Pebble's certificates are good for years from the real date: none is due at first.
struct Dial(Arc<AtomicI64>);

impl Dial {
    fn new() -> Self {
        Self(Arc::new(AtomicI64::new(WALL_MS)))
    }

    fn go_on_to(&self, at_ms: i64) {
        self.0.fetch_max(at_ms, Ordering::Relaxed);
    }

    fn go_on(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
    }

    async fn tier(&self, config: Config) -> Tier {
        let clock = self.0.clone();
        Tier::at(config, Arc::new(move || clock.load(Ordering::Relaxed))).await
    }
}

fn config(nodes: &[&Node], pebble: &Pebble, dir: &TempDir, names: &[&str]) -> Config {
    let mut config = both(nodes, dir);
    config.tls.certificates.clear();
    config.tls.redirect = true;
    config.tls.acme = pebble.config(dir.path().join("acme"), names);
    config
}

fn shown(tier: &Tier) -> CertificateStatus {
    tier.snapshot().certificates[0].clone()
}

fn error(tier: &Tier) -> String {
    shown(tier).error.unwrap_or_default()
}

/// Whether a certificate by pebble is shown.
fn is_ordered(file: &Path) -> bool {
    fs::read_to_string(file).unwrap().matches("BEGIN CERTIFICATE").count() > 1
}

/// The certificate that is served, as text.
async fn leaf(tier: &Tier) -> String {
    let said = s_client(secure_address(tier), &["-servername", "a.example"]).await;
    let from = said.find("-----BEGIN CERTIFICATE").unwrap();
    let until = said.find("-----END CERTIFICATE").unwrap();
    said[from..until].to_owned()
}

async fn ordered(tier: &Tier) -> PathBuf {
    let file = PathBuf::from(shown(tier).file);
    eventually("a certificate is ordered", || is_ordered(&file) && shown(tier).error.is_none()).await;
    file
}

#[tokio::test]
async fn a_certificate_is_ordered_served_and_renewed_when_it_is_due() {
    let (dir, pebble, dial) = (tempfile::tempdir().unwrap(), Pebble::start().await, Dial::new());
    let node = Node::start("OX-1").await;
    let names = ["a.example", "b.example"];
    let tier = dial.tier(config(&[&node], &pebble, &dir, &names)).await;
    let file = PathBuf::from(shown(&tier).file);
    // Nobody has answered pebble yet: a placeholder is served, and said to be one.
    assert!(!is_ordered(&file));
    assert!(error(&tier).contains("self-signed placeholder"), "{}", error(&tier));
    assert_eq!(curl(&tier, &file, "a.example", &[], "/ajax/x").await, "OX-1");
    eventually("pebble finds nobody", || error(&tier).starts_with("ACME: ")).await;
    pebble.finds(tier.address);
    dial.go_on(60_000);
    let file = ordered(&tier).await;
    let mut named = shown(&tier).names;
    named.sort();
    assert_eq!(named, names);
    let first = dir.path().join("first.pem");
    fs::copy(&file, &first).unwrap();
    for name in names {
        assert_eq!(curl(&tier, &first, name, &[], "/ajax/x").await, "OX-1");
    }
    let acme = dir.path().join("acme");
    assert_eq!(fs::read_dir(acme.join("challenges")).unwrap().count(), 0, "answers are forgotten");
    for entry in fs::read_dir(&acme).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file()) {
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{entry:?}");
    }
    let (orders, served) = (pebble.count(ORDER), leaf(&tier).await);
    assert!(fs::read_to_string(&file).unwrap().contains(&served));
    dial.go_on_to(shown(&tier).until - 30 * DAY_MS);
    let is_renewed = || fs::read(&file).unwrap() != fs::read(&first).unwrap();
    eventually("it is renewed when it is due", is_renewed).await;
    let second = fs::read_to_string(&file).unwrap();
    let began = std::time::Instant::now();
    while !second.contains(&leaf(&tier).await) {
        assert!(began.elapsed() < PATIENCE, "the new one is never served");
    }
    assert_eq!(curl(&tier, &file, "b.example", &[], "/ajax/x").await, "OX-1");
    assert_eq!((pebble.count(ORDER), pebble.count(ACCOUNT)), (orders + 1, 1), "no more than that");
}

#[tokio::test]
async fn a_refusal_is_said_with_the_servers_words_and_tried_again() {
    let log = heard();
    let (dir, pebble, dial) = (tempfile::tempdir().unwrap(), Pebble::start().await, Dial::new());
    let lost = format!("lost.{UNKNOWN}");
    let tier = dial.tier(config(&[], &pebble, &dir, &[FORBIDDEN])).await;
    pebble.finds(tier.address);
    eventually("the order is refused", || error(&tier).contains("rejectedIdentifier")).await;
    assert!(error(&tier).contains(FORBIDDEN), "{}", error(&tier));
    assert_eq!(shown(&tier).names, [FORBIDDEN], "the placeholder is used on");
    let text = log.text();
    let line = text
        .lines()
        .find(|line| line.contains("no certificate from the ACME server; ") && line.contains(FORBIDDEN));
    let line = line.unwrap();
    for part in ["ERROR", "rejectedIdentifier", "next_seconds="] {
        assert!(line.contains(part), "{part}: {line}");
    }

    let (other, dial) = (tempfile::tempdir().unwrap(), Dial::new());
    let tier = dial.tier(config(&[], &pebble, &other, &["a.example", &lost])).await;
    pebble.finds(tier.address);
    let words = format!("{lost}: ");
    eventually("the name is not found", || error(&tier).contains(&words)).await;
    assert!(error(&tier).contains("urn:ietf:params:acme:error:"), "{}", error(&tier));
    let orders = pebble.count(ORDER);
    dial.go_on(60_000);
    eventually("it is tried again after a minute", || pebble.count(ORDER) > orders).await;
}

#[tokio::test]
async fn one_web_tier_answers_what_was_asked_for_the_other() {
    let (dir, pebble, dial) = (tempfile::tempdir().unwrap(), Pebble::start().await, Dial::new());
    let config = config(&[], &pebble, &dir, &["a.example"]);
    // Pebble comes to the second only, and the second does not trust pebble: it cannot order.
    let mut distrusting = config.clone();
    distrusting.tls.acme.ca_file = certificate(dir.path(), "other", &["localhost"]).certificate;
    let second = Tier::with(distrusting).await;
    eventually("the second gives up", || error(&second).starts_with("ACME: ")).await;
    pebble.finds(second.address);
    let first = dial.tier(config).await;
    let file = ordered(&first).await;
    eventually("the second has it too", || shown(&second).error.is_none()).await;
    assert_eq!(curl(&second, &file, "a.example", &[], "/").await, "<p>zebu");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_web_tiers_that_begin_at_once_place_one_order_between_them() {
    let (dir, pebble, dial) = (tempfile::tempdir().unwrap(), Pebble::start().await, Dial::new());
    let config = config(&[], &pebble, &dir, &["a.example"]);
    // Who answers pebble is there before they are, and cannot order itself.
    let mut distrusting = config.clone();
    distrusting.tls.acme.ca_file = certificate(dir.path(), "other", &["localhost"]).certificate;
    let answering = Tier::with(distrusting).await;
    eventually("it gives up", || error(&answering).starts_with("ACME: ")).await;
    pebble.finds(answering.address);
    let (one, other) = tokio::join!(dial.tier(config.clone()), dial.tier(config.clone()));
    let file = ordered(&one).await;
    eventually("the other has it too", || shown(&other).error.is_none()).await;
    // Who found the claim taken looks again after half a minute, and finds that it is done.
    dial.go_on(30_000);
    for tier in [&one, &other] {
        assert_eq!(curl(tier, &file, "a.example", &[], "/").await, "<p>zebu");
    }
    assert_eq!((pebble.count(ORDER), pebble.count(ACCOUNT)), (1, 1));
}

#[tokio::test]
async fn a_server_that_wants_to_be_asked_later_is_asked_then_and_not_before() {
    let (dir, server) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let refused = Node::start_with("acme", |_| async {
        let problem = r#"{"type":"urn:ietf:params:acme:error:rateLimited","detail":"too many","status":429}"#;
        let mut answer = node::text(problem);
        *answer.status_mut() = http::StatusCode::TOO_MANY_REQUESTS;
        answer.headers_mut().insert("retry-after", "7200".parse().unwrap());
        answer
    })
    .await;
    // A web tier can be a server with TLS as well.
    let mut serving = both(&[&refused], &server);
    serving.tls.certificates = vec![certificate(server.path(), "localhost", &["localhost"])];
    let ca_file = serving.tls.certificates[0].certificate.clone();
    let front = Tier::with(serving).await;
    let mut config = both(&[], &dir);
    config.tls.certificates.clear();
    config.tls.acme = zebu_balancer::AcmeConfig {
        directory: format!("https://localhost:{}/ajax/dir", secure_address(&front).port()),
        names: vec!["a.example".to_owned()],
        folder: dir.path().join("acme"),
        agree_to_terms: true,
        ca_file,
        ..Default::default()
    };
    let (log, dial) = (heard(), Dial::new());
    let tier = dial.tier(config).await;
    eventually("it is put off", || error(&tier).starts_with("ACME: ")).await;
    let text = log.text();
    assert!(text.lines().any(|line| line.contains("next_seconds=7200")), "{text}");
    let asked = refused.requests();
    for _ in 0..3 {
        dial.go_on(60_000);
        // Its clock is looked at in each tick; the requests in between give it some.
        tier.get("/", "").await;
    }
    assert_eq!(refused.requests(), asked, "it was asked after a minute");
    dial.go_on(7_200_000);
    eventually("it is asked again", || refused.requests() > asked).await;
}

#[tokio::test]
async fn nothing_but_known_tokens_is_answered_and_before_the_redirect() {
    let (dir, pebble) = (tempfile::tempdir().unwrap(), Pebble::start().await);
    let node = Node::start("OX-1").await;
    let mut config = config(&[&node], &pebble, &dir, &["a.example"]);
    // An order would forget answers that are none of its own.
    config.tls.acme.ca_file = certificate(dir.path(), "other", &["localhost"]).certificate;
    let tier = Tier::with(config).await;
    let path = |token: &str| format!("/.well-known/acme-challenge/{token}");
    assert_eq!(tier.get("/ajax/x", "").await.status(), 301);
    for unknown in ["unknown", "", ".", "../certificate.pem", "..%2Fcertificate.pem", "a/b"] {
        assert_eq!(tier.get(&path(unknown), "").await.status(), 404, "{unknown}");
    }
    assert_eq!(tier.send(request("POST", &path("known"), "", "")).await.status(), 405);
    fs::write(dir.path().join("acme/challenges/known"), "known.digest").unwrap();
    let answer = tier.get(&path("known"), "").await;
    assert_eq!((answer.status().as_u16(), answer.body().as_ref()), (200, &b"known.digest"[..]));
    assert_eq!(answer.headers()["content-type"], "application/octet-stream");
    assert_eq!(node.requests(), 0);
}

#[tokio::test]
async fn terms_that_are_not_agreed_to_are_no_start() {
    let (dir, pebble) = (tempfile::tempdir().unwrap(), Pebble::start().await);
    let mut config = config(&[], &pebble, &dir, &["a.example"]);
    config.tls.acme.agree_to_terms = false;
    let error = Server::bind(config, Default::default(), Arc::new(|| 0)).await.err().unwrap().to_string();
    assert!(error.contains("tls.acme.agree_to_terms is false: it must be true"), "{error}");
    assert!(!dir.path().join("acme").exists());
}
