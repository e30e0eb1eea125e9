//! Taking up other members, balancers and paths while serving: whoever stays goes on as it was.
//!
//! Called by `live` when the configuration was read again and can work. Requests under way keep the plan they began with, and
//! so end well with a member that has gone.

use std::sync::{Arc, PoisonError};

use crate::FoundNode;
use crate::found::MeshTerms;
use crate::layout::Layout;
use crate::manager::Held;
use crate::member::Member;
use crate::members::Members;
use crate::params::balancer::BalancerConfig;
use crate::params::member::MemberConfig;
use crate::tier::{Plan, Tier};

impl Tier {
    /// Makes this the plan, and of the mesh what these terms say. A member that stays (same balancer, route, address and protocol),
    /// whether it was named or found and is, keeps its connections, counts and state.
    pub(crate) fn rearrange(&self, layout: &Layout, terms: MeshTerms, nodes: Option<&[FoundNode]>) {
        // Whoever hears of other nodes meanwhile waits, and so does the manager.
        let mut mesh = self.mesh.lock().unwrap_or_else(PoisonError::into_inner);
        mesh.terms = terms;
        if let Some(nodes) = nodes {
            nodes.clone_into(&mut mesh.nodes);
        }
        let held = self.manager.hold();
        let before = self.plan();
        let found = mesh.members();
        let balancers = layout.balancers.iter().enumerate().map(|(place, balancer)| {
            // Those that were found belong to the first one.
            let found = if place == 0 { found.as_slice() } else { &[] };
            match before.balancers.iter().find(|old| *old.name == *balancer.name) {
                Some(old) => self.follow(old, balancer, found, &held),
                None => {
                    let nobody = BalancerConfig { members: Vec::new(), ..balancer.clone() };
                    let new = Members::new(&nobody, &self.config, 0, self.moment_of_all());
                    self.follow(&new, balancer, found, &held)
                }
            }
        });
        let balancers: Vec<_> = balancers.collect();
        let staying: Vec<_> = balancers.iter().flat_map(Members::list).map(|member| member.number).collect();
        self.replace_plan(Plan { balancers, mappings: layout.mappings.clone() });
        for member in before.balancers.iter().flat_map(Members::list) {
            if !staying.contains(&member.number) {
                member.pool.clear();
                said(&member, "member is gone");
            }
        }
    }

    /// A balancer as it is configured now, with those that were found.
    fn follow(
        &self,
        old: &Members,
        balancer: &BalancerConfig,
        found: &[MemberConfig],
        held: &Held<'_>,
    ) -> Members {
        let moment = self.moment_of_all();
        let was_empty = old.list().is_empty();
        let again = |member: &Arc<Member>, config: &_| {
            if member.config == *config {
                return member.clone();
            }
            let changed = member.with(config, &self.config);
            held.reconcile(&member.config, &changed);
            said(&changed, "member has other parameters");
            changed
        };
        let make = |config: &_| {
            let member = Member::new(self.number(), old.name.clone(), config, &self.config, moment);
            if !was_empty {
                member.begins(moment.now);
            }
            held.recall(&member);
            said(&member, "member has come");
            member
        };
        old.rearranged(balancer, found, again, make)
    }
}

fn said(member: &Member, what: &str) {
    tracing::info!(balancer = &*member.balancer, route = member.route, address = member.address, "{what}");
}
