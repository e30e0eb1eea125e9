//! A registered master with its replicas: watched over, written to and read from as what they are, not as what they are
//! registered as.
//!
//! [`topology`] makes groups from what configdb says; [`watch`] looks at each server some four times a second; [`decide`] says
//! who has which role. A group of SQLite files has one server and is not watched: it has nobody to ask.

mod decide;
mod history;
mod observation;
mod position;
mod record;
pub(crate) mod state;
mod survive;
pub(crate) mod topology;
mod watch;

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use foldhash::fast::RandomState;
use tokio::sync::watch as channel;

use crate::engine::{Probe, Server};
use crate::error::{Error, Result};

use decide::{Memory, Roles, Stop, Why};
use history::History;
use observation::{Member, Observation, Seen, ServerId, Status};
use survive::Proofs;

/// From one look at a server to the next.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Limits of a group, from the configuration.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// How far behind a replica may be, ms.
    pub(crate) lag_ms_max: u64,
    /// How long a server may take to say how it is.
    pub(crate) look: Duration,
}

impl Limits {
    /// How old a look may be for the writer to be believed to be one: a process that stood still does not go on as if it
    /// had not.
    fn believed(self) -> Duration {
        LOOK_EVERY + self.look * 2
    }
}

/// A master with its replicas.
#[derive(Debug)]
pub(crate) struct Group {
    /// What operators call the master.
    name: Arc<str>,
    limits: Limits,
    inner: Mutex<Inner>,
    decided: channel::Sender<Arc<Decided>>,
    /// The schemas of the master that this process knows to be up to date.
    migrated: Mutex<HashSet<String, RandomState>>,
}

#[derive(Debug, Default)]
struct Inner {
    servers: Vec<Arc<Watched>>,
    watching: bool,
    memory: Memory,
    /// What configdb says of the group's promotions, as far as is known here.
    written: Option<String>,
    history: History,
    proofs: Proofs,
    told: Told,
}

/// What the log has said already.
#[derive(Debug, Default)]
struct Told {
    stop: Option<String>,
    left_out: Vec<(ServerId, String)>,
}

/// A server of the group.
#[derive(Debug)]
pub(crate) struct Watched {
    id: ServerId,
    name: Arc<str>,
    registered_master: bool,
    /// How to reach it, or why that is not known.
    server: std::result::Result<Server, Arc<str>>,
    observation: Mutex<Observation>,
    /// How long its last answer took, µs.
    latency_us: AtomicU64,
    /// Another connection beside the one it is watched by, for [`survive`].
    asker: tokio::sync::Mutex<Option<Probe>>,
}

impl Watched {
    pub(crate) fn new(
        id: ServerId,
        name: &str,
        registered_master: bool,
        server: std::result::Result<Server, Arc<str>>,
    ) -> Watched {
        let seen = match &server {
            // Nobody can look at it: it is there, and alone.
            Ok(Server::Sqlite(_)) => Seen::Alive(Box::default()),
            Ok(Server::Maria(_)) => Seen::NotYet,
            Err(reason) => Seen::Dead(Arc::clone(reason)),
        };
        Watched {
            id,
            name: name.into(),
            registered_master,
            server,
            observation: Mutex::new(Observation { asked: Instant::now(), seen }),
            latency_us: AtomicU64::new(0),
            asker: tokio::sync::Mutex::new(None),
        }
    }

    /// How long ago it was last looked at. A file is as it is.
    fn age(&self) -> Duration {
        if matches!(self.server, Ok(Server::Sqlite(_))) {
            return Duration::ZERO;
        }
        self.observation.lock().unwrap_or_else(PoisonError::into_inner).asked.elapsed()
    }
}

/// A decision with what it was made of.
#[derive(Debug)]
struct Decided {
    roles: Roles,
    members: Vec<Member>,
    servers: Vec<Arc<Watched>>,
}

/// A replica that may answer reads now.
#[derive(Clone, Debug)]
pub(crate) struct Reader {
    pub(crate) server: Server,
    pub(crate) lag_ms: u64,
    /// Everything that the master showed by then is here.
    pub(crate) has_until: Option<Instant>,
    /// What asking it costs at the moment, µs: how long it takes to answer, for each who asks.
    cost_us: u64,
}

impl Group {
    pub(crate) fn new(name: &str, limits: Limits, servers: Vec<Arc<Watched>>) -> Arc<Group> {
        let roles = Roles { writer: Err(Stop::NotSeenYet), readers: Vec::new(), left_out: Vec::new() };
        let decided = Decided { roles, members: Vec::new(), servers: Vec::new() };
        let group = Group {
            name: name.into(),
            limits,
            inner: Mutex::default(),
            decided: channel::Sender::new(Arc::new(decided)),
            migrated: Mutex::default(),
        };
        group.inner().servers = servers;
        group.update();
        Arc::new(group)
    }

