//! The role `[groupware]`: a node. Joins the cluster, serves HTTP, and leaves the cluster in good order.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use zebu_app::{App, Error, cluster, maintenance};

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::mesh::Meshed;
use crate::serve::role::Role;

/// A node under way.
pub(super) struct Groupware {
    app: Arc<App>,
    address: SocketAddr,
    pub(super) role: Role,
    background: Vec<JoinHandle<()>>,
    mesh: Option<Meshed>,
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
        let mut mesh = match &config.cluster {
            Some(settings) => Some(Meshed::start(settings, &app).await?),
            None => None,
        };
        let in_mesh = mesh.as_ref().map(Meshed::in_mesh);
        cluster::join(&app, &address.to_string(), in_mesh).await.map_err(databases)?;
        if let Some(mesh) = &mut mesh {
            mesh.follow(&app);
        }
        let background = maintenance::start(&app);
        Ok(Some(Self { app, address, role: Role::start(|asked| server.run(asked.wait())), background, mesh }))
    }

    /// What is said when it answers.
    pub(super) fn ready(&self) -> String {
        format!("ready groupware {} http://{}", self.app.node().name, self.address)
    }

    /// Finishes what is under way and leaves the cluster.
    pub(super) async fn stop(self) {
        self.role.stop().await;
        for task in &self.background {
            task.abort();
        }
        if let Err(error) = cluster::leave(&self.app).await {
            tracing::warn!(cause = error.cause_chain(), "cannot leave the cluster's registry");
        }
        // Out of the registry first: whoever hears the goodbye does not miss it.
        if let Some(mesh) = self.mesh {
            mesh.stop().await;
        }
    }
}
