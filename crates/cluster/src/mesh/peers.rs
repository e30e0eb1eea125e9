//! The table of members: who is connected, whom a connection is being made to, and who may connect.
//!
//! One connection a pair, whoever dials first or both at once. When two dial each other at once, the connection that the member with
//! the smaller name dials is the one that stays: it refuses the other's while its own is being made. A connection that stands is
//! never given up for a new one of the same life of a member, only for one of a newer life.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::Broken;
use super::frame::Frame;
use super::hello::{Hello, Reason, VERSIONS, version_of};
use super::link::Live;
use super::missing::{Expected, Missing, Watch};
use super::settings::Settings;
use crate::authority::Name;

/// Lives that are over and remembered, for each member.
const ENDED_MAX: usize = 16;
/// Members remembered that are not connected.
const STRANGERS_MAX: usize = 256;

/// Why a handshake goes no further: what the other end is told.
pub(super) type Refusal = (Reason, String);

pub(super) struct Peers {
    settings: Settings,
    /// The lives of this process; the last is the one it lives now.
    lives: Mutex<Vec<Arc<str>>>,
    table: Mutex<Table>,
    changed: watch::Sender<u64>,
    expected: watch::Receiver<Arc<Vec<Expected>>>,
}

#[derive(Default)]
struct Table {
    slots: BTreeMap<Name, Slot>,
    connections: u64,
    stopping: bool,
    watch: Watch,
}

#[derive(Default)]
struct Slot {
    /// A connection is being made from here.
    dialling: bool,
    live: Option<Arc<Live>>,
    ended: VecDeque<Arc<str>>,
}

/// Who is to be connected.
pub(super) struct Candidate {
    pub(super) hello: Hello,
    /// The life that the other end was told of.
    pub(super) own: Arc<str>,
    pub(super) address: SocketAddr,
    pub(super) dialled: bool,
}

impl Peers {
    pub(super) fn new(settings: Settings, expected: watch::Receiver<Arc<Vec<Expected>>>) -> Self {
        let lives = Mutex::new(vec![Arc::clone(&settings.incarnation)]);
        Self { settings, lives, table: Mutex::default(), changed: watch::Sender::new(0), expected }
    }

    /// Who this node is, as the other end is told.
    pub(super) fn hello(&self) -> Hello {
        Hello {
            versions: VERSIONS,
            cluster: self.settings.cluster.clone(),
            node: self.settings.node.clone(),
            incarnation: self.life(),
        }
    }

    /// The life that this node lives.
    fn life(&self) -> Arc<str> {
        let lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
        lives.last().map_or_else(|| Arc::clone(&self.settings.incarnation), Arc::clone)
    }

    /// Begins a new life: all connections were the old one's.
    pub(super) fn begin_life(&self, incarnation: Arc<str>) {
        self.lives.lock().unwrap_or_else(PoisonError::into_inner).push(incarnation);
        self.cut(&Broken::NewLife);
    }

    /// Whether somebody may be connected at all.
    ///
    /// # Errors
    /// The reason, and a sentence for both logs.
    pub(super) fn judge(&self, hello: &Hello, certified: Option<&(Name, Name)>) -> Result<(), Refusal> {
        let own = self.hello();
        judge_names(&own, hello, certified)?;
        if hello.node == own.node {
            let lives = self.lives.lock().unwrap_or_else(PoisonError::into_inner);
            if lives.contains(&hello.incarnation) {
                return Err((Reason::Myself, "it is this very node".to_owned()));
            }
            return Err((Reason::Taken, format!("another process runs under the name {}", own.node)));
        }
        self.judge_life(hello)
    }

    fn judge_life(&self, hello: &Hello) -> Result<(), Refusal> {
        let ended =
            self.lock().slots.get(&hello.node).is_some_and(|slot| slot.ended.contains(&hello.incarnation));
        if ended {
            return Err((Reason::Incarnation, "a newer life of it has been here".to_owned()));
        }
        let expected = self.expected.borrow();
        let registered = expected.iter().find(|member| member.name == hello.node);
        match registered.filter(|member| member.incarnation != hello.incarnation) {
            Some(_) => Err((Reason::Incarnation, "another life of it is registered".to_owned())),
            None => Ok(()),
        }
    }