    /// Other servers from now on; those that stay keep what is known of them.
    pub(crate) fn set_servers(self: &Arc<Self>, servers: Vec<Arc<Watched>>) {
        let watching = {
            let mut inner = self.inner();
            let before = std::mem::replace(&mut inner.servers, servers.clone());
            let fresh: Vec<Arc<Watched>> =
                servers.into_iter().filter(|s| !before.iter().any(|b| Arc::ptr_eq(b, s))).collect();
            inner.watching.then_some(fresh)
        };
        for server in watching.into_iter().flatten() {
            watch::start(self, &server);
        }
        self.update();
    }

    /// Watches over its servers from now on, if it does not already.
    pub(crate) fn watch(self: &Arc<Self>) {
        let servers = {
            let mut inner = self.inner();
            if std::mem::replace(&mut inner.watching, true) {
                return;
            }
            inner.servers.clone()
        };
        for server in servers {
            watch::start(self, &server);
        }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Whether a schema of the master is known to be up to date.
    pub(crate) fn is_migrated(&self, schema: &str) -> bool {
        self.migrated().contains(schema)
    }

    /// A schema of the master is up to date.
    pub(crate) fn set_migrated(&self, schema: &str) {
        self.migrated().insert(schema.to_owned());
    }

    fn migrated(&self) -> MutexGuard<'_, HashSet<String, RandomState>> {
        self.migrated.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The decision of now. Waits until everybody has been looked at once, and the writer lately: a process that stood still
    /// looks again before it believes anything. Each look ends in time, whatever the server does.
    async fn decided(self: &Arc<Self>) -> Arc<Decided> {
        // Most find it made, and wait for nothing.
        let made = Arc::clone(&self.decided.borrow());
        if made.is_current(self.limits) {
            return made;
        }
        self.watch();
        let mut changes = self.decided.subscribe();
        let current = changes.wait_for(|decided| decided.is_current(self.limits));
        match tokio::time::timeout(self.limits.believed() * 2, current).await {
            Ok(Ok(decided)) => Arc::clone(&decided),
            _ => Arc::clone(&self.decided.borrow()),
        }
    }

    /// The server that takes the writes. [`Error::Unavailable`] with the reason if there is none.
    pub(crate) async fn writer(self: &Arc<Self>) -> Result<Server> {
        let decided = self.decided().await;
        match &decided.roles.writer {
            Ok(id) => decided.writable(*id, self.limits).map_err(|reason| self.unavailable(reason)),
            Err(stop) => Err(self.unavailable(stop.to_string())),
        }
    }

    /// The replicas that may answer reads, the cheapest first.
    pub(crate) async fn readers(self: &Arc<Self>) -> Vec<Reader> {
        let decided = self.decided().await;
        let reader = |id: &ServerId| {
            let (watched, status) = decided.server(*id)?;
            let server = watched.server.as_ref().ok()?.clone();
            let (in_use, _) = server.connections();
            let askers = u64::try_from(in_use).unwrap_or(u64::MAX).saturating_add(status.running).max(1);
            let cost_us = watched.latency_us.load(Ordering::Relaxed).max(1).saturating_mul(askers);
            let (lag_ms, has_until) = (status.lag_ms.unwrap_or(u64::MAX), status.has_until);
            Some(Reader { server, lag_ms, has_until, cost_us })
        };
        let mut readers: Vec<Reader> = decided.roles.readers.iter().filter_map(reader).collect();
        // One that is behind will more often not have what is asked for.
        readers.sort_by_key(|r| r.cost_us.saturating_add(r.lag_ms.saturating_mul(1_000)));
        readers
    }

    /// Whether there is a replica that may answer reads now, as far as is known.
    pub(crate) fn has_replicas(&self) -> bool {
        !self.decided.borrow().roles.readers.is_empty()
    }

    fn unavailable(&self, reason: String) -> Error {
        Error::Unavailable { database: self.name.to_string(), reason }
    }

    /// Decides anew from what was last seen, and acts on it.
    fn update(&self) {
        let mut inner = self.inner();
        let members = inner.members();
        let roles = decide::decide(&members, &inner.memory, self.limits.lag_ms_max);
        let before = inner.memory.writer;
        inner.memory.remember(&members, &roles);
        inner.note_writer(&members, &roles);
        inner.mark(&members, &roles, before);
        inner.tell(&self.name, &members, &roles, before);
        let servers = inner.servers.clone();
        self.decided.send_replace(Arc::new(Decided { roles, members, servers }));
    }
}

impl Decided {
    fn server(&self, id: ServerId) -> Option<(&Arc<Watched>, &Status)> {
        let watched = self.servers.iter().find(|s| s.id == id)?;
        Some((watched, self.members.iter().find(|m| m.id == id)?.status()?))
    }

    fn is_current(&self, limits: Limits) -> bool {
        if self.members.iter().any(|m| m.seen == Seen::NotYet) {
            return false;
        }
        match self.roles.writer {
            Ok(id) => self.servers.iter().any(|s| s.id == id && s.age() <= limits.believed()),
            Err(_) => true,
        }
    }

