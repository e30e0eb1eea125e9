//! The role `[web]`: the web tier. Serves the client's files, passes everything else to the nodes, and reports its state
//! to configdb if it knows one.

use std::net::SocketAddr;
use std::sync::Arc;

use zebu_app::Clock;
use zebu_balancer::Server;

use crate::client;
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::report::Reporter;
use crate::serve::role::Role;

/// A web tier under way.
pub(super) struct Web {
    address: SocketAddr,
    pub(super) role: Role,
    reporter: Option<Reporter>,
}

impl Web {
    /// Starts a web tier, if the file names one.
    ///
    /// # Errors
    /// The address is taken, or the configuration cannot work.
    pub(super) async fn start(config: &Config) -> Result<Option<Self>> {
        let Some(tier) = &config.web else { return Ok(None) };
        let failed = |error: zebu_balancer::Error| Failure::new(error.to_string());
        let assets = client::assets().map_err(failed)?;
        let now = Arc::new(|| Clock::System.now_ms());
        let server = Server::bind(tier.clone(), assets, now).await.map_err(failed)?;
        let address = server.local_addr();
        let reporter = match (&config.store, &config.node) {
            (Some(store), Some(node)) => {
                Some(Reporter::start(store.clone(), node.name.clone(), server.status()))
            }
            _ => None,
        };
        Ok(Some(Self { address, role: Role::start(|asked| server.run(asked.wait())), reporter }))
    }

    /// What is said when it answers.
    pub(super) fn ready(&self) -> String {
        format!("ready web http://{}/", self.address)
    }

    /// Finishes what is under way and withdraws its report.
    pub(super) async fn stop(self) {
        self.role.stop().await;
        if let Some(reporter) = self.reporter {
            reporter.stop().await;
        }
    }
}