    /// Takes note that a connection is being made to a member, until the guard is dropped.
    ///
    /// # Errors
    /// There is one, or one is being made already.
    pub(super) fn begin_dial(&self, hello: &Hello) -> Result<Dialling<'_>, Refusal> {
        let mut table = self.lock();
        if table.stopping {
            return Err(stopping());
        }
        let slot = table.slot(&hello.node);
        let connected = slot.live.as_ref().is_some_and(|live| live.incarnation == hello.incarnation);
        if connected || slot.dialling {
            return Err(duplicate());
        }
        slot.dialling = true;
        Ok(Dialling { peers: self, name: hello.node.clone() })
    }

    /// Enters a connection. Waits until one of an earlier life has ended and been told of.
    ///
    /// # Errors
    /// There is a connection, or one is being made from here that takes precedence.
    pub(super) async fn admit(&self, candidate: Candidate) -> Result<Admitted<'_>, Refusal> {
        let mut changes = self.changed.subscribe();
        loop {
            changes.borrow_and_update();
            {
                let mut table = self.lock();
                if table.stopping || self.life() != candidate.own {
                    return Err(stopping());
                }
                let connection = table.connections.saturating_add(1);
                let slot = table.slot(&candidate.hello.node);
                if !candidate.dialled && slot.dialling && self.settings.node < candidate.hello.node {
                    return Err(duplicate());
                }
                if slot.ended.contains(&candidate.hello.incarnation) {
                    return Err((Reason::Incarnation, "a newer life of it has been here".to_owned()));
                }
                match &slot.live {
                    Some(live) if live.incarnation == candidate.hello.incarnation => {
                        // If the other end knows that it is over, a ping makes this end know it too.
                        live.queue.push(&Frame::Ping(live.age_us()));
                        return Err(duplicate());
                    }
                    Some(live) => live.queue.close(Broken::Replaced),
                    None => {
                        let live = Arc::new(Live::new(&candidate, connection, &self.settings.limits));
                        slot.live = Some(Arc::clone(&live));
                        table.connections = connection;
                        drop(table);
                        self.changed();
                        return Ok(Admitted { peers: self, live, alive: false });
                    }
                }
            }
            if changes.changed().await.is_err() {
                return Err(stopping());
            }
        }
    }

    /// Strikes a connection that has ended and been told of. A life that was replaced never comes back.
    pub(super) fn strike(&self, live: &Live, why: Option<&Broken>) {
        let mut table = self.lock();
        let slot = table.slot(&live.peer);
        if slot.live.as_ref().is_some_and(|other| other.connection == live.connection) {
            slot.live = None;
        }
        if why == Some(&Broken::Replaced) {
            slot.ended.push_back(Arc::clone(&live.incarnation));
            if slot.ended.len() > ENDED_MAX {
                slot.ended.pop_front();
            }
        }
        if table.slots.len() > STRANGERS_MAX {
            table.slots.retain(|_, slot| slot.live.is_some() || slot.dialling);
        }
        drop(table);
        self.changed();
    }

    /// The connection with a member.
    pub(super) fn live(&self, name: &Name) -> Option<Arc<Live>> {
        self.lock().slots.get(name)?.live.clone()
    }

    /// All connections, by the name of the member.
    pub(super) fn all(&self) -> Vec<Arc<Live>> {
        self.lock().slots.values().filter_map(|slot| slot.live.clone()).collect()
    }

    /// Waits until a member is not connected.
    pub(super) async fn gone(&self, name: &Name) {
        let mut changes = self.changed.subscribe();
        while self.live(name).is_some() && changes.changed().await.is_ok() {}
    }

    /// Waits until nobody is connected.
    pub(super) async fn empty(&self) {
        let mut changes = self.changed.subscribe();
        while !self.all().is_empty() && changes.changed().await.is_ok() {}
    }

    /// Lets nobody in any more, and says goodbye behind all that waits to be sent: who hears it closes.
    pub(super) fn say_goodbye(&self) {
        self.lock().stopping = true;
        self.all().iter().for_each(|live| {
            live.queue.push(&Frame::Bye("it stops".to_owned()));
        });
    }

    /// Ends all connections.
    pub(super) fn cut(&self, why: &Broken) {
        self.all().iter().for_each(|live| live.queue.close(why.clone()));
    }

    /// A look at who is missing; answers when to look again at the latest, by waiting for a change.
    pub(super) fn look_for_missing(&self) {
        let expected = Arc::clone(&self.expected.borrow());
        let others: Vec<Expected> =
            expected.iter().filter(|member| member.name != self.settings.node).cloned().collect();
        let lines = {
            let mut table = self.lock();
            let Table { slots, watch, .. } = &mut *table;
            watch.look(&others, |name| slots.get(name).is_some_and(|slot| slot.live.is_some()))
        };
        for (name, there, away) in lines {
            let seconds = away.as_secs();
            if there {
                tracing::info!("mesh: {name} is connected again, after {seconds} s");
            } else {
                tracing::warn!(
                    "mesh: {name} is registered in this cluster and has not been connected for {seconds} s"
                );
            }
        }
    }

    /// Who is missing.
    pub(super) fn missing(&self) -> Vec<Missing> {
        let table = self.lock();
        let there = |missing: &Missing| {
            table.slots.iter().any(|(name, slot)| name.as_str() == missing.name && slot.live.is_some())
        };
        // The last look may be a second old.
        table.watch.all().into_iter().filter(|missing| !there(missing)).collect()
    }

    fn changed(&self) {
        self.changed.send_modify(|count| *count = count.wrapping_add(1));
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    fn slot(&mut self, name: &Name) -> &mut Slot {
        self.slots.entry(name.clone()).or_default()
    }
}

