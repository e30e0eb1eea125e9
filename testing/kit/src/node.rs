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
    web: zebu_web::Config,
    stop: Option<oneshot::Sender<()>>,
    task: JoinHandle<()>,
    /// Its AJP listeners, with the way to end each.
    ajp: Vec<(oneshot::Sender<()>, JoinHandle<()>)>,
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
        let (stop, task) = run(server);
        Node { app, address, web: web.clone(), stop: Some(stop), task, ajp: Vec::new() }
    }

    /// Has it listen for AJP13 too, on a free port of this machine unless told otherwise; answers where.
    pub async fn ajp(&mut self, change: impl FnOnce(&mut zebu_web::ajp::Config)) -> SocketAddr {
        let mut config = zebu_web::ajp::Config {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            ..zebu_web::ajp::Config::default()
        };
        change(&mut config);
        let server = zebu_web::Server::bind_ajp(&config, &self.web, Arc::clone(&self.app)).await.unwrap();
        let address = server.local_addr();
        self.ajp.push(run(server));
        address
    }

    /// Stops it in good order: requests under way are finished first.
    pub async fn stop(&mut self) {
        if let Some(stop) = self.stop.take() {
            let _ = stop.send(());
        }
        let ajp: Vec<_> = self.ajp.drain(..).map(|(stop, task)| (stop.send(()), task).1).collect();
        (&mut self.task).await.unwrap();
        for task in ajp {
            task.await.unwrap();
        }
    }

    /// Kills it: connections break, nothing is finished.
    pub fn kill(&mut self) {
        self.task.abort();
        self.ajp.iter().for_each(|(_, task)| task.abort());
    }
}

/// Runs a listener; what is sent, or dropped, has it stop in good order.
fn run(server: zebu_web::Server) -> (oneshot::Sender<()>, JoinHandle<()>) {
    let (stop, stopped) = oneshot::channel();
    let task = tokio::spawn(server.run(async move {
        // A sender that is gone means the same: the test is over.
        let _ = stopped.await;
    }));
    (stop, task)
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}
