//! The node's place in the cluster: its entry in the registry, and what the cluster page shows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;
use zebu_cluster::authority::Name;
use zebu_cluster::mesh::{self, Expected};
use zebu_cluster::node::OverMesh;
use zebu_model::{Refusal, UserId};
use zebu_store::configdb::databases::{self as registry, Schema};
use zebu_store::configdb::nodes::{self, Node};
use zebu_store::configdb::web_tiers::{self, Report};
use zebu_store::shard::sessions;

use crate::app::App;
use crate::caller::Caller;
use crate::databases::{self, DatabaseStatus};
use crate::error::{Error, Result};
use crate::gauge::{Answering, GaugeState};
use crate::live::{self, Live};

/// How long a node counts as up after it was last heard of, ms: as long as its membership in the cluster is good.
pub const MEMBER_TTL_MS: i64 = 6_000;
/// A node that has not been heard of for so long is not missed any more, ms: a day.
const MISSED_MS: i64 = 86_400_000;
/// A node is missed aloud after this time, ms: at a start all are missing for a moment.
const MISSED_ALOUD_MS: u64 = 5_000;
/// A session counts as one of a node's if it was used within this time, ms.
const SESSION_ACTIVE_MS: i64 = 3_600_000;

/// A node on the cluster page.
#[derive(Debug, Serialize)]
pub struct NodeStatus {
    name: String,
    /// `groupware`, or `admin` for an admin daemon.
    role: String,
    route: String,
    address: String,
    version: String,
    /// `up`, or `gone`: it should be there, and was not heard of.
    state: &'static str,
    started: i64,
    last_seen: i64,
    uptime_ms: i64,
    sessions: u64,
}

/// A web tier on the cluster page.
#[derive(Debug, Serialize)]
pub struct WebTierStatus {
    name: String,
    last_seen: i64,
    state: Box<RawValue>,
}

/// The cluster page.
#[derive(Debug, Serialize)]
pub struct Status {
    /// The node that answered.
    served_by: String,
    nodes: Vec<NodeStatus>,
    web_tiers: Vec<WebTierStatus>,
    databases: Vec<DatabaseStatus>,
    /// The connections of the node that answered; none if it has no mesh.
    mesh: Option<mesh::Status>,
    /// The same node in the coherence protocol, and what it remembers.
    live: Live,
    /// What the gauge of the node that answered has seen.
    gauge: GaugeState,
    sessions_total: u64,
    /// Schemas whose sessions are not counted: they do not answer.
    sessions_uncounted: Vec<String>,
}

/// A node's part in a mesh, as the registry has it.
#[derive(Clone, Debug)]
pub struct InMesh {
    /// The cluster.
    pub cluster: String,
    /// Where it listens, `host:port`; "" if others find that out by other means.
    pub address: String,
}

/// Whether the caller operates the cluster: the administrator of a context that the configuration names.
#[must_use]
pub fn may_see(app: &App, caller: &Caller) -> bool {
    caller.who.user == UserId::ADMIN && app.config.operator_contexts.contains(&caller.place.context.0)
}

/// The state of nodes, web tiers and databases.
pub async fn status(app: &App, caller: &Caller) -> Result<Status> {
    if !may_see(app, caller) {
        return Err(Refusal::OperatorOnly {}.into());
    }
    let now = app.now_ms();
    let (entered, reports, schemas) = {
        let mut tx = app.store.config().await?;
        let schemas = registry::schemas_in_use(&mut tx).await?;
        (nodes::all(&mut tx).await?, web_tiers::all(&mut tx).await?, schemas)
    };
    let (mut counted, mut sessions_uncounted): (BTreeMap<String, u64>, _) = (BTreeMap::new(), Vec::new());
    for schema in schemas {
        // This is looked at when something is wrong: what is known has to be shown.
        let found = sessions_in(app, &schema, now).await.unwrap_or_else(|error| {
            tracing::warn!(schema = schema.name, cause = error.cause_chain(), "sessions are not counted");
            sessions_uncounted.push(schema.name);
            Vec::new()
        });
        for (node, count) in found {
            let sum = counted.entry(node).or_default();
            *sum = sum.saturating_add(count);
        }
    }
    let live = live::live(app, &entered);
    let nodes = entered
        .into_iter()
        .map(|m| NodeStatus {
            state: if now.saturating_sub(m.seen) <= MEMBER_TTL_MS { "up" } else { "gone" },
            uptime_ms: now.saturating_sub(m.started),
            sessions: counted.get(&m.name).copied().unwrap_or(0),
            name: m.name,
            role: m.role,
            route: m.route,
            address: m.address,
            version: m.program,
            started: m.started,
            last_seen: m.seen,
        })
        .collect();
    let web_tiers = reports
        .into_iter()
        .map(|report| {
            let state = RawValue::from_string(report.status)
                .map_err(|e| Error::Internal(format!("status of web tier {}: {e}", report.name)))?;
            Ok(WebTierStatus { name: report.name, last_seen: report.seen, state })
        })
        .collect::<Result<_>>()?;
    let databases = databases::seen(app).into_iter().map(DatabaseStatus::from).collect();
    let sessions_total = counted.values().fold(0u64, |sum, n| sum.saturating_add(*n));
    Ok(Status {
        served_by: app.node.name.clone(),
        nodes,
        web_tiers,
        databases,
        mesh: mesh_of(app),
        live,
        gauge: app.gauge.state(),
        sessions_total,
        sessions_uncounted,
    })
}

