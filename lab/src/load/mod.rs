//! A steady, bounded load of real clients on the lab's client host: people who share, withdraw, make, rename and look, on all
//! nodes, with everything they are answered kept as a history. Started and ended by the scenarios.

mod figures;
mod ground;
mod http;
mod lots;
mod person;
mod reader;
mod survey;
mod world;
mod writer;

pub(crate) use figures::Figures;
pub(crate) use ground::{
    AUTHOR, OWNER, file_name, own_of, standard_folder, standard_folders, text, title_of,
};
pub(crate) use http::{Sent, Silence, send};
pub(crate) use lots::Lots;
pub(crate) use person::{Answer, Node, Person, WHATEVER_HAPPENED, multipart, sign_in_form};
pub(crate) use world::{files_in, listing, title_number};

use crate::Result;
use crate::checks::history::History;
use crate::checks::loss::Survey;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;
use world::World;

/// Whoever looks around besides the writers' own looks.
const READERS: usize = 4;
/// Signing in and making folders, on two busy cores.
const PREPARE_SECONDS_MAX: u64 = 90;
/// From the stop to the last answer and the end of the survey.
const FINISH_SECONDS_MAX: u64 = 180;

/// What a load is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The network to be in.
    pub(crate) network: PathBuf,
    pub(crate) nodes: Vec<Node>,
    /// Logins; each is a writer too.
    pub(crate) people: Vec<String>,
    pub(crate) password: String,
}

/// A load under way.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Sender<()>,
    ended: Receiver<std::result::Result<Outcome, String>>,
    thread: JoinHandle<()>,
    pulse: Arc<Vec<AtomicU64>>,
}

/// What came of a load.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) history: History,
    pub(crate) figures: Figures,
    /// What was there in the end, by the node through which it was seen.
    pub(crate) surveys: Vec<(String, Survey)>,
    /// Files that do not hold what was put there.
    pub(crate) damaged: Vec<String>,
}

impl Load {
    /// Signs everybody in, makes the folders, and begins. Returns when the load is under way.
    pub(crate) fn start(plan: Plan, label: &str) -> Result<Self> {
        let label = label.to_owned();
        let (ready, prepared) = channel();
        let (stop, stopped) = channel();
        let (end, ended) = channel();
        let pulse: Arc<Vec<AtomicU64>> = Arc::new(plan.nodes.iter().map(|_| AtomicU64::new(0)).collect());
        let beat = Arc::clone(&pulse);
        let thread = std::thread::Builder::new().name("load".to_owned()).spawn(move || {
            let _ = end.send(whole(&plan, label, beat, &ready, stopped));
        })?;
        match prepared.recv_timeout(Duration::from_secs(PREPARE_SECONDS_MAX)) {
            Ok(()) => Ok(Self { stop, ended, thread, pulse }),
            Err(_) => match ended.try_recv() {
                Ok(Err(reason)) => Err(format!("the load could not begin: {reason}").into()),
                _ => Err(format!("the load has not begun after {PREPARE_SECONDS_MAX} s").into()),
            },
        }
    }

    /// How many writes each node has answered so far.
    pub(crate) fn answered_writes(&self) -> Vec<u64> {
        self.pulse.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }

    /// Ends the load: what is under way is waited for, then everything is looked at once more.
    pub(crate) fn finish(self) -> Result<Outcome> {
        let _ = self.stop.send(());
        let outcome = self.ended.recv_timeout(Duration::from_secs(FINISH_SECONDS_MAX));
        let outcome = outcome.map_err(|_| format!("the load has not ended after {FINISH_SECONDS_MAX} s"))?;
        let _ = self.thread.join();
        outcome.map_err(Into::into)
    }
}

fn whole(
    plan: &Plan,
    label: String,
    pulse: Arc<Vec<AtomicU64>>,
    ready: &Sender<()>,
    stopped: Receiver<()>,
) -> std::result::Result<Outcome, String> {
    enter(&plan.network)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let world = Arc::new(prepared(plan, label, pulse).await?);
        let mut tasks = tokio::task::JoinSet::new();
        for ground in world.grounds.clone() {
            tasks.spawn(writer::run(Arc::clone(&world), ground));
        }
        for _ in 0..READERS {
            tasks.spawn(reader::run(Arc::clone(&world)));
        }
        let _ = ready.send(());
        // Whoever started the load is gone if the channel is closed: then it ends too.
        let _ = tokio::task::spawn_blocking(move || stopped.recv()).await;
        world.stop.store(true, Ordering::Relaxed);
        while tasks.join_next().await.is_some() {}
        let (mut surveys, mut damaged) = (Vec::new(), Vec::new());
        for node in &world.nodes {
            let (survey, found) = survey::through(&world, node).await?;
            surveys.push((node.name.clone(), survey));
            damaged.extend(found);
        }
        let world = Arc::into_inner(world).ok_or("a task of the load is still there")?;
        let (history, figures) = (world.history.into_inner(), world.figures.into_inner());
        let history = history.map_err(|error| error.to_string())?;
        let figures = figures.map_err(|error| error.to_string())?;
        Ok(Outcome { history, figures, surveys, damaged })
    })
}

/// Puts this thread into a network; what it opens from now on is there.
pub(crate) fn enter(network: &Path) -> std::result::Result<(), String> {
    let said = |error: &dyn std::error::Error| format!("{}: {error}", network.display());
    let file = File::open(network).map_err(|error| said(&error))?;
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).map_err(|error| said(&error))
}

async fn prepared(
    plan: &Plan,
    label: String,
    pulse: Arc<Vec<AtomicU64>>,
) -> std::result::Result<World, String> {
    let mut nodes = plan.nodes.iter().cycle();
    let mut people = Vec::new();
    for login in &plan.people {
        let node = nodes.next().ok_or("a load needs nodes")?;
        let signed_in = Person::sign_in(node, login, &plan.password).await;
        people.push(signed_in.map_err(|answer| format!("{login} is not let in: {answer:?}"))?);
    }
    let (mut history, mut grounds) = (History::new(), Vec::new());
    for owner in 0..people.len() {
        let node = nodes.next().ok_or("a load needs nodes")?;
        grounds.push(ground::prepare(&mut history, node, &people, owner, &label).await?);
    }
    if grounds.is_empty() {
        return Err("a load needs people".to_owned());
    }
    Ok(World {
        label,
        nodes: plan.nodes.clone(),
        people,
        grounds,
        history: Mutex::new(history),
        figures: Mutex::new(Figures::default()),
        stop: AtomicBool::new(false),
        pulse,
        lots: Lots::from(1),
    })
}
