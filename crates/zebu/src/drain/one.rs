//! One node: drained, stopped, started anew, or given back.

use std::process::ExitCode;
use std::time::Duration;

use tokio::time::Instant;
use zebu_app::drain::{NodeLife, Seen, Standing, What};

use crate::drain::deployment::Deployment;
use crate::drain::{Drain, LEFT, progress, seconds};
use crate::failure::{Failure, Result};

/// How long a node may take to end once nothing holds it any more: what is broken off has `drain_ms` once more, and a write that is
/// under way some seconds.
const END_MAX: Duration = Duration::from_secs(90);

/// How long a node may take to heed a wish: it looks for one every second, and configdb may be slow to answer it.
const BEGIN_MAX: Duration = Duration::from_secs(30);

/// How waiting for a node that drains ended.
pub(super) enum Drained {
    /// It has nothing left.
    Empty,
    /// At the limit it had this.
    Left(Standing),
}

/// Carries out `zebu drain`.
pub(super) async fn drain(deployment: &Deployment, options: &Drain) -> Result<ExitCode> {
    let name = options.node.as_str();
    let node = deployment.find(name).await?.life;
    let limit = seconds(options.timeout);
    if options.undo {
        deployment.wish(&node, None, Duration::ZERO).await?;
        given_back(deployment, &node, limit).await?;
        deployment.progress.event(name, "serves", &format!("{name} serves again"));
        return Ok(ExitCode::SUCCESS);
    }
    deployment.is_last(&node, options.force).await?;
    if options.stay {
        deployment.wish(&node, Some(What::Drain), limit).await?;
        return Ok(match drained(deployment, &node, limit).await? {
            Drained::Empty => {
                let next = format!(
                    "{name} has drained and goes on running; zebu drain {name} --undo has it serve again"
                );
                deployment.progress.event(name, "drained", &next);
                ExitCode::SUCCESS
            }
            Drained::Left(standing) => {
                let what = progress::at_limit(&standing);
                let said = format!("{name} {what} after {} s and drains on", options.timeout);
                deployment.progress.event(name, "limit", &said);
                ExitCode::from(LEFT)
            }
        });
    }
    let what = if options.restart { What::Restart } else { What::Stop };
    deployment.wish(&node, Some(what), limit).await?;
    let at_end = ended(deployment, &node, limit + END_MAX).await?;
    if options.restart {
        back(deployment, &node, seconds(options.start_timeout)).await?;
    } else {
        deployment.progress.event(name, "stopped", &format!("{name} has stopped"));
    }
    if progress::is_empty(&at_end) {
        return Ok(ExitCode::SUCCESS);
    }
    let said = format!("{name} had {} at the limit of {} s", progress::left(&at_end), options.timeout);
    deployment.progress.event(name, "limit", &said);
    Ok(ExitCode::from(LEFT))
}

/// Waits until a node that was told to drain has nothing left, for so long from when it begins.
pub(super) async fn drained(deployment: &Deployment, node: &NodeLife, limit: Duration) -> Result<Drained> {
    let (asked, mut since) = (Instant::now(), None);
    loop {
        let seen = same_life(deployment, node).await?;
        let standing = seen.life.standing;
        if seen.life.wish.is_none() {
            return Err(Failure::new(format!("somebody else took it back that {} drains", node.name)));
        }
        deployment.progress.stands(&node.name, &standing);
        if standing.stage == "drained" {
            return Ok(Drained::Empty);
        }
        if standing.stage != "serving" && since.get_or_insert_with(Instant::now).elapsed() >= limit {
            return Ok(Drained::Left(standing));
        }
        if since.is_none() && asked.elapsed() >= BEGIN_MAX {
            let after = BEGIN_MAX.as_secs();
            return Err(Failure::new(format!(
                "{} has not begun to drain after {after} s: its log says why",
                node.name
            )));
        }
    }
}

/// Waits until a node that was given back serves: as a whole member, and in the eyes of every web tier.
async fn given_back(deployment: &Deployment, node: &NodeLife, limit: Duration) -> Result<()> {
    let since = Instant::now();
    loop {
        let life = same_life(deployment, node).await?.life;
        let Some(why) = why_not(deployment, &life).await? else { return Ok(()) };
        if since.elapsed() >= limit {
            let after = limit.as_secs();
            return Err(Failure::new(format!("{} does not serve again after {after} s: {why}", node.name)));
        }
    }
}

/// Why a node gets no requests as it should, if so.
async fn why_not(deployment: &Deployment, life: &NodeLife) -> Result<Option<String>> {
    let Standing { stage, trouble, .. } = &life.standing;
    if stage != "serving" {
        return Ok(Some(format!("it is {stage}")));
    }
    if !trouble.is_empty() {
        return Ok(Some(trouble.clone()));
    }
    let without = deployment.web_tiers_without(&life.route).await?;
    let web_tiers = || format!("no requests are sent to it by the web tier {}", without.join(", "));
    Ok((!without.is_empty()).then(web_tiers))
}

async fn same_life(deployment: &Deployment, node: &NodeLife) -> Result<Seen> {
    let name = &node.name;
    match deployment.next_look(name).await? {
        Some(seen) if seen.life.incarnation != node.incarnation => {
            Err(Failure::new(format!("{name} has started anew meanwhile")))
        }
        Some(seen) if seen.is_up => Ok(seen),
        Some(_) => Err(Failure::new(format!("{name} is not heard of any more: it has died"))),
        None => Err(Failure::new(format!("{name} has stopped meanwhile"))),
    }
}

/// Waits for the end of a life; answers what it had at its end. That a node says once, when its limit has come; one that is gone
/// without having been seen to say it ended by itself with nothing left, or was through with the rest before the next look.
pub(super) async fn ended(deployment: &Deployment, node: &NodeLife, limit: Duration) -> Result<Standing> {
    let since = Instant::now();
    let mut at_end = Standing::default();
    loop {
        let Some(seen) = deployment.next_look(&node.name).await? else { return Ok(at_end) };
        if seen.life.incarnation != node.incarnation {
            return Ok(at_end);
        }
        if !seen.is_up {
            return Err(Failure::new(format!("{} is not heard of any more: it has died", node.name)));
        }
        deployment.progress.stands(&node.name, &seen.life.standing);
        if seen.life.standing.stage == "ending" {
            at_end = seen.life.standing;
        }
        if since.elapsed() >= limit {
            let after = limit.as_secs();
            return Err(Failure::new(format!(
                "{} runs on after {after} s: does it know this command?",
                node.name
            )));
        }
    }
}

/// Waits until a node serves in its next life: a member that is connected with all others, and known to be up by every web tier.
pub(super) async fn back(deployment: &Deployment, before: &NodeLife, limit: Duration) -> Result<()> {
    let (name, since) = (&before.name, Instant::now());
    let mut why = "it has not registered: its log says why".to_owned();
    loop {
        if since.elapsed() >= limit {
            return Err(Failure::new(format!("{name} is not back after {} s: {why}", limit.as_secs())));
        }
        let Some(seen) = deployment.next_look(name).await? else { continue };
        let life = seen.life;
        if life.incarnation == before.incarnation {
            continue;
        }
        if !seen.is_up {
            return Err(Failure::new(format!("{name} has started anew and died: its log says why")));
        }
        let Some(not_yet) = why_not(deployment, &life).await? else {
            let took = since.elapsed().as_secs_f32();
            let said = format!("{name} serves again, version {}, after {took:.1} s", life.program);
            deployment.progress.event(name, "serves", &said);
            return Ok(());
        };
        why = not_yet;
    }
}
