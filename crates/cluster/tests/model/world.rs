//! The whole state of the model, and how the actions of a step change it.

use std::collections::BTreeMap;

use super::super::fence::Slot;
use super::super::{Action, Connection, Core, Event, Incarnation, Millis, Outcome, Part, WriteId};
use super::case::{Budget, Case, NOW, number};
use super::database::Database;
use super::network::Link;
use super::node::{Node, Stage, incarnation, life_of, node_of};
use super::registry::{Answer, Registry, Request};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct World {
    pub(super) nodes: Vec<Node>,
    /// By the two nodes, the lower first.
    pub(super) links: BTreeMap<(usize, usize), Link>,
    pub(super) registry: Registry,
    pub(super) database: Database,
    /// The newest version of each scope that a writer was answered with.
    pub(super) answered: Vec<i64>,
    pub(super) left: Budget,
    /// A write was committed on ground that had been withdrawn.
    pub(super) withdrawn: bool,
    /// Who cannot reach the registry at this moment, where renewals take no time.
    pub(super) cut_off: Option<usize>,
}

impl World {
    /// Everybody who begins is registered, connected, and has what leases it wants.
    pub(super) fn begin(case: &Case) -> World {
        let count = case.roles.len();
        let pairs = (0..count).flat_map(|low| (low + 1..count).map(move |high| (low, high)));
        let mut world = World {
            nodes: vec![Node::down(case.scopes()); count],
            links: pairs.map(|pair| (pair, Link::default())).collect(),
            registry: Registry::default(),
            database: Database::new(case.scopes()),
            answered: vec![0; case.scopes()],
            left: case.budget,
            withdrawn: false,
            cut_off: None,
        };
        for node in (0..count).filter(|node| case.roles[*node].begins) {
            world.start(case, node);
            world.registry_carries_out(node);
            world.registry_answers(case, node);
        }
        for pair in world.links.keys().copied().collect::<Vec<_>>() {
            if world.nodes[pair.0].core.is_some() && world.nodes[pair.1].core.is_some() {
                world.connect(case, pair);
                while (0..2).any(|end| world.deliver(case, pair, end)) {}
            }
        }
        world.normalise(case);
        world
    }

    pub(super) fn start(&mut self, case: &Case, node: usize) {
        self.nodes[node].forget();
        self.begin_life(case, node);
    }

    fn begin_life(&mut self, case: &Case, node: usize) {
        self.nodes[node].lives += 1;
        let part = Part { me: incarnation(node, self.nodes[node].lives), caches: case.roles[node].caches };
        self.nodes[node].core = Some(Core::with_rules(case.rules, part, case.timing));
        self.step(case, node, Event::Tick);
    }

    pub(super) fn me(&self, node: usize) -> Incarnation {
        incarnation(node, self.nodes[node].lives)
    }

    pub(super) fn step(&mut self, case: &Case, node: usize, event: Event) {
        let Some(core) = &mut self.nodes[node].core else { return };
        let mut out = Vec::new();
        core.step(NOW, event, &mut out);
        for action in out {
            self.act(case, node, action);
        }
        if !case.slow_registry && self.nodes[node].request.is_some() {
            self.renew_at_once(case, node);
        }
    }

    fn renew_at_once(&mut self, case: &Case, node: usize) {
        if self.cut_off == Some(node) {
            let failed = self.nodes[node].request.take().map(|request| request.attempt);
            self.step(case, node, Event::RenewFailed { attempt: failed.unwrap() });
        } else {
            self.registry_carries_out(node);
            self.registry_answers(case, node);
        }
    }

    fn act(&mut self, case: &Case, node: usize, action: Action) {
        let here = &mut self.nodes[node];
        match action {
            Action::EpochBegan { until } => (here.epoch, here.until) = (here.epoch + 1, until),
            Action::EpochExtended { until } => here.until = until,
            Action::EpochEnded { .. } => (here.epoch, here.until) = (here.epoch + 1, Millis::NEVER),
            Action::Hold { scopes } => {
                for scope in scopes {
                    here.slots[number(scope)] += Slot::PUT;
                }
            }
            Action::Free { scopes, version } => {
                for scope in scopes.into_iter().map(number) {
                    here.slots[scope] -= Slot::LIFT;
                    let known = &mut here.known[scope];
                    *known = known.map(|known| version.map_or(known, |version| known.released(version)));
                }
            }
            Action::Send { peer, connection, message } => {
                let (link, _, to) = self.link(node, peer);
                assert_eq!(
                    connection,
                    Connection(link.id),
                    "sent over a connection that is not the current one"
                );
                link.send(to, message);
            }
            Action::Close { peer, .. } => {
                let (link, from, _) = self.link(node, peer);
                link.close(from, false);
            }
            Action::Renew { attempt, register } => {
                here.request = Some(Request { attempt, register, answer: None });
            }
            Action::Remove { member, attempt } => self.registry.remove(member, attempt),
            Action::WriteMayCommit { write } => here.writing(write.0).unwrap().stage = Stage::MayCommit,
            Action::WriteMustFail { write, .. } => {
                if let Some(writing) = here.writing(write.0) {
                    writing.stage = Stage::MustFail;
                }
            }
            Action::Rejoin => self.rejoin(case, node),
            Action::Left => self.crash(node),
            Action::FindOut { .. } | Action::Joined | Action::WakeAt { .. } => {}
        }
    }

