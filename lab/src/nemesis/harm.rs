//! What can be done to a running cluster, each for a while: begun, and undone. Drawn by lot; used by the nemesis.

use crate::Result;
use crate::faults::servers;
use crate::guide::cluster::{NODES, START_WEB_TIER};
use crate::guide::operator::ask;
use crate::hosts::{Cut, Lab};
use crate::load::Lots;
use crate::services::{GROUPWARE, kill, service, signal, start};
use std::time::Duration;

const ADMIN: &str = "/etc/init.d/open-xchange-admin";

/// Which way packets are dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Out,
    Back,
    Both,
}

/// What is done. `node` is an index.
#[derive(Clone, Debug, PartialEq, Eq)]
enum What {
    Kill { node: usize },
    Stop { node: usize },
    Freeze { node: usize },
    FreezeHost { node: usize },
    Cut { from: &'static str, to: &'static str, way: Way },
    Isolate { node: usize },
    ReplicaStopped,
    ReplicaDelayed { seconds: u32 },
    ReplicaFrozen,
    MasterFrozen,
    MasterRestarted,
    MasterKilled,
    AdminKilled,
    AdminStopped,
    WebKilled,
}

/// One thing that is done, and for how long.
#[derive(Clone, Debug)]
pub(crate) struct Harm {
    /// For the report's table.
    pub(crate) kind: &'static str,
    pub(crate) lasts: Duration,
    what: What,
}

/// What is harmed, so that two things at a time are not the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Nodes,
    Rest,
}

impl Harm {
    /// Every kind once, for one part or for all.
    pub(crate) fn kinds(part: Option<Part>) -> usize {
        match part {
            None => NODE_KINDS + REST_KINDS,
            Some(Part::Nodes) => NODE_KINDS,
            Some(Part::Rest) => REST_KINDS,
        }
    }

    /// The harm of this number of a part, with what it hits by lot.
    pub(crate) fn draw(part: Option<Part>, number: usize, lots: &Lots) -> Self {
        match part {
            Some(Part::Rest) => Self::of_rest(number, lots),
            None if number >= NODE_KINDS => Self::of_rest(number - NODE_KINDS, lots),
            _ => Self::of_node(number, lots),
        }
    }

    fn of_node(number: usize, lots: &Lots) -> Self {
        let node = lots.below(NODES.len());
        let host = host_of(node);
        let other = host_of(node + 1 + lots.below(NODES.len() - 1));
        let (kind, from_ms, to_ms, what) = match number {
            0 => ("node killed (-9), soon back", 300, 1_500, What::Kill { node }),
            1 => ("node killed (-9), back after its membership", 7_500, 9_000, What::Kill { node }),
            2 => ("node stopped in good order", 300, 1_500, What::Stop { node }),
            3 => ("node frozen, shorter than a lease", 300, 1_500, What::Freeze { node }),
            4 => ("node frozen, longer than a lease", 2_300, 4_500, What::Freeze { node }),
            5 => ("node frozen, longer than a membership", 7_000, 9_000, What::Freeze { node }),
            6 => ("node's host frozen", 500, 5_000, What::FreezeHost { node }),
            7 => cut("link between nodes cut one way", host, other, Way::Out),
            8 => cut("link between nodes cut both ways", host, other, Way::Both),
            9 => ("node cut off from all other nodes", 500, 8_500, What::Isolate { node }),
            10 => cut("node to master cut", host, "dbmaster", Way::Out),
            11 => cut("master to node cut", host, "dbmaster", Way::Back),
            12 => cut("node and master cut both ways", host, "dbmaster", Way::Both),
            13 => cut("node and replica cut one way", host, "dbslave", Way::Back),
            14 => cut("node and replica cut both ways", host, "dbslave", Way::Both),
            15 => cut("web tier to node cut", "web", host, Way::Out),
            _ => cut("node to web tier cut", "web", host, Way::Back),
        };
        Self { kind, lasts: between(lots, from_ms, to_ms), what }
    }

    fn of_rest(number: usize, lots: &Lots) -> Self {
        let seconds = u32::try_from(1 + lots.below(3)).unwrap_or(1);
        let (kind, from_ms, to_ms, what) = match number {
            0 => ("replica's SQL thread stopped", 1_000, 5_000, What::ReplicaStopped),
            1 => ("replica delayed", 2_000, 6_000, What::ReplicaDelayed { seconds }),
            2 => ("replica frozen", 500, 4_000, What::ReplicaFrozen),
            3 => cut("replica and master cut", "dbslave", "dbmaster", Way::Both),
            4 => ("master frozen", 300, 3_000, What::MasterFrozen),
            5 => ("master restarted", 100, 1_000, What::MasterRestarted),
            6 => ("master killed (-9)", 100, 2_000, What::MasterKilled),
            7 => ("admin daemon killed (-9)", 300, 3_000, What::AdminKilled),
            8 => ("admin daemon stopped in good order", 100, 1_000, What::AdminStopped),
            _ => ("web tier killed (-9)", 100, 1_500, What::WebKilled),
        };
        Self { kind, lasts: between(lots, from_ms, to_ms), what }
    }

    /// On what, for the log.
    pub(crate) fn says(&self) -> String {
        let on = match &self.what {
            What::Kill { node }
            | What::Stop { node }
            | What::Freeze { node }
            | What::FreezeHost { node }
            | What::Isolate { node } => host_of(*node).to_owned(),
            What::Cut { from, to, .. } => format!("{from} {to}"),
            What::ReplicaDelayed { seconds } => format!("by {seconds} s"),
            _ => String::new(),
        };
        format!("{} {on}, {:.1} s", self.kind, self.lasts.as_secs_f64())
    }