/// Whether somebody is of this cluster, speaks its protocol, and is who its certificate says.
///
/// # Errors
/// The reason, and a sentence for both logs.
pub(super) fn judge_names(
    own: &Hello,
    hello: &Hello,
    certified: Option<&(Name, Name)>,
) -> Result<(), Refusal> {
    if hello.cluster != own.cluster {
        let sentence =
            format!("it is of cluster {}, {} is of cluster {}", hello.cluster, own.node, own.cluster);
        return Err((Reason::Cluster, sentence));
    }
    if version_of(hello.versions, own.versions).is_none() {
        let (ours, theirs) = (range(own.versions), range(hello.versions));
        let sentence = format!("it speaks version {theirs} of the protocol, {} speaks {ours}", own.node);
        return Err((Reason::Version, sentence));
    }
    if let Some((cluster, node)) =
        certified.filter(|names| **names != (hello.cluster.clone(), hello.node.clone()))
    {
        let sentence =
            format!("it says it is {}, its certificate is of {node} of cluster {cluster}", hello.node);
        return Err((Reason::Name, sentence));
    }
    Ok(())
}

fn range((low, high): (u16, u16)) -> String {
    if low == high { low.to_string() } else { format!("{low} to {high}") }
}

pub(super) fn duplicate() -> Refusal {
    (Reason::Duplicate, "there is a connection, or one is being made the other way".to_owned())
}

fn stopping() -> Refusal {
    (Reason::Stopping, "the node stops".to_owned())
}

/// A connection is being made to somebody.
pub(super) struct Dialling<'a> {
    peers: &'a Peers,
    name: Name,
}

impl Drop for Dialling<'_> {
    fn drop(&mut self) {
        self.peers.lock().slot(&self.name).dialling = false;
    }
}

/// A connection that was let in. If it does not come to life, its place is free again.
pub(super) struct Admitted<'a> {
    peers: &'a Peers,
    pub(super) live: Arc<Live>,
    alive: bool,
}

impl Admitted<'_> {
    /// From now on the link strikes it.
    pub(super) fn comes_to_life(mut self) -> Arc<Live> {
        self.alive = true;
        Arc::clone(&self.live)
    }
}

impl Drop for Admitted<'_> {
    fn drop(&mut self) {
        if !self.alive {
            self.peers.strike(&self.live, None);
        }
    }
}
