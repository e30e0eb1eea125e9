//! `zebu demo`: a whole cluster on this machine, each part a process of its own, as a real one has it.
//!
//! This process only supervises: it makes the data, starts the nodes and the web tier, starts anew what dies, and stops
//! them in order. It listens nowhere itself, and what it starts listens on the loopback address only, because everybody
//! knows the passwords.

mod child;
mod keeper;
mod place;
mod provision;
mod samples;
mod settings;

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use futures_util::future::{join_all, try_join_all};
use tokio::runtime::Builder;

use crate::cli;
use crate::demo::child::{Child, Live};
use crate::demo::keeper::Keeper;
use crate::demo::place::Place;
use crate::demo::provision::{CONTEXT, MAPPING, PASSWORD};
use crate::failure::{Failure, Result};
use crate::log;
use crate::say;
use crate::signals::Signals;

pub(crate) use crate::demo::place::configdb_of;

/// Runs a demo until it is asked to stop.
///
/// # Errors
/// The port is taken, the directory is not writable or in use, or a child does not start.
pub(crate) fn run(options: &cli::Demo) -> Result<()> {
    log::start(&log::Config { level: "warn".to_owned(), ..log::Config::default() })?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    // Before anything is started or made: what cannot work should leave nothing behind.
    check_free(listen)?;
    let place = Place::take(options.dir.as_deref())?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failure::new(format!("cannot start: {error}")))?;
    runtime.block_on(supervise(&place, listen, options.nodes))?;
    drop(runtime);
    place.leave()
}

fn check_free(listen: SocketAddr) -> Result<()> {
    TcpListener::bind(listen).map(drop).map_err(|error| {
        let port = listen.port();
        Failure::new(match error.kind() {
            io::ErrorKind::AddrInUse => {
                format!("port {port} is taken by another process; --port takes another")
            }
            io::ErrorKind::PermissionDenied => {
                format!("port {port} is not allowed: those below 1024 need privileges")
            }
            _ => format!("cannot listen on {listen}: {error}"),
        })
    })
}

async fn supervise(place: &Place, listen: SocketAddr, nodes: u8) -> Result<()> {
    let mut signals = Signals::listen(false)?;
    say::line(&format!("data in {}, logs in {}", place.root(), place.path("log").display()));
    // Not to be cut short by a signal: half of it would be of no use.
    provision::ensure(place).await?;
    let running = tokio::select! {
        started = Running::start(place, listen, nodes) => started?,
        () = signals.stop() => return Ok(()),
    };
    running.greet();
    signals.stop().await;
    tokio::select! {
        () = running.stop() => Ok(()),
        () = signals.stop_at_once() => Err(Failure::new("stopped at once, on a second signal")),
    }
}

/// The cluster, each process with its keeper.
struct Running {
    address: SocketAddr,
    web: Keeper,
    nodes: Vec<Keeper>,
}

impl Running {
    /// Starts everything. An error ends what was started before it.
    async fn start(place: &Place, listen: SocketAddr, nodes: u8) -> Result<Self> {
        let children = (1..=nodes).map(|number| place.node(number)).collect::<Result<Vec<_>>>()?;
        let nodes = try_join_all(children.into_iter().map(start)).await?;
        let members = nodes.iter().map(|(child, live)| (child.name().to_owned(), live.address())).collect();
        let (web, live) = start(place.web(listen, members)).await?;
        Ok(Self {
            address: live.address(),
            web: Keeper::start(web, live),
            nodes: nodes.into_iter().map(|(child, live)| Keeper::start(child, live)).collect(),
        })
    }

    /// Says where it is and who may come in. Scripts wait for the first line.
    fn greet(&self) {
        let url = format!("http://{}/", self.address);
        say::line(&format!("ready {url}"));
        say::line(&format!("webdav {url}infostore/"));
        say::line(&format!(
            "sign in as anna, ben or oxadmin, password {PASSWORD} (context {CONTEXT}, mapping {MAPPING})"
        ));
    }

    /// Stops the web tier first: what it still has under way needs the nodes.
    async fn stop(self) {
        self.nodes.iter().for_each(Keeper::let_go);
        self.web.stop().await;
        join_all(self.nodes.into_iter().map(Keeper::stop)).await;
    }
}

async fn start(mut child: Child) -> Result<(Child, Live)> {
    let live = child.start().await?;
    // The web tier knows the nodes, and browsers the web tier, by the ports that they have now.
    child.keep_address(live.address())?;
    Ok((child, live))
}