    /// Does it.
    pub(crate) fn begin(&self, lab: &Lab) -> Result {
        match &self.what {
            What::Kill { node } => kill(lab.host(host_of(*node))?, "open-xchange-groupware"),
            What::Stop { node } => service(lab.host(host_of(*node))?, GROUPWARE, "stop"),
            What::Freeze { node } => signal(lab.host(host_of(*node))?, "STOP"),
            What::FreezeHost { node } => lab.host(host_of(*node))?.freeze(),
            What::Cut { from, to, way } => lab.cut(&cuts(from, to, *way)),
            What::Isolate { node } => lab.cut(&isolation(*node)),
            What::ReplicaStopped => ask(lab.host("dbslave")?, "STOP SLAVE SQL_THREAD;").map(drop),
            What::ReplicaDelayed { seconds } => delay(lab, *seconds),
            What::ReplicaFrozen => lab.host("dbslave")?.signal("STOP", "mariadbd"),
            What::MasterFrozen => lab.host("dbmaster")?.signal("STOP", "mariadbd"),
            What::MasterRestarted => service(lab.host("dbmaster")?, "/etc/init.d/mariadb", "stop"),
            What::MasterKilled => servers::kill(lab.host("dbmaster")?),
            What::AdminKilled => kill(lab.host("oxgw01")?, "open-xchange-admin"),
            What::AdminStopped => service(lab.host("oxgw01")?, ADMIN, "stop"),
            What::WebKilled => lab.host("web")?.must("kill -KILL $(cat /run/zebu-web.pid)", 10).map(drop),
        }
    }

    /// Undoes it.
    pub(crate) fn end(&self, lab: &Lab) -> Result {
        match &self.what {
            What::Kill { node } | What::Stop { node } => start(lab.host(host_of(*node))?, GROUPWARE),
            What::Freeze { node } => signal(lab.host(host_of(*node))?, "CONT"),
            What::FreezeHost { node } => lab.host(host_of(*node))?.thaw(),
            What::Cut { from, to, way } => lab.mend(&cuts(from, to, *way)),
            What::Isolate { node } => lab.mend(&isolation(*node)),
            What::ReplicaStopped => ask(lab.host("dbslave")?, "START SLAVE SQL_THREAD;").map(drop),
            What::ReplicaDelayed { .. } => delay(lab, 0),
            What::ReplicaFrozen => lab.host("dbslave")?.signal("CONT", "mariadbd"),
            What::MasterFrozen => lab.host("dbmaster")?.signal("CONT", "mariadbd"),
            What::MasterRestarted | What::MasterKilled => {
                servers::start(lab.host("dbmaster")?)?;
                servers::reconnect(lab.host("dbslave")?)
            }
            What::AdminKilled | What::AdminStopped => start(lab.host("oxgw01")?, ADMIN),
            What::WebKilled => lab.host("web")?.must(START_WEB_TIER, 10).map(drop),
        }
    }
}

const NODE_KINDS: usize = 17;
const REST_KINDS: usize = 10;

fn host_of(node: usize) -> &'static str {
    NODES.get(node % NODES.len()).map_or("", |(host, _)| host)
}

fn cut(
    kind: &'static str,
    from: &'static str,
    to: &'static str,
    way: Way,
) -> (&'static str, usize, usize, What) {
    (kind, 500, 8_000, What::Cut { from, to, way })
}

fn between(lots: &Lots, from_ms: usize, to_ms: usize) -> Duration {
    Duration::from_millis(u64::try_from(from_ms + lots.below(to_ms - from_ms)).unwrap_or(0))
}

fn cuts(from: &str, to: &str, way: Way) -> Vec<Cut> {
    match way {
        Way::Out => Cut::one_way(from, to),
        Way::Back => Cut::one_way(to, from),
        Way::Both => Cut::between(from, to),
    }
}

fn isolation(node: usize) -> Vec<Cut> {
    let own = host_of(node);
    let others = NODES.iter().map(|(host, _)| *host).filter(|host| *host != own);
    others.flat_map(|other| Cut::between(own, other)).collect()
}

fn delay(lab: &Lab, seconds: u32) -> Result {
    let statement = format!("STOP SLAVE; CHANGE MASTER TO MASTER_DELAY={seconds}; START SLAVE;");
    ask(lab.host("dbslave")?, &statement).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_drawn_and_no_two_numbers_are_the_same() {
        let lots = Lots::from(1);
        let mut kinds: Vec<&str> = (0..Harm::kinds(None)).map(|n| Harm::draw(None, n, &lots).kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        assert_eq!(kinds.len(), NODE_KINDS + REST_KINDS);
        let rest = (0..Harm::kinds(Some(Part::Rest))).map(|n| Harm::draw(Some(Part::Rest), n, &lots).kind);
        assert!(rest.into_iter().all(|kind| kinds.contains(&kind)));
    }

    #[test]
    fn a_node_is_cut_off_from_the_others_and_from_nobody_else() {
        assert_eq!(isolation(1).len(), 4);
        assert_eq!(
            isolation(0),
            [Cut::between("oxgw01", "oxgw02"), Cut::between("oxgw01", "oxgw03")].concat()
        );
    }

    #[test]
    fn lengths_are_within_their_bounds() {
        let lots = Lots::from(2);
        for _ in 0..200 {
            let lasts = Harm::draw(None, 5, &lots).lasts.as_millis();
            assert!((7_000..9_000).contains(&lasts), "{lasts}");
        }
    }
}
