//! `zebu rolling-restart`: the nodes of a deployment, one after the other. Each is drained first, and the next one's turn comes when
//! it serves again; at the first that fails the walk ends, and says how to go on.

use std::cell::RefCell;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::signal::ctrl_c;
use zebu_app::Clock;
use zebu_app::drain::{NodeLife, Seen, What};

use crate::drain::deployment::Deployment;
use crate::drain::one::{self, Drained};
use crate::drain::{LEFT, Where, progress, seconds};
use crate::failure::{Failure, Result};

/// What stands before the name of who asks: by it the next walk knows a node that one before it left draining.
pub(super) const BY: &str = "rolling-restart by ";

/// How long a node that has drained may take to end.
const END_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(crate) struct Rolling {
    #[command(flatten)]
    pub(super) place: Where,
    /// Only these, in this order [default: all nodes by name, but those that `zebu drain --stay` took out]
    #[arg(long, value_name = "NODE,…", value_delimiter = ',')]
    nodes: Vec<String>,
    /// Say what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Only nodes that run since before this moment, in seconds since 1970: goes on with a walk that ended early
    #[arg(long, value_name = "SECONDS")]
    started_before: Option<i64>,
    /// How long what a node has may take to end by itself, seconds, 1 to 86400; then it serves on and the walk ends
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// Restart a node all the same that has something left at the limit
    #[arg(long)]
    break_off: bool,
    /// How long a node may take to serve again, seconds, 1 to 86400
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    start_timeout: u32,
    /// Also if there is only one node: it goes on answering until the limit, and nobody answers until it is back
    #[arg(long)]
    force: bool,
}

/// Carries it out.
pub(super) async fn run(deployment: &Deployment, options: &Rolling) -> Result<ExitCode> {
    let began = options.started_before.unwrap_or_else(|| Clock::System.now_ms() / 1_000);
    let nodes = chosen(&deployment.nodes().await?, options)?;
    let all = nodes.len();
    if options.dry_run {
        for (number, node) in (1..).zip(&nodes) {
            let said = format!("{number}/{all} {}: would be drained and started anew", node.name);
            deployment.progress.event(&node.name, "would", &said);
        }
        return Ok(ExitCode::SUCCESS);
    }
    let mut done = 0;
    for node in &nodes {
        let said = format!("{}/{all} {}: drains, then starts anew", done + 1, node.name);
        deployment.progress.event(&node.name, "begins", &said);
        match restarted(deployment, node, options).await {
            Ok(Drained::Empty) => done += 1,
            Ok(Drained::Left(standing)) => {
                let why = format!(
                    "{} {} after {} s and serves on; --timeout gives it longer, --break-off does not wait",
                    node.name,
                    progress::at_limit(&standing),
                    options.timeout
                );
                deployment.progress.event(
                    &node.name,
                    "limit",
                    &format!("{why}; {}", go_on(done, all, began)),
                );
                return Ok(ExitCode::from(LEFT));
            }
            Err(failure) => return Err(Failure::new(format!("{failure}; {}", go_on(done, all, began)))),
        }
    }
    deployment.progress.event("", "done", &format!("{done} of {all} nodes were started anew"));
    Ok(ExitCode::SUCCESS)
}

fn go_on(done: usize, all: usize, began: i64) -> String {
    format!(
        "{done} of {all} nodes were started anew, the others go on as they were; to go on: zebu rolling-restart --started-before {began}"
    )
}

/// The nodes whose turn comes, in order.
fn chosen(all: &[Seen], options: &Rolling) -> Result<Vec<NodeLife>> {
    let mut chosen: Vec<&Seen> = Vec::new();
    if options.nodes.is_empty() {
        let on_purpose = |seen: &&Seen| seen.life.wish.as_ref().is_some_and(|wish| !wish.by.starts_with(BY));
        chosen.extend(all.iter().filter(|seen| seen.life.role == "groupware" && !on_purpose(seen)));
    }
    for name in &options.nodes {
        let found = all.iter().find(|seen| seen.life.name == *name);
        chosen.push(found.ok_or_else(|| Failure::new(format!("no node {name} is registered")))?);
    }
    let before_ms = options.started_before.map_or(i64::MAX, |seconds| seconds.saturating_mul(1_000));
    chosen.retain(|seen| seen.life.started < before_ms);
    if let Some(down) = chosen.iter().find(|seen| !seen.is_up) {
        return Err(Failure::new(format!(
            "{} is down: bring it back first, or leave it out (--nodes)",
            down.life.name
        )));
    }
    Ok(chosen.into_iter().map(|seen| seen.life.clone()).collect())
}

