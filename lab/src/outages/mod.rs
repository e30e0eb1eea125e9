//! What goes wrong between users and nodes, one after the other under a traffic that goes on all the time: nodes are killed, frozen, cut off,
//! drained and restarted, web servers replaced. Run by the scenario `front`.

mod list;

pub(crate) use list::{OUTAGES, Outage, Web, hand_over};

use crate::Result;
use crate::guide::cluster::{NODES, connected};
use crate::hosts::Lab;
use crate::traffic::Traffic;
use crate::wait::{pass, until};
use std::time::Duration;

/// From the heal until writes are answered again.
const HEAL_SECONDS_MAX: u64 = 90;
/// Writes that show that all is well.
const WRITES_WELL: u64 = 25;
/// Traffic before a fault and after everything is well again.
const CALM: Duration = Duration::from_millis(1_500);

/// Where it happens.
pub(crate) struct Stage<'a> {
    pub(crate) lab: &'a Lab,
    /// The host with the node that most sessions are on.
    pub(crate) victim: &'static str,
    /// Its name.
    pub(crate) route: &'static str,
    /// How long a fault lasts.
    pub(crate) lasts: Duration,
}

/// Has it happen under the traffic, heals it, and waits until all is well.
pub(crate) fn run(lab: &Lab, traffic: &Traffic, outage: &Outage, lasts: Duration) -> Result {
    let (victim, route) = victim(traffic);
    traffic.turn(outage.name);
    pass(CALM);
    (outage.run)(&Stage { lab, victim, route, lasts })
        .map_err(|error| format!("{}: {error}", outage.name))?;
    NODES.iter().take(2).try_for_each(|(host, _)| connected(lab, host))?;
    let then = traffic.answered_writes();
    until("writes are answered again", HEAL_SECONDS_MAX, || {
        let now = traffic.answered_writes();
        if now >= then + WRITES_WELL { Ok(Some(())) } else { Err(format!("{then}, now {now}").into()) }
    })?;
    pass(CALM);
    Ok(())
}

/// Where it hurts most.
fn victim(traffic: &Traffic) -> (&'static str, &'static str) {
    let sessions = traffic.sessions();
    let of = |route: &str| sessions.get(route).copied().unwrap_or(0);
    let most = NODES.iter().take(2).max_by_key(|(_, route)| of(route));
    most.copied().unwrap_or(("oxgw01", "OX-1"))
}
