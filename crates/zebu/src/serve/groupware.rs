//! The role `[groupware]`: a node. Serves HTTP, and AJP13 if there is an `[ajp]`.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinHandle;
use zebu_app::{App, Error, cluster, maintenance};
use zebu_cluster::discovery::Serves;
use zebu_web::Drain;

use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::role::Role;

/// A node under way.
pub(super) struct Groupware {
    app: Arc<App>,
    address: SocketAddr,
    role: Role,
    /// Its listeners, to have them drain.
    pub(super) listeners: Vec<Drain>,
    /// The AJP listener, and where it listens.
    ajp: Option<(SocketAddr, Role)>,
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
        let failed = |error: zebu_web::Error| Failure::new(error.to_string());
        let server = server.map_err(failed)?;
        let address = server.local_addr();
        let ajp = match &config.ajp {
            Some(ajp) => {
                Some(zebu_web::Server::bind_ajp(ajp, listener, Arc::clone(&app)).await.map_err(failed)?)
            }
            None => None,
        };
        let listeners = std::iter::once(&server).chain(&ajp).map(zebu_web::Server::draining).collect();
        cluster::listens(&app, &address.to_string()).await.map_err(databases)?;
        let background = maintenance::start(&app);
        let ajp = ajp.map(|ajp| (ajp.local_addr(), Role::start(|asked| ajp.run(asked.wait()))));
        let role = Role::start(|asked| server.run(asked.wait()));
        Ok(Some(Self { app, address, role, listeners, ajp, background }))
    }

    /// What web tiers are told of it.
    pub(super) fn serves(&self) -> Serves {
        let ajp = self.ajp.as_ref().map(|(address, _)| *address);
        Serves { route: self.app.node().route.as_str().into(), http: self.address, ajp }
    }

    /// What is said when it answers.
    pub(super) fn ready(&self) -> String {
        let name = &self.app.node().name;
        let ajp = self.ajp.as_ref().map(|(address, _)| format!("ready ajp {name} ajp://{address}\n"));
        format!("{}ready groupware {name} http://{}", ajp.unwrap_or_default(), self.address)
    }

    /// Waits for one of its listeners to end by itself.
    pub(super) async fn ended(&mut self) {
        match &mut self.ajp {
            Some((_, ajp)) => tokio::select! {
                () = ajp.ended() => {}
                () = self.role.ended() => {}
            },
            None => self.role.ended().await,
        }
    }

    /// Finishes what is under way.
    pub(super) async fn stop(self) {
        let ajp = async {
            if let Some((_, ajp)) = self.ajp {
                ajp.stop().await;
            }
        };
        tokio::join!(self.role.stop(), ajp);
        for task in &self.background {
            task.abort();
        }
    }
}
