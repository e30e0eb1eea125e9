//! `zebu drain` and `zebu rolling-restart`: nodes that are taken out of service, and brought back, without anybody noticing.
//!
//! What is wished of a node is written in configdb, where the node reads it (`serve::wishes`) and says how far it is. So the
//! commands work from any host that has a configuration with the deployment's `[store]`, and for nobody else.

mod deployment;
mod one;
mod progress;
mod rolling;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use tokio::runtime::Builder;

use crate::drain::deployment::Deployment;
use crate::failure::{Failure, Result};

pub(crate) use rolling::Rolling;

/// The exit code when something was left at the limit.
const LEFT: u8 = 3;

/// Where the deployment is, and how progress is told.
#[derive(Debug, Args)]
pub(crate) struct Where {
    /// A configuration file with the deployment's [store]
    #[arg(long, value_name = "FILE", default_value = "/opt/open-xchange/etc/groupware.toml")]
    config: PathBuf,
    /// Tell progress as JSON, an object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Drain {
    /// The node, or admin daemon, by its name
    #[arg(value_name = "NODE")]
    node: String,
    #[command(flatten)]
    place: Where,
    /// Leave it running once it has drained, until `--undo`
    #[arg(long, conflicts_with_all = ["undo", "restart"])]
    stay: bool,
    /// Take a wish back: it serves again
    #[arg(long, conflicts_with = "restart")]
    undo: bool,
    /// Have it start anew once it has drained, with the program on disk, and wait until it serves
    #[arg(long)]
    restart: bool,
    /// How long what it has may take to end by itself, seconds, 1 to 86400; then it goes all the same, but with `--stay`
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    timeout: u32,
    /// How long it may take to serve again after a restart, seconds, 1 to 86400
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    start_timeout: u32,
    /// Also if nobody else serves
    #[arg(long)]
    force: bool,
}

/// `zebu drain`: 0 if it was done, 3 if something was left at the limit.
///
/// # Errors
/// There is no such node, it is down, nobody else serves, configdb does not answer.
pub(crate) fn drain(options: &Drain) -> Result<ExitCode> {
    block_on(async {
        let deployment = Deployment::open(&options.place, "").await?;
        one::drain(&deployment, options).await
    })
}

/// `zebu rolling-restart`: 0 if all were restarted, 3 if a node had something left at the limit.
///
/// # Errors
/// The first node that fails; what to do next is in the message.
pub(crate) fn rolling_restart(options: &Rolling) -> Result<ExitCode> {
    block_on(async {
        let deployment = Deployment::open(&options.place, rolling::BY).await?;
        rolling::run(&deployment, options).await
    })
}

fn block_on(command: impl Future<Output = Result<ExitCode>>) -> Result<ExitCode> {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?.block_on(command)
}

fn seconds(seconds: u32) -> Duration {
    Duration::from_secs(seconds.into())
}
