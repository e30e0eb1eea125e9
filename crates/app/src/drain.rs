//! Draining a node by its name: an operator's wish is written beside the node's entry in configdb, the node carries it out and
//! says there how far it is.
//!
//! Whoever may open configdb may wish: that takes the deployment's configuration, and reaches a node wherever it is, with nothing new to
//! listen on. The node's side is called by the binary's `serve`, the operator's by its commands.

use serde::Deserialize;
use zebu_store::Store;
use zebu_store::configdb::web_tiers;
use zebu_store::configdb::wishes::{self, Life};
// tidy-allow(arrow): words and numbers for the operator's commands; nothing can be done with them.
pub use zebu_store::configdb::wishes::{Life as NodeLife, Standing, Wish};

use crate::app::App;
use crate::cluster::{self, MEMBER_TTL_MS};
use crate::error::Result;
use crate::live;

/// What may be wished of a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// To drain and go on running.
    Drain,
    /// To drain and stop.
    Stop,
    /// To drain and start anew, with the program on disk.
    Restart,
}

impl What {
    /// As it is kept.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            What::Drain => "drain",
            What::Stop => "stop",
            What::Restart => "restart",
        }
    }

    /// As it is kept; a newer program may know more.
    #[must_use]
    pub fn of(word: &str) -> Option<What> {
        [What::Drain, What::Stop, What::Restart].into_iter().find(|what| what.word() == word)
    }
}

/// A node as an operator sees it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// What configdb says.
    pub life: Life,
    /// It was heard of as lately as a living one is.
    pub is_up: bool,
}

impl Seen {
    fn at(life: Life, now_ms: i64) -> Self {
        Self { is_up: now_ms.saturating_sub(life.seen) <= MEMBER_TTL_MS, life }
    }

    /// Whether it answers the requests that this one does not.
    #[must_use]
    pub fn serves_beside(&self, other: &Life) -> bool {
        let Life { name, role, cluster, standing, .. } = &self.life;
        self.is_up
            && *name != other.name
            && (role, cluster) == (&other.role, &other.cluster)
            && standing.stage == "serving"
    }
}

/// All nodes and admin daemons, by name.
pub async fn nodes(store: &Store, now_ms: i64) -> Result<Vec<Seen>> {
    let mut tx = store.config().await?;
    let lives = wishes::all(&mut tx).await?;
    Ok(lives.into_iter().map(|life| Seen::at(life, now_ms)).collect())
}

/// Wishes something of one life of a node, or with none takes back what was wished. `false`: that life is over.
pub async fn wish(store: &Store, of: &Life, what: Option<What>, limit_ms: i64, by: &str) -> Result<bool> {
    let mut tx = store.config_write().await?;
    let wish = Wish { what: what.map_or("", What::word).to_owned(), limit_ms, by: by.to_owned() };
    let lives = wishes::wish(&mut tx, &of.name, &of.incarnation, &wish).await?;
    tx.commit().await?;
    Ok(lives)
}

/// What a node's own look at configdb found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// What is wished of it.
    pub wish: Option<Wish>,
    /// Whether another serves beside it that says of no trouble: then nobody need be answered by this one.
    pub is_spared: bool,
    /// Why it does not serve as it should; "" for nothing.
    pub trouble: String,
}

/// Looks what is wished of this node, and whether it is a whole member of its cluster.
pub async fn look(app: &App) -> Result<Look> {
    let seen = nodes(&app.store, app.now_ms()).await?;
    let is_own = |life: &Life| life.name == app.node.name && life.incarnation == app.node.incarnation;
    let own = seen.iter().map(|seen| &seen.life).find(|life| is_own(life));
    let spares =
        |own| seen.iter().any(|seen| seen.serves_beside(own) && seen.life.standing.trouble.is_empty());
    Ok(Look {
        wish: own.and_then(|life| life.wish.clone()),
        is_spared: own.is_some_and(spares),
        trouble: trouble(app, &seen),
    })
}

/// Says how this node stands.
pub async fn say(app: &App, standing: &Standing) -> Result<()> {
    let mut tx = app.store.config_write().await?;
    wishes::say(&mut tx, &app.node.name, &app.node.incarnation, standing).await?;
    Ok(tx.commit().await?)
}

/// A web tier that has not reported for so long is none any more, ms; it reports every ten seconds.
const REPORT_MAX_MS: i64 = 15_000;

/// A web tier's report, as far as this looks at it.
#[derive(Deserialize)]
struct Report {
    members: Vec<Member>,
}

#[derive(Deserialize)]
struct Member {
    route: String,
    state: String,
}

/// The names of the web tiers that know a node of this route, and do not send it requests for another reason than that their
/// operator wants it so.
pub async fn web_tiers_without(store: &Store, route: &str, now_ms: i64) -> Result<Vec<String>> {
    let reports = web_tiers::all(&mut store.config().await?).await?;
    let lately = reports.into_iter().filter(|report| now_ms.saturating_sub(report.seen) <= REPORT_MAX_MS);
    let without = |status: &str| {
        // Of another version, or broken: it says nothing then.
        let Ok(report) = serde_json::from_str::<Report>(status) else { return false };
        let waits =
            |member: &Member| member.route == route && !["up", "disabled"].contains(&member.state.as_str());
        report.members.iter().any(waits)
    };
    Ok(lately.filter(|report| without(&report.status)).map(|report| report.name).collect())
}

fn trouble(app: &App, seen: &[Seen]) -> String {
    if live::coherence(app).is_some_and(|status| !status.joined) {
        return "not a member of the cluster: its writes are refused".to_owned();
    }
    let Some(mesh) = cluster::mesh_of(app) else { return String::new() };
    let lives = seen.iter().filter(|seen| seen.is_up).map(|seen| &seen.life);
    let others = lives.filter(|life| life.cluster == mesh.cluster && life.name != app.node.name);
    let connected = |life: &&Life| mesh.peers.iter().any(|peer| peer.name == life.name);
    let missing: Vec<&str> = others.filter(|life| !connected(life)).map(|life| life.name.as_str()).collect();
    match missing.as_slice() {
        [] => String::new(),
        missing => format!("not connected with {}", missing.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn life(name: &str, role: &str, cluster: &str, stage: &str) -> Life {
        Life {
            name: name.to_owned(),
            role: role.to_owned(),
            route: String::new(),
            incarnation: String::new(),
            started: 0,
            seen: 10_000,
            cluster: cluster.to_owned(),
            program: String::new(),
            wish: None,
            standing: Standing { stage: stage.to_owned(), ..Standing::default() },
        }
    }

    #[test]
    fn another_node_serves_beside_one_if_it_is_up_and_of_the_same_cluster() {
        let one = life("OX-1", "groupware", "demo", "serving");
        let check = |other: Life, now_ms: i64, expected: bool| {
            assert_eq!(
                Seen::at(other.clone(), now_ms).serves_beside(&one),
                expected,
                "{other:?} at {now_ms}"
            );
        };
        check(life("OX-2", "groupware", "demo", "serving"), 10_000 + MEMBER_TTL_MS, true);
        check(life("OX-2", "groupware", "demo", "serving"), 10_001 + MEMBER_TTL_MS, false);
        check(life("OX-1", "groupware", "demo", "serving"), 10_000, false);
        check(life("OX-2", "admin", "demo", "serving"), 10_000, false);
        check(life("OX-2", "groupware", "other", "serving"), 10_000, false);
        for stage in ["starting", "draining", "drained", "ending"] {
            check(life("OX-2", "groupware", "demo", stage), 10_000, false);
        }
    }
}
