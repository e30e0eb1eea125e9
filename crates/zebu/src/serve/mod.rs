//! `zebu serve`: the roles that a configuration file names, in one process, from start to a graceful end.
//!
//! A line `ready …` a role on standard output says that it answers; a parent may wait for it. Going, the web tier is
//! first, so that what it still has under way finds the node there.

mod admin;
mod again;
mod found;
mod groupware;
mod look;
mod member;
mod mesh;
mod report;
mod role;
mod web;
mod wishes;

use std::process;
use std::sync::Arc;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use zebu_app::{App, Clock, Identity};
use zebu_web::Drain;

use crate::cli;
use crate::config::Config;
use crate::failure::{Failure, Result};
use crate::log;
use crate::say;
use crate::serve::admin::Admin;
use crate::serve::again::Program;
use crate::serve::groupware::Groupware;
use crate::serve::member::Member;
use crate::serve::web::Web;
use crate::serve::wishes::End;
use crate::signals::{Asked, Signals};

/// How long work on a blocking thread may hold up the end of the process.
const BLOCKING_MAX: Duration = Duration::from_secs(1);
/// The exit code when a second signal cuts a graceful stop short.
const CUT_SHORT: i32 = 1;

/// Serves until asked to stop. Asked to start anew, it comes back only if that fails.
///
/// # Errors
/// A role could not start, or ended by itself.
pub(crate) fn run(options: &cli::Serve) -> Result<()> {
    let program = Program::now();
    let config = Config::read(&options.config)?;
    log::start(&config.log)?;
    // Once more, now that it can be logged what is made.
    let config = Config::serving(&options.config)?;
    let runtime = runtime(config.workers)?;
    let result = runtime.block_on(roles(&config, options));
    runtime.shutdown_timeout(BLOCKING_MAX);
    match result? {
        End::Stop => Ok(()),
        End::Restart => Err(program.replace()),
    }
}

fn runtime(workers: usize) -> Result<Runtime> {
    let mut builder = Builder::new_multi_thread();
    builder.worker_threads(workers).thread_name("worker").enable_all();
    builder.build().map_err(|error| Failure::new(format!("cannot start {workers} workers: {error}")))
}

async fn roles(config: &Config, options: &cli::Serve) -> Result<End> {
    let mut signals = Signals::listen(options.until_stdin_closes)?;
    let (app, member) = match open(config).await? {
        Some((app, member)) => (Some(app), Some(member)),
        None => (None, None),
    };
    if let Some(waiting) = &member {
        tokio::select! {
            () = waiting.joined() => {}
            () = signals.stop() => {
                if let Some(member) = member {
                    member.stop().await;
                }
                return Ok(End::Stop);
            }
        }
    }
    let mut groupware = Groupware::start(config, app.as_ref()).await?;
    let mut admin = Admin::start(config, app.as_ref()).await?;
    let mut web = Web::start(config, member.as_ref().map(Member::mesh_listens).unwrap_or_default()).await?;
    let ready = [
        groupware.as_ref().map(Groupware::ready),
        admin.as_ref().map(Admin::ready),
        web.as_ref().map(Web::ready),
    ];
    ready.iter().flatten().for_each(|line| say::line(line));
    if let (Some(member), Some(node)) = (&member, &groupware) {
        member.serves(Some(node.serves()));
    }
    let listeners =
        groupware.iter().flat_map(|node| &node.listeners).chain(admin.as_ref().map(|admin| &admin.listener));
    let mut wished = std::pin::pin!(wished(app.as_ref(), listeners.cloned().collect()));
    let result = loop {
        let asked = tokio::select! {
            asked = signals.asked() => asked,
            end = &mut wished => break Ok(end),
            () = node_ended(groupware.as_mut()) => break Err(Failure::new("the node ended by itself; the log says why")),
            () = ended(admin.as_mut().map(|admin| &mut admin.role)) => break Err(Failure::new("the admin daemon ended by itself; the log says why")),
            () = ended(web.as_mut().map(|web| &mut web.role)) => break match &web {
                Some(web) if web.was_replaced() => Ok(End::Stop),
                _ => Err(Failure::new("the web tier ended by itself; the log says why")),
            },
        };
        match asked {
            Asked::Stop => break Ok(End::Stop),
            Asked::Reload => reload(options, web.as_mut()),
        }
    };
    tokio::spawn(async move {
        signals.stop_at_once().await;
        process::exit(CUT_SHORT);
    });
    if let Some(web) = web {
        web.stop().await;
    }
    if let Some(admin) = admin {
        admin.stop().await;
    }
    if let Some(groupware) = groupware {
        if let Some(member) = &member {
            member.serves(None);
        }
        groupware.stop().await;
    }
    if let Some(member) = member {
        member.stop().await;
    }
    result
}

/// Reads the file again and takes up what can be changed while serving: of the web tier. What is wrong with the file is said,
/// and everything stays as it is.
fn reload(options: &cli::Serve, web: Option<&mut Web>) {
    let reloaded = Config::serving(&options.config).and_then(|config| match (&config.web, web) {
        (Some(tier), Some(web)) => web.reload(&config, tier),
        (None, None) => {
            tracing::info!("SIGHUP: nothing of this process can be changed while it runs");
            Ok(())
        }
        _ => Err(Failure::new("[web] has come or gone: that needs a restart")),
    });
    if let Err(failure) = reloaded {
        tracing::error!(cause = %failure, "the configuration was not taken up");
    }
}

/// The application and its membership in the cluster, if a role needs them. Roles of one process share them.
async fn open(config: &Config) -> Result<Option<(Arc<App>, Member)>> {
    let Some(app) = config.app() else { return Ok(None) };
    let failed = |error: zebu_app::Error| {
        Failure::new(format!("cannot work with the databases: {}", error.cause_chain()))
    };
    let identity = Identity::new(&app.node).map_err(failed)?;
    let mut member = Member::start(config, &app.store, &identity).await?;
    let coherence = member.coherence();
    let app = App::open_as(identity, app, Clock::System, Some(coherence)).await.map_err(failed)?;
    member.enter(&app).await?;
    Ok(Some((app, member)))
}

/// Waits for an operator's wish that ends the process; for ever if it has no entry in configdb beside which one could be written.
async fn wished(app: Option<&Arc<App>>, listeners: Vec<Drain>) -> End {
    match app {
        Some(app) => wishes::follow(Arc::clone(app), listeners).await,
        None => std::future::pending().await,
    }
}

/// Waits for the end of a role; for ever if there is none.
async fn ended(role: Option<&mut role::Role>) {
    match role {
        Some(role) => role.ended().await,
        None => std::future::pending().await,
    }
}

/// The same for a node, which may have two listeners.
async fn node_ended(node: Option<&mut Groupware>) {
    match node {
        Some(node) => node.ended().await,
        None => std::future::pending().await,
    }
}