/// One node's turn. At Ctrl-C, and at the limit, a node that drains serves on.
async fn restarted(deployment: &Deployment, node: &NodeLife, options: &Rolling) -> Result<Drained> {
    let draining = RefCell::new(false);
    let turn = turn(deployment, node, options, &draining);
    let ended = tokio::select! {
        ended = turn => ended,
        _ = ctrl_c() => Err(Failure::new(format!("{}: stopped by a signal", node.name))),
    };
    if *draining.borrow() {
        // It may have gone: then there is nothing to take back.
        let _ = deployment.wish(node, None, Duration::ZERO).await;
    }
    ended
}

/// `draining`: whether the node drains and has not been told to start anew.
async fn turn(
    deployment: &Deployment,
    node: &NodeLife,
    options: &Rolling,
    draining: &RefCell<bool>,
) -> Result<Drained> {
    let limit = seconds(options.timeout);
    // Others may have gone meanwhile. A last one is given requests until it ends.
    let is_last = deployment.is_last(node, options.force).await?;
    draining.replace(true);
    deployment.wish(node, Some(What::Drain), limit).await?;
    if let Drained::Left(standing) = one::drained(deployment, node, limit).await?
        && !(options.break_off || is_last)
    {
        return Ok(Drained::Left(standing));
    }
    draining.replace(false);
    deployment.wish(node, Some(What::Restart), Duration::ZERO).await?;
    one::ended(deployment, node, END_MAX).await?;
    one::back(deployment, node, seconds(options.start_timeout)).await?;
    Ok(Drained::Empty)
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use zebu_app::drain::{Standing, Wish};

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        options: Rolling,
    }

    fn node(name: &str, role: &str, started_s: i64, by: &str, is_up: bool) -> Seen {
        let wish = (!by.is_empty()).then(|| Wish { what: "drain".into(), limit_ms: 1, by: by.into() });
        let (cluster, route, program, incarnation) = Default::default();
        let (name, role) = (name.to_owned(), role.to_owned());
        let started = started_s * 1_000;
        let life = NodeLife {
            name,
            role,
            route,
            incarnation,
            started,
            seen: 0,
            cluster,
            program,
            wish,
            standing: Standing::default(),
        };
        Seen { life, is_up }
    }

    #[test]
    fn nodes_by_name_but_those_taken_out_on_purpose_or_those_that_were_named() {
        let all = [
            node("admin", "admin", 1, "", true),
            node("OX-1", "groupware", 10, "", true),
            node("OX-2", "groupware", 20, "root@gw1", true),
            node("OX-3", "groupware", 30, "rolling-restart by root@gw1", true),
            node("OX-4", "groupware", 40, "", false),
        ];
        let check = |words: &str, expected: &str| {
            let words = std::iter::once("x").chain(words.split_whitespace());
            let options = Line::try_parse_from(words).unwrap().options;
            let names = chosen(&all, &options)
                .map(|lives| lives.iter().map(|life| life.name.as_str()).collect::<Vec<_>>().join(" "));
            assert_eq!(names.unwrap_or_else(|failure| failure.to_string()), expected);
        };
        check("", "OX-4 is down: bring it back first, or leave it out (--nodes)");
        check("--started-before 40", "OX-1 OX-3");
        check("--started-before 30", "OX-1");
        check("--nodes OX-3,OX-2,admin", "OX-3 OX-2 admin");
        check("--nodes OX-9", "no node OX-9 is registered");
        assert!(Line::try_parse_from(["x", "--timeout", "0"]).is_err());
    }
}
