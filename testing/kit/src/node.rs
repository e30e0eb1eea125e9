//! One node of a test's cluster: the application and its HTTP listener.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zebu_app::cluster::Role;
use zebu_app::{App, Clock, NodeConfig, SessionConfig};
use zebu_cluster::Coherence;

/// A node, running until it is stopped or dropped.
#[derive(Debug)]
pub struct Node {
    /// Its application, for looking behind the HTTP side.
    pub app: Arc<App>,
    /// Where its HTTP listener is.
    pub address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
}

/// What nodes of one cluster share.
pub(crate) fn app_config(directory: &Path, name: &str, sessions: &SessionConfig) -> zebu_app::Config {
    zebu_app::Config {
        node: NodeConfig { name: name.to_owned(), route: None, server: None },
        store: zebu_store::Config::new(format!("sqlite:{}/config.db", directory.display())),
        sessions: sessions.clone(),
        operator_contexts: vec![super::CONTEXT.0],
        operator: zebu_app::operator::Settings::default(),
        jobs: zebu_app::JobConfig::default(),
        push: zebu_app::PushConfig::default(),
    }
}

impl Node {
    /// Opens the application and serves it.
    pub(crate) async fn start(
        config: zebu_app::Config,
        web: &zebu_web::Config,
        clock: Clock,
        coherence: Coherence,
    ) -> Node {
        let app = App::open_in(config, clock, Some(coherence)).await.unwrap();
        let server = zebu_web::Server::bind(web, Arc::clone(&app)).await.unwrap();
        let address = server.local_addr();
        zebu_app::cluster::enter(&app, Role::Groupware, None).await.unwrap();
        zebu_app::cluster::listens(&app, &address.to_string()).await.unwrap();
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(server.run(async move {
            // A sender that is gone means the same: the test is over.
            let _ = stopped.await;
        }));
        Node { app, address, stop: Some(stop), task }
    }

    /// Stops it in good order: requests under way are finished first.
    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        (&mut self.task).await.unwrap();
    }

    /// Kills it: connections break, nothing is finished.
    pub fn kill(&mut self) {
        self.task.abort();
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}