    /// The link to a peer, and which end is here and which there.
    fn link(&mut self, node: usize, peer: Incarnation) -> (&mut Link, usize, usize) {
        let other = node_of(peer);
        let pair = (node.min(other), node.max(other));
        let here = usize::from(node > other);
        (self.links.get_mut(&pair).unwrap(), here, 1 - here)
    }

    fn close_all(&mut self, node: usize) {
        for (pair, link) in &mut self.links {
            for end in 0..2 {
                if [pair.0, pair.1][end] == node && link.open[end] {
                    link.close(end, false);
                }
            }
        }
    }

    /// The process lives on, with its cache and what it has in the database; nothing else is left of the old life.
    fn rejoin(&mut self, case: &Case, node: usize) {
        self.close_all(node);
        self.nodes[node].core = None;
        let undecided = |stage| matches!(stage, Stage::Begun | Stage::Locked | Stage::MustFail);
        let ended = self.nodes[node].writings.iter().filter(|writing| undecided(writing.stage));
        for write in ended.map(|writing| writing.write).collect::<Vec<_>>() {
            self.database.roll_back(write);
            self.nodes[node].writings.retain(|writing| writing.write != write);
        }
        if self.left.starts > 0 {
            self.left.starts -= 1;
            self.begin_life(case, node);
        } else {
            self.crash(node);
        }
    }

    /// The process dies. A commit that it sent may still be carried out.
    pub(super) fn crash(&mut self, node: usize) {
        for writing in std::mem::take(&mut self.nodes[node].writings) {
            self.database.orphan(writing.write, matches!(writing.stage, Stage::MayCommit | Stage::InDoubt));
        }
        self.close_all(node);
        self.nodes[node].forget();
    }

    pub(super) fn connect(&mut self, case: &Case, pair: (usize, usize)) {
        let link = self.links.get_mut(&pair).unwrap();
        link.connect();
        let connection = Connection(link.id);
        for (node, other) in [pair, (pair.1, pair.0)] {
            let peer = self.me(other);
            self.step(case, node, Event::Connected { peer, connection });
        }
    }

    pub(super) fn deliver(&mut self, case: &Case, pair: (usize, usize), end: usize) -> bool {
        let link = self.links.get_mut(&pair).unwrap();
        let connection = Connection(link.id);
        let Some(message) = link.queues[end].pop_front() else { return false };
        self.receive(case, pair, end, Event::Received { peer: self.peer(pair, end), connection, message });
        true
    }

    /// Whom the end of a link believes at the other: not a life that began since.
    fn peer(&self, pair: (usize, usize), end: usize) -> Incarnation {
        let (here, there) = ([pair.0, pair.1][end], [pair.0, pair.1][1 - end]);
        let core = self.nodes[here].core.as_ref();
        let connected = core.into_iter().flat_map(|core| &core.peers);
        let known = connected.filter(|(peer, known)| known.connection.is_some() && node_of(**peer) == there);
        known.map(|(peer, _)| *peer).max_by_key(|peer| life_of(*peer)).unwrap_or(self.me(there))
    }

    pub(super) fn receive(&mut self, case: &Case, pair: (usize, usize), end: usize, event: Event) {
        self.step(case, [pair.0, pair.1][end], event);
    }

    pub(super) fn notice_break(&mut self, case: &Case, pair: (usize, usize), end: usize) {
        let peer = self.peer(pair, end);
        let link = self.links.get_mut(&pair).unwrap();
        let connection = Connection(link.id);
        link.close(end, case.late_messages);
        self.step(case, [pair.0, pair.1][end], Event::Disconnected { peer, connection });
    }

    pub(super) fn deliver_late(&mut self, case: &Case, pair: (usize, usize), end: usize) {
        let Some((id, message)) = self.links.get_mut(&pair).unwrap().late[end].take() else { return };
        let (peer, connection) = (self.peer(pair, end), Connection(id));
        self.receive(case, pair, end, Event::Received { peer, connection, message });
    }

    pub(super) fn registry_carries_out(&mut self, node: usize) {
        let me = self.me(node);
        if let Some(request) = &mut self.nodes[node].request {
            request.answer = Some(self.registry.renew(me, request.attempt, request.register));
        }
    }

    pub(super) fn registry_answers(&mut self, case: &Case, node: usize) {
        let Some(request) = self.nodes[node].request.take() else { return };
        let attempt = request.attempt;
        match request.answer {
            Some(Answer::Members(members)) => self.step(case, node, Event::Renewed { attempt, members }),
            Some(Answer::Gone) => self.step(case, node, Event::Gone { attempt }),
            None => {}
        }
    }

    pub(super) fn write_ended(&mut self, case: &Case, node: usize, write: u64, outcome: Outcome) {
        self.step(case, node, Event::WriteEnded { write: WriteId(write), outcome });
    }
}
