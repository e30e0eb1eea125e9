//! The role `[groupware]`: a node. Serves HTTP.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use zebu_app::{App, Error, cluster, maintenance};

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::role::Role;

/// A node under way.
pub(super) struct Groupware {
    app: Arc<App>,
    address: SocketAddr,
    pub(super) role: Role,
    background: Vec<JoinHandle<()>>,
}

impl Groupware {
    /// Starts a node, if the file names one.
    ///
    /// # Errors
    /// The databases do not answer, or the address is taken.
    pub(super) async fn start(config: &Config, app: Option<&Arc<App>>) -> Result<Option<Self>> {
        let (Some(listener), Some(app)) = (&config.groupware, app) else { return Ok(None) };
        let app = Arc::clone(app);
        let databases =
            |error: Error| Failure::new(format!("cannot work with the databases: {}", error.cause_chain()));
        let server = zebu_web::Server::bind(listener, Arc::clone(&app)).await;
        let server = server.map_err(|error| Failure::new(error.to_string()))?;
        let address = server.local_addr();
        cluster::listens(&app, &address.to_string()).await.map_err(databases)?;
        let background = maintenance::start(&app);
        Ok(Some(Self { app, address, role: Role::start(|asked| server.run(asked.wait())), background }))
    }

    /// What is said when it answers.
    pub(super) fn ready(&self) -> String {
        format!("ready groupware {} http://{}", self.app.node().name, self.address)
    }

    /// Finishes what is under way.
    pub(super) async fn stop(self) {
        self.role.stop().await;
        for task in &self.background {
            task.abort();
        }
    }
}
