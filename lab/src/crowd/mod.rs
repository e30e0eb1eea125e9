//! A crowd: many clients who change and look at the same things at the same time, through every node and the web tier, with all they
//! are answered kept as a record. Started and ended by the scenario `coherence`; it judges nothing.

mod client;
mod files;
mod folders;
mod heard;
mod looks;
mod operator;
mod prepare;
mod rights;
mod sessions;
mod survey;
mod world;

pub(crate) use survey::{LAST_LOOK, Seen};

use crate::Result;
use crate::checks::history::Moment;
use crate::checks::record::Record;
use crate::load::{Node, enter};
use client::Client;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use world::World;

/// Clients of each person.
const CLIENTS: usize = 2;
/// Operators at a time.
const OPERATORS: usize = 2;
/// Signing in and making folders, on two busy cores.
const PREPARE_SECONDS_MAX: u64 = 90;
/// From the stop to the last answer and the end of the survey.
const FINISH_SECONDS_MAX: u64 = 180;

/// What a crowd is made of.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// The network to be in.
    pub(crate) network: PathBuf,
    pub(crate) nodes: Vec<Node>,
    pub(crate) web_tier: Node,
    pub(crate) admin_daemon: SocketAddr,
    /// Logins of users who are there.
    pub(crate) people: Vec<String>,
    pub(crate) password: String,
    /// Of the lots.
    pub(crate) seed: u64,
}

/// A crowd at work.
#[derive(Debug)]
pub(crate) struct Crowd {
    world: Arc<World>,
    stop: Sender<()>,
    ended: Receiver<std::result::Result<Vec<(String, Seen)>, String>>,
    thread: JoinHandle<()>,
}

/// What came of a crowd.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) record: Record,
    /// What each node answered in the end.
    pub(crate) seen: Vec<(String, Seen)>,
    /// Answers that nobody may be given.
    pub(crate) strange: Vec<String>,
    /// Requests without an answer in any time.
    pub(crate) hung: Vec<String>,
}

/// How a crowd is.
#[derive(Debug)]
pub(crate) struct Pulse(Arc<World>);

impl Pulse {
    /// The present moment of the record.
    pub(crate) fn now(&self) -> Moment {
        self.0.now()
    }

    /// Writes answered so far by each way in.
    pub(crate) fn answered_writes(&self) -> Vec<u64> {
        self.0.pulse.iter().map(|count| count.load(Ordering::Relaxed)).collect()
    }
}

impl Crowd {
    /// Signs everybody in, makes the folders, and begins. Returns when it is under way.
    pub(crate) fn start(plan: Plan) -> Result<Self> {
        let (ready, prepared) = channel();
        let (stop, stopped) = channel();
        let (end, ended) = channel();
        let thread = std::thread::Builder::new().name("crowd".to_owned()).spawn(move || {
            let _ = end.send(whole(&plan, &ready, stopped));
        })?;
        match prepared.recv_timeout(Duration::from_secs(PREPARE_SECONDS_MAX)) {
            Ok(world) => Ok(Self { world, stop, ended, thread }),
            Err(_) => match ended.try_recv() {
                Ok(Err(reason)) => Err(format!("the crowd could not begin: {reason}").into()),
                _ => Err(format!("the crowd has not begun after {PREPARE_SECONDS_MAX} s").into()),
            },
        }
    }

    /// Lets somebody feel how it is, until it ends.
    pub(crate) fn pulse(&self) -> Pulse {
        Pulse(Arc::clone(&self.world))
    }

    /// Operations so far that were answered, by being done or refused.
    pub(crate) fn answered(&self) -> usize {
        let record = world::lock(&self.world.record);
        record.operations.iter().filter(|operation| operation.is_answered()).count()
    }

    /// Ends it: what is under way is waited for, then everything is looked at once more.
    pub(crate) fn finish(self) -> Result<Outcome> {
        let _ = self.stop.send(());
        let seen = self.ended.recv_timeout(Duration::from_secs(FINISH_SECONDS_MAX));
        let seen = seen.map_err(|_| format!("the crowd has not ended after {FINISH_SECONDS_MAX} s"))??;
        let _ = self.thread.join();
        let world = Arc::into_inner(self.world).ok_or("a client of the crowd is still there")?;
        fn inner<T>(mutex: Mutex<T>) -> T {
            mutex.into_inner().unwrap_or_else(PoisonError::into_inner)
        }
        let (record, strange, hung) = (inner(world.record), inner(world.strange), inner(world.hung));
        Ok(Outcome { record, seen, strange, hung })
    }
}

fn whole(
    plan: &Plan,
    ready: &Sender<Arc<World>>,
    stopped: Receiver<()>,
) -> std::result::Result<Vec<(String, Seen)>, String> {
    enter(&plan.network)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let world = prepare::world(plan, Instant::now()).await?;
        let mut tasks = tokio::task::JoinSet::new();
        for person in (0..plan.people.len()).cycle().take(plan.people.len() * CLIENTS) {
            let client = Client { world: Arc::clone(&world), person, session: None };
            tasks.spawn(client.run());
        }
        for operator in 0..OPERATORS {
            let own = (0..plan.people.len()).filter(|person| person % OPERATORS == operator).collect();
            tasks.spawn(operator::run(Arc::clone(&world), plan.admin_daemon, own));
        }
        let _ = ready.send(Arc::clone(&world));
        // Whoever started the crowd is gone if the channel is closed: then it ends too.
        let _ = tokio::task::spawn_blocking(move || stopped.recv()).await;
        world.stop.store(true, Ordering::Relaxed);
        while tasks.join_next().await.is_some() {}
        let mut seen = Vec::new();
        for (index, node) in plan.nodes.iter().enumerate() {
            seen.push((node.name.clone(), survey::through(&world, index).await?));
        }
        Ok(seen)
    })
}
