//! What can go wrong with the guide's two database servers, one after the other under load, and what is seen of it: the
//! staleness checker and the loss checker judge each. Run by the scenario `databases` once the guide is done.

mod causes;
mod list;
mod metrics;
mod outcome;
pub(crate) mod servers;

pub(crate) use list::FAULTS;
pub(crate) use outcome::{Judged, summary};

use crate::Result;
use crate::checks::{loss, staleness};
use crate::hosts::Lab;
use crate::load::{Load, Node, Plan};
use crate::wait::{pass, until};
use causes::Causes;
use metrics::Reads;
use std::time::{Duration, Instant};

/// From the heal until writes are answered again through every node.
const HEAL_SECONDS_MAX: u64 = 60;
/// Writes through a node that show it is well again.
const WRITES_WELL: u64 = 3;
/// Load before a fault and after everything is well again.
const CALM: Duration = Duration::from_millis(1_000);

/// One fault.
pub(crate) struct Fault {
    pub(crate) name: &'static str,
    /// Whether a short run has it too.
    pub(crate) in_short: bool,
    pub(crate) begin: fn(&mut Lab) -> Result,
    /// Undoes it, or does what an operator does about it.
    pub(crate) end: fn(&mut Lab) -> Result,
}

/// Whether there still is a replica that must be well after a fault.
fn with_replica(lab: &Lab) -> Result<bool> {
    Ok(!servers::is_promoted(lab)?)
}

/// Puts a lab under load, lets the fault last so long, heals it, and judges what clients were answered.
pub(crate) fn run(
    lab: &mut Lab,
    nodes: &[Node],
    plan: Plan,
    fault: &Fault,
    lasts: Duration,
) -> Result<Judged> {
    let label = fault.name.split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join("-");
    let started = Instant::now();
    let (before, causes) = (Reads::of(lab, nodes), Causes::from_now(lab)?);
    let load = Load::start(plan, &label)?;
    pass(CALM);
    let outcome = under_fault(lab, &load, fault, lasts);
    let healed_after = match outcome {
        Ok(healed_after) => healed_after,
        Err(error) => {
            // Its clients would go on for ever.
            let said =
                load.finish().map_or_else(|e| e.to_string(), |outcome| outcome.figures.said().join("; "));
            return Err(format!("{}: {error}; clients were told: {said}", fault.name).into());
        }
    };
    pass(CALM);
    let outcome = load.finish()?;
    let after = Reads::of(lab, nodes);
    let stale = staleness::violations(&outcome.history);
    // What is lost is seen through every node, and counts once.
    let by_node = outcome
        .surveys
        .iter()
        .map(|(node, survey)| loss::violations(&outcome.history, survey, &format!("through {node}")));
    let mut lost = by_node.max_by_key(Vec::len).unwrap_or_default();
    lost.extend(outcome.damaged);
    Ok(Judged {
        name: fault.name,
        lasted: started.elapsed(),
        healed_after,
        looks: outcome.history.looks(),
        strange: outcome.history.strange_answers().to_vec(),
        figures: outcome.figures,
        on_replica: Reads::share(before, after),
        causes: causes.since(lab)?,
        stale,
        lost,
    })
}

fn under_fault(lab: &mut Lab, load: &Load, fault: &Fault, lasts: Duration) -> Result<Duration> {
    (fault.begin)(lab)?;
    pass(lasts);
    (fault.end)(lab)?;
    let healed = Instant::now();
    let then = load.answered_writes();
    until("writes are answered again through every node", HEAL_SECONDS_MAX, || {
        let now = load.answered_writes();
        let well = now.iter().zip(&then).all(|(now, then)| *now >= then + WRITES_WELL);
        if well { Ok(Some(())) } else { Err(format!("answered by node: {then:?}, now {now:?}").into()) }
    })?;
    let healed_after = healed.elapsed();
    if with_replica(lab)? {
        servers::replica_is_well(lab, HEAL_SECONDS_MAX)?;
    }
    Ok(healed_after)
}