    fn writable(&self, id: ServerId, limits: Limits) -> std::result::Result<Server, String> {
        let (watched, _) = self.server(id).ok_or("it was unregistered")?;
        let server = watched.server.as_ref().map_err(|reason| reason.to_string())?;
        let age = watched.age();
        if age > limits.believed() {
            return Err(format!("{} was last looked at {} ms ago", watched.name, age.as_millis()));
        }
        Ok(server.clone())
    }
}

impl Inner {
    /// What was seen, with how far each is behind the writer.
    fn members(&self) -> Vec<Member> {
        let member = |watched: &Arc<Watched>| {
            let mut seen = watched.observation.lock().unwrap_or_else(PoisonError::into_inner).seen.clone();
            if let Seen::Alive(status) = &mut seen {
                status.lag_ms = self.history.lag_ms(status, Instant::now());
                status.has_until = self.history.has_until(status);
            }
            let (id, name) = (watched.id, Arc::clone(&watched.name));
            Member { id, name, registered_master: watched.registered_master, seen }
        };
        self.servers.iter().map(member).collect()
    }

    /// Remembers of the writer what later decisions need.
    fn note_writer(&mut self, members: &[Member], roles: &Roles) {
        let Ok(writer) = roles.writer else { return };
        let Some(watched) = self.servers.iter().find(|s| s.id == writer) else { return };
        let asked = watched.observation.lock().unwrap_or_else(PoisonError::into_inner).asked;
        if let Some(status) = members.iter().find(|m| m.id == writer).and_then(Member::status) {
            self.history.note(&status.position, asked);
            self.proofs.note(writer, status, members, asked);
        }
    }

    /// Tells the servers' pools who can be asked. Who is not written to any more finishes nothing that was begun.
    fn mark(&self, members: &[Member], roles: &Roles, before: Option<ServerId>) {
        for (watched, member) in self.servers.iter().zip(members) {
            let Ok(server) = &watched.server else { continue };
            match (&member.seen, server.down().is_some()) {
                (Seen::Dead(reason), false) => server.mark_down(reason),
                (Seen::Alive(_), true) => server.mark_up(),
                _ => {}
            }
            // A server just registered, which nobody has looked at yet, takes the role from none: who wants to write waits for
            // that look, and what was begun goes on unless it shows a second master.
            let lost_its_role = before == Some(watched.id)
                && !matches!(roles.writer, Ok(writer) if writer == watched.id)
                && roles.writer != Err(Stop::NotSeenYet)
                && self.told.stop.is_none();
            if lost_its_role && matches!(member.seen, Seen::Alive(_)) {
                server.mark_down("it is not the master any more");
                server.mark_up();
            }
        }
    }

    /// One line for each change that an operator should know of.
    fn tell(&mut self, group: &str, members: &[Member], roles: &Roles, before: Option<ServerId>) {
        let name = |id: ServerId| members.iter().find(|m| m.id == id).map_or("", |m| &*m.name);
        match &roles.writer {
            Ok(writer) => {
                if self.told.stop.take().is_some() {
                    tracing::info!("{group} is written to again: {} is its master", name(*writer));
                }
                if let Some(before) = before.filter(|before| before != writer) {
                    tracing::warn!(
                        "{} has taken the place of {} as the master of {group}: writes go there from now on. Register it as \
                         the master when it is to stay",
                        name(*writer),
                        name(before)
                    );
                }
            }
            // At the start nobody was looked at: that is no news.
            Err(Stop::NotSeenYet) => {}
            Err(stop) => {
                let text = stop.to_string();
                // The reason may say something new each time; the kind of trouble is news once.
                if self.told.stop.is_none() {
                    tracing::error!("nothing can be written to {group}: {text}");
                }
                self.told.stop = Some(text);
            }
        }
        let told = std::mem::take(&mut self.told.left_out);
        for (id, _) in told.iter().filter(|(id, _)| roles.readers.contains(id)) {
            tracing::info!("{} answers reads of {group} again", name(*id));
        }
        for (id, why) in &roles.left_out {
            let kind = why.kind().to_owned();
            let is_news = !told.iter().any(|(t, k)| t == id && *k == kind);
            // Whoever was to take the writes has been spoken of.
            let spoken_of =
                roles.writer.is_err() && members.iter().any(|m| m.id == *id && m.registered_master);
            if is_news && !spoken_of {
                tracing::warn!("{} answers no reads of {group}: {why}", name(*id));
            }
            self.told.left_out.push((*id, kind));
        }
    }
}

impl Why {
    /// What kind of trouble it is: within one, only numbers and words change.
    fn kind(&self) -> &'static str {
        match self {
            Why::Dead(_) => "dead",
            Why::Writable => "writable",
            Why::FollowsNobody | Why::FollowsStranger(_) => "follows another",
            Why::ReceiverStopped(_) => "receives nothing",
            Why::ApplierStopped(_) => "applies nothing",
            Why::Lagging { .. } => "behind",
        }
    }
}
