//! Users at a steady pace through a front: real sessions that live through everything that goes wrong, with each request counted and
//! everything that was answered read back in the end. Started and ended by the scenario `front`, which says what goes wrong meanwhile.

mod books;
mod events;
mod newcomer;
mod reply;
mod survey;
mod table;
mod verdict;
mod wire;
mod worker;
mod world;

#[cfg(test)]
mod planted;

pub(crate) use books::Part;
pub(crate) use table::{markdown, printed};
pub(crate) use verdict::{Bears, breaches};
pub(crate) use wire::Front;

use crate::Result;
use crate::checks::loss;
use crate::load::{enter, own_of, standard_folders};
use books::{Kind, part_at};
use events::Watch;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::task::JoinSet;
use wire::Line;
use worker::{Ground, Worker};
use world::{Guest, World, lock};

/// Signing in and making folders, on two busy cores.
const PREPARE_SECONDS_MAX: u64 = 120;
/// From the stop to the last answer.
const END_SECONDS_MAX: u64 = 120;
/// From the stop to the end of the last look.
const FINISH_SECONDS_MAX: u64 = 300;

/// What a traffic is made of.
#[derive(Clone)]
pub(crate) struct Plan {
    /// The network to be in; none: this one.
    pub(crate) network: Option<PathBuf>,
    /// What distinguishes its folders from those of another traffic.
    pub(crate) label: String,
    /// Where its users connect; they are spread over them.
    pub(crate) fronts: Vec<Front>,
    /// Each node, for the last look.
    pub(crate) nodes: Vec<(String, Front)>,
    /// Logins of users who are there.
    pub(crate) people: Vec<String>,
    /// The first so many listen to events too.
    pub(crate) watchers: usize,
    pub(crate) password: String,
    pub(crate) seed: u64,
    /// An event that has not come after so long is lost.
    pub(crate) hear: Duration,
}

/// A traffic under way.
pub(crate) struct Traffic {
    world: Arc<World>,
    guests: Vec<Arc<Guest>>,
    stop: Sender<()>,
    ended: Receiver<std::result::Result<(), String>>,
    thread: JoinHandle<()>,
}

/// Who is there and what they work on.
type Prepared = (Arc<World>, Vec<Arc<Guest>>);

impl Traffic {
    /// Signs everybody in, makes the folders, and begins. Returns when it is under way.
    pub(crate) fn start(plan: Plan) -> Result<Self> {
        let (ready, prepared) = channel();
        let (stop, stopped) = channel();
        let (end, ended) = channel();
        let thread = std::thread::Builder::new().name("traffic".to_owned()).spawn(move || {
            let _ = end.send(whole(&plan, &ready, stopped));
        })?;
        match prepared.recv_timeout(Duration::from_secs(PREPARE_SECONDS_MAX)) {
            Ok((world, guests)) => Ok(Self { world, guests, stop, ended, thread }),
            Err(_) => match ended.try_recv() {
                Ok(Err(reason)) => Err(format!("the traffic could not begin: {reason}").into()),
                _ => Err(format!("the traffic has not begun after {PREPARE_SECONDS_MAX} s").into()),
            },
        }
    }

    /// What is counted from now on is counted under this name.
    pub(crate) fn turn(&self, name: &str) {
        self.world.turn(name);
    }

    /// Writes that were answered so far.
    pub(crate) fn answered_writes(&self) -> u64 {
        self.world.answered_writes.load(Ordering::Relaxed)
    }

    /// How many sessions each route has.
    pub(crate) fn sessions(&self) -> BTreeMap<String, usize> {
        let mut routes = BTreeMap::new();
        for route in self.guests.iter().filter_map(|guest| guest.route()) {
            *routes.entry(route).or_default() += 1;
        }
        routes
    }

    /// Ends it: what is under way is waited for, then everything is looked at once more. Answers each part with its counts.
    pub(crate) fn finish(self) -> Result<Vec<Part>> {
        let _ = self.stop.send(());
        let ended = self.ended.recv_timeout(Duration::from_secs(FINISH_SECONDS_MAX));
        ended.map_err(|_| format!("the traffic has not ended after {FINISH_SECONDS_MAX} s"))??;
        let _ = self.thread.join();
        let mut parts = lock(&self.world.parts).clone();
        // What came before the first turn is preparation, and after the last only looks.
        parts.remove(0);
        parts.pop();
        Ok(parts)
    }
}

