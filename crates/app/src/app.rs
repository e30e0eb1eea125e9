//! A node's application: what all use cases share.

use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use tokio::sync::Notify;
use zebu_cluster::Coherence;
use zebu_cluster::node::OverMesh;
use zebu_model::Scope;
use zebu_store::configdb::databases;
use zebu_store::{Place, Plan, ReadTx, Store, WriteTx};

use crate::clock::Clock;
use crate::databases::Behind;
use crate::error::Result;
use crate::gauge::Gauge;
use crate::jobs::JobConfig;
use crate::passwords::Passwords;
use crate::push::{Push, PushConfig};
use crate::random;
use crate::sessions::{Guard, SessionConfig, Uses};
use crate::storage::Storage;
use crate::to_sweep::ToSweep;

/// The parts of a node's configuration that the application owns.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// `[node]`: who this node is.
    pub node: NodeConfig,
    /// `[store]`: where configdb is.
    pub store: zebu_store::Config,
    /// `[sessions]`.
    #[serde(default)]
    pub sessions: SessionConfig,
    /// Contexts whose administrators operate the cluster and may see the cluster page. Default none: a tenant's
    /// administrator has no business there.
    #[serde(default)]
    pub operator_contexts: Vec<u32>,
    /// `[operator]`: of the processes that carry out the operator's commands.
    #[serde(default)]
    pub operator: crate::operator::Settings,
    /// `[jobs]`.
    #[serde(default)]
    pub jobs: JobConfig,
    /// `[push]`.
    #[serde(default)]
    pub push: PushConfig,
}

/// `[node]`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeConfig {
    /// The node's name, unique in the deployment.
    pub name: String,
    /// What stands behind the dot in `JSESSIONID`, as the web tier knows it. Default: the name.
    #[serde(default)]
    pub route: Option<String>,
    /// The cluster this node belongs to, by the name that `registerserver` was told. It serves the contexts of that cluster
    /// alone, and makes new ones in it. Default: none; it serves all, and makes new ones in the first that was registered.
    #[serde(default)]
    pub server: Option<String>,
}

/// What tells a process from all others.
#[derive(Clone, Debug)]
pub struct Identity {
    /// The name of its node.
    pub name: String,
    /// New at every start, 32 hexadecimal digits.
    pub incarnation: String,
}

impl Identity {
    /// A new one.
    pub fn new(config: &NodeConfig) -> Result<Identity> {
        Ok(Identity { name: config.name.clone(), incarnation: random::token()? })
    }
}

/// Who this node is.
#[derive(Clone, Debug)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Its route.
    pub route: String,
    /// New at every start.
    pub incarnation: String,
    /// When it started, ms since the epoch.
    pub started: i64,
}

/// The application of one node. Shared behind an [`Arc`].
#[derive(Debug)]
pub struct App {
    pub(crate) store: Store,
    pub(crate) storage: Storage,
    pub(crate) passwords: Passwords,
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    pub(crate) node: Node,
    /// What there is to sweep.
    pub(crate) to_sweep: ToSweep,
    /// Schemas that could not be brought up to date.
    pub(crate) behind: Behind,
    /// Woken when there are passwords to hash.
    pub(crate) unhashed: Notify,
    /// Woken when there is a job to take up.
    pub(crate) jobs: Notify,
    /// The connections with the other nodes, where this process has them.
    pub(crate) mesh: OnceLock<Arc<OverMesh>>,
    /// This process in the coherence protocol, where it is a member.
    pub(crate) member: OnceLock<Arc<zebu_cluster::node::Node>>,
    /// When app passwords were last used.
    pub(crate) app_password_uses: Uses,
    /// Who may guess at passwords.
    pub(crate) guard: Guard,
    /// Whether any node shows less than was written.
    pub(crate) gauge: Gauge,
    /// Who wants to hear of changes.
    pub(crate) push: Push,
}

impl App {
    /// Opens configdb. The shards are opened, and their schemas brought up to date, when they are first needed: one that is
    /// dead keeps no node from starting.
    pub async fn open(config: Config, clock: Clock) -> Result<Arc<App>> {
        App::open_in(config, clock, None).await
    }

    /// The same for a node that remembers what it read, and lets others do so.
    pub async fn open_in(config: Config, clock: Clock, coherence: Option<Coherence>) -> Result<Arc<App>> {
        let identity = Identity::new(&config.node)?;
        App::open_as(identity, config, clock, coherence).await
    }

    /// The same for a process whose identity others know already.
    pub async fn open_as(
        identity: Identity,
        config: Config,
        clock: Clock,
        coherence: Option<Coherence>,
    ) -> Result<Arc<App>> {
        let push = Push::new(config.push.clone(), coherence.as_ref());
        let store = Store::open_in(config.store.clone(), coherence).await?;
        let Identity { name, incarnation } = identity;
        let route = config.node.route.clone().unwrap_or_else(|| name.clone());
        let node = Node { name, route, incarnation, started: clock.now_ms() };
        Ok(Arc::new(App {
            store,
            storage: Storage::default(),
            passwords: Passwords::new()?,
            config,
            clock,
            node,
            to_sweep: ToSweep::default(),
            behind: Behind::default(),
            unhashed: Notify::new(),
            jobs: Notify::new(),
            mesh: OnceLock::new(),
            member: OnceLock::new(),
            app_password_uses: Uses::default(),
            guard: Guard::default(),
            gauge: Gauge::default(),
            push,
        }))
    }

    /// What the gauge has seen.
    #[must_use]
    pub fn gauge(&self) -> &Gauge {
        &self.gauge
    }

    /// The next write of this process that is committed: to be read back.
    pub async fn next_sample(&self) -> zebu_store::Sample {
        self.store.next_sample().await
    }

    /// Who this node is.
    #[must_use]
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Whether this node serves a context: those of its own cluster, or all if it belongs to none.
    pub(crate) fn serves(&self, place: &Place) -> bool {
        self.config.node.server.as_ref().is_none_or(|own| *own == place.server)
    }

    /// The time, ms since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// Whether configdb answers: what `/health/ready` reports.
    pub async fn ready(&self) -> Result<()> {
        let mut tx = self.store.config().await?;
        databases::all(&mut tx).await.map(drop).map_err(Into::into)
    }

    /// Reads anything, on the master.
    pub(crate) async fn read(&self, place: &Place) -> Result<ReadTx> {
        Ok(self.store.read(place).await?)
    }

    /// Reads what belongs to these scopes, on a replica if one has it. To be called within `until_settled!`: if the replica
    /// fails in the middle, the read starts over on the master.
    pub(crate) async fn read_of(&self, place: &Place, scopes: &[Scope]) -> Result<ReadTx> {
        Ok(self.store.read_scopes(place, scopes).await?)
    }

    pub(crate) async fn write(&self, place: &Place, plan: Plan) -> Result<WriteTx> {
        Ok(self.store.write(place, plan, self.now_ms()).await?)
    }
}
