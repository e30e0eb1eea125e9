//! The role `[web]`: the web tier. Serves the client's files, passes everything else to the nodes, and reports its state
//! to configdb if it knows one. Takes its listening sockets over from systemd or from the web tier that runs already, and
//! gives them to its successor.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use zebu_app::Clock;
use zebu_balancer::{Control, Ending, Handover, Inherited, Server, take_over};

use crate::client;
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::serve::found::Finder;
use crate::serve::report::Reporter;
use crate::serve::role::Role;

/// A web tier under way.
pub(super) struct Web {
    addresses: Vec<String>,
    pub(super) role: Role,
    control: Control,
    /// Looks who serves in the cluster's mesh.
    finder: Finder,
    reporter: Option<Reporter>,
    /// Waits for a successor.
    successor: Option<JoinHandle<()>>,
    replaced: Arc<AtomicBool>,
}

impl Web {
    /// Starts a web tier, if the file names one. `own_mesh`: where the mesh of this process listens, if it is a node too.
    ///
    /// # Errors
    /// The address is taken, or the configuration cannot work.
    pub(super) async fn start(config: &Config, own_mesh: Vec<SocketAddr>) -> Result<Option<Self>> {
        let Some(tier) = &config.web else { return Ok(None) };
        let failed = |error: zebu_balancer::Error| Failure::new(error.to_string());
        let handing = |error: std::io::Error| Failure::new(format!("[web] handover: {error}"));
        let mut inherited = Inherited::from_systemd()
            .map_err(|error| Failure::new(format!("a socket of systemd's cannot be used: {error}")))?;
        let mut predecessor = None;
        if let Some(path) = tier.handover.as_deref().filter(|_| inherited.is_empty())
            && let Some((sockets, before)) = take_over(path).await.map_err(handing)?
        {
            (inherited, predecessor) = (sockets, Some(before));
        }
        let assets = client::assets().map_err(failed)?;
        let now = Arc::new(|| Clock::System.now_ms());
        let server = Server::inherit(tier.clone(), assets, now, inherited).await.map_err(failed)?;
        let (control, status, sockets) = (server.control(), server.status(), server.sockets());
        let addresses = server.listeners().iter().map(|listener| format!("{listener}/")).collect();
        let (replace, replaced_by) = oneshot::channel::<()>();
        let role = Role::start(|asked| {
            server.run_until(async move {
                tokio::select! {
                    () = asked.wait() => Ending::Stop,
                    Ok(()) = replaced_by => Ending::HandedOver,
                }
            })
        });
        if let Some(predecessor) = predecessor
            && let Err(error) = predecessor.relieve().await
        {
            tracing::warn!(cause = %error, "the web tier before this one may go on to serve");
        }
        let reporter = match (&config.store, &config.node) {
            (Some(store), Some(node)) => Some(Reporter::start(store.clone(), node.name.clone(), status)),
            _ => None,
        };
        let finder = Finder::start(config, tier, &control, own_mesh)?;
        let mut web =
            Self { addresses, role, control, finder, reporter, successor: None, replaced: Arc::default() };
        if let Some(path) = &tier.handover {
            let handover = Handover::listen(path, sockets.map_err(handing)?).map_err(handing)?;
            web.await_successor(handover, replace);
        }
        Ok(Some(web))
    }

    /// When a successor serves, this web tier takes nothing new, and reports nothing more under the name that both have.
    fn await_successor(&mut self, handover: Handover, replace: oneshot::Sender<()>) {
        let (replaced, reporter) = (self.replaced.clone(), self.reporter.as_ref().map(Reporter::silencer));
        self.successor = Some(tokio::spawn(async move {
            handover.wait().await;
            tracing::info!("a successor has taken over");
            replaced.store(true, Ordering::Release);
            if let Some(reporter) = reporter {
                reporter.abort();
            }
            // It may be ending already.
            let _ = replace.send(());
        }));
    }

    /// What is said when it answers.
    pub(super) fn ready(&self) -> String {
        format!("ready web {}", self.addresses.join(" "))
    }

    /// Whether it ended, or is about to, because a successor serves in its place.
    pub(super) fn was_replaced(&self) -> bool {
        self.replaced.load(Ordering::Acquire)
    }

    /// Takes up what can be changed while it serves; where its members are to come from the mesh from now on, once it has heard of
    /// them.
    ///
    /// # Errors
    /// The configuration cannot work; then nothing has changed.
    pub(super) fn reload(&mut self, config: &Config, tier: &zebu_balancer::Config) -> Result<()> {
        self.finder.reload(config, tier, &self.control)
    }

    /// Finishes what is under way and withdraws its report.
    pub(super) async fn stop(self) {
        let replaced = self.was_replaced();
        if let Some(successor) = self.successor {
            // Its sockets are closed with it: nobody connects to a web tier that has stopped.
            successor.abort();
            let _ = successor.await;
        }
        self.role.stop().await;
        if let Some(reporter) = self.reporter.filter(|_| !replaced) {
            reporter.stop().await;
        }
    }
}
