//! A cluster in one process: nodes, web tier, one database, one file store, one clock.

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tempfile::TempDir;
use tokio::task::JoinHandle;
use zebu_app::operator::Foundation;
use zebu_app::operator::databases::NewDatabase;
use zebu_app::operator::filestores::NewFilestore;
use zebu_app::{Clock, SessionConfig};
use zebu_balancer::{Assets, MemberConfig};
use zebu_cluster::Coherence;

use crate::client::Client;
use crate::node::{Node, app_config};
use crate::people::settle;

/// When the clock of a test's cluster stands at first: ms since the epoch.
const START_MS: i64 = 1_800_000_000_000;

/// A running cluster. Dropped, everything ends and its directory is removed.
#[derive(Debug)]
pub struct Cluster {
    /// The nodes `OX-1`, `OX-2` and so on.
    pub nodes: Vec<Node>,
    /// Stands until it is turned.
    pub clock: Clock,
    /// Where the web tier listens.
    pub address: SocketAddr,
    tier: JoinHandle<()>,
    directory: TempDir,
}

impl Cluster {
    /// A cluster of so many nodes with the usual people and the default settings.
    pub async fn start(nodes: usize) -> Cluster {
        Cluster::start_with(nodes, SessionConfig::default(), |_| {}).await
    }

    /// The same with nodes that remember nothing of what they read: what a request costs is what it asks.
    pub async fn start_without_cache(nodes: usize) -> Cluster {
        Cluster::start_each(
            nodes,
            |name, directory| {
                let mut config = app_config(directory, name, &SessionConfig::default());
                config.store.cache_bytes_max = 0;
                config
            },
            |_| {},
            |_| {},
        )
        .await
    }

    /// The same with other settings of the application, the nodes' listeners and the web tier.
    pub async fn start_tuned(
        nodes: usize,
        app: impl Fn(&mut zebu_app::Config),
        web: impl FnOnce(&mut zebu_web::Config),
        tier: impl FnOnce(&mut zebu_balancer::Config),
    ) -> Cluster {
        let config = |name: &str, directory: &Path| {
            let mut config = app_config(directory, name, &SessionConfig::default());
            app(&mut config);
            config
        };
        Cluster::start_each(nodes, config, web, tier).await
    }

    /// The same with other settings.
    pub async fn start_with(
        nodes: usize,
        sessions: SessionConfig,
        change: impl FnOnce(&mut zebu_web::Config),
    ) -> Cluster {
        let config = |name: &str, directory: &Path| app_config(directory, name, &sessions);
        Cluster::start_each(nodes, config, change, |_| {}).await
    }

    async fn start_each(
        nodes: usize,
        config: impl Fn(&str, &Path) -> zebu_app::Config,
        change: impl FnOnce(&mut zebu_web::Config),
        tier: impl FnOnce(&mut zebu_balancer::Config),
    ) -> Cluster {
        let directory = tempfile::tempdir().unwrap();
        let clock = Clock::manual(START_MS);
        let mut web = zebu_web::Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            bench_headers: true,
            ..zebu_web::Config::default()
        };
        change(&mut web);
        // The nodes of one process hear of each other's writes by sharing what is looked at before memory answers.
        let coherence = Coherence::alone();
        let mut running: Vec<Node> = Vec::new();
        for number in 1..=nodes {
            let config = config(&format!("OX-{number}"), directory.path());
            running.push(Node::start(config, &web, clock.clone(), coherence.clone()).await);
            if number == 1 {
                settle(&running[0].app, &foundation(directory.path())).await;
            }
        }
        let (address, tier) = start_tier(&running, directory.path(), tier).await;
        Cluster { nodes: running, clock, address, tier, directory }
    }

    /// A client of the web tier, not signed in yet. `login` is `user` or `user@mapping`.
    #[must_use]
    pub fn client(&self, login: &str) -> Client {
        Client::new(self.address, login)
    }

    /// A client that talks to one node, past the web tier; the first node is 0.
    #[must_use]
    pub fn direct(&self, node: usize, login: &str) -> Client {
        Client::new(self.nodes[node].address, login)
    }

    /// How many contents the file store has, named or not.
    #[must_use]
    pub fn contents(&self) -> usize {
        count_files(&self.directory.path().join("files"))
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.tier.abort();
    }
}

fn foundation(directory: &Path) -> Foundation {
    std::fs::create_dir_all(directory.join("files")).unwrap();
    Foundation {
        server: "zebu".to_owned(),
        filestore: NewFilestore::at(&format!("file://{}/files", directory.display())),
        database: NewDatabase {
            name: "shard".to_owned(),
            hostname: format!("sqlite:{}", directory.display()),
            ..NewDatabase::default()
        },
    }
}

async fn start_tier(
    nodes: &[Node],
    directory: &Path,
    change: impl FnOnce(&mut zebu_balancer::Config),
) -> (SocketAddr, JoinHandle<()>) {
    let members =
        nodes.iter().map(|node| MemberConfig::new(node.app.node().route.clone(), node.address.to_string()));
    let mut config = zebu_balancer::Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)).into(),
        members: members.collect(),
        route_key_file: Some(route_keys(directory)),
        ..zebu_balancer::Config::default()
    };
    change(&mut config);
    let clock: zebu_balancer::Clock = Arc::new(|| START_MS);
    let server = zebu_balancer::Server::bind(config, Assets::default(), clock).await.unwrap();
    (server.local_addr(), tokio::spawn(server.run(std::future::pending())))
}

/// The key that routes are signed with: one that everybody knows, so that clients can be pinned to a node.
pub(crate) const ROUTE_KEY: [u8; zebu_balancer::KEY_BYTES] = [7; zebu_balancer::KEY_BYTES];

/// A file with it.
fn route_keys(directory: &Path) -> PathBuf {
    let path = directory.join("routes.key");
    let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
    file.unwrap().write_all("07".repeat(zebu_balancer::KEY_BYTES).as_bytes()).unwrap();
    path
}

fn count_files(directory: &Path) -> usize {
    let entries = std::fs::read_dir(directory).unwrap();
    let counts = entries.map(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() { count_files(&path) } else { 1 }
    });
    counts.sum()
}
