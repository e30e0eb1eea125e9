//! Our own web tier with the text that the guide configures Apache with.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::task::JoinHandle;
use zebu_balancer::{Assets, Config, Server};

use crate::{apache, day};

/// A web tier in this process, gone with its test.
pub(crate) struct WebTier {
    pub(crate) address: SocketAddr,
    pub(crate) status: zebu_balancer::Status,
    running: JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl WebTier {
    /// With this text in the place of Apache's configuration.
    pub(crate) async fn start(text: &str) -> WebTier {
        let folder = tempfile::tempdir().unwrap();
        let file: &Path = &folder.path().join("proxy_http.conf");
        std::fs::write(file, text).unwrap();
        let config = Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)).into(),
            proxy_config: file.display().to_string(),
            check_interval_ms: 100,
            ..Config::default()
        };
        let server = Server::bind(config, Assets::default(), Arc::new(|| 0)).await.unwrap();
        let (address, status) = (server.local_addr(), server.status());
        let running = tokio::spawn(server.run(std::future::pending()));
        WebTier { address, status, running, _folder: folder }
    }
}

impl Drop for WebTier {
    fn drop(&mut self) {
        self.running.abort();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_our_web_tier_with_what_the_guide_gives_apache() {
    let (mut cluster, members) = apache::two_nodes("").await;
    let tier = WebTier::start(&apache::guide(&members)).await;
    day::through(tier.address, &mut cluster).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_our_web_tier_with_a_secret_and_a_ping_before_each_request() {
    let (mut cluster, members) = apache::two_nodes(apache::SECRET).await;
    let parameters = format!("\"secret={}\" ping=10 route=", apache::SECRET);
    let tier = WebTier::start(&apache::guide(&members).replace("route=", &parameters)).await;
    day::through(tier.address, &mut cluster).await;
}