fn whole(plan: &Plan, ready: &Sender<Prepared>, stopped: Receiver<()>) -> std::result::Result<(), String> {
    if let Some(network) = &plan.network {
        enter(network)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    runtime.block_on(async {
        let world = Arc::new(World::new(plan));
        let (workers, watches) = prepared(plan, &world).await?;
        let grounds: Vec<Ground> =
            workers.iter().map(Worker::ground).chain(watches.iter().map(Watch::ground)).collect();
        let guests = grounds.iter().filter(|ground| ground.title.is_some());
        let guests = guests.map(|ground| Arc::clone(&ground.guest)).collect();
        let mut tasks = JoinSet::new();
        let label: Arc<str> = plan.label.as_str().into();
        for worker in workers {
            tasks.spawn(worker.run(Arc::clone(&label)));
        }
        for watch in watches {
            tasks.spawn(watch.run());
        }
        if let Some(login) = plan.people.last() {
            tasks.spawn(newcomer::run(Arc::clone(&world), login.clone()));
        }
        let _ = ready.send((Arc::clone(&world), guests));
        // Whoever started the traffic is gone if the channel is closed: then it ends too.
        let _ = tokio::task::spawn_blocking(move || stopped.recv()).await;
        world.stop.store(true, Ordering::Relaxed);
        let all = async { while tasks.join_next().await.is_some() {} };
        let ended = tokio::time::timeout(Duration::from_secs(END_SECONDS_MAX), all).await;
        ended.map_err(|_| format!("users have not come to an end after {END_SECONDS_MAX} s"))?;
        world.turn("after");
        looked_back(plan, &world, &grounds).await
    })
}

async fn prepared(plan: &Plan, world: &Arc<World>) -> std::result::Result<(Vec<Worker>, Vec<Watch>), String> {
    let (mut workers, mut watches) = (Vec::new(), Vec::new());
    let mut fronts = plan.fronts.iter().cycle();
    for login in &plan.people {
        let front = fronts.next().ok_or("a traffic needs a front")?;
        let guest = world.sign_in(login, front).await;
        let guest = Arc::new(guest.map_err(|failed| format!("{login} is not let in: {}", failed.said))?);
        let mut line = Line::to(front);
        let rows = world.get(Kind::Read, &guest, &mut line, &standard_folders()).await.data();
        let rows = rows.map_err(|failed| format!("{login}'s folders: {}", failed.said))?;
        let home = own_of(&rows, guest.user).ok_or_else(|| format!("{login} has no folder: {rows}"))?;
        if watches.len() < plan.watchers {
            watches.push(Watch::prepared(Arc::clone(world), Arc::clone(&guest), &plan.label, &home).await?);
        }
        workers.push(Worker::prepared(Arc::clone(world), guest, &plan.label, &home).await?);
    }
    Ok((workers, watches))
}

/// The last look through the front, contents and all, and through each node; what is missing is entered where it was answered.
async fn looked_back(plan: &Plan, world: &Arc<World>, grounds: &[Ground]) -> std::result::Result<(), String> {
    let front = plan.fronts.first().ok_or("a traffic needs a front")?;
    let ways = std::iter::once(("the front", front, true));
    let nodes = plan.nodes.iter().map(|(name, node)| (name.as_str(), node, false));
    for (name, way, contents) in ways.chain(nodes) {
        let found = survey::through(world, grounds, way, contents).await?;
        let history = lock(&world.history);
        let mut parts = lock(&world.parts);
        let written = history.by_register();
        let answered = |register, number| {
            let writes = written.get(&register).map_or(&[][..], Vec::as_slice);
            let write = writes.iter().find(|write| write.number == number);
            write.and_then(|write| write.answered).unwrap_or_default()
        };
        for lost in loss::lost(&history, &found.survey) {
            if let Some(part) = part_at(&mut parts, answered(lost.register, lost.number)) {
                part.counts.lost.push(format!("through {name}: {}", lost.said));
            }
        }
        for (register, damage) in found.damaged {
            if let Some(part) = part_at(&mut parts, answered(register, 1)) {
                part.counts.lost.push(format!("through {name}: {}: {damage}", history.name(register)));
            }
        }
        for register in found.twice {
            if let Some(part) = part_at(&mut parts, answered(register, 1)) {
                part.counts.twice.push(format!("through {name}: {}", history.name(register)));
            }
        }
    }
    Ok(())
}
