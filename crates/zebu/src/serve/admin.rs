//! The role `[admin]`: the daemon that the operator's commands ask. One for a deployment is enough; more do no harm.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use zebu_app::{App, databases, jobs};
use zebu_web::Drain;

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::role::Role;

/// An admin daemon under way.
pub(super) struct Admin {
    address: SocketAddr,
    pub(super) role: Role,
    /// Its listener, to have it drain.
    pub(super) listener: Drain,
    /// Works on jobs, and watches over the database servers, so that the commands know how they are.
    background: Vec<JoinHandle<()>>,
}

impl Admin {
    /// Starts an admin daemon, if the file names one. It works on jobs too, unless a node in the same process does: so what the
    /// operator asks for is done while no node runs.
    ///
    /// # Errors
    /// The address is taken, or a setting cannot work.
    pub(super) async fn start(config: &Config, app: Option<&Arc<App>>) -> Result<Option<Self>> {
        let (Some(settings), Some(app)) = (&config.admin, app) else { return Ok(None) };
        let server = zebu_web::Server::bind_admin(settings, Arc::clone(app)).await;
        let server = server.map_err(|error| Failure::new(error.to_string()))?;
        let (address, listener) = (server.local_addr(), server.draining());
        let mut background = if config.groupware.is_some() { Vec::new() } else { jobs::start(app) };
        background.push(tokio::spawn(databases::watching(Arc::clone(app))));
        let role = Role::start(|asked| server.run(asked.wait()));
        Ok(Some(Self { address, role, listener, background }))
    }

    /// What is said when it answers.
    pub(super) fn ready(&self) -> String {
        format!("ready admin http://{}/", self.address)
    }

    /// Finishes what is under way.
    pub(super) async fn stop(self) {
        self.role.stop().await;
        for task in &self.background {
            task.abort();
        }
    }
}
