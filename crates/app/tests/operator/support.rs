//! A deployment that nothing is registered in, on each engine.

use std::sync::Arc;

use zebu_app::operator::{Denied, Error, Result, Settings};
use zebu_app::{App, Clock, Config, NodeConfig, SessionConfig};
use zebu_store::Store;

/// One node on empty databases.
pub struct Bare {
    pub app: Arc<App>,
    pub clock: Clock,
    /// What `registerdatabase --hostname` takes for a server of this engine.
    pub hostname: String,
    /// A name for it that no other test has.
    pub name: String,
    pub dir: tempfile::TempDir,
    configdb: String,
    key_file: std::path::PathBuf,
}

/// Runs the test on SQLite and on MariaDB.
pub async fn on_each_engine(settings: &Settings, test: impl AsyncFn(Bare)) {
    println!("on SQLite");
    let dir = tempfile::tempdir().unwrap();
    let configdb = format!("sqlite:{}/config.db", dir.path().display());
    let hostname = format!("sqlite:{}", dir.path().display());
    test(Bare::start(configdb, hostname, "shard".to_owned(), dir, settings).await).await;
    println!("on MariaDB");
    let server = zebu_mariadb::server();
    let hostname = server.socket().display().to_string();
    let dir = tempfile::tempdir().unwrap();
    test(Bare::start(server.schema(), hostname, server.name(), dir, settings).await).await;
}

impl Bare {
    async fn start(
        configdb: String,
        hostname: String,
        name: String,
        dir: tempfile::TempDir,
        settings: &Settings,
    ) -> Bare {
        let key_file = dir.path().join("key");
        std::fs::write(&key_file, [7u8; 32]).unwrap();
        let clock = Clock::manual(1_700_000_000_000);
        let app = open(&configdb, &key_file, &clock, settings).await;
        Bare { app, clock, hostname, name, dir, configdb, key_file }
    }

    /// Another node of the same deployment.
    pub async fn another(&self, settings: &Settings) -> Arc<App> {
        open(&self.configdb, &self.key_file, &self.clock, settings).await
    }

    /// The databases, past the application.
    pub async fn ground(&self) -> Store {
        Store::open(store_config(&self.configdb, &self.key_file)).await.unwrap()
    }

    /// A file store's URI in the test's directory.
    pub fn filestore(&self, name: &str) -> String {
        format!("file://{}/{name}", self.dir.path().display())
    }

    /// Server, file store and database.
    pub async fn lay(&self) -> zebu_app::operator::Laid {
        let foundation = crate::fixture::foundation(&self.name, &self.hostname, self.dir.path(), "files");
        zebu_app::operator::lay(&self.app, &foundation).await.unwrap()
    }
}

fn store_config(configdb: &str, key_file: &std::path::Path) -> zebu_store::Config {
    zebu_store::Config { key_file: key_file.to_owned(), ..zebu_store::Config::new(configdb) }
}

async fn open(configdb: &str, key_file: &std::path::Path, clock: &Clock, settings: &Settings) -> Arc<App> {
    let config = Config {
        node: NodeConfig { name: "OX-1".to_owned(), route: None, server: None },
        store: store_config(configdb, key_file),
        sessions: SessionConfig::default(),
        operator_contexts: Vec::new(),
        jobs: zebu_app::JobConfig::default(),
        push: zebu_app::PushConfig::default(),
        operator: settings.clone(),
    };
    App::open(config, clock.clone()).await.unwrap()
}

/// Why it was denied.
pub fn denied<T: std::fmt::Debug>(result: Result<T>) -> Denied {
    match result.unwrap_err() {
        Error::Denied(denied) => denied,
        failed => panic!("{}", failed.cause_chain()),
    }
}

/// The sentence and the exit code.
pub fn said<T: std::fmt::Debug>(result: Result<T>) -> (u8, String) {
    let denied = denied(result);
    (denied.class().exit_code(), denied.to_string())
}
