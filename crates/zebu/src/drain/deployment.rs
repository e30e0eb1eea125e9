//! The deployment as these commands see it, through configdb.

use std::time::Duration;

use tokio::time::{Instant, sleep};
use zebu_app::drain::{self, NodeLife, Seen, What};
use zebu_app::{Clock, Error};
use zebu_store::Store;

use crate::config::Config;
use crate::drain::Where;
use crate::drain::progress::Progress;
use crate::failure::{Failure, Result};

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// A configdb that does not answer for so long ends a command: until then it may be its own restart.
const CONFIGDB_MAX: Duration = Duration::from_secs(30);

/// A deployment.
pub(super) struct Deployment {
    store: Store,
    /// Who asks: `root@oxgw01`.
    by: String,
    pub(super) progress: Progress,
}

impl Deployment {
    /// `way`: what stands before the name of who asks.
    pub(super) async fn open(place: &Where, way: &str) -> Result<Self> {
        let file = place.config.display();
        let store = Config::read(&place.config)?.store;
        let store = store
            .ok_or_else(|| Failure::new(format!("{file} has no [store]: where nodes are is in configdb")))?;
        let store = Store::open(store).await.map_err(|error| failed(&error.into()))?;
        Ok(Self { store, by: format!("{way}{}", who()), progress: Progress::new(place.json) })
    }

    /// All nodes and admin daemons. A configdb that does not answer is asked again for a while.
    pub(super) async fn nodes(&self) -> Result<Vec<Seen>> {
        let since = Instant::now();
        loop {
            match drain::nodes(&self.store, Clock::System.now_ms()).await {
                Ok(nodes) => return Ok(nodes),
                Err(error) if since.elapsed() >= CONFIGDB_MAX => return Err(failed(&error)),
                Err(_) => sleep(LOOK_EVERY).await,
            }
        }
    }

    /// The life that a node has now, after a moment; none if it has none.
    pub(super) async fn next_look(&self, name: &str) -> Result<Option<Seen>> {
        sleep(LOOK_EVERY).await;
        Ok(self.nodes().await?.into_iter().find(|seen| seen.life.name == name))
    }

    /// A node that is up.
    pub(super) async fn find(&self, name: &str) -> Result<Seen> {
        let nodes = self.nodes().await?;
        let Some(found) = nodes.iter().find(|seen| seen.life.name == name) else {
            let names: Vec<&str> = nodes.iter().map(|seen| seen.life.name.as_str()).collect();
            let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(Failure::new(format!("no node {name} is registered; there is {there}")));
        };
        if !found.is_up {
            let ago = Clock::System.now_ms().saturating_sub(found.life.seen) / 1_000;
            return Err(Failure::new(format!("{name} is down: it was heard of {ago} s ago")));
        }
        Ok(found.clone())
    }

    /// Whether a node is the last one that serves; without `force` that is a failure.
    pub(super) async fn is_last(&self, node: &NodeLife, force: bool) -> Result<bool> {
        let serves = |seen: &Seen| seen.serves_beside(node);
        let is_last = node.role == "groupware" && !self.nodes().await?.iter().any(serves);
        if is_last && !force {
            return Err(Failure::new(format!(
                "no other node serves: without {} nobody would be answered (--force does it all the same)",
                node.name
            )));
        }
        Ok(is_last)
    }

    /// Wishes something of a life, or takes it back.
    pub(super) async fn wish(&self, of: &NodeLife, what: Option<What>, limit: Duration) -> Result<()> {
        let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
        let lives = drain::wish(&self.store, of, what, limit_ms, &self.by).await;
        if lives.map_err(|error| failed(&error))? {
            return Ok(());
        }
        Err(Failure::new(format!("{} has stopped or started anew meanwhile", of.name)))
    }

    /// Web tiers that do not send requests to the node of this route yet.
    pub(super) async fn web_tiers_without(&self, route: &str) -> Result<Vec<String>> {
        let found = drain::web_tiers_without(&self.store, route, Clock::System.now_ms()).await;
        found.map_err(|error| failed(&error))
    }
}

fn failed(error: &Error) -> Failure {
    Failure::new(format!("cannot work with configdb: {}", error.cause_chain()))
}

/// `root@oxgw01`, as well as it is known.
fn who() -> String {
    let user = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    format!("{}@{}", user.as_deref().unwrap_or("somebody"), host.trim())
}
