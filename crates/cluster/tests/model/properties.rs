//! What must hold in every state, and what must happen in some, so that a model in which nothing happens proves nothing.

use stateright::{Model, Property};

use super::case::Case;
use super::moves::Move;
use super::node::{Load, Node, Stage};
use super::world::World;

pub(super) const NO_STALE_READ: &str = "no request is answered from before a write that was answered";
pub(super) const NEVER_BACK: &str = "no request is answered from before what another could see";
pub(super) const NO_WITHDRAWN_GROUND: &str = "no write is committed on withdrawn ground";
pub(super) const BOUNDED_WAIT: &str = "no write waits for its peers longer than a lease and the drift";

/// What must hold.
pub(super) const ALWAYS: [&str; 4] = [NO_STALE_READ, NEVER_BACK, NO_WITHDRAWN_GROUND, BOUNDED_WAIT];

pub(super) const MEMORY_ANSWERS: &str = "memory answers after a write";
pub(super) const REPLICA_ANSWERS: &str = "a replica answers after a write";
pub(super) const PEER_IS_TOLD: &str = "a write may be committed while a peer with a lease holds its scope";
pub(super) const PEER_IS_AWAITED: &str = "a write waits for a peer that it cannot reach";
pub(super) const REMOVED_ALIVE: &str = "a node is removed that still runs";
pub(super) const COMES_BACK: &str = "a node caches in its second life";
pub(super) const ORPHAN_COMMITS: &str = "the commit of a node that is gone is still on its way";

impl Model for Case {
    type State = World;
    type Action = Move;

    fn init_states(&self) -> Vec<World> {
        vec![World::begin(self)]
    }

    fn actions(&self, world: &World, moves: &mut Vec<Move>) {
        world.moves(self, moves);
    }

    fn next_state(&self, world: &World, made: Move) -> Option<World> {
        world.after(self, made)
    }

    fn within_boundary(&self, world: &World) -> bool {
        !world.is_at_rest(self)
    }

    fn properties(&self) -> Vec<Property<Case>> {
        let mut properties = vec![
            Property::always(NO_STALE_READ, |case: &Case, world: &World| {
                world.answers(case).all(|(scope, version)| version >= world.answered[scope])
            }),
            Property::always(NEVER_BACK, |case: &Case, world: &World| {
                world.answers(case).all(|(scope, version)| version >= world.database.versions[scope])
            }),
            Property::always(NO_WITHDRAWN_GROUND, |_: &Case, world: &World| !world.withdrawn),
            Property::always(BOUNDED_WAIT, |case: &Case, world: &World| {
                let ticks = case.timing.lease_ms + case.timing.drift_ms;
                world
                    .nodes
                    .iter()
                    .flat_map(|node| &node.writings)
                    .all(|write| u64::from(write.waited) <= ticks)
            }),
            Property::sometimes(MEMORY_ANSWERS, |case: &Case, world: &World| {
                let after_a_write =
                    |node: &Node| node.answer_from_memory(case, 0).is_some_and(|version| version > 0);
                world.nodes.iter().any(after_a_write)
            }),
            Property::sometimes(REPLICA_ANSWERS, |case: &Case, world: &World| {
                let found = world.database.replica[0];
                found > 0 && world.nodes.iter().any(|node| node.replica_may_answer(case, 0, found))
            }),
            Property::sometimes(PEER_IS_TOLD, |_: &Case, world: &World| {
                let committing =
                    |node: &Node| node.writings.iter().any(|write| write.stage == Stage::MayCommit);
                let told = |node: &Node| {
                    let core = node.core.iter().flat_map(|core| core.writes.values());
                    core.into_iter().any(|write| !write.told.is_empty())
                };
                world.nodes.iter().any(|node| committing(node) && told(node))
            }),
            Property::sometimes(PEER_IS_AWAITED, |_: &Case, world: &World| {
                let cores = world.nodes.iter().filter_map(|node| node.core.as_ref());
                cores.into_iter().any(|core| {
                    let awaited = core.writes.values().flat_map(|write| write.waiting.keys());
                    awaited
                        .into_iter()
                        .any(|peer| core.peers.get(peer).is_some_and(|peer| peer.connection.is_none()))
                })
            }),
            Property::sometimes(REMOVED_ALIVE, |_: &Case, world: &World| {
                let mut cores = world.nodes.iter().filter_map(|node| node.core.as_ref());
                cores.any(|core| {
                    core.membership.stage == super::super::membership::Stage::Registered
                        && !world.registry.rows.contains_key(&core.part.me)
                })
            }),
            Property::sometimes(COMES_BACK, |_: &Case, world: &World| {
                world.nodes.iter().any(|node| node.lives > 1 && node.epoch_now().is_some())
            }),
            Property::sometimes(ORPHAN_COMMITS, |_: &Case, world: &World| {
                world.database.open.iter().any(|open| open.orphan)
            }),
        ];
        properties.retain(|property| self.only.is_none_or(|only| only == property.name));
        properties
    }
}

impl World {
    /// No write is under way nor can begin, and all that anybody has is the newest: nothing can go wrong any more.
    fn is_at_rest(&self, case: &Case) -> bool {
        let newest = |scope: usize, version: i64| version == self.database.versions[scope];
        let at_rest = |node: &Node| {
            let mut cached = node.cached.iter().enumerate();
            let load_is = |load: Load| load.read.is_none_or(|(version, _)| newest(load.scope, version));
            node.writings.is_empty()
                && node.load.is_none_or(load_is)
                && cached.all(|(scope, cached)| cached.is_none_or(|cached| newest(scope, cached.version)))
        };
        self.left.writes == 0
            && self.database.open.is_empty()
            && (!case.replica || self.database.replica == self.database.versions)
            && self.nodes.iter().all(at_rest)
    }

    /// What a request that comes to any node now could be answered other than by the master: the scope and the version.
    fn answers<'a>(&'a self, case: &'a Case) -> impl Iterator<Item = (usize, i64)> + 'a {
        let scopes =
            (0..case.scopes()).flat_map(move |scope| self.nodes.iter().map(move |node| (scope, node)));
        scopes.flat_map(move |(scope, node)| {
            let found = self.database.replica[scope];
            let replica = case.replica && node.replica_may_answer(case, scope, found);
            let memory = node.answer_from_memory(case, scope);
            memory.into_iter().chain(replica.then_some(found)).map(move |version| (scope, version))
        })
    }
}