/// The sessions in a schema, by node.
async fn sessions_in(app: &App, schema: &Schema, now: i64) -> Result<Vec<(String, u64)>> {
    let mut tx = app.store.read_schema(schema).await?;
    Ok(sessions::count_by_node_in_schema(&mut tx, now.saturating_sub(SESSION_ACTIVE_MS)).await?)
}

/// Gives the application the mesh of its process, once.
pub fn attach(app: &Arc<App>, mesh: Arc<OverMesh>) {
    mesh.answer_by(Arc::new(Answering(Arc::downgrade(app))));
    // A second one would be another process's.
    let _ = app.mesh.set(mesh);
}

/// The mesh of this process, if it has one.
#[must_use]
pub fn mesh_of(app: &App) -> Option<mesh::Status> {
    app.mesh.get().map(|over| over.mesh().status())
}

/// What is wrong with the mesh, a line each.
#[must_use]
pub fn troubles(app: &App) -> Vec<String> {
    let missing = mesh_of(app).into_iter().flat_map(|mesh| mesh.missing);
    missing
        .filter(|missing| missing.for_ms >= MISSED_ALOUD_MS)
        .map(|missing| {
            format!("{} is registered and not connected for {} s", missing.name, missing.for_ms / 1_000)
        })
        .collect()
}

/// Who should be in the mesh of a cluster: those that are registered and have been heard of within a day.
pub async fn registered(app: &App, cluster: &str) -> Result<Vec<Expected>> {
    registered_in(&app.store, cluster, app.now_ms()).await
}

/// The same, for a process that is no node.
pub async fn registered_in(store: &zebu_store::Store, cluster: &str, now_ms: i64) -> Result<Vec<Expected>> {
    let all = {
        let mut tx = store.config().await?;
        nodes::all(&mut tx).await?
    };
    let since = now_ms.saturating_sub(MISSED_MS);
    let ours = all.into_iter().filter(|node| node.cluster == cluster && node.seen >= since);
    let expected = ours.filter_map(|node| {
        // A name that no certificate could have is of no member of a mesh.
        let name = Name::new("node", &node.name).ok()?;
        Some(Expected { name, incarnation: node.life.into(), address: node.mesh.parse().ok() })
    });
    Ok(expected.collect())
}

/// What a process does in the cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It is a node.
    Groupware,
    /// It is an admin daemon and no node.
    Admin,
}

/// Says in configdb that this process is there. Its HTTP listener is told once it has one.
pub async fn enter(app: &App, role: Role, in_mesh: Option<&InMesh>) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    let node = Node {
        name: app.node.name.clone(),
        role: match role {
            Role::Groupware => "groupware",
            Role::Admin => "admin",
        }
        .to_owned(),
        route: app.node.route.clone(),
        address: String::new(),
        program: env!("CARGO_PKG_VERSION").to_owned(),
        incarnation: app.node.incarnation.clone(),
        life: app.node.incarnation.clone(),
        started: app.node.started,
        seen: app.now_ms(),
        cluster: in_mesh.map_or(String::new(), |mesh| mesh.cluster.clone()),
        mesh: in_mesh.map_or(String::new(), |mesh| mesh.address.clone()),
    };
    nodes::enter(&mut tx, &node).await?;
    Ok(tx.commit().await?)
}

/// Says where this process's HTTP listener is.
pub async fn listens(app: &App, address: &str) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    nodes::set_address(&mut tx, &app.node.name, &app.node.incarnation, address).await?;
    Ok(tx.commit().await?)
}

/// Takes what a web tier says of itself (JSON). Called by the process that runs the web tier.
pub async fn report_web_tier(
    store: &zebu_store::Store,
    name: &str,
    status: String,
    now_ms: i64,
) -> Result<()> {
    let mut tx = store.config_write().await?;
    web_tiers::report(&mut tx, &Report { name: name.to_owned(), seen: now_ms, status }).await?;
    Ok(tx.commit().await?)
}

/// A web tier's clean stop.
pub async fn forget_web_tier(store: &zebu_store::Store, name: &str) -> Result<()> {
    let mut tx = store.config_write().await?;
    web_tiers::remove(&mut tx, name).await?;
    Ok(tx.commit().await?)
}
