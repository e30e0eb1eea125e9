//! `zebu serve`: the roles that a configuration file names, in one process, from start to a graceful end.
//!
//! A line `ready …` a role on standard output says that it answers; a parent may wait for it. Going, the web tier is
//! first, so that what it still has under way finds the node there.

mod groupware;
mod report;
mod role;
mod web;

use std::process;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

use crate::cli;
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::log;
use crate::say;
use crate::serve::groupware::Groupware;
use crate::serve::web::Web;
use crate::signals::Signals;

/// How long work on a blocking thread may hold up the end of the process.
const BLOCKING_MAX: Duration = Duration::from_secs(1);
/// The exit code when a second signal cuts a graceful stop short.
const CUT_SHORT: i32 = 1;

/// Serves until asked to stop.
///
/// # Errors
/// A role could not start, or ended by itself.
pub(crate) fn run(options: &cli::Serve) -> Result<()> {
    let config = Config::read(&options.config)?;
    log::start(&config.log)?;
    let runtime = runtime(config.workers)?;
    let result = runtime.block_on(roles(&config, options.until_stdin_closes));
    runtime.shutdown_timeout(BLOCKING_MAX);
    result
}

fn runtime(workers: usize) -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).thread_name("worker").enable_all();
    builder.build().map_err(|error| Failure::new(format!("cannot start {workers} workers: {error}")))
}

async fn roles(config: &Config, until_stdin_closes: bool) -> Result<()> {
    let mut signals = Signals::listen(until_stdin_closes)?;
    let mut groupware = Groupware::start(config).await?;
    let mut web = Web::start(config).await?;
    for ready in [groupware.as_ref().map(Groupware::ready), web.as_ref().map(Web::ready)] {
        ready.iter().for_each(|line| say::line(line));
    }
    let result = tokio::select! {
        () = signals.stop() => Ok(()),
        () = ended(groupware.as_mut().map(|node| &mut node.role)) => Err(Failure::new("the node ended by itself; the log says why")),
        () = ended(web.as_mut().map(|web| &mut web.role)) => Err(Failure::new("the web tier ended by itself; the log says why")),
    };
    tokio::spawn(async move {
        signals.stop_at_once().await;
        process::exit(CUT_SHORT);
    });
    if let Some(web) = web {
        web.stop().await;
    }
    if let Some(groupware) = groupware {
        groupware.stop().await;
    }
    result
}

/// Waits for the end of a role; for ever if there is none.
async fn ended(role: Option<&mut role::Role>) {
    match role {
        Some(role) => role.ended().await,
        None => std::future::pending().await,
    }
}
